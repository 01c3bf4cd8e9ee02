"""One mesh before and after a part of it has moved to ambient, the same hours of two days."""

from dataclasses import replace
from datetime import timedelta

from tests.support.default import DEFAULT_START
from tests.support.spec import MEBIBYTE, MeshSpec, WorkloadSpec

_MORNING = DEFAULT_START + timedelta(hours=7)
_HOURS = 6
_NODES = 4

_IDLE_VCPU = 0.01
_VCPU_PER_1000_RPS = 0.4
_WAYPOINT_TO_SIDECAR = 1.15
_EDGE_RPS = 600
"""Requests per second of each call: gateway to web, web to api, api to books."""

_BYTES_PER_PASS = 4_500
_GBIT = 8e-6 * _BYTES_PER_PASS
_REQUEST_VCPU = _VCPU_PER_1000_RPS / (1 + _GBIT * 0.26 / 0.23)
"""What 1000 requests/s cost a sidecar here without their bytes."""
_ZTUNNEL_VCPU_PER_1000_RPS = _REQUEST_VCPU * (0.3 + 0.1 * 0.45 / 0.23 + _GBIT * 0.165 / 0.23)
_ZTUNNEL_IDLE_VCPU = 0.003 * _REQUEST_VCPU / 0.26
"""The defaults, on the hardware of these sidecars: a tenth of the passes on a new connection."""


def before_migration() -> MeshSpec:
    """Return 24 sidecars in two namespaces, of one law, behind a gateway."""
    return MeshSpec(
        seed=11,
        start=_MORNING,
        hours=_HOURS,
        nodes=_NODES,
        workloads=(_web(), *_billing(), _gateway()),
        pod_load_sigma=0.0,
        # Two waypoints over six hours are few: in more noise, what is planted would not show.
        noise_cv=0.03,
    )


def after_migration(*, waypoint_factor: float = 1.0) -> MeshSpec:
    """Return the same mesh a day later, with billing in ambient mode behind a waypoint.

    Args:
        waypoint_factor: what a waypoint costs, over what the defaults derive from the sidecars.
    """
    return replace(
        before_migration(),
        seed=12,
        start=_MORNING + timedelta(days=1),
        workloads=(_web(), _gateway(), _waypoint(waypoint_factor), _ztunnel()),
    )


def _web() -> WorkloadSpec:
    return WorkloadSpec(
        namespace="shop", name="web", pods=10, idle_vcpu=_IDLE_VCPU,
        vcpu_per_1000_rps=_VCPU_PER_1000_RPS, inbound_rps_per_pod=_EDGE_RPS / 10,
        outbound_ratio=1.0, calls=("billing/api",),
    )  # fmt: skip


def _billing() -> tuple[WorkloadSpec, ...]:
    return (
        WorkloadSpec(
            namespace="billing", name="api", pods=8, idle_vcpu=_IDLE_VCPU,
            vcpu_per_1000_rps=_VCPU_PER_1000_RPS, inbound_rps_per_pod=_EDGE_RPS / 8,
            outbound_ratio=1.0, calls=("billing/books",),
        ),
        WorkloadSpec(
            namespace="billing", name="books", pods=6, idle_vcpu=_IDLE_VCPU,
            vcpu_per_1000_rps=_VCPU_PER_1000_RPS, inbound_rps_per_pod=_EDGE_RPS / 6,
        ),
    )  # fmt: skip


def _gateway() -> WorkloadSpec:
    return WorkloadSpec(
        namespace="edge", name="public-gateway", role="gateway", pods=2, idle_vcpu=0.05,
        vcpu_per_1000_rps=0.5, outbound_rps_per_pod=_EDGE_RPS / 2, calls=("shop/web",),
    )  # fmt: skip


def _waypoint(factor: float) -> WorkloadSpec:
    """Return two replicas: one hears what web sends to api, the other what api sends to books."""
    share = factor * _WAYPOINT_TO_SIDECAR
    return WorkloadSpec(
        namespace="billing", name="waypoint", role="waypoint", pods=2,
        idle_vcpu=share * _IDLE_VCPU, vcpu_per_1000_rps=share * _VCPU_PER_1000_RPS,
        inbound_rps_per_pod=_EDGE_RPS, calls=("billing/api", "billing/books"),
        callers=("shop/web", "billing/api"),
    )  # fmt: skip


def _ztunnel() -> WorkloadSpec:
    """Return one a node: api receives and sends, books receives, each request one pass."""
    passes_rps = 3 * _EDGE_RPS / _NODES
    bytes_per_second = passes_rps * _BYTES_PER_PASS
    vcpu_per_bit = _ZTUNNEL_VCPU_PER_1000_RPS / 1000 / _BYTES_PER_PASS / 8
    return WorkloadSpec(
        namespace="istio-system", name="ztunnel", role="ztunnel", kind="DaemonSet", pods=_NODES,
        traffic="tcp", idle_vcpu=_ZTUNNEL_IDLE_VCPU, vcpu_per_gbit_per_second=vcpu_per_bit * 1e9,
        tcp_bytes_per_second_per_pod=bytes_per_second,
        reserved_vcpu=0.2, reserved_memory_bytes=512 * MEBIBYTE,
    )  # fmt: skip
