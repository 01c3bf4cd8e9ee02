"""Two meshes for the survey: one with many roles, one small enough for every dialect."""

from datetime import timedelta

from tests.support.default import DEFAULT_START
from tests.support.spec import MEBIBYTE, MeshSpec, WorkloadSpec

_MORNING = DEFAULT_START + timedelta(hours=10)


def roles_mesh(*, seed: int = 3, hours: float = 2) -> MeshSpec:
    """Return 3 gateways, 5 waypoints, 4 ztunnels and 200 sidecars, of which 100 are native.

    Each role has reservations of its own, and one workload none, so that mixed up totals show.
    """
    return MeshSpec(
        seed=seed,
        start=_MORNING,
        hours=hours,
        nodes=6,
        workloads=(*_http_sidecars(), *_quiet_sidecars(), *_gateways(), *_ambient()),
    )


def dialect_mesh(*, seed: int = 5, hours: float = 2) -> MeshSpec:
    """Return 40 proxies of all roles: 32 sidecars, 2 gateways, 2 waypoints and 4 ztunnels.

    Pods stay and proxies do not restart: sums that somebody makes before taking rates, as Istio's
    federation does, would lose the truth for good.
    """
    return MeshSpec(
        seed=seed,
        start=_MORNING,
        hours=hours,
        nodes=4,
        workloads=(
            WorkloadSpec(
                namespace="shop", name="frontend", pods=8, native=True, idle_vcpu=0.012,
                vcpu_per_1000_rps=0.3, inbound_rps_per_pod=60, outbound_ratio=1.5,
                calls=("shop/catalog", "payments/api"),
            ),
            WorkloadSpec(
                namespace="shop", name="catalog", pods=6, idle_vcpu=0.008, vcpu_per_1000_rps=0.22,
                inbound_rps_per_pod=90, wire_bytes_per_request=20_000,
            ),
            # It calls what is outside the mesh: those requests are counted at their source only.
            WorkloadSpec(
                namespace="payments", name="api", pods=5, native=True, idle_vcpu=0.015,
                vcpu_per_1000_rps=0.7, inbound_rps_per_pod=25, outbound_ratio=0.5,
                calls=("payments/ledger", "bank.example.com"),
            ),
            WorkloadSpec(
                namespace="payments", name="ledger", kind="StatefulSet", pods=4, idle_vcpu=0.02,
                vcpu_per_1000_rps=0.45, inbound_rps_per_pod=35,
            ),
            *_quiet_few(),
            WorkloadSpec(
                namespace="edge", name="public-gateway", role="gateway", pods=2, idle_vcpu=0.05,
                vcpu_per_1000_rps=0.5, outbound_rps_per_pod=600, calls=("shop/frontend",),
                wire_bytes_per_request=9_000, configured_clusters=40,
            ),
            WorkloadSpec(
                namespace="media", name="waypoint", role="waypoint", pods=2, idle_vcpu=0.03,
                vcpu_per_1000_rps=0.45, inbound_rps_per_pod=700, calls=("media/library",),
            ),
            _ztunnel("istio-system", pods=4),
        ),
    )  # fmt: skip


def _quiet_few() -> tuple[WorkloadSpec, ...]:
    """Return sidecars that receive no HTTP: one only calls, one carries TCP, one does nothing."""
    return (
        WorkloadSpec(
            namespace="tools", name="reports", pods=3, idle_vcpu=0.005, vcpu_per_1000_rps=0.3,
            outbound_rps_per_pod=40, calls=("shop/catalog",),
        ),
        WorkloadSpec(
            namespace="data", name="cache", pods=3, traffic="tcp", idle_vcpu=0.006,
            vcpu_per_gbit_per_second=0.8, tcp_bytes_per_second_per_pod=6_000_000,
            tcp_bytes_per_connection=40_000,
            open_tcp_connections=60,
        ),
        WorkloadSpec(
            namespace="batch", name="nightly", pods=3, traffic="none", idle_vcpu=0.003,
            configured_clusters=12,
        ),
    )  # fmt: skip


