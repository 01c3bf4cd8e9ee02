"""The mesh's figure is the mean of its workloads' lines, not a line through all of them."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from analyzer.calibration.observations import observe
from analyzer.calibration.result import RoleCalibration
from analyzer.calibration.role import _freedom, calibrate_role, predicted
from analyzer.calibration.workloads import fit_workloads
from analyzer.units import Provenance, Reason, Refusal, Role
from tests.calibration.meshes import Fleet, ramp, usage_of

Floats = npt.NDArray[np.float64]


def law(workload: str, rps: Floats, *, idle: float, slope: float, seed: int | None = None) -> Fleet:
    """Return proxies that obey a law, with noise of a tenth where there is a seed."""
    noise = 1.0 if seed is None else 1 + np.random.default_rng(seed).normal(0, 0.1, rps.shape)
    return Fleet(rps=rps, vcpu=(idle + slope * rps) * noise, workload=workload)


def calibrated(*fleets: Fleet) -> RoleCalibration | Refusal:
    observations = observe(usage_of(*fleets), Role.SIDECAR)
    fits = fit_workloads(observations.rows, observations.point_count)
    return calibrate_role(Role.SIDECAR, observations, fits)


def answered(*fleets: Fleet) -> RoleCalibration:
    answer = calibrated(*fleets)
    assert isinstance(answer, RoleCalibration), answer
    return answer


def refused(*fleets: Fleet) -> Refusal:
    answer = calibrated(*fleets)
    assert isinstance(answer, Refusal), answer
    assert answer.subject == "cost of a request through a sidecar"
    return answer


# --- the mean ---


def test_the_slope_is_the_mean_by_requests_and_the_idle_by_proxy_time() -> None:
    busy = law("busy", ramp(2, 24, low=400, high=600), idle=0.01, slope=0.0001)
    quiet = law("quiet", ramp(6, 24, low=5, high=35), idle=0.05, slope=0.001)

    answer = answered(busy, quiet)

    requests = np.array([2 * 500, 6 * 20])
    slope = requests @ [0.1, 1.0] / requests.sum()
    assert answer.vcpu_per_1000_rps.mid == pytest.approx(slope)
    assert answer.idle_vcpu_per_proxy.mid == pytest.approx((2 * 0.01 + 6 * 0.05) / 8)
    # One line through both would even slope the wrong way.
    pooled = np.polyfit(
        np.concatenate([busy.rps.ravel(), quiet.rps.ravel()]),
        np.concatenate([busy.vcpu.ravel(), quiet.vcpu.ravel()]),
        1,
    )
    assert pooled[0] * 1000 < 0.5 * slope


def test_proxies_that_lived_half_the_day_count_half_in_the_idle() -> None:
    rps = ramp(4, 48)
    seen = np.ones(rps.shape, bool)
    seen[:, 24:] = False
    young = dataclasses.replace(law("young", rps, idle=0.05, slope=0.0001), seen=seen)

    answer = answered(law("old", rps, idle=0.01, slope=0.0001), young)

    # Of the 24 steps that each was seen in, the last one is cut.
    weights = np.array([48, 23])
    assert answer.idle_vcpu_per_proxy.mid == pytest.approx(weights @ [0.01, 0.05] / weights.sum())


def test_a_workload_without_requests_counts_in_the_idle_only() -> None:
    rps = ramp(4, 24)
    asleep = law("asleep", np.zeros_like(rps), idle=0.03, slope=0)

    answer = answered(law("busy", rps, idle=0.01, slope=0.0004), asleep)

    assert answer.idle_vcpu_per_proxy.mid == pytest.approx(0.02)
    assert answer.vcpu_per_1000_rps.mid == pytest.approx(0.4)
    assert (answer.sample_count, answer.proxy_count, answer.covered_share) == (96, 4, 1)


def test_the_answer_says_what_it_rests_on() -> None:
    rps = ramp(4, 24, low=10, high=100)
    fleet = law("front", rps, idle=0.02, slope=0.0004, seed=1)

    answer = answered(fleet)

    assert (answer.role, answer.model) == (Role.SIDECAR, "affine")
    assert answer.provenance == Provenance.MEASURED
    assert (answer.sample_count, answer.proxy_count) == (96, 4)
    assert answer.fitted_rps == (10, 100)
    ratio = fleet.vcpu.sum() / fleet.rps.sum() * 1000
    assert answer.ratio_vcpu_per_1000_rps == pytest.approx(ratio)
    # The dashboard's figure smears the idle, 0.02 of 55 requests a second, into the slope.
    assert ratio == pytest.approx(0.4 + 0.02 / 55 * 1000, rel=0.05)


# --- uncertainty ---


def test_idle_and_slope_are_drawn_together_as_the_workload_fitted_them() -> None:
    observations = observe(
        usage_of(law("front", ramp(9, 48), idle=0.02, slope=0.0004, seed=1)), Role.SIDECAR
    )
    (fit,) = fit_workloads(observations.rows, observations.point_count)
    answer = calibrate_role(Role.SIDECAR, observations, [fit])

    assert isinstance(answer, RoleCalibration)
    assert fit.fit is not None
    scale = np.diag([1, 1000])
    assert answer.covariance == pytest.approx(scale @ fit.fit.covariance @ scale)
    assert fit.fit.covariance[0, 1] < 0
    reach = stats.t.ppf(0.95, 8) * 1000 * fit.fit.covariance[1, 1] ** 0.5
    assert answer.vcpu_per_1000_rps.high == pytest.approx(answer.vcpu_per_1000_rps.mid + reach)


def test_variances_of_workloads_add_up_by_the_squares_of_their_weights() -> None:
    rps = ramp(9, 48)
    one, other = (law(name, rps, idle=0.02, slope=0.0004, seed=1) for name in ("one", "other"))

    alone, together = answered(one), answered(one, other)

    assert alone.covariance is not None
    assert together.covariance == pytest.approx(alone.covariance / 2)


def test_a_mesh_is_known_no_better_than_the_workload_that_makes_its_uncertainty() -> None:
    # Eight clusters make nearly all of the variance; sixty-four steady ones add next to nothing.
    loud = law("loud", ramp(1, 96, low=500, high=900), idle=0.02, slope=0.0004, seed=1)
    steady = law("steady", ramp(64, 96, low=1, high=2), idle=0.02, slope=0.0004)

    answer = answered(loud, steady)

    assert answer.covariance is not None
    reach = answer.vcpu_per_1000_rps.high - answer.vcpu_per_1000_rps.mid
    quantile = reach / answer.covariance[1, 1] ** 0.5
    assert quantile == pytest.approx(stats.t.ppf(0.95, 7), rel=1e-6)


def test_workloads_of_equal_uncertainty_add_their_degrees_of_freedom() -> None:
    rps = ramp(9, 48)

    answer = answered(
        *(law(f"w{number}", rps, idle=0.02, slope=0.0004, seed=1) for number in range(3))
    )

    assert answer.covariance is not None
    reach = answer.idle_vcpu_per_proxy.high - answer.idle_vcpu_per_proxy.mid
    quantile = reach / answer.covariance[0, 0] ** 0.5
    assert quantile == pytest.approx(stats.t.ppf(0.95, 3 * 8), rel=1e-6)


def test_lines_without_any_uncertainty_have_degrees_of_freedom_all_the_same() -> None:
    assert _freedom([0.0, 0.0], [7, 8]) == 15


def test_costs_hidden_by_noise_do_not_push_the_mean_up() -> None:
    slopes = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        fleets = []
        for number in range(12):
            rps = ramp(2, 48, low=1, high=5)
            vcpu = 0.05 + 0.0004 * rps + rng.normal(0, 0.005, rps.shape)
            fleets.append(Fleet(rps=rps, vcpu=vcpu, workload=f"w{number}"))
        busy = law("busy", ramp(2, 48, low=2, high=10), idle=0.05, slope=0.0004)
        slopes.append(answered(busy, *fleets).vcpu_per_1000_rps.mid)

    error = np.std(slopes, ddof=1) / len(slopes) ** 0.5
    assert np.mean(slopes) == pytest.approx(0.4, abs=3.5 * error)
    # Keeping only the lines that tilt up would add twice the tolerance and more.
    assert 3.5 * error < 0.12


# --- refusals ---


def test_no_proxies_of_the_role_is_a_refusal_that_says_so() -> None:
    gateway = dataclasses.replace(
        law("edge", ramp(4, 24), idle=0.02, slope=0.0004), role=Role.GATEWAY
    )

    refusal = refused(gateway)

    assert (refusal.reason, refusal.detail) == (Reason.NO_DATA, "no sidecar was seen")


def test_proxies_of_which_nothing_was_usable_are_a_refusal_that_says_why() -> None:
    fleet = law("front", ramp(4, 24), idle=0.02, slope=0.0004)
    fleet.rps[:] = np.nan

    refusal = refused(fleet)

    assert refusal.reason == Reason.NO_DATA
    assert refusal.detail == "96 steps left out because its metrics were not scraped"


def test_a_mesh_without_requests_is_refused() -> None:
    asleep = law("asleep", np.zeros((4, 24)), idle=0.03, slope=0)

    assert refused(asleep).reason == Reason.NO_TRAFFIC


@pytest.mark.parametrize(("constant_rps", "is_refused"), [(50, False), (60, True)])
def test_where_most_requests_go_through_what_cannot_be_fitted_there_is_no_figure(
    constant_rps: float, *, is_refused: bool
) -> None:
    constant = law("steady", np.full((4, 24), constant_rps), idle=0.02, slope=0.0004)
    fitted = law("front", ramp(4, 24, low=10, high=100), idle=0.02, slope=0.0004)

    if is_refused:
        refusal = refused(constant, fitted)
        assert refusal.reason == Reason.CONSTANT_TRAFFIC
        assert "only 48% of the requests" in refusal.detail
        assert "shop/steady" in refusal.detail
    else:
        assert answered(constant, fitted).covered_share == pytest.approx(55 / 105)


def test_a_mesh_whose_mean_cost_is_below_zero_is_refused() -> None:
    rps = ramp(2, 48, low=1, high=5)
    noise = np.random.default_rng(4).normal(0, 0.005, rps.shape)
    # Take out what noise tilts up, and a little more.
    tilted = noise - np.polyval(np.polyfit(rps.ravel(), noise.ravel(), 1), rps) - 1e-5 * rps

    refusal = refused(Fleet(rps=rps, vcpu=0.05 + tilted))

    assert refusal.reason == Reason.NEGATIVE_SLOPE
    assert "noise" in refusal.detail


# --- how good it is ---


def test_lines_without_noise_explain_everything() -> None:
    busy = law("busy", ramp(4, 24), idle=0.01, slope=0.0004)

    answer = answered(busy)

    assert answer.r_squared == pytest.approx(1)
    assert answer.backtest_error == pytest.approx(0, abs=1e-9)


def test_r_squared_is_the_share_of_the_variance_that_the_lines_explain() -> None:
    fleet = law("front", ramp(8, 96), idle=0.02, slope=0.0004, seed=1)

    answer = answered(fleet)

    slope, idle = answer.vcpu_per_1000_rps.mid / 1000, answer.idle_vcpu_per_proxy.mid
    left = fleet.vcpu - idle - slope * fleet.rps
    assert answer.r_squared == pytest.approx(1 - left.var() / fleet.vcpu.var(), rel=1e-3)
    assert answer.r_squared is not None
    assert 0.5 < answer.r_squared < 0.99


@pytest.mark.parametrize("change", [0.5, 1.5])
def test_a_backtest_is_positive_where_the_prediction_was_too_high(change: float) -> None:
    rps = np.tile(np.tile(np.linspace(10, 100, 10), 10), (4, 1))
    fleet = law("front", rps, idle=0.02, slope=0.0004)
    fleet.vcpu[:, 70:] *= change

    assert answered(fleet).backtest_error == pytest.approx(1 / change - 1)


def test_a_window_too_short_to_be_split_has_no_backtest() -> None:
    answer = answered(law("front", ramp(1, 14), idle=0.02, slope=0.0004))

    assert answer.backtest_error is None


def test_rows_of_a_workload_without_a_line_have_no_prediction() -> None:
    constant = law("steady", np.full((1, 24), 50.0), idle=0.02, slope=0.0004)
    observations = observe(
        usage_of(law("front", ramp(1, 24), idle=0.02, slope=0.0004), constant), Role.SIDECAR
    )
    rows = observations.rows

    prediction = predicted(rows, fit_workloads(rows, observations.point_count))

    assert (prediction.isna() == (rows["workload"] == "steady")).all()
    known = prediction.notna()
    assert prediction[known].to_numpy() == pytest.approx(rows.loc[known, "cpu_vcpu"].to_numpy())
