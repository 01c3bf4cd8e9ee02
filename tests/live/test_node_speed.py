"""Nodes of unequal speed, as a real Prometheus has them: by instance type, or not."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.measurement import measure
from analyzer.notebook.api import collect
from tests.support import DEFAULT_START, Mesh, MeshSpec, PrometheusServer, WorkloadSpec, build_mesh
from tests.support.pod_labels import with_instance_types
from tests.support.sampling import scaled
from tests.support.scraping import pod_key, pods_by_name, with_series
from tests.support.series import Series

pytestmark = pytest.mark.live

_TYPES = ("fast-8", "slow-8")
_MORE_ON_SLOW = 1.5

_SPEC = MeshSpec(
    seed=21,
    start=DEFAULT_START,
    hours=8,
    nodes=6,
    workloads=tuple(
        WorkloadSpec(
            namespace="shop",
            name=f"w{number}",
            pods=8,
            idle_vcpu=0.005 + 0.001 * number,
            vcpu_per_1000_rps=0.3 + 0.1 * number,
            inbound_rps_per_pod=80,
        )
        for number in range(4)
    ),
    churn=0.0,
)


def on_slow_nodes(mesh: Mesh) -> Mesh:
    """Return a mesh whose proxies use more CPU on every second node, and these are of a type."""
    pods = pods_by_name(mesh)

    def found() -> Iterator[Series]:
        for series in mesh.series:
            key = pod_key(series)
            is_cpu = series.name == "container_cpu_usage_seconds_total"
            is_slow = key is not None and pods[key].node % 2 == 1
            yield scaled(series, _MORE_ON_SLOW) if is_cpu and is_slow else series

    return with_instance_types(with_series(mesh, found()), _TYPES)


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return build_mesh(_SPEC)


def calibrated(mesh: Mesh, folder: Path) -> Calibration:
    with PrometheusServer(folder / "server") as server:
        server.fill(mesh)
        found = collect(server.url, days=_SPEC.hours / 24, end=_SPEC.end, path=folder / "snapshot")
    return calibrate_usage(measure(found.snapshot))


def sidecar_of(calibration: Calibration) -> RoleCalibration:
    answer = calibration.sidecar
    assert isinstance(answer, RoleCalibration), answer
    return answer


def test_each_type_has_its_factor(mesh: Mesh, tmp_path: Path) -> None:
    calibration = calibrated(on_slow_nodes(mesh), tmp_path)
    cpu = sidecar_of(calibration).cpu_of_node_kinds

    assert cpu.keys() == set(_TYPES)
    assert cpu["slow-8"].mid / cpu["fast-8"].mid == pytest.approx(_MORE_ON_SLOW, rel=0.05)
    assert "IU312" in {item.code for item in calibration.warnings}


def test_the_cost_is_that_of_the_mix(mesh: Mesh, tmp_path: Path) -> None:
    answer = sidecar_of(calibrated(on_slow_nodes(mesh), tmp_path))
    shares = [1 + (_MORE_ON_SLOW - 1) * (pod.node % 2) for pod in mesh.pods]
    truth = mesh.truth.mesh_vcpu_per_1000_rps * np.mean(shares)

    assert answer.vcpu_per_1000_rps.mid == pytest.approx(truth, rel=0.05)


def test_types_that_are_alike_have_none(mesh: Mesh, tmp_path: Path) -> None:
    calibration = calibrated(with_instance_types(mesh, _TYPES), tmp_path)

    assert sidecar_of(calibration).cpu_of_node_kinds == {}
    assert "IU312" not in {item.code for item in calibration.warnings}
