"""A mesh of thousands of sidecars over days, written an hour at a time, less five minutes.

`build_mesh` holds all samples of a mesh at once, which 15,000 sidecars do not permit. Here every
workload has five pods and calls the next one. Load and noise stay the same for five minutes, so
sums are exact. All proxies have one cost per request, which a fit has to find.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np

from analyzer.arrays import Floats
from tests.support import labels
from tests.support.default import DEFAULT_START
from tests.support.layout import Pod, lay_out
from tests.support.remote_write import (
    encoded_labels,
    encoded_series,
    send,
    set_values,
    timed_samples,
)
from tests.support.spec import MEBIBYTE, MeshSpec, WorkloadSpec

VCPU_PER_1000_RPS: Final = 0.35

PODS_PER_WORKLOAD: Final = 5
_WORKLOADS_PER_NAMESPACE: Final = 3
_PODS_PER_NODE: Final = 75

NOISE_SECONDS: Final = 300

_SLICE_SECONDS: Final = 3300
"""A server finds a series by its labels once a request, which takes most of the time: requests span
as much as `remote_write` says they may."""

_DAY_SECONDS: Final = 86_400
_AGE_SECONDS: Final = 3 * _DAY_SECONDS
_PODS_PER_REQUEST: Final = 500


@dataclass(frozen=True, kw_only=True)
class GreatMesh:
    """How large a mesh is. The same one always gives the same samples.

    Attributes:
        pods: number of sidecars, a multiple of `PODS_PER_WORKLOAD`.
        days: length of its window.
        scrape_seconds: between two samples of a series; five minutes are a multiple of it.
    """

    pods: int
    days: int
    scrape_seconds: int = 300
    seed: int = 1

    @cached_property
    def spec(self) -> MeshSpec:
        """The mesh as the helpers for small ones know it, for names and labels."""
        count = self.pods // PODS_PER_WORKLOAD
        keys = [f"n{at // _WORKLOADS_PER_NAMESPACE:04}/w{at:04}" for at in range(count)]
        return MeshSpec(
            seed=self.seed,
            start=DEFAULT_START,
            hours=24 * self.days,
            nodes=max(1, self.pods // _PODS_PER_NODE),
            workloads=tuple(
                WorkloadSpec(
                    namespace=key.split("/")[0],
                    name=key.split("/")[1],
                    pods=PODS_PER_WORKLOAD,
                    idle_vcpu=0.0,
                    inbound_rps_per_pod=1.0,
                    outbound_ratio=1.0,
                    calls=(keys[(at + 1) % count],),
                )
                for at, key in enumerate(keys)
            ),
            envoy_scrape_seconds=self.scrape_seconds,
            cadvisor_scrape_seconds=self.scrape_seconds,
            state_scrape_seconds=self.scrape_seconds,
        )

    @property
    def name(self) -> str:
        """A name for its folder."""
        return f"{self.pods}-pods-{self.days}-days-{self.scrape_seconds}-s-seed-{self.seed}"

    @cached_property
    def pod_list(self) -> tuple[Pod, ...]:
        """Its pods, those of one workload after the other."""
        return tuple(pod for pods in lay_out(self.spec) for pod in pods)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What the sidecars of a great mesh use together, averaged over its window."""

    vcpu: float
    proxy_rps: float

    def apart(self, answer: Mapping[str, Any]) -> dict[str, float]:
        """Return by which share figures of an answer as JSON differ from the truth, by name."""
        slope = answer["calibration"]["sidecar"]["vcpu_per_1000_rps"]["mid"]
        found = {
            "vCPU": answer["measured"]["sidecar_vcpu"] / self.vcpu,
            "requests": answer["mesh"]["proxy_rps"] / self.proxy_rps,
            "vCPU per 1000 RPS": slope / VCPU_PER_1000_RPS,
        }
        return {name: abs(one - 1) for name, one in found.items()}