def _http_sidecars() -> tuple[WorkloadSpec, ...]:
    return (
        WorkloadSpec(
            namespace="shop", name="web", pods=60, native=True, idle_vcpu=0.008,
            vcpu_per_1000_rps=0.3, inbound_rps_per_pod=40, outbound_ratio=1.0,
            calls=("shop/stock", "billing/api"),
        ),
        WorkloadSpec(
            namespace="shop", name="stock", pods=50, idle_vcpu=0.007, vcpu_per_1000_rps=0.25,
            inbound_rps_per_pod=55,
        ),
        WorkloadSpec(
            namespace="billing", name="api", pods=30, idle_vcpu=0.01, vcpu_per_1000_rps=0.5,
            inbound_rps_per_pod=35, outbound_ratio=0.5, calls=("billing/books",),
            reserved_vcpu=0.25, reserved_memory_bytes=256 * MEBIBYTE,
        ),
        WorkloadSpec(
            namespace="billing", name="books", kind="StatefulSet", pods=10, native=True,
            idle_vcpu=0.01, vcpu_per_1000_rps=0.4, inbound_rps_per_pod=30,
            reserved_vcpu=0.05, reserved_memory_bytes=64 * MEBIBYTE,
        ),
    )  # fmt: skip


def _quiet_sidecars() -> tuple[WorkloadSpec, ...]:
    return (
        # It only calls, as a gateway does, and reserves nothing.
        WorkloadSpec(
            namespace="billing", name="reports", pods=10, idle_vcpu=0.005, vcpu_per_1000_rps=0.3,
            outbound_rps_per_pod=25, calls=("shop/stock",),
            reserved_vcpu=0.0, reserved_memory_bytes=0,
        ),
        WorkloadSpec(
            namespace="data", name="cache", pods=20, native=True, traffic="tcp", idle_vcpu=0.006,
            vcpu_per_gbit_per_second=0.8, tcp_bytes_per_second_per_pod=4_000_000,
        ),
        WorkloadSpec(
            namespace="data", name="standby", pods=10, native=True, traffic="none",
            idle_vcpu=0.004,
        ),
        WorkloadSpec(namespace="data", name="nightly", pods=10, traffic="none", idle_vcpu=0.003),
    )  # fmt: skip


def _gateways() -> tuple[WorkloadSpec, ...]:
    return (
        WorkloadSpec(
            namespace="edge", name="public-gateway", role="gateway", pods=2, idle_vcpu=0.05,
            vcpu_per_1000_rps=0.5, outbound_rps_per_pod=900, calls=("shop/web",),
            reserved_vcpu=0.3, reserved_memory_bytes=512 * MEBIBYTE,
        ),
        WorkloadSpec(
            namespace="istio-system", name="istio-ingressgateway", role="gateway", pods=1,
            idle_vcpu=0.05, vcpu_per_1000_rps=0.5, outbound_rps_per_pod=500,
            calls=("billing/api",), reserved_vcpu=0.3, reserved_memory_bytes=512 * MEBIBYTE,
        ),
    )  # fmt: skip


def _ambient() -> tuple[WorkloadSpec, ...]:
    """Return waypoints and ztunnels; one waypoint is called nothing like it, one ztunnel's
    namespace is not Istio's.
    """
    return (
        WorkloadSpec(
            namespace="media", name="waypoint", role="waypoint", pods=3, idle_vcpu=0.03,
            vcpu_per_1000_rps=0.45, inbound_rps_per_pod=800, calls=("media/library",),
        ),
        WorkloadSpec(
            namespace="chat", name="l7", role="waypoint", pods=2, idle_vcpu=0.03,
            vcpu_per_1000_rps=0.4, inbound_rps_per_pod=300, calls=("chat/rooms", "chat/bots"),
            reserved_vcpu=0.15,
        ),
        _ztunnel("istio-system", pods=2),
        _ztunnel("kube-system", pods=2),
    )  # fmt: skip


def _ztunnel(namespace: str, *, pods: int) -> WorkloadSpec:
    return WorkloadSpec(
        namespace=namespace, name="ztunnel", role="ztunnel", kind="DaemonSet", pods=pods,
        traffic="tcp", idle_vcpu=0.02, vcpu_per_gbit_per_second=1.5,
        tcp_bytes_per_second_per_pod=20_000_000, tcp_outbound_share=0.4, open_tcp_connections=200,
        reserved_vcpu=0.2, reserved_memory_bytes=512 * MEBIBYTE,
    )  # fmt: skip
