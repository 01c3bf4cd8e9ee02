"""A mesh played in both modes by a law of costs: sidecars are measured, ambient is the truth.

Every call goes from a pod to a pod. With sidecars it passes one at each end; after the migration
the ztunnel of each end's node, and the waypoint of the namespace that is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from analyzer.measurement.usage import MeshUsage
from analyzer.units import Role
from tests.projection.builders import Call, Proxy, mesh

__all__ = ["EDGE", "STEPS", "UNMESHED", "Law", "Pod", "Truth", "played"]

Floats = npt.NDArray[np.float64]

STEPS = 96
NOISE_SHARE = 0.1
"""Standard deviation of a proxy's CPU in a step, as a share of what its law gives it."""

EDGE, UNMESHED = "edge/gate", "unknown/unknown"
"""Callers without a sidecar: a gateway, and a client outside the mesh."""

_OF_TCP = (
    "tcp_bytes_per_second",
    "inbound_tcp_bytes_per_second",
    "new_connections_per_second",
)

GBIT_PER_BYTE = 8e-9
MOST_VCPU_PER_REPLICA = 1.6


def _zeros() -> Floats:
    return np.zeros(STEPS)


@dataclass(slots=True, kw_only=True)
class Pod:
    """A pod and its traffic; rates are per second, arrays have a value a step.

    `pooled_rps` are the inbound requests that other sidecars send over their pools, and
    `accepted_connections_per_second` is NaN where they are not scraped.
    """

    workload: str
    node: int
    rps: Floats = field(default_factory=_zeros)
    outbound_rps: Floats = field(default_factory=_zeros)
    pooled_rps: Floats = field(default_factory=_zeros)
    tcp_bytes_per_second: Floats = field(default_factory=_zeros)
    inbound_tcp_bytes_per_second: Floats = field(default_factory=_zeros)
    new_connections_per_second: Floats = field(default_factory=_zeros)
    open_connections: float = 0.0
    accepted_connections_per_second: Floats = field(default_factory=lambda: np.full(STEPS, np.nan))

    @property
    def namespace(self) -> str:
        return self.workload.split("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """What a mesh costs in both modes, in vCPU.

    Attributes:
        idle_vcpu: of a sidecar without traffic.
        request_vcpu: of a request through a sidecar with its bytes, by workload.
        tcp_vcpu_per_gbit_per_second: of a sidecar.
        bytes_per_request: of HTTP, both ways.
        ambient: costs of ambient on this hardware, by the names of the assumptions.
    """

    idle_vcpu: float
    request_vcpu: Mapping[str, float]
    tcp_vcpu_per_gbit_per_second: float = 0.0
    bytes_per_request: float
    ambient: Mapping[str, float]

    def sidecar_vcpu(self, pod: Pod) -> Floats:
        """Return what the sidecar of a pod uses in each step."""
        tcp = pod.tcp_bytes_per_second * GBIT_PER_BYTE * self.tcp_vcpu_per_gbit_per_second
        return self.idle_vcpu + tcp + self.request_vcpu[pod.workload] * pod.rps


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A mesh as measured before its migration and after, and the CPU it takes by mode.

    `costs` are those of ambient on its hardware, by the names of the assumptions.
    """

    usage: MeshUsage
    after: MeshUsage
    vcpu: Mapping[str, float]
    costs: Mapping[str, float]

    def saved_percent(self, mode: str) -> float:
        """Return what a mode saves of the sidecars' CPU, in percent."""
        return 100 * (1 - self.vcpu[mode] / self.vcpu["sidecar"])


def played(
    rng: np.random.Generator,
    pods: Sequence[Pod],
    calls: Sequence[Call],
    law: Law,
    *,
    node_count: int,
    has_http_bytes: bool = True,
) -> Truth:
    """Return the mesh of these pods in both modes; HTTP bytes may be without a metric."""
    by_node = [_ztunnel_vcpu(rng, pods, node, law) for node in range(node_count)]
    ratio = law.ambient["waypoint_to_sidecar_ratio"]
    by_namespace = {
        namespace: _in_replicas(
            rng,
            ratio * law.idle_vcpu,
            ratio * _http_vcpu(calls, namespace, law) + _tcp_vcpu(pods, namespace, law),
        )
        for namespace in sorted({pod.namespace for pod in pods})
    }
    ztunnels = sum(float(vcpu.mean()) for vcpu in by_node)
    waypoints = sum(float(vcpu.mean()) for _, vcpu in by_namespace.values())
    usage = _measured(rng, pods, calls, law, node_count)
    return Truth(
        usage=_with_traffic(usage, pods, law.bytes_per_request if has_http_bytes else np.nan),
        after=_migrated(by_node, by_namespace, calls),
        vcpu={
            "sidecar": sum(float(law.sidecar_vcpu(pod).mean()) for pod in pods),
            "ambient-l4": ztunnels,
            "ambient-waypoint": ztunnels + waypoints,
        },
        costs=law.ambient,
    )


def _noisy(rng: np.random.Generator, vcpu: Floats) -> Floats:
    return vcpu * (1 + NOISE_SHARE * rng.normal(size=vcpu.shape))


def _ztunnel_vcpu(rng: np.random.Generator, pods: Sequence[Pod], node: int, law: Law) -> Floats:
    """Return what one ztunnel takes in each step, pod by pod."""
    costs = law.ambient
    used = np.full(STEPS, costs["ztunnel_idle_vcpu_per_node"])
    for pod in pods:
        if pod.node == node:
            used += pod.rps / 1000 * costs["ztunnel_vcpu_per_1000_rps"]
            carried = pod.tcp_bytes_per_second + law.bytes_per_request * pod.rps
            used += carried * GBIT_PER_BYTE * costs["ztunnel_vcpu_per_gbit_per_second"]
            opened = pod.rps * costs["http_new_connection_share"] + pod.new_connections_per_second
            used += opened / 1000 * costs["ztunnel_vcpu_per_1000_new_connections_per_second"]
            kept = pod.open_connections + (pod.rps > 0) * costs["open_connections_per_proxy"]
            used += kept / 1000 * costs["ztunnel_vcpu_per_1000_open_connections"]
    return _noisy(rng, used)


def _http_vcpu(calls: Sequence[Call], namespace: str, law: Law) -> Floats:
    """Return what the called sidecars use for requests that will pass a waypoint."""
    used = np.zeros(STEPS)
    for call in calls:
        is_meshed = call.source not in (EDGE, UNMESHED)
        if call.destination.split("/")[0] == namespace and is_meshed:
            used += law.request_vcpu[call.destination] * np.array(call.rps)
    return used


def _tcp_vcpu(pods: Sequence[Pod], namespace: str, law: Law) -> Floats:
    """Return what a waypoint uses for TCP; each connection costs as much as a request."""
    used, costs = _zeros(), law.ambient
    for pod in pods:
        if pod.namespace == namespace and pod.tcp_bytes_per_second.any():
            gbit = pod.inbound_tcp_bytes_per_second * GBIT_PER_BYTE
            used += gbit * costs["waypoint_vcpu_per_gbit_per_second"]
            accepted = pod.inbound_tcp_bytes_per_second / pod.tcp_bytes_per_second
            opened = accepted * pod.new_connections_per_second
            used += opened * costs["waypoint_to_sidecar_ratio"] * law.request_vcpu[pod.workload]
    return used


def _in_replicas(rng: np.random.Generator, idle: float, used: Floats) -> tuple[int, Floats]:
    """Return as many replicas of a waypoint as stay below their target, and what they take."""
    replicas = 1
    while idle + used.max() / replicas > MOST_VCPU_PER_REPLICA:
        replicas += 1
    return replicas, _noisy(rng, replicas * idle + used)


def _migrated(
    by_node: Sequence[Floats], by_namespace: Mapping[str, tuple[int, Floats]], calls: Sequence[Call]
) -> MeshUsage:
    """Return the mesh after all pods have moved: waypoints report what meshed callers send."""
    nodes = [f"node-{number}" for number in range(len(by_node))]
    none = (0.0,) * STEPS
    ztunnels = [
        Proxy(
            workload="istio-system/ztunnel",
            node=node,
            role=Role.ZTUNNEL,
            cpu_vcpu=tuple(vcpu),
            proxy_rps=none,
        )
        for node, vcpu in zip(nodes, by_node, strict=True)
    ]
    handled = [
        replace(call, reporter="waypoint") for call in calls if call.source not in (EDGE, UNMESHED)
    ]
    sent = [replace(call, reporter="source") for call in calls if call.source == EDGE]
    waypoints = []
    for namespace, (count, vcpu) in by_namespace.items():
        into = [call.rps for call in handled if call.destination.split("/")[0] == namespace]
        rps = sum(map(np.array, into), start=_zeros())
        one = Proxy(
            workload=f"{namespace}/waypoint",
            node=nodes[0],
            role=Role.WAYPOINT,
            cpu_vcpu=tuple(vcpu / count),
            proxy_rps=tuple(rps / count),
        )
        waypoints += [one] * count
    return mesh(
        *ztunnels, *waypoints, _gateway(), calls=[*handled, *sent], nodes=nodes, steps=STEPS
    )


def _measured(
    rng: np.random.Generator,
    pods: Sequence[Pod],
    calls: Sequence[Call],
    law: Law,
    node_count: int,
) -> MeshUsage:
    sidecars = [
        Proxy(
            workload=pod.workload,
            node=f"node-{pod.node}",
            cpu_vcpu=tuple(_noisy(rng, law.sidecar_vcpu(pod))),
            proxy_rps=tuple(pod.rps),
            open_connections=pod.open_connections,
        )
        for pod in pods
    ]
    nodes = [f"node-{number}" for number in range(node_count)]
    return mesh(*sidecars, _gateway(), calls=calls, nodes=nodes, steps=STEPS)


def _gateway() -> Proxy:
    return Proxy(
        workload=EDGE,
        node="node-0",
        role=Role.GATEWAY,
        cpu_vcpu=(2.0,) * STEPS,
        proxy_rps=(1000.0,) * STEPS,
    )


def _with_traffic(usage: MeshUsage, pods: Sequence[Pod], bytes_per_request: float) -> MeshUsage:
    """Return the mesh with what differs from step to step beside CPU and requests."""

    def columns() -> Iterator[tuple[str, list[Floats]]]:
        yield "outbound_rps", [pod.outbound_rps for pod in pods]
        yield "inbound_rps", [pod.rps - pod.outbound_rps for pod in pods]
        yield "http_bytes_per_second", [bytes_per_request * pod.rps for pod in pods]
        for name in _OF_TCP:
            yield name, [getattr(pod, name) for pod in pods]
        accepted = [pod.accepted_connections_per_second for pod in pods]
        yield "accepted_connections_per_second", accepted

    steps = usage.steps.copy()
    is_sidecar = steps["proxy"] < len(pods)
    for name, values in columns():
        steps.loc[is_sidecar, name] = np.concatenate(values)
    return replace(usage, steps=steps)
