"""Meshes drawn by chance, whose costs of ambient are chosen by their test: see `playing`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.comparison.playing import EDGE, STEPS, UNMESHED, Law, Pod, Truth, played
from tests.projection.builders import Call

__all__ = ["Costs", "drawn_calls", "drawn_pods", "migrating_mesh", "send", "send_tcp"]

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


def migrating_mesh(seed: int, costs: Costs) -> Truth:
    """Return a day's third of a mesh of two to four namespaces on three to six nodes."""
    rng = np.random.default_rng(seed)
    node_count = int(rng.integers(3, 7))
    pods = drawn_pods(rng, node_count)
    workloads = sorted({pod.workload for pod in pods})
    calls = drawn_calls(rng, workloads)
    send(calls, pods)
    send_tcp(rng, pods)
    bytes_per_request = float(np.exp(rng.uniform(np.log(300), np.log(30_000))))
    idle, slope = float(rng.uniform(0.002, 0.02)), float(rng.uniform(0.2e-3, 0.6e-3))
    slopes = {name: slope * float(np.exp(WORKLOAD_SD * rng.normal())) for name in workloads}
    # The mesh's cost of a request: the mean by requests.
    total = sum(pod.rps.sum() for pod in pods)
    mean = sum(slopes[pod.workload] * pod.rps.sum() for pod in pods) / total
    law = Law(
        idle_vcpu=idle,
        request_vcpu=slopes,
        bytes_per_request=bytes_per_request,
        # The measured cost of a request has that of its bytes in it, as a gateway's has.
        ambient=costs.here(1000 * mean / (1 + 8e-6 * bytes_per_request * 0.26 / 0.23)),
    )
    return played(rng, pods, calls, law, node_count=node_count)


def drawn_pods(rng: np.random.Generator, node_count: int) -> list[Pod]:
    """Return pods of two to four namespaces, without traffic."""
    return [
        Pod(workload=f"n{namespace}/w{workload}", node=int(rng.integers(node_count)))
        for namespace in range(int(rng.integers(2, 5)))
        for workload in range(int(rng.integers(1, 4)))
        for _ in range(int(rng.integers(1, 5)))
    ]


def drawn_calls(rng: np.random.Generator, workloads: Sequence[str]) -> list[Call]:
    """Draw who calls whom: each workload is called by one or two others, or from outside."""
    hours = np.arange(STEPS) / 12
    calls = []
    for destination in workloads:
        sources = [*workloads, EDGE, UNMESHED]
        for source in rng.choice(sources, size=2, replace=False):
            wave = 1 + rng.uniform(0.3, 0.8) * np.sin(hours / 8 * 2 * np.pi + rng.uniform(0, 6))
            rps = rng.uniform(50, 800) * wave * np.exp(rng.normal(0, 0.1, STEPS))
            calls.append(Call(source=str(source), destination=destination, rps=tuple(rps)))
    return calls


def send(calls: Sequence[Call], pods: Sequence[Pod]) -> None:
    """Add calls to the pods of both ends, evenly."""
    for call in calls:
        callers, called = (
            [pod for pod in pods if pod.workload == end] for end in (call.source, call.destination)
        )
        for pod in callers:
            pod.rps += np.array(call.rps) / len(callers)
            pod.outbound_rps += np.array(call.rps) / len(callers)
        for pod in called:
            pod.rps += np.array(call.rps) / len(called)
            pod.pooled_rps += np.array(call.rps) / len(called) * bool(callers)


def send_tcp(rng: np.random.Generator, pods: Sequence[Pod]) -> None:
    """Draw TCP in about a third of the pods; it rises and falls at hours of its own."""
    hours = np.arange(STEPS) / 12
    for pod in pods:
        if rng.random() < 0.3:
            wave = 1 + rng.uniform(0.3, 0.8) * np.sin(hours / 8 * 2 * np.pi + rng.uniform(0, 6))
            course = wave * np.exp(rng.normal(0, 0.1, STEPS))
            pod.tcp_bytes_per_second = rng.uniform(1e6, 20e6) * course
            pod.inbound_tcp_bytes_per_second = pod.tcp_bytes_per_second * float(rng.random())
            pod.new_connections_per_second = rng.uniform(1, 30) * course
            pod.open_connections = float(rng.uniform(1, 300))
