"""What proxies reserve and are limited to: from both families, once each, while they live."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.measurement import MeshUsage, measure
from analyzer.notebook.api import collect
from analyzer.projection.demand import mesh_load
from analyzer.units import Role
from tests.support import (
    Mesh,
    MeshSpec,
    PrometheusServer,
    Truth,
    build_mesh,
    dialect,
    dialect_mesh,
    with_short_lives,
)

pytestmark = pytest.mark.live

_SIDECAR_LIMIT_VCPU = 2.0
_SIDECAR_LIMIT_BYTES = 1024 * 1024**2
"""Helm's defaults for global.proxy.resources.limits, which the fixture gives every sidecar."""


def _usage(spec: MeshSpec, name: str, folder: Path) -> tuple[MeshUsage, Truth]:
    mesh = dialect(name).told(spec)
    (usage,) = _measured(mesh, folder, None)
    return usage, mesh.truth


def _measured(mesh: Mesh, folder: Path, *step_seconds: int | None) -> Iterator[MeshUsage]:
    """Yield what is measured of a mesh in steps of each of these lengths."""
    with PrometheusServer(folder / "server") as server:
        server.fill(mesh)
        for seconds in step_seconds:
            snapshot = collect(
                server.url,
                days=mesh.spec.hours / 24,
                end=mesh.spec.end,
                step_seconds=seconds,
                path=folder / f"snapshot-{seconds}",
            ).snapshot
            yield measure(snapshot)


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
        truth.sidecar_reserved_vcpu, rel=0.005
    )


@pytest.mark.parametrize(("pods", "seconds"), [(40, 1200), (100, 450)])
def test_brief_pods_hold_what_they_do_for_as_long_as_they_live(
    pods: int, seconds: int, tmp_path: Path
) -> None:
    """A pod of some minutes is in steps of an hour, and at the end of few of them."""
    spec = replace(dialect_mesh(), hours=4.0)
    mesh = with_short_lives(build_mesh(spec), "shop/frontend", pods=pods, seconds=seconds)
    mesh = dialect("kube-prometheus-stack").tell(mesh)
    alive = mesh.truth.mean_pods_alive("sidecar")
    for usage in _measured(mesh, tmp_path, None, 3600):
        requested, limit, held = (
            usage.mean_total(Role.SIDECAR, name)
            for name in ("reserved_vcpu", "limit_vcpu", "memory_bytes")
        )
        load = mesh_load(usage)

        assert requested == pytest.approx(mesh.truth.sidecar_reserved_vcpu, rel=0.002)
        assert limit == pytest.approx(alive * _SIDECAR_LIMIT_VCPU, rel=0.002)
        assert held == pytest.approx(mesh.truth.sidecar_memory_bytes, rel=0.01)
        assert load.namespaces["sidecar_count"].sum() == pytest.approx(alive, rel=0.002)
