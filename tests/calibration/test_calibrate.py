"""The whole calibration: what adds up, what is borrowed, and what is warned of."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.data import assumptions
from analyzer.units import Provenance, Reason, Refusal, Role
from tests.calibration.meshes import Fleet, ramp, simulate, usage_of

Floats = npt.NDArray[np.float64]

IDLE, SLOPE = 0.02, 0.0004


def lawful(workload: str, rps: Floats, seed: int | None = None) -> Fleet:
    """Return proxies that obey the law, with noise of a tenth where there is a seed."""
    noise = 1.0 if seed is None else 1 + np.random.default_rng(seed).normal(0, 0.1, rps.shape)
    return Fleet(rps=rps, vcpu=(IDLE + SLOPE * rps) * noise, workload=workload)


def waypoints(rps: Floats) -> Fleet:
    """Return waypoints that cost twice what the sidecars do."""
    return Fleet(rps=rps, vcpu=2 * (IDLE + SLOPE * rps), workload="waypoint", role=Role.WAYPOINT)


def answered(role: RoleCalibration | Refusal) -> RoleCalibration:
    assert isinstance(role, RoleCalibration), role
    return role


def assert_adds_up(calibration: Calibration) -> None:
    parts = calibration.decomposition
    total = parts.idle_vcpu + parts.traffic_vcpu + parts.excluded_vcpu + parts.unexplained_vcpu
    assert total == pytest.approx(parts.measured_vcpu, rel=1e-12)


# --- decomposition ---


def test_without_noise_the_cpu_is_idle_and_traffic_and_nothing_else() -> None:
    rps = ramp(4, 24)

    calibration = calibrate_usage(usage_of(lawful("front", rps)))

    parts = calibration.decomposition
    assert_adds_up(calibration)
    assert parts.measured_vcpu == pytest.approx(4 * (IDLE + SLOPE * 55))
    assert parts.idle_vcpu == pytest.approx(4 * IDLE)
    assert parts.traffic_vcpu == pytest.approx(4 * SLOPE * 55)
    assert (parts.excluded_vcpu, parts.unexplained_vcpu) == pytest.approx((0, 0), abs=1e-12)


def test_what_could_not_be_fitted_is_in_the_decomposition_as_excluded() -> None:
    rps = ramp(4, 24)
    cut = lawful("cut", rps)
    seen = np.ones(rps.shape, bool)
    seen[0, :2] = False
    constant = lawful("steady", np.full((1, 24), 10.0))

    calibration = calibrate_usage(
        usage_of(lawful("front", rps), dataclasses.replace(cut, seen=seen), constant)
    )

    assert_adds_up(calibration)
    born = cut.vcpu[0, 2] / 24
    steady = IDLE + SLOPE * 10
    assert calibration.decomposition.excluded_vcpu == pytest.approx(born + steady)
    assert calibration.decomposition.unexplained_vcpu == pytest.approx(0, abs=1e-12)
    assert calibration.decomposition.idle_vcpu == pytest.approx(IDLE * (8 - 3 / 24))


@pytest.mark.parametrize("seed", range(3))
def test_the_decomposition_of_a_noisy_mesh_adds_up(seed: int) -> None:
    mesh = simulate(seed)

    calibration = calibrate_usage(mesh.usage)

    assert_adds_up(calibration)
    parts = calibration.decomposition
    steps = mesh.usage.steps
    assert parts.measured_vcpu == pytest.approx(steps["cpu_vcpu"].sum() / 288)
    assert abs(parts.unexplained_vcpu) < 0.01 * parts.measured_vcpu
    assert parts.idle_vcpu / parts.measured_vcpu == pytest.approx(mesh.idle_share, rel=0.1)


def test_the_decomposition_of_a_mesh_that_is_refused_adds_up() -> None:
    calibration = calibrate_usage(usage_of(lawful("front", np.full((4, 24), 10.0), seed=1)))

    assert isinstance(calibration.sidecar, Refusal)
    assert_adds_up(calibration)
    parts = calibration.decomposition
    assert parts.excluded_vcpu == pytest.approx(parts.measured_vcpu)


# --- the other roles ---


def test_without_waypoints_theirs_is_the_sidecars_cost_times_the_published_ratio() -> None:
    calibration = calibrate_usage(usage_of(lawful("front", ramp(9, 48), seed=1)))

    sidecar, waypoint = answered(calibration.sidecar), answered(calibration.waypoint)
    ratio = assumptions()["waypoint_to_sidecar_ratio"].value
    assert ratio.mid == 1.25
    assert waypoint.provenance == Provenance.DERIVED
    for of_waypoint, of_sidecar in (
        (waypoint.vcpu_per_1000_rps, sidecar.vcpu_per_1000_rps),
        (waypoint.idle_vcpu_per_proxy, sidecar.idle_vcpu_per_proxy),
    ):
        assert of_waypoint.mid == pytest.approx(1.25 * of_sidecar.mid)
        assert of_waypoint.low == pytest.approx(ratio.low * of_sidecar.low)
        assert of_waypoint.high == pytest.approx(ratio.high * of_sidecar.high)
    assert waypoint.source.endswith("not measured: no waypoint was seen")


def test_waypoints_that_are_there_are_measured_and_apart_from_sidecars() -> None:
    rps = ramp(4, 24)

    calibration = calibrate_usage(usage_of(lawful("front", rps), waypoints(rps[:2])))

    sidecar, waypoint = answered(calibration.sidecar), answered(calibration.waypoint)
    assert waypoint.provenance == Provenance.MEASURED
    assert waypoint.vcpu_per_1000_rps.mid == pytest.approx(2 * SLOPE * 1000)
    assert waypoint.idle_vcpu_per_proxy.mid == pytest.approx(2 * IDLE)
    assert sidecar.vcpu_per_1000_rps.mid == pytest.approx(SLOPE * 1000)
    assert [item.workload for item in calibration.workloads] == ["front"]
    assert set(calibration.observations["workload"]) == {"front"}


def test_waypoints_that_cannot_be_fitted_are_derived_and_the_reason_is_said() -> None:
    constant = waypoints(np.full((2, 24), 50.0))

    calibration = calibrate_usage(usage_of(lawful("front", ramp(4, 24)), constant))

    waypoint = answered(calibration.waypoint)
    assert waypoint.provenance == Provenance.DERIVED
    assert "its request rate varies by less than 5%" in waypoint.source


def test_without_sidecars_or_waypoints_a_waypoints_cost_is_refused() -> None:
    calibration = calibrate_usage(usage_of(lawful("front", np.zeros((4, 24)))))

    assert isinstance(calibration.waypoint, Refusal)
    assert calibration.waypoint.reason == Reason.NO_DATA
    assert "no waypoint was seen" in calibration.waypoint.detail


def test_ztunnels_cost_is_the_published_one() -> None:
    ztunnel = calibrate_usage(usage_of(lawful("front", ramp(4, 24)))).ztunnel

    assert ztunnel.role == Role.ZTUNNEL
    assert ztunnel.provenance == Provenance.PUBLISHED
    assert ztunnel.vcpu_per_1000_rps.mid == 0.06
    assert ztunnel.idle_vcpu_per_proxy.mid == 0.003
    assert "istio.io" in ztunnel.source


# --- workloads ---


def test_a_workload_is_quoted_with_its_own_interval() -> None:
    calibration = calibrate_usage(
        usage_of(lawful("loud", ramp(4, 48), seed=1), lawful("still", ramp(4, 48)))
    )

    loud, still = calibration.workloads
    assert loud.vcpu_per_1000_rps is not None
    assert loud.idle_vcpu_per_proxy is not None
    assert still.vcpu_per_1000_rps is not None
    assert loud.vcpu_per_1000_rps.low < 0.4 < loud.vcpu_per_1000_rps.high
    assert loud.idle_vcpu_per_proxy.low < IDLE < loud.idle_vcpu_per_proxy.high
    assert still.vcpu_per_1000_rps.high - still.vcpu_per_1000_rps.low < 1e-9
    assert still.vcpu_per_1000_rps.mid == pytest.approx(0.4)


def test_a_workload_without_requests_has_an_idle_and_no_slope() -> None:
    calibration = calibrate_usage(
        usage_of(lawful("asleep", np.zeros((4, 24))), lawful("front", ramp(4, 24)))
    )

    asleep = calibration.workloads[0]
    assert asleep.vcpu_per_1000_rps is None
    assert asleep.idle_vcpu_per_proxy is not None
    assert asleep.idle_vcpu_per_proxy.mid == pytest.approx(IDLE)
    assert [item.subject for item in calibration.refusals] == ["slope of shop/asleep"]


def test_a_workload_whose_cost_is_hidden_by_noise_has_an_idle_and_no_slope() -> None:
    rps = ramp(2, 48, low=1, high=5)
    noise = np.random.default_rng(4).normal(0, 0.005, rps.shape)
    tilted = noise - np.polyval(np.polyfit(rps.ravel(), noise.ravel(), 1), rps) - 1e-5 * rps

    calibration = calibrate_usage(
        usage_of(lawful("front", ramp(4, 48)), Fleet(rps=rps, vcpu=0.05 + tilted, workload="quiet"))
    )

    quiet = calibration.workloads[1]
    assert quiet.vcpu_per_1000_rps is None
    assert quiet.idle_vcpu_per_proxy is not None
    assert quiet.idle_vcpu_per_proxy.low < 0.05 < quiet.idle_vcpu_per_proxy.high
    assert [item.reason for item in calibration.refusals] == [Reason.NEGATIVE_SLOPE]
    assert_adds_up(calibration)


def test_every_fitted_step_has_its_prediction() -> None:
    calibration = calibrate_usage(usage_of(lawful("front", ramp(4, 24))))

    rows = calibration.observations
    assert len(rows) == 96
    assert rows["predicted_vcpu"].to_numpy() == pytest.approx(rows["cpu_vcpu"].to_numpy())


# --- warnings and refusals ---


def test_a_mesh_that_is_known_through_and_through_has_nothing_to_warn_of() -> None:
    calibration = calibrate_usage(usage_of(lawful("front", ramp(4, 24))))

    assert calibration.warnings == ()
    assert calibration.refusals == ()


def test_requests_that_no_line_speaks_for_are_warned_of() -> None:
    constant = lawful("steady", np.full((4, 24), 20.0))

    calibration = calibrate_usage(usage_of(lawful("front", ramp(4, 24)), constant))

    (warning,) = calibration.warnings
    assert "73% of the sidecars' requests" in warning
    assert [item.reason for item in calibration.refusals] == [Reason.CONSTANT_TRAFFIC]


def test_what_rounds_to_all_of_the_requests_is_not_warned_of() -> None:
    constant = lawful("steady", np.full((1, 24), 0.5))

    calibration = calibrate_usage(usage_of(lawful("front", ramp(4, 24)), constant))

    assert calibration.warnings == ()
    assert len(calibration.refusals) == 1


def test_cpu_that_the_lines_leave_unexplained_is_warned_of() -> None:
    rps = ramp(8, 96)
    # Work in bursts, at the busiest steps: weighing by the prediction leaves it to the residual.
    bursts = np.where((np.arange(96) > 80) & (np.arange(96) % 2 == 0), 0.5, 0.0)
    fleet = dataclasses.replace(lawful("front", rps), vcpu=IDLE + SLOPE * rps + bursts)

    calibration = calibrate_usage(usage_of(fleet))

    (warning,) = calibration.warnings
    share = abs(calibration.decomposition.unexplained_vcpu)
    assert share > 0.03 * calibration.decomposition.measured_vcpu
    assert "is not explained by the fit" in warning


def test_a_refused_mesh_says_so_before_its_workloads_do() -> None:
    calibration = calibrate_usage(usage_of(lawful("front", np.full((4, 24), 10.0))))

    assert [item.subject for item in calibration.refusals] == [
        "cost of a request through a sidecar",
        "slope of shop/front",
    ]
    assert calibration.warnings == ()
