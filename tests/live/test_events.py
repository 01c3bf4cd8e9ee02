"""CPU of pushes and connections is separated from that of requests, where Envoys count them."""

from pathlib import Path

import numpy as np
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.measurement import MeshUsage, measure
from analyzer.measurement.findings import Severity
from analyzer.notebook.api import collect
from tests.support import DEFAULT_START, Mesh, MeshSpec, PrometheusServer, WorkloadSpec, build_mesh
from tests.support.counted_events import CONNECTIONS, UPDATES, with_events, without
from tests.support.layout import Pod, generator
from tests.support.traffic import Floats

pytestmark = pytest.mark.live

_SPEC = MeshSpec(
    seed=11,
    start=DEFAULT_START,
    hours=17,
    workloads=tuple(
        WorkloadSpec(
            namespace="shop",
            name=f"w{number}",
            pods=4,
            idle_vcpu=0.004 + 0.002 * number,
            vcpu_per_1000_rps=0.2 + 0.1 * number,
            inbound_rps_per_pod=40 + 20 * number,
        )
        for number in range(6)
    ),
    churn=0.0,
)
_PUSH_VCPU_SECONDS, _HANDSHAKE_VCPU_SECONDS = 1.5, 0.02


def pushes(_: Pod) -> Floats:
    """Return the moments of pushes, the same for all pods: more of them around the peak."""
    random = np.random.default_rng(3)
    hours = np.concatenate([random.uniform(0, _SPEC.hours, 40), random.normal(8, 1.0, 80)])
    return np.sort(np.clip(hours, 0, _SPEC.hours)) * 3600


def connections(pod: Pod) -> Floats:
    """Return the moments of a pod's new connections: most of them while load rises."""
    random = generator(_SPEC, "connections", pod.name)
    hours = np.concatenate([random.uniform(0, _SPEC.hours, 2500), random.normal(5, 1.0, 2500)])
    return np.sort(np.clip(hours, 0, _SPEC.hours)) * 3600


def measured(mesh: Mesh, folder: Path) -> MeshUsage:
    """Return the mesh as a real Prometheus has it."""
    with PrometheusServer(folder / "server") as server:
        server.fill(mesh)
        found = collect(server.url, days=_SPEC.hours / 24, end=_SPEC.end, path=folder / "snapshot")
    return measure(found.snapshot)


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    """Return a mesh with pushes and connections, both counted."""
    pushed = with_events(build_mesh(_SPEC), UPDATES, pushes, _PUSH_VCPU_SECONDS)
    return with_events(pushed, CONNECTIONS, connections, _HANDSHAKE_VCPU_SECONDS)


@pytest.fixture(scope="module")
def usage(mesh: Mesh, tmp_path_factory: pytest.TempPathFactory) -> MeshUsage:
    return measured(mesh, tmp_path_factory.mktemp("counted"))


@pytest.fixture(scope="module")
def counted(usage: MeshUsage) -> Calibration:
    return calibrate_usage(usage)


@pytest.fixture(scope="module")
def uncounted(mesh: Mesh, tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    lacking = without(mesh, UPDATES, CONNECTIONS)
    return calibrate_usage(measured(lacking, tmp_path_factory.mktemp("uncounted")))


def sidecar_of(calibration: Calibration) -> RoleCalibration:
    answer = calibration.sidecar
    assert isinstance(answer, RoleCalibration), answer
    return answer


def test_events_are_measured_as_often_as_they_happen(usage: MeshUsage) -> None:
    means = usage.steps[["configuration_updates_per_second", "accepted_connections_per_second"]]

    # Each push is an update of clusters and one of listeners.
    expected = [2 * 120 / (_SPEC.hours * 3600), 5000 / (_SPEC.hours * 3600)]
    assert means.mean().tolist() == pytest.approx(expected, rel=0.03)
    assert means.notna().all(axis=None)


def test_cost_per_request_and_idle_cpu_are_without_them(mesh: Mesh, counted: Calibration) -> None:
    answer, truth = sidecar_of(counted), mesh.truth
    slope, idle = answer.vcpu_per_1000_rps, answer.idle_vcpu_per_proxy

    assert slope.low < truth.mesh_vcpu_per_1000_rps < slope.high
    assert idle.low < truth.mean_idle_vcpu_per_proxy < idle.high


def test_each_event_has_its_cost(counted: Calibration) -> None:
    costs = sidecar_of(counted).cost_of_each

    per_update = costs["vcpu_seconds_per_configuration_update"]
    per_connection = costs["vcpu_per_1000_accepted_connections_per_second"]
    assert per_update.mid == pytest.approx(_PUSH_VCPU_SECONDS / 2, rel=0.1)
    assert per_connection.mid == pytest.approx(1000 * _HANDSHAKE_VCPU_SECONDS, rel=0.25)


def test_the_parts_of_the_cpu_add_up(counted: Calibration) -> None:
    parts = counted.decomposition
    pods, seconds = 24, _SPEC.hours * 3600

    assert parts.events_vcpu["configuration_updates"].mid == pytest.approx(
        pods * 120 * _PUSH_VCPU_SECONDS / seconds, rel=0.1
    )
    assert parts.events_vcpu["accepted_connections"].mid == pytest.approx(
        pods * 5000 * _HANDSHAKE_VCPU_SECONDS / seconds, rel=0.25
    )
    assert abs(parts.unexplained_vcpu) < 0.01 * parts.measured_vcpu


def test_what_was_a_warning_is_an_information(counted: Calibration, uncounted: Calibration) -> None:
    known = {item.code: item.severity for item in counted.warnings}

    assert known == {"IU319": Severity.INFO, "IU320": Severity.INFO}
    # Both name pushes as a likely cause.
    assert {item.code for item in uncounted.warnings} & {"IU306", "IU317"}


def test_without_the_counters_there_is_no_error_and_no_term(uncounted: Calibration) -> None:
    assert sidecar_of(uncounted).cost_of_each == {}
    assert uncounted.decomposition.events_vcpu == {}
