"""What real meshes do to a fit moves it little, or is told: the truth was chosen."""

from functools import cache

import numpy as np
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.calibration.models import Power
from analyzer.calibration.observations import Unusable
from analyzer.measurement.usage import MeshUsage
from analyzer.settings import Setting, settings_in
from analyzer.units import Interval, in_percent
from tests.calibration.asking import sidecar_of
from tests.calibration.hardships import Floats, concave_mesh, lagging_mesh, spoilt
from tests.calibration.meshes import simulate

# --- wild and throttled steps ---


@pytest.mark.parametrize("seed", range(6))
def test_a_twentieth_of_wild_steps_and_a_tenth_of_throttled_ones_hardly_move_the_slope(
    seed: int,
) -> None:
    mesh = simulate(seed)
    before = sidecar_of(mesh.usage).vcpu_per_1000_rps.mid

    spoilt_usage = spoilt(mesh.usage, wild_share=0.05, throttled_share=0.1, seed=seed)
    after = sidecar_of(spoilt_usage).vcpu_per_1000_rps.mid

    assert after == pytest.approx(before, rel=0.03)
    assert after == pytest.approx(mesh.vcpu_per_1000_rps, rel=0.03)


def test_throttled_steps_are_counted_and_the_cpu_of_wild_ones_is_not_explained() -> None:
    usage = spoilt(simulate(1).usage, wild_share=0.05, throttled_share=0.1, seed=1)

    calibration = calibrate_usage(usage)

    throttled = usage.steps[usage.steps["throttled_share"] > 0]
    (exclusion,) = calibration.exclusions
    assert exclusion.reason == Unusable.THROTTLED
    assert exclusion.step_count == len(throttled)
    points = len(usage.observed_points)
    assert exclusion.mean_vcpu == pytest.approx(throttled["cpu_vcpu"].sum() / points)
    # One in twenty steps reads 6.5 times its CPU on average: 0.275 of the true CPU, 0.2 of all.
    parts = calibration.decomposition
    assert parts.unexplained_vcpu / parts.measured_vcpu == pytest.approx(0.2, abs=0.03)
    assert "unexplained_cpu" in [finding.name for finding in calibration.warnings]


def test_throttled_steps_that_are_not_known_as_such_would_flatten_the_slope() -> None:
    mesh = simulate(1)
    usage = spoilt(mesh.usage, wild_share=0.0, throttled_share=0.4, seed=1)
    known = sidecar_of(usage).vcpu_per_1000_rps.mid
    usage.steps["throttled_share"] = np.nan

    assert known == pytest.approx(mesh.vcpu_per_1000_rps, rel=0.03)
    assert sidecar_of(usage).vcpu_per_1000_rps.mid < 0.9 * mesh.vcpu_per_1000_rps


# --- clocks that disagree ---

LAGGING_SLOPE = 0.3


@cache
def lagging(seed: int, step_seconds: int, scale_seconds: int) -> Calibration:
    return calibrate_usage(
        lagging_mesh(seed, step_seconds=step_seconds, scale_seconds=scale_seconds)
    )


def bias_of(calibration: Calibration) -> float:
    assert isinstance(calibration.sidecar, RoleCalibration)
    return calibration.sidecar.vcpu_per_1000_rps.mid / LAGGING_SLOPE - 1


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("scale_seconds", "most"), [(30, 0.03), (600, 0.005)])
def test_at_five_minute_steps_a_lag_of_15_seconds_costs_next_to_nothing(
    scale_seconds: int, most: float, seed: int
) -> None:
    calibration = lagging(seed, 300, scale_seconds)

    assert abs(bias_of(calibration)) < most
    assert calibration.warnings == ()


@pytest.mark.parametrize("seed", range(2))
def test_at_half_minute_steps_a_tenth_of_the_slope_and_more_is_corrected_and_named(
    seed: int,
) -> None:
    calibration = lagging(seed, 30, 30)

    applied = applied_share(calibration)
    assert applied > 0.1
    assert abs(bias_of(calibration)) < 0.1 * applied
    (warning,) = calibration.warnings
    assert warning.name == "offset_samples"
    assert f"about {in_percent(applied)} low" in warning.text
    assert settings_in(warning.fix) == (Setting.STEP,)


