"""The cost of TCP, from the counters of a real Prometheus to the answer."""

import json
from pathlib import Path

import pytest

import analyzer
from analyzer.calibration import Calibration, calibrate_usage
from analyzer.calibration.result import TcpCalibration
from analyzer.measurement import measure
from analyzer.units import Reason
from tests.support import (
    DEFAULT_START,
    MeshSpec,
    PrometheusServer,
    WorkloadSpec,
    build_mesh,
    with_more_of_proxies,
)

pytestmark = pytest.mark.live

_IDLE = {"cache": 0.006, "queue": 0.004}
_PER_GBIT = {"cache": 0.8, "queue": 2.0}

_SPEC = MeshSpec(
    seed=21,
    start=DEFAULT_START,
    hours=12,
    workloads=(
        *(
            WorkloadSpec(
                namespace="shop",
                name=f"w{number}",
                pods=3,
                idle_vcpu=0.004 + 0.002 * number,
                vcpu_per_1000_rps=0.3,
                inbound_rps_per_pod=40 + 20 * number,
            )
            for number in range(3)
        ),
        *(
            WorkloadSpec(
                namespace="data",
                name=name,
                kind="StatefulSet",
                pods=4,
                traffic="tcp",
                idle_vcpu=_IDLE[name],
                vcpu_per_gbit_per_second=_PER_GBIT[name],
                tcp_bytes_per_second_per_pod=2e6,
                tcp_bytes_per_connection=2_000_000,
            )
            for name in _IDLE
        ),
    ),
    churn=0.0,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the snapshot that a real Prometheus gave."""
    root = tmp_path_factory.mktemp("tcp")
    with PrometheusServer(root / "server") as server:
        server.fill(with_more_of_proxies(build_mesh(_SPEC)))
        analyzer.collect(server.url, days=_SPEC.hours / 24, end=_SPEC.end, path=root / "snapshot")
    return root / "snapshot"


@pytest.fixture(scope="module")
def calibration(folder: Path) -> Calibration:
    return calibrate_usage(measure(analyzer.load_snapshot(folder).snapshot))


def tcp_of(calibration: Calibration) -> TcpCalibration:
    assert calibration.tcp is not None
    return calibration.tcp


def test_the_mean_costs_are_the_truth(calibration: Calibration) -> None:
    found = tcp_of(calibration)
    cost = found.vcpu_per_gbit_per_second
    assert cost is not None

    assert found.idle_vcpu_per_proxy.low < 0.005 < found.idle_vcpu_per_proxy.high
    # Both have the same bytes but for noise; connections follow them.
    assert cost.mid == pytest.approx(1.4, rel=0.1)
    assert found.vcpu_per_1000_new_connections_per_second is None
    assert found.remarks
    assert found.gbit_per_second == pytest.approx(8 * 2e6 * 8 / 1e9, rel=0.15)
    assert found.new_connections_per_second == pytest.approx(8.0, rel=0.15)


@pytest.mark.parametrize("name", _IDLE)
def test_each_workload_has_its_own(calibration: Calibration, name: str) -> None:
    item = next(one for one in calibration.workloads if one.workload == name)

    assert item.vcpu_per_1000_rps is None
    assert item.idle_vcpu_per_proxy is not None
    assert item.idle_vcpu_per_proxy.mid == pytest.approx(_IDLE[name], rel=0.15)
    assert item.vcpu_per_gbit_per_second is not None
    assert item.vcpu_per_gbit_per_second.mid == pytest.approx(_PER_GBIT[name], rel=0.1)


def test_no_cpu_is_left_without_a_fit(calibration: Calibration) -> None:
    parts = calibration.decomposition

    assert parts.excluded_vcpu < 0.01 * parts.measured_vcpu
    assert parts.tcp_vcpu is not None
    assert parts.tcp_vcpu.mid == pytest.approx(1.4 * 8 * 2e6 * 8 / 1e9, rel=0.15)
    assert abs(parts.unexplained_vcpu) < 0.02 * parts.measured_vcpu
    reasons = {item.reason for item in calibration.refusals}
    assert Reason.NO_TRAFFIC not in reasons


def test_the_answer_has_it_in_json(folder: Path, tmp_path: Path) -> None:
    analyzer.project(analyzer.load_snapshot(folder)).write(tmp_path, charts=())
    document = json.loads((tmp_path / "result.json").read_text())

    found = document["calibration"]["tcp"]
    assert found["workload_count"] == 2
    assert found["vcpu_per_gbit_per_second"]["mid"] == pytest.approx(1.4, rel=0.1)
    shares = {item["name"]: item["severity"] for item in document["quality"]}
    assert shares["tcp_only"] == "info"
