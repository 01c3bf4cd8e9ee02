"""A mesh in which both sides of every call report the same requests."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from tests.support.bent.healthy import healthy
from tests.support.bent.scene import CPU, MEMORY, REQUESTS, Counted, Scene
from tests.support.series import Series

_SCRAPE_SECONDS = 30
_IDLE, _PER_1000 = 0.01, 0.3
_NODES = 3

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One workload with sidecars, or a gateway, and whom it calls how often.

    Attributes:
        calls: requests per second of each pod to each other workload, "namespace/name".
        role: "sidecar", "gateway" or "bare", which has no proxy.
    """

    key: str
    pods: int
    calls: Mapping[str, float]
    role: str = "sidecar"


MESH = (
    Caller(key="edge/door", pods=2, calls={"shop/web": 90.0}, role="gateway"),
    Caller(key="shop/web", pods=3, calls={"pay/api": 80.0, "shop/cart": 40.0}),
    Caller(key="shop/cart", pods=2, calls={"stock/items": 50.0}),
    Caller(key="pay/api", pods=3, calls={}),
    Caller(key="stock/items", pods=2, calls={}),
    Caller(key="stock/import", pods=2, calls={"pay/api": 70.0}),
)

BESIDE_BARE = (
    *MESH[:1],
    replace(MESH[1], calls={**MESH[1].calls, "bank/ledger": 45.0}),
    *MESH[2:],
    Caller(key="bank/ledger", pods=2, calls={}, role="bare"),
)
"""The same with a destination outside the mesh."""


def called(
    seed: int,
    *,
    day: int = 0,
    hours: float = 3,
    callers: tuple[Caller, ...] = MESH,
    stateful: bool = False,
) -> Scene:
    """Return the mesh on a day of its own; with `stateful` every pod's name is its number."""
    scene = healthy(seed, day=day, hours=hours)
    random = np.random.default_rng(seed)
    world = _World(scene.start, hours, random)
    pods = {
        one.key: [_pod_name(one.key, n, random, stateful=stateful) for n in range(one.pods)]
        for one in callers
    }
    rates = {
        (one.key, other, n): world.rate(rps)
        for one in callers
        for other, rps in one.calls.items()
        for n in range(one.pods)
    }
    total: dict[tuple[str, str], Floats] = {}
    for (caller, other, _), rate in rates.items():
        total[caller, other] = total.get((caller, other), np.zeros(len(rate))) + rate
    meshed = {one.key for one in callers if one.role != "bare"}
    found: list[Series] = []
    cpu: list[Series] = []
    requests: list[Series] = []
    calls: list[Series] = []
    number = 0
    for one in callers:
        inbound = [pair for pair in total if pair[1] == one.key]
        for n, pod in enumerate(pods[one.key]):
            number += 1
            who = _identity(one.key, pod, number)
            if one.role == "bare":
                continue
            own: list[Series] = []
            load = np.zeros(len(world.times))
            if one.role == "sidecar":
                for caller, _ in inbound:
                    part = total[caller, one.key] / one.pods
                    load += part
                    own.append(world.requests(who, "destination", caller, one.key, part))
                calls += own
            for other in one.calls:
                part = rates[one.key, other, n]
                load += part
                sent = world.requests(who, "source", one.key, other, part)
                own.append(sent)
                if other not in meshed:
                    calls.append(sent)
            vcpu = world.noisy(_IDLE + _PER_1000 / 1000 * load)
            used = world.cpu(who, "istio-proxy", vcpu)
            found += [*own, used, *world.others(who, vcpu, is_sidecar=one.role == "sidecar")]
            if one.role == "sidecar":
                cpu.append(used)
                requests += own
    found += world.nodes()
    counted = replace(scene.counted, cpu=tuple(cpu), requests=tuple(requests), calls=tuple(calls))
    return replace(
        scene,
        mesh=replace(scene.mesh, series=tuple(found), pods=()),
        counted=_of(counted, world),
        sidecars=float(sum(one.pods for one in callers if one.role == "sidecar")),
        nodes=float(_NODES),
        slope=_PER_1000,
        cpu_price=None,
    )


def _of(counted: Counted, world: "_World") -> Counted:
    begin = int(world.times[0] * 1000)
    return replace(counted, begin_ms=begin, end_ms=int(world.times[-1] * 1000))


def _pod_name(key: str, number: int, random: np.random.Generator, *, stateful: bool) -> str:
    name = key.split("/")[1]
    if stateful:
        return f"{name}-{number}"
    return f"{name}-{random.integers(16**9):09x}-{random.integers(16**5):05x}"


