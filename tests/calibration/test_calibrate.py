"""The whole calibration: the other roles, what is handed on, and what is warned of."""

import dataclasses

import numpy as np
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.data import assumptions
from analyzer.units import Provenance, Reason, Refusal, Role
from tests.calibration.hardships import Floats
from tests.calibration.meshes import Fleet, lawful, ramp, usage_of

IDLE, SLOPE = 0.02, 0.0004


def waypoints(rps: Floats) -> Fleet:
    """Return waypoints that cost twice what the sidecars do."""
    fleet = lawful(rps, workload="waypoint", idle=2 * IDLE, slope=2 * SLOPE)
    return dataclasses.replace(fleet, role=Role.WAYPOINT)


def answered(role: RoleCalibration | Refusal) -> RoleCalibration:
    assert isinstance(role, RoleCalibration), role
    return role


# --- the other roles ---


def test_without_waypoints_theirs_is_the_sidecars_cost_times_the_published_ratio() -> None:
    calibration = calibrate_usage(usage_of(lawful(ramp(9, 48), seed=1)))

    sidecar, waypoint = answered(calibration.sidecar), answered(calibration.waypoint)
    ratio = assumptions()["waypoint_to_sidecar_ratio"].value
    assert ratio.mid == 1.15
    assert waypoint.provenance == Provenance.DERIVED
    for of_waypoint, of_sidecar in (
        (waypoint.vcpu_per_1000_rps, sidecar.vcpu_per_1000_rps),
        (waypoint.idle_vcpu_per_proxy, sidecar.idle_vcpu_per_proxy),
    ):
        assert of_waypoint.mid == pytest.approx(1.15 * of_sidecar.mid)
        assert of_waypoint.low == pytest.approx(ratio.low * of_sidecar.low)
        assert of_waypoint.high == pytest.approx(ratio.high * of_sidecar.high)
    assert waypoint.curve == sidecar.curve.scaled(1.15)
    assert waypoint.model == "1.15 x sidecar (affine)"
    # Beyond the rates that sidecars were seen at, a waypoint's cost is an extrapolation.
    assert waypoint.fitted_rps == sidecar.fitted_rps
    assert waypoint.not_measured is not None
    assert waypoint.not_measured.reason == Reason.NO_DATA
    assert waypoint.source.endswith(f"Not measured: {waypoint.not_measured.detail}")


def test_waypoints_that_are_there_are_measured_and_apart_from_sidecars() -> None:
    rps = ramp(4, 24)

    calibration = calibrate_usage(usage_of(lawful(rps), waypoints(rps[:2])))

    sidecar, waypoint = answered(calibration.sidecar), answered(calibration.waypoint)
    assert (waypoint.provenance, waypoint.not_measured) == (Provenance.MEASURED, None)
    assert waypoint.vcpu_per_1000_rps.mid == pytest.approx(2 * SLOPE * 1000)
    assert waypoint.idle_vcpu_per_proxy.mid == pytest.approx(2 * IDLE)
    assert sidecar.vcpu_per_1000_rps.mid == pytest.approx(SLOPE * 1000)
    assert [item.workload for item in calibration.workloads] == ["front"]
    assert set(calibration.observations["workload"]) == {"front"}


def test_waypoints_that_cannot_be_fitted_are_derived_with_the_reason() -> None:
    constant = waypoints(np.full((2, 24), 50.0))

    calibration = calibrate_usage(usage_of(lawful(ramp(4, 24)), constant))

    waypoint = answered(calibration.waypoint)
    assert waypoint.provenance == Provenance.DERIVED
    assert waypoint.not_measured is not None
    assert waypoint.not_measured.reason == Reason.CONSTANT_TRAFFIC
    assert waypoint.not_measured.detail in waypoint.source


def test_without_sidecars_or_waypoints_a_waypoints_cost_is_refused() -> None:
    calibration = calibrate_usage(usage_of(lawful(np.zeros((4, 24)))))

    assert isinstance(calibration.waypoint, Refusal)
    assert calibration.waypoint.reason == Reason.NO_DATA
    assert "no waypoint" in calibration.waypoint.detail


def test_ztunnels_cost_is_the_published_one() -> None:
    ztunnel = calibrate_usage(usage_of(lawful(ramp(4, 24)))).ztunnel

    assert ztunnel.role == Role.ZTUNNEL
    assert ztunnel.provenance == Provenance.PUBLISHED
    assert ztunnel.not_measured is not None
    assert ztunnel.not_measured.reason == Reason.NO_DATA
    assert ztunnel.vcpu_per_1000_rps.mid == 0.06
    assert ztunnel.idle_vcpu_per_proxy.mid == 0.003
    assert "istio.io" in ztunnel.source


# --- what is handed on ---


def test_every_fitted_step_has_its_names_and_its_prediction() -> None:
    front, back = lawful(ramp(4, 24)), lawful(ramp(2, 24), workload="back", slope=0.001)

    rows = calibrate_usage(
        usage_of(front, dataclasses.replace(back, namespace="bank"))
    ).observations

    assert len(rows) == 4 * 24 + 2 * 24
    assert rows["predicted_vcpu"].to_numpy() == pytest.approx(rows["cpu_vcpu"].to_numpy())
    names = rows[["namespace", "workload"]].astype(str).value_counts().to_dict()
    assert names == {("shop", "front"): 96, ("bank", "back"): 48}
    of_back = rows[rows["workload"] == "back"]
    assert of_back["cpu_vcpu"].to_numpy() == pytest.approx(back.vcpu.ravel())


