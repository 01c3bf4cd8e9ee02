"""The fleet behind `istio-usage demo --sample fleet`: twenty simulated namespaces.

Run as a script to collect the sample again::

    python -m tests.support.fleet analyzer/data/samples/fleet
"""

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.support.default import DEFAULT_START
from tests.support.mesh import Mesh, build_mesh
from tests.support.more_of_proxies import with_more_of_proxies
from tests.support.prometheus import PrometheusServer
from tests.support.spec import MEBIBYTE, MeshSpec, WorkloadSpec
from tests.support.throttling import with_throttling

NOTE = (
    "Simulated mesh: 20 namespaces of generated traffic, collected from a real Prometheus by this "
    "tool. Its figures show what the answer looks like, not what Istio costs."
)

_HTTP_NAMESPACES = (
    "accounts", "billing", "booking", "carts", "catalog", "checkout", "content", "identity",
    "inventory", "loyalty", "notifications", "orders", "payments", "pricing", "recommendations",
    "reviews", "search",
)  # fmt: skip

_WITH_SIDECAR_RESOURCE = ("billing", "identity", "payments")
"""Namespaces whose proxies are configured for what they call, and not for the whole mesh."""

_CLUSTERS_OF_MESH, _CLUSTERS_OF_SOME = 96, 14
"""What istiod configures: a cluster for each port of each service, and some ten of Istio's own."""

_NOW_AND_THEN_THROTTLED = "checkout/checkout-api"
_THROTTLED_SHARE = 0.004


def fleet() -> MeshSpec:
    """Return the fleet: 17 namespaces of HTTP services, one of TCP, one idle, one at the edge."""
    rng, sizes = np.random.default_rng(20), np.random.default_rng(21)
    sidecars = [_sized(item, sizes) for name in _HTTP_NAMESPACES for item in _services(name, rng)]
    called = [workload.key for workload in sidecars if workload.has_inbound_http]
    gateway = WorkloadSpec(
        namespace="edge",
        name="public-gateway",
        pods=2,
        role="gateway",
        idle_vcpu=0.03,
        vcpu_per_1000_rps=0.3,
        outbound_rps_per_pod=400,
        wire_bytes_per_request=9_000,
        configured_clusters=_CLUSTERS_OF_MESH,
        calls=tuple(called[:10]),
    )
    return MeshSpec(
        seed=20,
        start=DEFAULT_START,
        hours=24,
        nodes=12,
        workloads=(*sidecars, *_quiet(), gateway),
        node_prices=True,
        churn=0.03,
        restarts=0.02,
    )


def _services(namespace: str, rng: np.random.Generator) -> list[WorkloadSpec]:
    """Return a namespace's front service and the store behind it."""
    front_rps = float(np.round(rng.lognormal(np.log(35), 0.8)))
    peak_hour_utc = float(rng.integers(9, 21))
    front = WorkloadSpec(
        namespace=namespace,
        name=f"{namespace}-api",
        pods=int(rng.integers(3, 9)),
        idle_vcpu=float(np.round(rng.uniform(0.004, 0.015), 4)),
        vcpu_per_1000_rps=float(np.round(rng.uniform(0.2, 0.6), 3)),
        inbound_rps_per_pod=front_rps,
        outbound_ratio=1.0,
        trough_to_peak=0.3,
        peak_hour_utc=peak_hour_utc,
        calls=(f"{namespace}/{namespace}-store",),
        native=bool(rng.integers(0, 2)),
        memory_bytes=int(rng.integers(42, 70)) * MEBIBYTE,
    )
    store = WorkloadSpec(
        namespace=namespace,
        name=f"{namespace}-store",
        kind="StatefulSet",
        pods=3,
        idle_vcpu=float(np.round(rng.uniform(0.004, 0.012), 4)),
        vcpu_per_1000_rps=float(np.round(rng.uniform(0.15, 0.4), 3)),
        inbound_rps_per_pod=front_rps * front.pods / 3,
        trough_to_peak=0.3,
        peak_hour_utc=peak_hour_utc,
        memory_bytes=int(rng.integers(42, 60)) * MEBIBYTE,
    )
    return [front, store]


def _sized(workload: WorkloadSpec, rng: np.random.Generator) -> WorkloadSpec:
    """Return a workload with the size of its requests, mostly some kilobytes, and of what it knows.

    The numbers are drawn apart, so that they change nothing else.
    """
    size = round(float(np.clip(rng.lognormal(np.log(4_000), 0.7), 800, 40_000)), -2)
    is_narrowed = workload.namespace in _WITH_SIDECAR_RESOURCE
    return replace(
        workload,
        wire_bytes_per_request=int(size),
        configured_clusters=_CLUSTERS_OF_SOME if is_narrowed else _CLUSTERS_OF_MESH,
    )


def _quiet() -> list[WorkloadSpec]:
    return [
        WorkloadSpec(
            namespace="caches",
            name="redis",
            kind="StatefulSet",
            pods=6,
            traffic="tcp",
            idle_vcpu=0.006,
            vcpu_per_gbit_per_second=0.8,
            tcp_bytes_per_second_per_pod=2e6,
            tcp_bytes_per_connection=400_000,
            configured_clusters=_CLUSTERS_OF_MESH,
        ),
        WorkloadSpec(
            namespace="batch",
            name="nightly",
            pods=8,
            traffic="none",
            idle_vcpu=0.004,
            configured_clusters=_CLUSTERS_OF_MESH,
        ),
    ]


def fleet_mesh() -> Mesh:
    """Return the fleet with all that its proxies count; one service is throttled now and then."""
    mesh = with_more_of_proxies(build_mesh(fleet()))
    return with_throttling(mesh, [_NOW_AND_THEN_THROTTLED], share=_THROTTLED_SHARE)


def main(target: Path) -> None:
    """Collect the sample with the real command line from a real Prometheus."""
    mesh = fleet_mesh()
    with tempfile.TemporaryDirectory() as folder, PrometheusServer(Path(folder)) as server:
        server.fill(mesh)
        command = [sys.executable, "-m", "analyzer", "collect", "-p", server.url, "-o", str(target)]
        command += ["--days", "1", "--end", mesh.spec.end.isoformat(), "--note", NOTE]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