def _identity(key: str, pod: str, number: int) -> dict[str, str]:
    namespace, workload = key.split("/")
    return {
        "namespace": namespace,
        "pod": pod,
        "workload": workload,
        "node": f"node-{number % _NODES}",
        "ip": f"10.9.{number // 250}.{number % 250}",
    }


class _World:
    """Times, and the series of one pod after the other."""

    def __init__(self, start: datetime, hours: float, random: np.random.Generator) -> None:
        begin = start - timedelta(minutes=10)
        seconds = int(hours * 3600) + 600
        self.times = begin.timestamp() + np.arange(0, seconds + 1, _SCRAPE_SECONDS, dtype=float)
        self.random = random

    def rate(self, rps: float) -> Floats:
        """Return a rate with a course of its own."""
        phase = self.random.uniform(0, 2 * np.pi)
        wave = 1 + 0.5 * np.sin(self.times / 4000 * 2 * np.pi + phase)
        return np.asarray(rps * wave * np.exp(self.random.normal(0, 0.05, len(self.times))))

    def noisy(self, rate: Floats) -> Floats:
        """Return a rate with noise."""
        return np.asarray(rate * np.exp(self.random.normal(0, 0.02, len(rate))))

    def _series(self, labels: Mapping[str, str], values: Floats, lag: float = 0.0) -> Series:
        return Series(
            labels=tuple(sorted(labels.items())),
            times_ms=np.rint((self.times - lag) * 1000).astype(np.int64),
            values=np.asarray(values, dtype=float),
        )

    def _counter(self, rate: Floats) -> Floats:
        grown = np.concatenate([[0.0], np.cumsum(rate[1:] * _SCRAPE_SECONDS)])
        return np.asarray(grown + self.random.integers(10**5, 10**6))

    def requests(
        self, who: Mapping[str, str], reporter: str, source: str, target: str, rate: Floats
    ) -> Series:
        """Return a counter of the requests between two workloads at one side."""
        (from_ns, from_name), (to_ns, to_name) = source.split("/"), target.split("/")
        labels = {
            **_scraped(who),
            "__name__": REQUESTS,
            "reporter": reporter,
            "source_workload": from_name,
            "source_workload_namespace": from_ns,
            "destination_workload": to_name,
            "destination_workload_namespace": to_ns,
            "destination_service": f"{to_name}.{to_ns}.svc.cluster.local",
            "destination_service_name": to_name,
            "destination_service_namespace": to_ns,
            "request_protocol": "http",
            "response_code": "200",
        }
        return self._series(labels, np.floor(self._counter(rate)))

    def cpu(self, who: Mapping[str, str], container: str, vcpu: Floats) -> Series:
        """Return the CPU counter of a container."""
        labels = _of_kubelet(who, container)
        return self._series({**labels, "__name__": CPU, "cpu": "total"}, self._counter(vcpu), 5)

    def others(self, who: Mapping[str, str], vcpu: Floats, *, is_sidecar: bool) -> list[Series]:
        """Return what else is stored of a pod."""
        one = np.ones(len(self.times))
        build = {**_scraped(who), "__name__": "istio_build", "component": "proxy", "tag": "1.26.2"}
        memory = {**_of_kubelet(who, "istio-proxy"), "__name__": MEMORY}
        state = {name: who[name] for name in ("namespace", "pod", "node")} | {"job": "ksm"}
        placed = {
            **state,
            "__name__": "kube_pod_info",
            "pod_ip": who["ip"],
            "created_by_kind": "ReplicaSet",
            "created_by_name": f"{who['workload']}-5d8f7c",
        }
        asked = {**state, "container": "istio-proxy", "resource": "cpu", "unit": "core"}
        asked["__name__"] = "kube_pod_container_resource_requests"
        found = [
            self._series(build, one),
            self._series(memory, one * 6e7),
            self._series(placed, one),
            self._series(asked, one * 0.1),
        ]
        return [*found, self.cpu(who, "app", vcpu * 3)] if is_sidecar else found

    def nodes(self) -> list[Series]:
        """Return the size of every node."""
        name = "kube_node_status_allocatable"
        return [
            self._series(
                {"__name__": name, "node": f"node-{n}", "resource": kind, "job": "ksm"},
                np.full(len(self.times), size),
            )
            for n in range(_NODES)
            for kind, size in (("cpu", 7.5), ("memory", 3e10))
        ]


def _scraped(who: Mapping[str, str]) -> dict[str, str]:
    named = {name: who[name] for name in ("namespace", "pod")}
    return {**named, "job": "envoy-stats", "instance": f"{who['ip']}:15020"}


def _of_kubelet(who: Mapping[str, str], container: str) -> dict[str, str]:
    named = {name: who[name] for name in ("namespace", "pod", "node")}
    return {**named, "container": container, "job": "kubelet", "instance": f"{who['node']}:10250"}
