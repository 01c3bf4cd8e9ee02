"""What proxies reserve and are limited to: from both families, once each, while they live."""

from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.measurement import MeshUsage, measure
from analyzer.notebook.api import collect
from analyzer.units import Role
from tests.support import (
    MeshSpec,
    PrometheusServer,
    Truth,
    dialect,
    dialect_mesh,
)

pytestmark = pytest.mark.live

_SIDECAR_LIMIT_VCPU = 2.0
_SIDECAR_LIMIT_BYTES = 1024 * 1024**2
"""Helm's defaults for global.proxy.resources.limits, which the fixture gives every sidecar."""


def _usage(spec: MeshSpec, name: str, folder: Path) -> tuple[MeshUsage, Truth]:
    mesh = dialect(name).told(spec)
    with PrometheusServer(folder / "server") as server:
        server.fill(mesh)
        snapshot = collect(
            server.url, days=spec.hours / 24, end=mesh.spec.end, path=folder / "snapshot"
        ).snapshot
    return measure(snapshot), mesh.truth


@pytest.mark.parametrize("name", ["kube-prometheus-stack", "two-kube-state-metrics"])
def test_limits_of_containers_and_init_containers_count_once(name: str, tmp_path: Path) -> None:
    """istio-init and the application carry limits too, and must stay out."""
    usage, truth = _usage(dialect_mesh(), name, tmp_path)
    sidecars = truth.pod_count("sidecar")

    assert usage.mean_total(Role.SIDECAR, "limit_vcpu") == pytest.approx(
        sidecars * _SIDECAR_LIMIT_VCPU
    )
    assert usage.mean_total(Role.SIDECAR, "limit_memory_bytes") == pytest.approx(
        sidecars * _SIDECAR_LIMIT_BYTES
    )
    assert usage.mean_total(Role.ZTUNNEL, "limit_vcpu") is None


def test_pods_that_come_and_go_reserve_while_they_live(tmp_path: Path) -> None:
    spec = replace(dialect_mesh(), churn=0.3)
    usage, truth = _usage(spec, "kube-prometheus-stack", tmp_path)

    assert truth.pod_count("sidecar") > truth.mean_pods_alive("sidecar")
    assert usage.mean_total(Role.SIDECAR, "reserved_vcpu") == pytest.approx(
        truth.sidecar_reserved_vcpu, rel=0.03
    )