class _Load:
    """What the pods of a mesh have done so far, and do in each interval of noise.

    All arrays of pods have shape (pods,), those of an interval as well.
    """

    def __init__(self, mesh: GreatMesh) -> None:
        self._random = np.random.default_rng([mesh.seed, 7])
        workloads = mesh.pods // PODS_PER_WORKLOAD
        draw = self._random
        self._base = draw.lognormal(np.log(20.0), 0.8, workloads)
        self._swing, self._peak = draw.uniform(0.2, 0.6, workloads), draw.uniform(0, 1, workloads)
        self._idle = np.repeat(draw.uniform(0.003, 0.02, workloads), PODS_PER_WORKLOAD)
        shares = draw.lognormal(0, 0.3, (2, workloads, PODS_PER_WORKLOAD))
        self._shares = shares / shares.mean(axis=2, keepdims=True)

    def next_rates(self, begin_seconds: int) -> dict[str, Floats]:
        """Return the CPU and the requests in and out of each pod, in the next interval."""
        draw, workloads = self._random, len(self._base)
        angle = 2 * np.pi * (begin_seconds / _DAY_SECONDS - self._peak)
        course = self._base * (1 + self._swing * np.cos(angle))
        rps = course * _factors(draw, 0.15, workloads)
        inbound = (self._shares[0] * rps[:, None]).ravel()
        outbound = (self._shares[1] * np.roll(rps, -1)[:, None]).ravel()
        noise = np.repeat(_factors(draw, 0.05, workloads), PODS_PER_WORKLOAD)
        noise *= _factors(draw, 0.08, len(inbound))
        vcpu = (self._idle + VCPU_PER_1000_RPS * (inbound + outbound) / 1000) * noise
        return {"vcpu": vcpu, "inbound": inbound, "outbound": outbound}


def _factors(draw: np.random.Generator, cv: float, count: int) -> Floats:
    """Return random factors with a mean of 1."""
    return np.asarray(draw.lognormal(-cv * cv / 2, cv, count))


def write_great_mesh(mesh: GreatMesh, url: str) -> Totals:
    """Write a mesh to a remote-write URL, and return what is true of it."""
    writer = _Writer(mesh)
    send(url, writer.bodies())
    return Totals(
        vcpu=float(writer.used["vcpu"].sum()) / (mesh.days * _DAY_SECONDS),
        proxy_rps=float(writer.used["inbound"].sum() + writer.used["outbound"].sum())
        / (mesh.days * _DAY_SECONDS),
    )