def test_the_share_that_is_missing_is_estimated() -> None:
    for seed, step, scale in ((0, 30, 30), (1, 30, 30), (0, 300, 30), (1, 300, 30), (0, 300, 600)):
        calibration = lagging(seed, step, scale)
        missing = sidecar_missing(calibration)

        # As a share of the slope that was found; its own interval is near 0.005 at long steps.
        fitted = (1 + bias_of(calibration)) / (1 + applied_share(calibration))
        truth = 1 / fitted - 1
        assert missing.mid == pytest.approx(truth, rel=0.3, abs=0.005)


def applied_share(calibration: Calibration) -> float:
    assert isinstance(calibration.sidecar, RoleCalibration)
    return calibration.sidecar.attenuation_applied_share


def sidecar_missing(calibration: Calibration) -> Interval:
    assert isinstance(calibration.sidecar, RoleCalibration)
    assert calibration.sidecar.attenuation_share is not None
    return calibration.sidecar.attenuation_share


@pytest.mark.long
def test_where_nothing_is_missing_there_is_no_finding() -> None:
    missing = [sidecar_missing(calibrate_usage(simulate(seed).usage)) for seed in range(20)]

    # P(Binomial(20, 0.9) < 13) is 2e-3.
    assert sum(item.low <= 0 <= item.high for item in missing) >= 13
    assert max(abs(item.mid) for item in missing) < 0.03


# --- curvature ---


@cache
def concave(seed: int) -> tuple[MeshUsage, Floats, Calibration]:
    usage, law = concave_mesh(seed)
    return usage, law, calibrate_usage(usage)


CONCAVE_SEEDS = pytest.mark.parametrize("seed", range(5))


@CONCAVE_SEEDS
def test_a_concave_truth_is_recognised_and_predicted_within_five_percent(seed: int) -> None:
    _, law, calibration = concave(seed)

    answer = calibration.sidecar
    assert isinstance(answer, RoleCalibration)
    assert isinstance(answer.curve, Power)
    assert answer.curve.exponent == pytest.approx(0.75, abs=0.051)
    assert answer.candidates[0].model == answer.model == f"power {answer.curve.exponent:g}"
    predicted = calibration.observations["predicted_vcpu"].to_numpy()
    assert predicted == pytest.approx(law.ravel(), rel=0.05)
    assert answer.fitted_rps == (10, 3000)


@CONCAVE_SEEDS
def test_the_idle_under_a_concave_truth_is_found_where_a_straight_line_overstates_it(
    seed: int,
) -> None:
    calibration = concave(seed)[2]

    answer = calibration.sidecar
    assert isinstance(answer, RoleCalibration)
    straight = answer.straight_line_idle_vcpu_per_proxy
    assert answer.idle_vcpu_per_proxy.mid == pytest.approx(0.005, rel=0.1)
    assert straight is not None
    assert straight > 2 * 0.005
    (warning,) = calibration.warnings
    assert warning.name == "curved_cost"
    assert f"{straight:.3g} vCPU by a straight" in warning.text


@CONCAVE_SEEDS
def test_the_marginal_cost_is_that_of_the_requests_this_mesh_has(seed: int) -> None:
    usage, law, calibration = concave(seed)

    answer = calibration.sidecar
    assert isinstance(answer, RoleCalibration)
    # The derivative of c x rps^p is p c rps^p / rps; its mean over requests weighs it by rps.
    truth = 0.75 * float((law - 0.005).sum()) / float(usage.steps["proxy_rps"].sum())
    assert answer.vcpu_per_1000_rps.mid == pytest.approx(1000 * truth, rel=0.01)
    # A proxy at any rate costs what the curve says, through the slope that is quoted.
    rates = np.array([10.0, 300.0, 3000.0])
    cost = answer.idle_vcpu_per_proxy.mid + (
        answer.vcpu_per_1000_rps.mid / 1000 * answer.effective_rps(rates)
    )
    assert cost == pytest.approx(answer.curve.predict(rates))


@pytest.mark.long
def test_a_linear_truth_is_taken_for_one_in_nine_of_ten_meshes() -> None:
    chosen = [sidecar_of(simulate(seed).usage).model for seed in range(100, 130)]

    assert chosen.count("affine") >= 27
