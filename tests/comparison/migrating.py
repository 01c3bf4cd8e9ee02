"""Meshes drawn by chance and played in both modes: sidecars are measured, ambient is the truth.

Every call goes from a pod to a pod. With sidecars it passes one at each end; after the migration
the ztunnel of each end's node, and the waypoint of the namespace that is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analyzer.measurement.usage import MeshUsage
from analyzer.units import Role
from tests.projection.builders import Call, Proxy, mesh

__all__ = ["Costs", "Truth", "migrating_mesh"]

Floats = npt.NDArray[np.float64]

STEPS = 96
NOISE_SHARE = 0.1
"""Standard deviation of a proxy's CPU in a step, as a share of what its law gives it."""

_BY_NETCRACKER = (
    "ztunnel_vcpu_per_gbit_per_second",
    "ztunnel_vcpu_per_1000_new_connections_per_second",
    "ztunnel_vcpu_per_1000_open_connections",
    "waypoint_vcpu_per_gbit_per_second",
)

WORKLOAD_SD = 0.5
"""Of the logarithm of what a request costs, between workloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What things cost in this mesh once it has migrated: a waypoint is that many sidecars.

    A pass through a ztunnel is that many requests through a sidecar, without their bytes; other
    costs are as on the hardware of their sources.
    """

    waypoint_to_sidecar_ratio: float
    ztunnel_to_sidecar_ratio: float
    ztunnel_idle_vcpu_per_node: float
    ztunnel_vcpu_per_gbit_per_second: float
    ztunnel_vcpu_per_1000_new_connections_per_second: float
    ztunnel_vcpu_per_1000_open_connections: float
    waypoint_vcpu_per_gbit_per_second: float
    http_new_connection_share: float
    open_connections_per_proxy: float

    def here(self, sidecar_vcpu_per_1000_rps: float) -> dict[str, float]:
        """Return the costs on the hardware of a mesh, by the names of the assumptions."""
        uds_core, netcracker = (sidecar_vcpu_per_1000_rps / base for base in (0.26, 0.23))
        return {
            "waypoint_to_sidecar_ratio": self.waypoint_to_sidecar_ratio,
            "ztunnel_vcpu_per_1000_rps": (
                self.ztunnel_to_sidecar_ratio * sidecar_vcpu_per_1000_rps
            ),
            "ztunnel_idle_vcpu_per_node": self.ztunnel_idle_vcpu_per_node * uds_core,
            **{name: getattr(self, name) * netcracker for name in _BY_NETCRACKER},
            "http_new_connection_share": self.http_new_connection_share,
            "open_connections_per_proxy": self.open_connections_per_proxy,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A mesh as measured before its migration, and the CPU it takes afterwards, by mode.

    `costs` are those of ambient on its hardware, by the names of the assumptions.
    """

    usage: MeshUsage
    vcpu: Mapping[str, float]
    costs: Mapping[str, float]


@dataclass(slots=True, kw_only=True)
class _Pod:
    workload: str
    node: int
    rps: Floats = field(default_factory=lambda: np.zeros(STEPS))
    http_bytes_per_second: float = 0.0
    tcp_bytes_per_second: float = 0.0
    inbound_tcp_bytes_per_second: float = 0.0
    new_connections_per_second: float = 0.0
    open_connections: float = 0.0


def migrating_mesh(seed: int, costs: Costs) -> Truth:
    """Return a day's third of a mesh of two to four namespaces on three to six nodes."""
    rng = np.random.default_rng(seed)
    node_count = int(rng.integers(3, 7))
    pods = _pods(rng, node_count)
    workloads = sorted({pod.workload for pod in pods})
    calls = _calls(rng, workloads)
    for call in calls:
        for end in (call.source, call.destination):
            at_this_end = [pod for pod in pods if pod.workload == end]
            for pod in at_this_end:
                pod.rps += np.array(call.rps) / len(at_this_end)
    for pod in pods:
        if rng.random() < 0.3:
            pod.tcp_bytes_per_second = float(rng.uniform(1e6, 20e6))
            pod.inbound_tcp_bytes_per_second = pod.tcp_bytes_per_second * float(rng.random())
            pod.new_connections_per_second = float(rng.uniform(1, 30))
            pod.open_connections = float(rng.uniform(1, 300))
    bytes_per_request = float(np.exp(rng.uniform(np.log(300), np.log(30_000))))
    for pod in pods:
        pod.http_bytes_per_second = bytes_per_request * float(pod.rps.mean())
    idle, slope = float(rng.uniform(0.002, 0.02)), float(rng.uniform(0.2e-3, 0.6e-3))
    slopes = {name: slope * float(np.exp(WORKLOAD_SD * rng.normal())) for name in workloads}
    # The mesh's cost of a request: the mean by requests.
    total = sum(pod.rps.sum() for pod in pods)
    mean = sum(slopes[pod.workload] * pod.rps.sum() for pod in pods) / total
    # The measured cost of a request has that of its bytes in it, as a gateway's has.
    here = costs.here(1000 * mean / (1 + 8e-6 * bytes_per_request * 0.26 / 0.23))
    ztunnels = sum(_ztunnel_vcpu(rng, pods, node, here) for node in range(node_count))
    ratio = costs.waypoint_to_sidecar_ratio
    waypoints = sum(
        _in_replicas(
            rng,
            ratio * idle,
            ratio * _http_vcpu(calls, namespace, slopes) + _tcp_vcpu(pods, namespace, slopes, here),
        )
        for namespace in {workload.split("/")[0] for workload in workloads}
    )
    return Truth(
        usage=_measured(rng, pods, calls, idle, slopes, node_count),
        vcpu={"ambient-l4": ztunnels, "ambient-waypoint": ztunnels + waypoints},
        costs=here,
    )


def _pods(rng: np.random.Generator, node_count: int) -> list[_Pod]:
    return [
        _Pod(workload=f"n{namespace}/w{workload}", node=int(rng.integers(node_count)))
        for namespace in range(int(rng.integers(2, 5)))
        for workload in range(int(rng.integers(1, 4)))
        for _ in range(int(rng.integers(1, 5)))
    ]


def _calls(rng: np.random.Generator, workloads: list[str]) -> list[Call]:
    """Draw who calls whom: each workload is called by one or two others, or from outside."""
    hours = np.arange(STEPS) / 12
    calls = []
    for destination in workloads:
        sources = [*workloads, "edge/gate", "unknown/unknown"]
        for source in rng.choice(sources, size=2, replace=False):
            wave = 1 + rng.uniform(0.3, 0.8) * np.sin(hours / 8 * 2 * np.pi + rng.uniform(0, 6))
            rps = rng.uniform(50, 800) * wave * np.exp(rng.normal(0, 0.1, STEPS))
            calls.append(Call(source=str(source), destination=destination, rps=tuple(rps)))
    return calls


def _noisy(rng: np.random.Generator, vcpu: Floats) -> Floats:
    return vcpu * (1 + NOISE_SHARE * rng.normal(size=vcpu.shape))


def _ztunnel_vcpu(
    rng: np.random.Generator, pods: list[_Pod], node: int, costs: Mapping[str, float]
) -> float:
    """Return what one ztunnel takes on average, step by step and pod by pod."""
    used = np.full(STEPS, costs["ztunnel_idle_vcpu_per_node"])
    for pod in pods:
        if pod.node == node:
            used += pod.rps / 1000 * costs["ztunnel_vcpu_per_1000_rps"]
            used += pod.tcp_bytes_per_second * 8e-9 * costs["ztunnel_vcpu_per_gbit_per_second"]
            http_gbit = pod.http_bytes_per_second * 8e-9
            used += http_gbit * costs["ztunnel_vcpu_per_gbit_per_second"]
            opened = pod.rps * costs["http_new_connection_share"] + pod.new_connections_per_second
            used += opened / 1000 * costs["ztunnel_vcpu_per_1000_new_connections_per_second"]
            kept = pod.open_connections + (pod.rps > 0) * costs["open_connections_per_proxy"]
            used += kept / 1000 * costs["ztunnel_vcpu_per_1000_open_connections"]
    return float(_noisy(rng, used).mean())


def _http_vcpu(calls: list[Call], namespace: str, slopes: Mapping[str, float]) -> Floats:
    """Return what the called sidecars use for requests that will pass a waypoint."""
    used = np.zeros(STEPS)
    for call in calls:
        meshed = call.source not in ("edge/gate", "unknown/unknown")
        if call.destination.split("/")[0] == namespace and meshed:
            used += slopes[call.destination] * np.array(call.rps)
    return used


def _tcp_vcpu(
    pods: list[_Pod], namespace: str, slopes: Mapping[str, float], costs: Mapping[str, float]
) -> float:
    """Return what a waypoint uses for TCP; each connection costs as much as a request."""
    used = 0.0
    for pod in pods:
        if pod.workload.split("/")[0] == namespace and pod.tcp_bytes_per_second:
            gbit = pod.inbound_tcp_bytes_per_second * 8e-9
            used += gbit * costs["waypoint_vcpu_per_gbit_per_second"]
            accepted = pod.inbound_tcp_bytes_per_second / pod.tcp_bytes_per_second
            opened = accepted * pod.new_connections_per_second
            used += opened * costs["waypoint_to_sidecar_ratio"] * slopes[pod.workload]
    return used


def _in_replicas(rng: np.random.Generator, idle: float, used: Floats) -> float:
    """Return what a waypoint takes, with as many replicas as stay below 1.6 vCPU each."""
    replicas = 1
    while idle + used.max() / replicas > 1.6:
        replicas += 1
    return float(_noisy(rng, replicas * idle + used).mean())


def _measured(
    rng: np.random.Generator,
    pods: list[_Pod],
    calls: list[Call],
    idle: float,
    slopes: Mapping[str, float],
    node_count: int,
) -> MeshUsage:
    sidecars = [
        Proxy(
            workload=pod.workload,
            node=f"node-{pod.node}",
            cpu_vcpu=tuple(_noisy(rng, idle + slopes[pod.workload] * pod.rps)),
            proxy_rps=tuple(pod.rps),
            http_bytes_per_second=pod.http_bytes_per_second,
            tcp_bytes_per_second=pod.tcp_bytes_per_second,
            inbound_tcp_bytes_per_second=pod.inbound_tcp_bytes_per_second,
            open_connections=pod.open_connections,
            new_connections_per_second=pod.new_connections_per_second,
        )
        for pod in pods
    ]
    gateway = Proxy(
        workload="edge/gate",
        node="node-0",
        role=Role.GATEWAY,
        cpu_vcpu=(2.0,) * STEPS,
        proxy_rps=(1000.0,) * STEPS,
    )
    nodes = [f"node-{number}" for number in range(node_count)]
    return mesh(*sidecars, gateway, calls=calls, nodes=nodes, steps=STEPS)
