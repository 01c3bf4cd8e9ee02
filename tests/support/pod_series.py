"""The series of one pod, at most eight at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tests.support import labels
from tests.support.labels import Labels, Peer
from tests.support.layout import Pod, generator, node_name
from tests.support.series import (
    Clock,
    Series,
    Total,
    counter_of_life,
    lives,
    make_series,
    scrapes_between,
    target_clock,
    with_stale_end,
)
from tests.support.spec import MeshSpec
from tests.support.traffic import TCP_SHARES, Floats, PodLoad
from tests.support.truth import destination

SERIES_PER_POD = 8
"""Most series a pod has at a time. A restarted proxy has more over its two lives."""

_CPU = "container_cpu_usage_seconds_total"
_MEMORY = "container_memory_working_set_bytes"
_PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scrapers:
    """Clocks that pods share: one of kube-state-metrics, one of each node's cAdvisor."""

    state: Clock
    nodes: tuple[Clock, ...]

    @classmethod
    def of(cls, spec: MeshSpec) -> "Scrapers":
        """Draw the clocks of a mesh."""

        def drawn(name: str, interval_seconds: float) -> Clock:
            return target_clock(spec, generator(spec, "clocks", name), interval_seconds)

        nodes = [drawn(node_name(n), spec.cadvisor_scrape_seconds) for n in range(spec.nodes)]
        state = drawn("kube-state-metrics", spec.state_scrape_seconds)
        return cls(state=state, nodes=tuple(nodes))


