"""What is true of a generated mesh, by the definitions the analyzer is held to."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.support.layout import PRE_ROLL_SECONDS, Pod
from tests.support.spec import GRID_SECONDS, MeshSpec, Role, Traffic, WorkloadSpec
from tests.support.traffic import Floats, Load


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadTruth:
    """One workload over the window: its law, and totals over its pods averaged over time."""

    namespace: str
    name: str
    role: Role
    traffic: Traffic
    idle_vcpu: float
    """vCPU of one proxy without traffic."""
    vcpu_per_1000_rps: float
    """vCPU for 1000 more proxy requests per second."""
    vcpu_per_gbit_per_second: float
    pod_count: int
    """Pods that lived in the window, replaced ones and their successors both."""
    mean_pods_alive: float
    vcpu: float
    """CPU of its proxies, noise included."""
    inbound_rps: float
    outbound_rps: float
    unmeshed_outbound_rps: float
    """The part of the outbound requests that goes to hosts outside the mesh."""
    tcp_bytes_per_second: float
    reserved_vcpu: float
    reserved_memory_bytes: float
    memory_bytes: float
    wire_bytes_per_request: int
    tcp_bytes_per_connection: int
    tcp_outbound_share: float
    open_tcp_connections: float
    """Of each of its proxies."""

    @property
    def proxy_rps(self) -> float:
        """Return requests per second through its proxies, inbound and outbound."""
        return self.inbound_rps + self.outbound_rps

    @property
    def http_bytes_per_second(self) -> float:
        """Return bytes of HTTP through its proxies, inbound and outbound, headers included."""
        return self.proxy_rps * self.wire_bytes_per_request

    @property
    def new_connections_per_second(self) -> float:
        """Return TCP connections that its proxies opened or accepted."""
        return self.tcp_bytes_per_second / self.tcp_bytes_per_connection

    @property
    def inbound_tcp_bytes_per_second(self) -> float:
        """Return the TCP bytes of connections that its proxies accepted."""
        return self.tcp_bytes_per_second * (1 - self.tcp_outbound_share)

    @property
    def open_connections(self) -> float:
        """Return the TCP connections that its proxies hold open."""
        return self.mean_pods_alive * self.open_tcp_connections


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The mesh over the window. Rates and levels are means over time; `sidecar_*` is sidecars only.

    All follows from the workloads, because a slope is the same for all pods of a workload.
    """

    workloads: tuple[WorkloadTruth, ...]
    node_count: int
    node_vcpu: float
    node_memory_bytes: int

    def of_role(self, role: Role) -> tuple[WorkloadTruth, ...]:
        """Return the workloads whose proxies have a role."""
        return tuple(workload for workload in self.workloads if workload.role == role)

    def role_sum(self, role: Role, value: Callable[[WorkloadTruth], float]) -> float:
        """Return a figure summed over the workloads of a role."""
        return sum(value(workload) for workload in self.of_role(role))

    @property
    def mesh_vcpu_per_1000_rps(self) -> float:
        """Return sum(rps * slope) / sum(rps) over sidecars: vCPU per 1000 proxy requests/s."""
        cost = self.role_sum("sidecar", lambda w: w.proxy_rps * w.vcpu_per_1000_rps)
        return cost / self.proxy_rps

    @property
    def mean_idle_vcpu_per_proxy(self) -> float:
        """Return the idle vCPU of a sidecar, averaged over sidecars and the time they lived."""
        idle = self.role_sum("sidecar", lambda w: w.mean_pods_alive * w.idle_vcpu)
        return idle / self.mean_pods_alive("sidecar")

    @property
    def ratio_vcpu_per_1000_rps(self) -> float:
        """Return the dashboard's figure: all sidecar vCPU per 1000 sidecar proxy requests/s."""
        return 1000 * self.sidecar_vcpu / self.proxy_rps

    @property
    def sidecar_vcpu(self) -> float:
        """Return the vCPU that all sidecars use together."""
        return self.role_sum("sidecar", lambda w: w.vcpu)

    @property
    def sidecar_reserved_vcpu(self) -> float:
        """Return the vCPU that all sidecars together request from the scheduler."""
        return self.role_sum("sidecar", lambda w: w.reserved_vcpu)

    @property
    def sidecar_reserved_memory_bytes(self) -> float:
        """Return the bytes that all sidecars together request from the scheduler."""
        return self.role_sum("sidecar", lambda w: w.reserved_memory_bytes)

    @property
    def sidecar_memory_bytes(self) -> float:
        """Return the working set of all sidecars together, in bytes."""
        return self.role_sum("sidecar", lambda w: w.memory_bytes)

    @property
    def proxy_rps(self) -> float:
        """Return requests per second through sidecars: a call between two counts twice."""
        return self.role_sum("sidecar", lambda w: w.proxy_rps)

    @property
    def mesh_rps(self) -> float:
        """Return calls per second, each once: at its destination, or its source if it leaves."""
        received = sum(w.inbound_rps for w in self.workloads)
        return received + sum(w.unmeshed_outbound_rps for w in self.workloads)

    def pod_count(self, role: Role) -> int:
        """Return how many pods of a role lived in the window."""
        return sum(w.pod_count for w in self.of_role(role))

    def mean_pods_alive(self, role: Role) -> float:
        """Return how many pods of a role lived at a time, on average."""
        return self.role_sum(role, lambda w: w.mean_pods_alive)

    def sidecar_by_namespace(self, value: Callable[[WorkloadTruth], float]) -> dict[str, float]:
        """Return a figure summed over the sidecars of each namespace that has any."""
        sums: defaultdict[str, float] = defaultdict(float)
        for workload in self.of_role("sidecar"):
            sums[workload.namespace] += value(workload)
        return dict(sums)

    @property
    def namespace_sidecar_vcpu(self) -> dict[str, float]:
        """Return the vCPU of each namespace's sidecars."""
        return self.sidecar_by_namespace(lambda w: w.vcpu)

    @property
    def namespace_inbound_rps(self) -> dict[str, float]:
        """Return the requests per second that each namespace's sidecars receive."""
        return self.sidecar_by_namespace(lambda w: w.inbound_rps)


