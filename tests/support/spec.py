"""What a test sets for its mesh: workloads, load, noise and scraping."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["Deployment", "DaemonSet", "StatefulSet"]
Role = Literal["sidecar", "gateway", "waypoint", "ztunnel"]
Traffic = Literal["http", "tcp", "none"]

GRID_SECONDS = 15
"""Step of the grid on which load is continuous; lives begin and end on it, so sums are exact."""

MEBIBYTE = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSpec:
    """One workload and the law its proxies obey.

    A proxy uses `(idle_vcpu + vcpu_per_1000_rps * proxy_rps / 1000 + vcpu_per_gbit_per_second *
    gbit_per_second) * noise`, where proxy RPS is inbound plus outbound and the noise has mean 1.
    """

    namespace: str
    name: str
    pods: int
    kind: Kind = "Deployment"
    role: Role = "sidecar"
    traffic: Traffic = "http"

    idle_vcpu: float
    vcpu_per_1000_rps: float = 0.0
    vcpu_per_gbit_per_second: float = 0.0

    inbound_rps_per_pod: float = 0.0
    """Daily mean; 0 with an `outbound_rps_per_pod` is a client-only workload."""
    outbound_ratio: float = 0.0
    """Outbound requests per inbound request."""
    outbound_rps_per_pod: float = 0.0
    """Daily mean of what the pod calls on its own account, on top of the ratio."""
    tcp_bytes_per_second_per_pod: float = 0.0
    """Daily mean, both directions together; only for `traffic="tcp"`."""
    trough_to_peak: float = 0.4
    """Load at the quietest moment of the day over load at the busiest, 0 to 1."""
    peak_hour_utc: float = 14.0
    calls: tuple[str, ...] = ()
    """Where outbound requests go: "namespace/name" of a workload, or the host name of a service
    outside the mesh. Pod number i calls entry i modulo the length: one source series a pod."""

    callers: tuple[str, ...] = ()
    """Who sends a waypoint its requests, by "namespace/name"; none: a client of its namespace. Pod
    number i hears entry i modulo the length."""

    wire_bytes_per_request: int = 4_500
    """Bytes of an HTTP request and its answer, headers included, at each proxy of the workload."""
    tcp_bytes_per_connection: int = 250_000
    """TCP bytes, both directions together, for each connection that is opened."""
    tcp_outbound_share: float = 0.0
    """Share of the TCP bytes and connections that its proxies open themselves."""
    open_tcp_connections: int = 0
    """TCP connections that each proxy holds open, once it has opened as many."""
    configured_clusters: int = 90
    """Clusters in the configuration of each of its Envoys; a ztunnel has none."""

    native: bool = False
    """Whether istio-proxy is an init container (Kubernetes' native sidecar)."""
    reserved_vcpu: float = 0.1
    """CPU request of the proxy; 0 is no request, hence no series."""
    reserved_memory_bytes: int = 128 * MEBIBYTE
    """Memory request of the proxy; 0 is no request, hence no series."""
    memory_bytes: int = 50 * MEBIBYTE
    """Mean working set of a proxy."""

    @property
    def key(self) -> str:
        """Return "namespace/name", by which `calls` refers to a workload."""
        return f"{self.namespace}/{self.name}"

    @property
    def has_inbound_http(self) -> bool:
        """Tell whether its proxies report HTTP requests as destination or waypoint."""
        return self.traffic == "http" and self.inbound_rps_per_pod > 0

    @property
    def has_outbound_http(self) -> bool:
        """Tell whether its proxies report HTTP requests as source; a waypoint never does."""
        sends = self.outbound_rps_per_pod > 0 or self.outbound_ratio * self.inbound_rps_per_pod > 0
        return self.traffic == "http" and self.role != "waypoint" and sends


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshSpec:
    """A mesh, its window and how it is observed. The same spec always gives the same samples."""

    seed: int
    start: datetime
    """Begin of the window, aware."""
    hours: float
    workloads: tuple[WorkloadSpec, ...]

    nodes: int = 8
    node_vcpu: float = 16.0
    node_memory_bytes: int = 64 * 1024**3
    node_prices: bool = False
    """Whether OpenCost's hourly node prices are there too."""

    envoy_scrape_seconds: float = 60.0
    cadvisor_scrape_seconds: float = 60.0
    state_scrape_seconds: float = 60.0
    """Scrape interval of kube-state-metrics (and of OpenCost)."""
    scrape_jitter_seconds: float = 0.1
    """A scrape happens up to this much before or after its turn."""
    cpu_lag_seconds: float = 15.0
    """CPU samples are up to this old when scraped; each pod has its own lag below it."""

    noise_cv: float = 0.1
    """Coefficient of variation of the noise that multiplies a proxy's CPU."""
    noise_rho: float = 0.6
    """Correlation of that noise between one noise step and the next."""
    rps_noise_cv: float = 0.1
    noise_step_seconds: float = 300.0
    """Noise of CPU and RPS stays the same this long; each pod's steps begin at its own moment."""
    pod_load_sigma: float = 0.3
    """Log-standard deviation of the load of one pod against its siblings'."""

    churn: float = 0.0
    """Share of pods replaced once by one of another name (never StatefulSets: names stay)."""
    restarts: float = 0.0
    """Share of pods whose proxy restarts once, in place."""

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None:
            raise ValueError("start: must carry a time zone")
        if self.window_seconds % GRID_SECONDS:
            raise ValueError(f"hours: the window must be a multiple of {GRID_SECONDS} s")
        by_key = {workload.key: workload for workload in self.workloads}
        if len(by_key) < len(self.workloads):
            raise ValueError("workloads: two have the same namespace and name")
        for workload in self.workloads:
            _check_workload(workload, by_key, self.nodes)

    @property
    def end(self) -> datetime:
        """Return the end of the window; the last scrape is before it."""
        return self.start + timedelta(hours=self.hours)

    @property
    def window_seconds(self) -> int:
        """Return the length of the window."""
        return round(self.hours * 3600)

    @property
    def start_ms(self) -> int:
        """Return the begin of the window in milliseconds since the epoch."""
        return math.floor(self.start.timestamp() * 1000)


def _check_workload(workload: WorkloadSpec, by_key: Mapping[str, WorkloadSpec], nodes: int) -> None:
    if workload.kind == "DaemonSet" and workload.pods > nodes:
        raise ValueError(f"{workload.key}: a DaemonSet of {workload.pods} pods on {nodes} nodes")
    if workload.role == "gateway" and workload.inbound_rps_per_pod:
        raise ValueError(f"{workload.key}: a gateway reports as source only, give outbound RPS")
    if workload.role == "waypoint" and workload.outbound_ratio + workload.outbound_rps_per_pod:
        raise ValueError(f"{workload.key}: a waypoint reports each request once, as inbound")
    requests = workload.inbound_rps_per_pod + workload.outbound_rps_per_pod
    if (workload.traffic != "http" and requests) or (
        workload.traffic != "tcp" and workload.tcp_bytes_per_second_per_pod
    ):
        raise ValueError(f"{workload.key}: has load that traffic={workload.traffic!r} hides")
    if workload.role == "ztunnel" and workload.traffic != "tcp":
        raise ValueError(f"{workload.key}: a ztunnel reports TCP only")
    if workload.has_outbound_http and not workload.calls:
        raise ValueError(f"{workload.key}: has outbound requests but calls nobody")
    if workload.callers and workload.role != "waypoint":
        raise ValueError(f"{workload.key}: only a waypoint is told who calls it")
    if workload.role == "waypoint":
        return  # A workload behind a waypoint has no proxy, so it is none here.
    _check_calls(workload, by_key)


def _check_calls(workload: WorkloadSpec, by_key: Mapping[str, WorkloadSpec]) -> None:
    behind = {name for other in by_key.values() if other.role == "waypoint" for name in other.calls}
    for name in workload.calls:
        takes_http = name in behind or (name in by_key and by_key[name].has_inbound_http)
        if "/" in name and not takes_http:
            raise ValueError(f"{workload.key}: calls {name}, which takes no HTTP requests")