def pod_series(
    spec: MeshSpec,
    pod: Pod,
    load: PodLoad,
    scrapers: Scrapers,
    random: np.random.Generator,
) -> list[Series]:
    """Return all series of a pod."""
    lag_seconds = random.uniform(0, spec.cpu_lag_seconds)
    observer = _Observer(
        spec=spec,
        pod=pod,
        load=load,
        envoy=target_clock(spec, random, spec.envoy_scrape_seconds),
        cadvisor=scrapers.nodes[pod.node].behind(random, lag_seconds),
        state=scrapers.state,
    )
    found = [*observer.containers(), *observer.traffic(), *observer.state_series()]
    second_life = pod.container_ids[-1] if pod.restart_seconds is not None else ""
    at_a_time = [series for series in found if dict(series.labels).get("name") != second_life]
    if len(at_a_time) > SERIES_PER_POD:
        raise AssertionError(f"{pod.name}: {len(at_a_time)} series")
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Observer:
    """Sees one pod as its scrapers do."""

    spec: MeshSpec
    pod: Pod
    load: PodLoad
    envoy: Clock
    cadvisor: Clock
    state: Clock

    def containers(self) -> Iterator[Series]:
        """Return cAdvisor's series."""
        load, workload = self.load, self.pod.workload
        proxy = self._total(load.proxy_vcpu)
        start = self._start_value(load.proxy_vcpu)
        for number, life in enumerate(lives(self.pod)):
            found = labels.container_cgroup(self.pod, "istio-proxy", self.pod.container_ids[number])
            yield self._cpu(found, proxy, life, 0.0 if number else start)
            yield self._memory(found, life)
        whole_life = (self.pod.birth_seconds, self.pod.death_seconds)
        if workload.traffic != "tcp":
            # TCP pods have two byte counters more; their cgroup's double is what they give up.
            both = load.proxy_vcpu + load.app_vcpu
            cgroup = labels.pod_cgroup(self.pod)
            yield self._cpu(cgroup, self._total(both), whole_life, self._start_value(both))
        if workload.role == "sidecar" and not workload.has_inbound_http:
            # Else nothing would tell the sidecar from a gateway.
            found = labels.container_cgroup(self.pod, "app", self.pod.uid.replace("-", ""))
            total = self._total(load.app_vcpu)
            yield self._cpu(found, total, whole_life, self._start_value(load.app_vcpu))

    def traffic(self) -> Iterator[Series]:
        """Return the proxy's own series."""
        workload, load = self.pod.workload, self.load
        caller = labels.caller_of(self.pod, self.spec.workloads)
        own, target = labels.peer(workload.key), labels.peer(destination(self.pod))
        if workload.has_inbound_http:
            reporter = "waypoint" if workload.role == "waypoint" else "destination"
            answers = labels.inbound_target(self.pod)
            found = self._istio(reporter, caller, answers, "http")
            yield self._counted("istio_requests_total", found, load.inbound_rps)
        if workload.has_outbound_http:
            found = self._istio("source", own, target, "http")
            yield self._counted("istio_requests_total", found, load.outbound_rps)
        if workload.traffic == "tcp":
            found = self._istio("destination", caller, own, "tcp")
            for name, share in TCP_SHARES.items():
                yield self._counted(name, found, share * load.tcp_bytes_per_second)
        if workload.traffic == "none" or workload.role == "ztunnel":
            found = labels.build_labels(self.pod)
            yield self._constant("istio_build", found, 1.0, self.envoy)

    def state_series(self) -> Iterator[Series]:
        """Return the series of kube-state-metrics."""
        workload = self.pod.workload
        yield self._constant("kube_pod_info", labels.pod_info(self.pod), 1.0, self.state)
        family = "init_container" if workload.native else "container"
        reserved = {"cpu": workload.reserved_vcpu, "memory": workload.reserved_memory_bytes}
        for resource, amount in reserved.items():
            if amount:
                name = f"kube_pod_{family}_resource_requests"
                found = labels.reservation(self.pod, resource)
                yield self._constant(name, found, amount, self.state)

    def _istio(self, reporter: str, source: Peer, target: Peer, protocol: str) -> Labels:
        found = labels.istio_labels(
            reporter=reporter, source=source, target=target, protocol=protocol
        )
        return {**found, **labels.envoy_target(self.pod)}

    def _total(self, rates: Floats) -> Total:
        return Total.of(self.load.edges_seconds, rates)

    def _start_value(self, rates: Floats) -> float:
        """Return what a counter stood at when the window's grid began."""
        return float(rates.mean() * self.pod.age_seconds)

    def _cpu(
        self, found: Labels, total: Total, life: tuple[int, int], start_value: float
    ) -> Series:
        sampled = counter_of_life(self.cadvisor, total, life, start_value)
        return make_series(self.spec, _CPU, {**found, "cpu": "total"}, *sampled)

    def _memory(self, found: Labels, life: tuple[int, int]) -> Series:
        kept = scrapes_between(self.cadvisor, *life)
        # A lagging read just before birth would find no pod.
        reads = np.maximum(self.cadvisor.read_seconds[kept], self.pod.birth_seconds)
        cells = np.searchsorted(self.load.edges_seconds, reads, side="right") - 1
        pages = np.round(self.load.memory_bytes[cells] / _PAGE_BYTES) * _PAGE_BYTES
        seconds = self.cadvisor.scrape_seconds[kept]
        return make_series(self.spec, _MEMORY, found, seconds, pages)

    def _counted(self, name: str, found: Labels, rates: Floats) -> Series:
        """Return a counter of the proxy: whole numbers, falling back to 0 when it restarts."""
        total, start = self._total(rates), self._start_value(rates)
        parts = [
            counter_of_life(self.envoy, total, life, 0.0 if number else start)
            for number, life in enumerate(lives(self.pod))
        ]
        seconds = np.concatenate([part[0] for part in parts])
        values = np.floor(np.concatenate([part[1] for part in parts]))
        sampled = with_stale_end(self.spec, self.pod, self.envoy, (seconds, values))
        return make_series(self.spec, name, found, *sampled)

    def _constant(self, name: str, found: Labels, value: float, clock: Clock) -> Series:
        kept = scrapes_between(clock, self.pod.birth_seconds, self.pod.death_seconds)
        seconds = clock.scrape_seconds[kept]
        values = np.full(len(seconds), value)
        sampled = with_stale_end(self.spec, self.pod, clock, (seconds, values))
        return make_series(self.spec, name, found, *sampled)