def test_steps_of_a_workload_that_cannot_be_fitted_have_no_prediction() -> None:
    constant = lawful(np.full((1, 24), 50.0), workload="steady")

    rows = calibrate_usage(usage_of(lawful(ramp(2, 24)), constant)).observations

    assert (rows["predicted_vcpu"].isna() == (rows["workload"] == "steady")).all()


def test_where_nothing_can_be_fitted_there_are_no_observations() -> None:
    fleet = Fleet(rps=np.full((2, 24), np.nan), vcpu=np.ones((2, 24)))

    calibration = calibrate_usage(usage_of(fleet))

    assert len(calibration.observations) == 0
    assert "predicted_vcpu" in calibration.observations
    assert calibration.workloads == ()


# --- warnings and refusals ---


def slopes_refused(calibration: Calibration) -> list[Refusal]:
    """Return the refusals but that of memory, which these meshes do not know."""
    return [item for item in calibration.refusals if "memory" not in item.subject]


def test_a_mesh_that_is_known_through_and_through_has_nothing_to_warn_of() -> None:
    calibration = calibrate_usage(usage_of(lawful(ramp(4, 24))))

    assert calibration.warnings == ()
    assert slopes_refused(calibration) == []


def test_requests_without_a_fit_are_warned_of() -> None:
    constant = lawful(np.full((4, 24), 20.0), workload="steady")

    calibration = calibrate_usage(usage_of(lawful(ramp(4, 24)), constant))

    (warning,) = calibration.warnings
    assert warning.name == "partial_fit"
    assert "covers 73 %" in warning.text
    assert [item.reason for item in slopes_refused(calibration)] == [Reason.CONSTANT_TRAFFIC]


def test_what_rounds_to_all_of_the_requests_is_not_warned_of() -> None:
    constant = lawful(np.full((1, 24), 0.5), workload="steady")

    calibration = calibrate_usage(usage_of(lawful(ramp(4, 24)), constant))

    assert calibration.warnings == ()
    assert len(slopes_refused(calibration)) == 1


def test_cpu_that_the_lines_leave_unexplained_is_warned_of() -> None:
    rps = ramp(8, 96)
    # Work in bursts, at the busiest steps: weighing by the prediction leaves it to the residual.
    bursts = np.where((np.arange(96) > 80) & (np.arange(96) % 2 == 0), 0.5, 0.0)
    fleet = dataclasses.replace(lawful(rps), vcpu=IDLE + SLOPE * rps + bursts)

    calibration = calibrate_usage(usage_of(fleet))

    warnings = {item.name: item for item in calibration.warnings}
    warning = warnings["unexplained_cpu"]
    share = abs(calibration.decomposition.unexplained_vcpu)
    assert share > 0.03 * calibration.decomposition.measured_vcpu
    assert "more" in warning.text
    # Bursts of all proxies at the same time, at the end of the window.
    assert warnings.keys() == {"unexplained_cpu", "shared_noise", "missed_backtest"}


def test_the_refusal_of_the_mesh_is_before_those_of_its_workloads() -> None:
    calibration = calibrate_usage(usage_of(lawful(np.full((4, 24), 10.0))))

    sidecar, memory, slope = calibration.refusals
    assert (sidecar, memory) == (calibration.sidecar, calibration.memory)
    assert slope.subject == "cost per request of shop/front"
    assert calibration.warnings == ()


# --- bursts ---


def of_bursts(seed: int, most_split: float) -> Calibration:
    """Return the fit to a burst in two of three steps, a part of whose CPU is in the next step."""
    rng = np.random.default_rng(seed)
    turns = np.tile([1.0, 0.6, 0.1], 3)
    rps = 100 * turns * rng.lognormal(0, 0.2, (20, 9))
    late = rps * rng.uniform(0, most_split, 9)
    driven = rps - late + np.roll(late, 1, axis=1)
    vcpu = (IDLE + SLOPE * driven) * (1 + 0.05 * rng.normal(size=rps.shape))
    return calibrate_usage(usage_of(Fleet(rps=rps, vcpu=vcpu)))


@pytest.mark.parametrize("seed", range(6))
def test_bursts_that_steps_split_make_the_cost_doubtful(seed: int) -> None:
    found = of_bursts(seed, most_split=0.5)
    slope = answered(found.sidecar).vcpu_per_1000_rps

    assert "bursty_load" in {warning.name for warning in found.warnings}
    assert slope.low <= 1000 * SLOPE <= slope.high


@pytest.mark.parametrize("seed", range(6))
def test_bursts_that_are_whole_are_not_doubtful(seed: int) -> None:
    found = of_bursts(seed, most_split=0.0)

    assert answered(found.sidecar).vcpu_per_1000_rps.mid == pytest.approx(1000 * SLOPE, rel=0.06)
    assert "bursty_load" not in {warning.name for warning in found.warnings}
