"""What proxies reserve and are limited to: from both families, once each, while they live."""

from collections.abc import Callable, Iterator, Sequence
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
from tests.support.layout import Pod
from tests.support.scraping import pod_key, with_series
from tests.support.truth import WorkloadTruth

pytestmark = pytest.mark.live

_BRIEF = "shop/frontend"
"""The workload with pods that come and go."""

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


@pytest.mark.parametrize(
    ("pods", "seconds", "is_alone"), [(40, 1200, False), (100, 450, False), (100, 450, True)]
)
def test_brief_pods_hold_what_they_do_for_as_long_as_they_live(
    pods: int,
    seconds: int,
    is_alone: bool,  # noqa: FBT001 - a parameter of pytest's
    tmp_path: Path,
) -> None:
    """A pod of some minutes is in steps of an hour, and at the end of few of them.

    Pods of the workload that stay show how often one is scraped in a step, if there are any.
    """
    mesh = with_short_lives(
        build_mesh(replace(dialect_mesh(), hours=4.0)), _BRIEF, pods=pods, seconds=seconds
    )
    truth = mesh.truth
    theirs = [pod for pod in mesh.pods if pod.workload.key == _BRIEF]
    stays = [pod for pod in theirs if pod.birth_seconds <= 0] if is_alone else []
    mesh = dialect("kube-prometheus-stack").tell(_without(mesh, stays))

    def of_truth(value: Callable[[WorkloadTruth], float]) -> float:
        """Return the sum over all sidecars but those that stay, which all live as long."""
        (brief,) = (one for one in truth.workloads if f"{one.namespace}/{one.name}" == _BRIEF)
        gone = len(stays) / brief.mean_pods_alive
        return truth.role_sum("sidecar", value) - gone * value(brief)

    alive = of_truth(lambda workload: workload.mean_pods_alive)
    for usage in _measured(mesh, tmp_path, None, 3600):
        requested, limit, held = (
            usage.mean_total(Role.SIDECAR, name)
            for name in ("reserved_vcpu", "limit_vcpu", "memory_bytes")
        )
        counts = mesh_load(usage).namespaces["sidecar_count"]

        assert requested == pytest.approx(of_truth(lambda one: one.reserved_vcpu), rel=0.002)
        assert limit == pytest.approx(alive * _SIDECAR_LIMIT_VCPU, rel=0.002)
        assert held == pytest.approx(of_truth(lambda one: one.memory_bytes), rel=0.01)
        assert counts.sum() == pytest.approx(alive, rel=0.002)


def _without(mesh: Mesh, pods: Sequence[Pod]) -> Mesh:
    gone = {(pod.workload.namespace, pod.name) for pod in pods}
    kept = with_series(mesh, [one for one in mesh.series if pod_key(one) not in gone])
    return replace(kept, pods=tuple(pod for pod in mesh.pods if pod not in pods))
