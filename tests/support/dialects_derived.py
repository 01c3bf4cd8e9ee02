"""Stores that hold something else than what was scraped: sums, rates, or half of it."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from tests.support.completing import completed
from tests.support.dialect import EVERY_ANSWER, Dialect
from tests.support.dialects_addon import addon_jobs
from tests.support.dialects_operator import KUBE_PROMETHEUS_JOBS, kube_prometheus
from tests.support.labels import Labels, pod_cgroup
from tests.support.layout import node_name
from tests.support.mesh import Mesh
from tests.support.sampling import counted, rates_at, total_at
from tests.support.scraping import (
    Jobs,
    family_of,
    labelled,
    pod_key,
    pods_by_name,
    scrape,
    with_series,
)
from tests.support.series import Integers, Series

_CPU = "container_cpu_usage_seconds_total"
_MEMORY = "container_memory_working_set_bytes"
_PREFIX = "node_namespace_pod_container"
_RULE_SECONDS = 30.0
"""How often Prometheus evaluates kube-prometheus's rules."""


def _moments(mesh: Mesh, step_seconds: float) -> Integers:
    """Return the moments at which a rule is evaluated, or a federation scraped."""
    seconds = np.arange(step_seconds, mesh.spec.window_seconds, step_seconds)
    return np.asarray(mesh.spec.start_ms + np.round(seconds * 1000).astype(np.int64))


def _grouped(
    series: Collection[Series], without: Collection[str]
) -> dict[tuple[tuple[str, str], ...], list[Series]]:
    """Return series by what remains of their labels."""
    groups: defaultdict[tuple[tuple[str, str], ...], list[Series]] = defaultdict(list)
    for one in series:
        groups[tuple(pair for pair in one.labels if pair[0] not in without)].append(one)
    return groups


def _federated(mesh: Mesh) -> Mesh:
    whole = completed(mesh)
    scraped = scrape(whole, {"envoy": addon_jobs(whole)["envoy"]})
    groups = _grouped(
        scraped.named("istio_requests_total"), without={"instance", "namespace", "pod"}
    )
    times_ms = _moments(mesh, mesh.spec.envoy_scrape_seconds)

    def sums() -> Iterator[Series]:
        for labels, members in groups.items():
            moments, values = total_at(members, times_ms)
            yield Series(labels=labels, times_ms=moments, values=values)

    jobs: Jobs = {**KUBE_PROMETHEUS_JOBS, "envoy": []}
    return with_series(mesh, [*scrape(whole, jobs).series, *sums()])


FEDERATION = Dialect(
    name="istio-production-federation",
    tell=_federated,
    possible=EVERY_ANSWER - {"rps_per_pod", "tcp_bytes", "roles"},
    limits=(
        "requests of a pod: they are summed up to workloads; TCP bytes: Istio's rules name metrics "
        "that do not exist; waypoints from gateways: a waypoint is not in its own labels, and "
        "istio_build is not federated; and where pods come and go, sums fall as if counters had "
        "been reset, so that rates are wrong"
    ),
)
"""What Istio's page on observability in production recommends: federation of sums.

Rests on its recording rule, istio_requests_total summed without instance, namespace and pod, and
on its federation of nothing but such rules, their prefix taken off. Job, node and pod labels of the
sample add-on stay on the sums. The production Prometheus has kubelets and kube-state-metrics of its
own.
"""