class _Writer:
    """The bodies of all requests, in time order."""

    def __init__(self, mesh: GreatMesh) -> None:
        self._mesh, self._load = mesh, _Load(mesh)
        random = np.random.default_rng([mesh.seed, 8])
        self._phases_ms = random.integers(0, mesh.scrape_seconds * 1000, mesh.pods)
        self._counted = [_labels_of(mesh, pod) for pod in mesh.pod_list]
        self.used = {name: np.zeros(mesh.pods) for name in ("vcpu", "inbound", "outbound")}
        """What each pod has used since the begin of the window."""
        first = _Load(mesh).next_rates(0)
        self._starts = {name: rate * _AGE_SECONDS for name, rate in first.items()}

    def bodies(self) -> Iterator[bytes]:
        """Yield each request's body."""
        whole = self._mesh.days * _DAY_SECONDS
        for begin in range(0, whole, _SLICE_SECONDS):
            yield from self._slice(begin, min(begin + _SLICE_SECONDS, whole))

    def _slice(self, begin: int, end: int) -> Iterator[bytes]:
        rates = [self._load.next_rates(second) for second in range(begin, end, NOISE_SECONDS)]
        # What a counter has at the begin of each interval, shape (pods, intervals + 1).
        totals = {
            name: (
                used[:, None]
                + np.cumsum([np.zeros(len(used)), *(one[name] for one in rates)], axis=0).T
                * NOISE_SECONDS
            )
            for name, used in self.used.items()
        }
        for first in range(0, self._mesh.pods, _PODS_PER_REQUEST):
            chosen = slice(first, first + _PODS_PER_REQUEST)
            yield self._body(begin, chosen, totals, rates)
        yield b"".join(self._of_nodes(begin, end))
        self.used = {name: np.asarray(total[:, -1]) for name, total in totals.items()}

    def _body(
        self, begin: int, chosen: slice, totals: dict[str, Floats], rates: list[dict[str, Floats]]
    ) -> bytes:
        since_ms = (
            self._phases_ms[chosen, None]
            + np.arange(0, len(rates) * NOISE_SECONDS, self._mesh.scrape_seconds)[None, :] * 1000
        )
        times_ms = self._mesh.spec.start_ms + begin * 1000 + since_ms
        table, seconds = timed_samples(times_ms), since_ms / 1000
        interval = (seconds // NOISE_SECONDS).astype(np.int64)
        within, row = seconds - interval * NOISE_SECONDS, np.arange(len(since_ms))[:, None]
        encoded: dict[str, list[bytes]] = {}
        for name, total in totals.items():
            at = total[chosen][row, interval]
            rate = np.stack([one[name][chosen] for one in rates], axis=1)[row, interval]
            values = self._starts[name][chosen, None] + at + rate * within
            encoded[name] = _rows(table, values)
        for name, value in _CONSTANTS.items():
            encoded[name] = _rows(table, np.full(times_ms.shape, value))
        return b"".join(
            encoded_series(found, encoded[name][place])
            for place, of_pod in enumerate(self._counted[chosen])
            for name, found in of_pod.items()
        )

    def _of_nodes(self, begin: int, end: int) -> Iterator[bytes]:
        seconds = np.arange(begin, end, self._mesh.scrape_seconds, dtype=np.int64)
        times_ms = self._mesh.spec.start_ms + 1000 * seconds
        table = timed_samples(times_ms)
        for node in range(self._mesh.spec.nodes):
            for name, found, value in _of_node(node):
                set_values(table, np.full(len(times_ms), value))
                yield encoded_series(_encoded(name, found), table.tobytes())


_CONSTANTS: Final = {
    "memory": 60.0 * MEBIBYTE,
    "build": 1.0,
    "placement": 1.0,
    "reserved_vcpu": 0.1,
    "reserved_memory": 128.0 * MEBIBYTE,
}


def _rows(table: np.ndarray, values: Floats) -> list[bytes]:
    """Return the samples of each pod."""
    set_values(table, values)
    return [row.tobytes() for row in table]


def _labels_of(mesh: GreatMesh, pod: Pod) -> dict[str, bytes]:
    """Return the encoded labels of each series of a pod, by what it counts."""
    own, target = labels.peer(pod.workload.key), labels.peer(pod.workload.calls[0])
    at = int(pod.workload.name[1:]) - 1
    caller = labels.peer(mesh.spec.workloads[at].key)
    container = labels.container_cgroup(pod, "istio-proxy", pod.container_ids[0])
    envoy = labels.envoy_target(pod)
    ends = {"inbound": ("destination", caller, own), "outbound": ("source", own, target)}
    requests = {
        name: {
            **labels.istio_labels(reporter=side, source=source, target=peer, protocol="http"),
            **envoy,
        }
        for name, (side, source, peer) in ends.items()
    }
    reservation = "kube_pod_container_resource_requests"
    found = {
        "vcpu": ("container_cpu_usage_seconds_total", {**container, "cpu": "total"}),
        "memory": ("container_memory_working_set_bytes", container),
        **{name: ("istio_requests_total", one) for name, one in requests.items()},
        "build": ("istio_build", labels.build_labels(pod)),
        "placement": ("kube_pod_info", labels.pod_info(pod)),
        "reserved_vcpu": (reservation, labels.reservation(pod, "cpu")),
        "reserved_memory": (reservation, labels.reservation(pod, "memory")),
    }
    return {key: _encoded(name, one) for key, (name, one) in found.items()}


def _of_node(node: int) -> Iterator[tuple[str, labels.Labels, float]]:
    yield "kube_node_info", labels.node_info(node), 1.0
    for resource, amount in (("cpu", 16.0), ("memory", 64.0 * 1024 * MEBIBYTE)):
        yield "kube_node_status_allocatable", labels.allocatable(node, resource), amount


def _encoded(name: str, found: labels.Labels) -> bytes:
    return encoded_labels(sorted({"__name__": name, **found}.items()))


def end_of(mesh: GreatMesh) -> str:
    """Return the end of its window, as the command line takes it."""
    return (DEFAULT_START + timedelta(days=mesh.days)).isoformat()
