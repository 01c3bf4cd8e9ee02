"""A few wild samples do not drag the line along, and quiet ones count as much as they are sure."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.arrays import Floats
from analyzer.calibration.fit.huber import RobustFit, Stopping, fit_robustly
from analyzer.calibration.fit.least_squares import Problem
from analyzer.calibration.fit.segments import Segments
from tests.calibration.problems import drawn, joined, numbered_terms

IDLE, SLOPE = 0.02, 0.0004

EXACT = Stopping(tolerance=1e-13, scale_rounds=1000, most_rounds=1000)


def lines(rps: Floats, vcpu: Floats, *, floored: tuple[int, ...] = (0,)) -> Problem:
    """Return one line for each row of both, shape (g, samples)."""
    return Problem(
        terms=numbered_terms(2, floored),
        design=np.array([np.ones(rps.size), rps.ravel()]),
        target=vcpu.ravel(),
        segments=Segments.of(np.repeat(np.arange(len(rps)), rps.shape[1])),
        active=np.ones((len(rps), 2), dtype=bool),
    )


def day(rng: np.random.Generator, shape: tuple[int, int], *, swing: float = 0.6) -> Floats:
    """Return rates that rise and fall over a day."""
    wave = 1 + swing * np.sin(np.linspace(0, 2 * np.pi, shape[1], endpoint=False))
    return 100 * wave * rng.lognormal(0, 0.05, shape)


def noisy(rng: np.random.Generator, rps: Floats, share: float = 0.1) -> Floats:
    """Return CPU by the chosen law, with noise in proportion to it."""
    return np.asarray((IDLE + SLOPE * rps) * (1 + share * rng.normal(size=rps.shape)))


# --- what an estimate is ---


def test_a_line_without_noise_is_found_exactly() -> None:
    rps = day(np.random.default_rng(1), (3, 50))
    laws = np.array([[0.02, 4e-4], [0.0, 1e-3], [0.05, 1e-5]])

    fit = fit_robustly(lines(rps, laws[:, :1] + laws[:, 1:] * rps))

    assert fit.coefficients == pytest.approx(laws, rel=1e-6, abs=1e-9)


@cache
def many_means() -> tuple[Floats, RobustFit]:
    """Return samples of 20,000 normal variables with mean 10, and the robust mean of each."""
    values = np.random.default_rng(5).normal(10, 1, (20_000, 40))
    problem = Problem(
        terms=numbered_terms(1),
        design=np.ones((1, values.size)),
        target=values.ravel(),
        segments=Segments.of(np.repeat(np.arange(len(values)), values.shape[1])),
        active=np.ones((len(values), 1), dtype=bool),
    )
    return values, fit_robustly(problem, variance_weights=np.ones(values.size))


def test_where_noise_is_normal_a_robust_mean_is_95_percent_as_efficient_as_a_plain_one() -> None:
    values, fit = many_means()

    # Huber (1981), section 4.1, has 0.95 for 1.345. The ratio of two variances with correlation
    # 0.975, from 20,000 draws each, has a standard error of 0.002.
    efficiency = values.mean(axis=1).var() / fit.coefficients[:, 0].var()
    assert efficiency == pytest.approx(0.95, abs=0.012)


def test_the_scale_of_normal_noise_is_its_standard_deviation() -> None:
    _, fit = many_means()

    # From 40 samples about their own mean it comes out some 2 % low.
    assert np.median(fit.scale) == pytest.approx(1, abs=0.03)


def test_a_residual_counts_in_full_up_to_the_threshold_and_then_less() -> None:
    rng = np.random.default_rng(2)
    rps = day(rng, (4, 60))

    fit = fit_robustly(lines(rps, noisy(rng, rps)), threshold=1.5)

    sizes = np.abs(fit.residuals) * np.sqrt(fit.variance_weights)
    in_deviations = sizes / np.repeat(fit.scale, 60)
    assert fit.robust_weights == pytest.approx(np.minimum(1, 1.5 / in_deviations))
    assert (fit.robust_weights < 1).any()
    assert fit.weights == pytest.approx(fit.variance_weights * fit.robust_weights)


def test_each_segment_has_its_own_threshold() -> None:
    rng = np.random.default_rng(2)
    rps = day(rng, (2, 60))

    fit = fit_robustly(lines(rps, noisy(rng, rps)), threshold=np.array([np.inf, 1.0]))

    assert (fit.robust_weights[:60] == 1).all()
    assert (fit.robust_weights[60:] < 1).any()


def test_wild_samples_move_a_robust_line_much_less_than_a_plain_one() -> None:
    rng = np.random.default_rng(3)
    rps = day(rng, (40, 200))
    vcpu = noisy(rng, rps)
    wild = rng.random(vcpu.shape) < 0.05
    problem = lines(rps, np.where(wild, vcpu * 8, vcpu))

    robust, plain = fit_robustly(problem), fit_robustly(problem, threshold=np.inf)

    errors = [np.median(np.abs(fit.coefficients[:, 1] / SLOPE - 1)) for fit in (robust, plain)]
    assert errors[0] < 0.06
    assert errors[0] < errors[1] / 4


# --- weights ---


def test_a_sample_weighs_as_the_inverse_square_of_its_prediction() -> None:
    rng = np.random.default_rng(4)
    rps = day(rng, (2, 80))

    fit = fit_robustly(lines(rps, noisy(rng, rps)), stopping=Stopping(most_rounds=60))

    predicted = (fit.coefficients[:, :1] + fit.coefficients[:, 1:] * rps).ravel()
    # The last of the rounds that set the weights moved the line by a few thousandths.
    assert fit.variance_weights * predicted**2 == pytest.approx(np.ones(160), rel=0.01)


def test_a_prediction_near_zero_weighs_no_more_than_one_of_a_tenth_of_the_mean() -> None:
    rps = np.linspace(0, 1000, 50)[None]

    fit = fit_robustly(lines(rps, SLOPE * rps))

    limit = (0.1 * SLOPE * rps.mean()) ** -2.0
    assert fit.variance_weights.max() == pytest.approx(limit, rel=1e-6)
    assert (fit.variance_weights == fit.variance_weights.max()).sum() == 3


def test_weighing_by_the_prediction_finds_the_idle_that_equal_weights_miss() -> None:
    rng = np.random.default_rng(6)
    rps = day(rng, (60, 200), swing=0.9) ** 2 / 10
    problem = lines(rps, noisy(rng, rps, share=0.2))

    by_prediction = fit_robustly(problem).coefficients[:, 0] - IDLE
    equal = fit_robustly(problem, variance_weights=np.ones(rps.size)).coefficients[:, 0] - IDLE

    assert by_prediction.std() < equal.std() / 2
    assert abs(by_prediction.mean()) < 3 * by_prediction.std() / np.sqrt(60)


def test_weights_that_are_given_are_kept() -> None:
    frame = drawn(1)
    every = joined([frame])

    fit = fit_robustly(every.problem, variance_weights=every.weights)

    assert fit.variance_weights.tolist() == frame.weights.tolist()


# --- floors, extremes, and company ---


def test_a_line_that_would_idle_below_zero_goes_through_the_origin() -> None:
    rps = day(np.random.default_rng(1), (1, 60))
    vcpu = SLOPE * rps**1.2

    fit = fit_robustly(lines(rps, vcpu))

    assert fit.coefficients[0, 0] == 0
    assert fit.free.tolist() == [[False, True]]
    assert (vcpu / rps).min() < fit.coefficients[0, 1] < (vcpu / rps).max()


def test_cpu_that_is_always_zero_costs_zero() -> None:
    rps = day(np.random.default_rng(1), (1, 20))

    fit = fit_robustly(lines(rps, 0 * rps))

    assert fit.coefficients.tolist() == [[0, 0]]
    # Others divide by it.
    assert fit.scale.tolist() == [1]
    assert np.isfinite(fit.weights).all()


@given(seeds=st.lists(st.integers(0, 10_000), min_size=2, max_size=5, unique=True))
def test_a_segment_is_fitted_as_if_it_were_alone(seeds: list[int]) -> None:
    frames = [drawn(seed, rows=(40, 80), columns=(2, 2)) for seed in seeds]
    every = joined(frames)

    together = fit_robustly(every.problem, variance_weights=every.weights, stopping=EXACT)

    for number, frame in enumerate(frames):
        one = joined([frame])
        alone = fit_robustly(one.problem, variance_weights=one.weights, stopping=EXACT)
        assert together.coefficients[number] == pytest.approx(alone.coefficients[0], rel=1e-6)
        assert together.scale[number] == pytest.approx(alone.scale[0], rel=1e-6)


@given(cpu=st.floats(1e-5, 1e5), rate=st.floats(1e-5, 1e5), seed=st.integers(0, 1000))
def test_other_units_give_the_same_line_in_these_units(cpu: float, rate: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rps = day(rng, (2, 40))
    vcpu = noisy(rng, rps)

    one, other = fit_robustly(lines(rps, vcpu)), fit_robustly(lines(rps * rate, vcpu * cpu))

    expected = one.coefficients * [cpu, cpu / rate]
    assert other.coefficients == pytest.approx(expected, rel=1e-6)
    assert other.robust_weights == pytest.approx(one.robust_weights, rel=1e-5)


def test_the_usual_tolerance_is_a_small_part_of_a_standard_error() -> None:
    rng = np.random.default_rng(7)
    rps = day(rng, (100, 100))
    problem = lines(rps, noisy(rng, rps))

    usual = fit_robustly(problem).coefficients
    exact = fit_robustly(problem, stopping=EXACT).coefficients

    # The lines differ by their standard error.
    assert (np.abs(usual - exact).max(axis=0) < 0.05 * exact.std(axis=0)).all()