def _by_rules(mesh: Mesh, *, rules: Mapping[str, bool]) -> Mesh:
    told = kube_prometheus(mesh)
    nodes = {key: node_name(pod.node) for key, pod in pods_by_name(mesh).items()}
    times_ms = _moments(mesh, _RULE_SECONDS)
    containers = [one for one in told.named(_CPU) if "image" in dict(one.labels)]
    kept = {"namespace", "pod", "container"}
    names = {name for one in containers for name, _ in one.labels} - kept

    def recorded() -> Iterator[Series]:
        for labels, lives in _grouped(containers, without=names).items():
            own = dict(labels)
            own["node"] = nodes[own["namespace"], own["pod"]]
            for name, instant in rules.items():
                table = np.array([rates_at(one, times_ms, instant=instant) for one in lives])
                there = ~np.isnan(table).all(axis=0)
                rates = Series(
                    labels=(), times_ms=times_ms[there], values=np.nansum(table, axis=0)[there]
                )
                yield labelled(rates, {"__name__": f"{_PREFIX}:{_CPU}:{name}", **own})
        for series in told.named(_MEMORY):
            if "image" in dict(series.labels):
                yield labelled(series, {**dict(series.labels), "__name__": f"{_PREFIX}:{_MEMORY}"})

    raw = {_CPU, _MEMORY}
    return with_series(told, [*(one for one in told.series if one.name not in raw), *recorded()])


_RULE_LIMITS = (
    "windows shorter than those of the rules, and how often the kubelet was scraped: CPU is there "
    "only as a rate"
)


def _by_new_rules(mesh: Mesh) -> Mesh:
    return _by_rules(mesh, rules={"sum_rate5m": False, "sum_irate": True})


def _by_old_rules(mesh: Mesh) -> Mesh:
    return _by_rules(mesh, rules={"sum_irate": True})


RECORDING_RULES = Dialect(name="recording-rules", tell=_by_new_rules, limits=_RULE_LIMITS)
"""kube-prometheus's recording rules without the raw series they are made of.

Rests on those rules: rates of containers that have an image, summed up by namespace, pod and
container, with the pod's node; and working sets with all their labels.
"""

OLD_RECORDING_RULES = Dialect(name="recording-rules-irate", tell=_by_old_rules, limits=_RULE_LIMITS)
"""The same with sum_irate alone: the rate between the last two samples."""


def pods_only(mesh: Mesh) -> Mesh:
    """Return a mesh whose cAdvisor reports pods, and no container in them."""
    pods = pods_by_name(mesh)
    others = [one for one in mesh.series if family_of(one.name) != "cadvisor"]
    of_pods: defaultdict[tuple[str, tuple[str, str]], list[Series]] = defaultdict(list)
    for series in mesh.series:
        key = pod_key(series)
        if family_of(series.name) == "cadvisor" and key is not None:
            of_pods[series.name, key].append(series)

    def cgroups() -> Iterator[Series]:
        for (name, key), members in of_pods.items():
            whole = [one for one in members if "container" not in dict(one.labels)]
            labels: Labels = {"__name__": name, **pod_cgroup(pods[key])}
            if name == _CPU:
                labels["cpu"] = "total"
            yield from whole or [labelled(_together(members), labels)]

    return with_series(mesh, [*others, *cgroups()])


def _together(members: Sequence[Series]) -> Series:
    """Return the series of a pod's cgroup, given its containers; their restarts do not reset it."""
    times_ms = np.unique(np.concatenate([one.times_ms for one in members]))
    values = np.zeros(len(times_ms))
    for one in members:
        if one.name.endswith("_total"):
            whole = one.values[0] + counted(one.values)
            values += np.interp(times_ms, one.times_ms, whole, left=0.0)
        else:
            values[np.searchsorted(times_ms, one.times_ms)] += one.values
    return Series(labels=(), times_ms=times_ms, values=values)


def _without_containers(mesh: Mesh) -> Mesh:
    return scrape(pods_only(completed(mesh)), KUBE_PROMETHEUS_JOBS)


EMPTY_CONTAINERS = Dialect(
    name="empty-container-labels",
    tell=_without_containers,
    possible=EVERY_ANSWER - {"sidecar_vcpu"},
    limits=(
        "CPU and memory of sidecars: cAdvisor tells only of whole pods, application and all; what "
        "gateways, waypoints and ztunnels use is their pod's"
    ),
)
"""cAdvisor without its container runtime: labels `container`, `image` and `name` are empty.

Rests on cAdvisor's labels: a pod's own cgroup has namespace and pod alone.
"""