def workload_truth(
    spec: MeshSpec, workload: WorkloadSpec, pods: tuple[Pod, ...], load: Load
) -> WorkloadTruth:
    """Sum up what the pods of a workload really did in the window."""

    def mean_total(cells: Floats) -> float:
        inside = cells[:, PRE_ROLL_SECONDS // GRID_SECONDS :]
        return float(inside.sum() * GRID_SECONDS / spec.window_seconds)

    alive = mean_total(load.alive.astype(np.float64))
    leaves = np.array([[destination_is_outside(pod)] for pod in pods])
    return WorkloadTruth(
        namespace=workload.namespace,
        name=workload.name,
        role=workload.role,
        traffic=workload.traffic,
        idle_vcpu=workload.idle_vcpu,
        vcpu_per_1000_rps=workload.vcpu_per_1000_rps,
        vcpu_per_gbit_per_second=workload.vcpu_per_gbit_per_second,
        pod_count=len(pods),
        mean_pods_alive=alive,
        vcpu=mean_total(load.proxy_vcpu),
        inbound_rps=mean_total(load.inbound_rps),
        outbound_rps=mean_total(load.outbound_rps),
        unmeshed_outbound_rps=mean_total(load.outbound_rps * leaves),
        tcp_bytes_per_second=mean_total(load.tcp_bytes_per_second),
        reserved_vcpu=alive * workload.reserved_vcpu,
        reserved_memory_bytes=alive * workload.reserved_memory_bytes,
        memory_bytes=mean_total(load.memory_bytes),
        wire_bytes_per_request=workload.wire_bytes_per_request,
        tcp_bytes_per_connection=workload.tcp_bytes_per_connection,
        tcp_outbound_share=workload.tcp_outbound_share,
        open_tcp_connections=workload.open_tcp_connections,
    )


def destination(pod: Pod) -> str | None:
    """Return whom a pod calls: "namespace/name", a host outside the mesh, or None."""
    calls = pod.workload.calls
    return calls[pod.ordinal % len(calls)] if calls else None


def destination_is_outside(pod: Pod) -> bool:
    """Tell whether the requests a pod sends leave the mesh."""
    target = destination(pod)
    return target is not None and "/" not in target
