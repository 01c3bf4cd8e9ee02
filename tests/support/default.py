"""A mesh like a small company's: the one most tests ask for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from analyzer.window import OFFSET_SECONDS
from tests.support.spec import MEBIBYTE, MeshSpec, WorkloadSpec

DEFAULT_START = datetime(2024, 5, 14, tzinfo=UTC) - timedelta(seconds=OFFSET_SECONDS)
"""Where steps of every usual length begin: whole hours from here hold whole steps only."""

_LEAST_PODS = 40
_ZTUNNELS = 4

_SHOP = partial(WorkloadSpec, namespace="shop", native=True)
_PAYMENTS = partial(WorkloadSpec, namespace="payments", peak_hour_utc=17.0)
_SEARCH = partial(WorkloadSpec, namespace="search", trough_to_peak=0.3)
_TOOLS = partial(WorkloadSpec, namespace="tools", trough_to_peak=0.15, peak_hour_utc=10.0)
_DATA = partial(WorkloadSpec, namespace="data", traffic="tcp", vcpu_per_gbit_per_second=0.8)
_BATCH = partial(WorkloadSpec, namespace="batch", traffic="none")
_GATEWAY = partial(WorkloadSpec, role="gateway", idle_vcpu=0.05, vcpu_per_1000_rps=0.5)


def default_mesh(
    *,
    pods: int = 300,
    hours: float = 24,
    seed: int = 1,
    start: datetime = DEFAULT_START,
    nodes: int = 8,
) -> MeshSpec:
    """Return a mesh of mixed workloads, all its proxies together numbering `pods`.

    Gateways, waypoint, ztunnel and a DaemonSet have fixed sizes; the other sidecars share the rest.
    For other noise, scraping or prices: `dataclasses.replace(default_mesh(), noise_cv=0.0)`.
    """
    if pods < _LEAST_PODS:
        raise ValueError(f"pods: {pods}, but every workload must have one: at least {_LEAST_PODS}")
    fixed = _fixed(nodes)
    rest = pods - sum(workload.pods for workload in fixed)
    return MeshSpec(
        seed=seed,
        start=start,
        hours=hours,
        nodes=nodes,
        workloads=(*_scaled(_sidecars(), rest), *fixed),
        churn=0.05,
        restarts=0.03,
    )


def _scaled(workloads: tuple[WorkloadSpec, ...], pods: int) -> list[WorkloadSpec]:
    """Share out pods in proportion to those given, at least one each."""
    given = sum(workload.pods for workload in workloads)
    spare = pods - len(workloads)
    ideal = [spare * workload.pods / given for workload in workloads]
    counts = [int(share) for share in ideal]
    by_remainder = sorted(range(len(ideal)), key=lambda place: counts[place] - ideal[place])
    for place in by_remainder[: spare - sum(counts)]:
        counts[place] += 1
    return [replace(w, pods=1 + count) for w, count in zip(workloads, counts, strict=True)]


def _sidecars() -> tuple[WorkloadSpec, ...]:
    return (*_http_sidecars(), *_quiet_sidecars())


def _http_sidecars() -> tuple[WorkloadSpec, ...]:
    return (
        _SHOP(
            name="frontend", pods=40, idle_vcpu=0.012, vcpu_per_1000_rps=0.30,
            inbound_rps_per_pod=60, outbound_ratio=1.5, calls=("shop/catalog", "search/query"),
        ),
        _SHOP(
            name="catalog", pods=40, idle_vcpu=0.008, vcpu_per_1000_rps=0.22,
            inbound_rps_per_pod=90, outbound_ratio=0.3, calls=("search/query",),
        ),
        _SHOP(
            name="cart", pods=25, idle_vcpu=0.010, vcpu_per_1000_rps=0.40, native=False,
            inbound_rps_per_pod=45, outbound_ratio=0.8, calls=("shop/catalog", "shop/orders"),
        ),
        _SHOP(
            name="orders", pods=20, idle_vcpu=0.010, vcpu_per_1000_rps=0.55, native=False,
            inbound_rps_per_pod=30, outbound_ratio=1.2, calls=("payments/api", "shop/cart"),
        ),
        _PAYMENTS(
            name="api", pods=25, idle_vcpu=0.015, vcpu_per_1000_rps=0.70,
            inbound_rps_per_pod=25, outbound_ratio=0.5, calls=("payments/ledger",),
        ),
        _PAYMENTS(
            name="ledger", kind="StatefulSet", pods=10, idle_vcpu=0.020, vcpu_per_1000_rps=0.45,
            inbound_rps_per_pod=35,
        ),
        # Its calls leave the mesh: they are counted at their source only.
        _PAYMENTS(
            name="cards", pods=8, idle_vcpu=0.009, vcpu_per_1000_rps=0.60,
            inbound_rps_per_pod=12, outbound_ratio=1.0, calls=("bank.example.com",),
        ),
        _SEARCH(
            name="query", pods=30, idle_vcpu=0.007, vcpu_per_1000_rps=0.15, native=True,
            inbound_rps_per_pod=140, wire_bytes_per_request=24_000,
        ),
        # The same name as in payments: a key without the namespace would mix them.
        _SEARCH(
            name="api", pods=20, idle_vcpu=0.010, vcpu_per_1000_rps=0.35,
            inbound_rps_per_pod=50, outbound_ratio=1.0, calls=("search/query",),
        ),
        _TOOLS(
            name="wiki", pods=6, idle_vcpu=0.004, vcpu_per_1000_rps=0.25,
            inbound_rps_per_pod=4,
        ),
    )  # fmt: skip


def _quiet_sidecars() -> tuple[WorkloadSpec, ...]:
    """Return sidecars that receive no HTTP: they only call, carry TCP, or do nothing."""
    return (
        _TOOLS(
            name="reports", pods=8, idle_vcpu=0.005, vcpu_per_1000_rps=0.30,
            outbound_rps_per_pod=40, calls=("tools/wiki", "shop/catalog"),
        ),
        _DATA(
            name="cache", pods=15, idle_vcpu=0.006,
            tcp_bytes_per_second_per_pod=6_000_000, tcp_bytes_per_connection=40_000,
            open_tcp_connections=60,
        ),
        _DATA(
            name="broker", kind="StatefulSet", pods=12, idle_vcpu=0.008,
            tcp_bytes_per_second_per_pod=10_000_000, memory_bytes=70 * MEBIBYTE,
            tcp_outbound_share=0.3, open_tcp_connections=30,
        ),
        _BATCH(name="nightly", pods=20, idle_vcpu=0.003, configured_clusters=12),
        _BATCH(name="standby", pods=13, idle_vcpu=0.005, native=True),
    )  # fmt: skip


def _fixed(nodes: int) -> tuple[WorkloadSpec, ...]:
    """Return what does not grow with the mesh; the CPU of non-sidecars is too big to overlook."""
    return (
        _TOOLS(
            name="agent", kind="DaemonSet", pods=nodes, idle_vcpu=0.005, vcpu_per_1000_rps=0.20,
            outbound_rps_per_pod=15, calls=("search/api",),
        ),
        _GATEWAY(
            namespace="edge", name="public-gateway", pods=3,
            outbound_rps_per_pod=1500, calls=("shop/frontend", "payments/api"),
            wire_bytes_per_request=9_000,
        ),
        _GATEWAY(
            namespace="istio-system", name="istio-ingressgateway", pods=2,
            outbound_rps_per_pod=1000, calls=("search/api",),
        ),
        WorkloadSpec(
            namespace="media", name="waypoint", role="waypoint", pods=2,
            idle_vcpu=0.03, vcpu_per_1000_rps=0.45, inbound_rps_per_pod=1200,
            calls=("media/transcoder", "media/library"),
        ),
        WorkloadSpec(
            namespace="istio-system", name="ztunnel", role="ztunnel", kind="DaemonSet",
            pods=min(_ZTUNNELS, nodes), traffic="tcp", idle_vcpu=0.02,
            vcpu_per_gbit_per_second=1.5, tcp_bytes_per_second_per_pod=20_000_000,
            tcp_outbound_share=0.4, open_tcp_connections=200,
            reserved_vcpu=0.2, reserved_memory_bytes=512 * MEBIBYTE,
        ),
    )  # fmt: skip
