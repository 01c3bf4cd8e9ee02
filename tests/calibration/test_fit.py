"""The line is the textbook's, and its uncertainty too."""

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analyzer.calibration.fit import (
    LineFit,
    fit_line,
    fit_mean,
    interval,
    reach,
    weighted_least_squares,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

IDLE, SLOPE = 0.02, 0.0004


def load(rng: np.random.Generator, proxies: int = 20, steps: int = 60) -> tuple[Floats, Ints]:
    """Return request rates that rise and fall, and whose they are."""
    wave = 1 + 0.6 * np.sin(np.linspace(0, 2 * np.pi, steps))
    level = rng.uniform(50, 150, proxies)
    return (level[:, None] * wave).ravel(), np.repeat(np.arange(proxies), steps)


def noisy(rng: np.random.Generator, rps: Floats, share: float = 0.1) -> Floats:
    """Return CPU by the chosen law, with noise in proportion to it."""
    vcpu: Floats = (IDLE + SLOPE * rps) * (1 + share * rng.normal(size=rps.shape))
    return vcpu


def fitted(seed: int) -> LineFit:
    rng = np.random.default_rng(seed)
    rps, clusters = load(rng)
    return fit_line(rps, noisy(rng, rps), clusters)


# --- the core against statsmodels ---


@pytest.mark.parametrize("seed", range(10))
def test_estimates_and_clustered_covariance_are_those_of_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, groups = int(rng.integers(30, 2000)), int(rng.integers(3, 25))
    clusters = np.concatenate([np.arange(groups), rng.integers(0, groups, rows - groups)])
    design = np.column_stack([np.ones(rows), rng.lognormal(4, 1, rows)])
    target = design @ [0.01, 0.0003] + rng.normal(0, 0.01, groups)[clusters]
    target += rng.normal(0, 0.02, rows)
    weights = rng.lognormal(0, 1, rows)

    coefficients, covariance = weighted_least_squares(design, target, weights, clusters)

    oracle = sm.WLS(target, design, weights=weights).fit(
        cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True
    )
    assert coefficients == pytest.approx(oracle.params, rel=1e-8)
    assert covariance == pytest.approx(oracle.cov_params(), rel=1e-8)
    shown = interval(float(coefficients[1]), float(covariance[1, 1]), groups - 1)
    low, high = oracle.conf_int(alpha=0.1)[1]
    assert shown.high == pytest.approx(high, rel=1e-8)
    assert shown.low == pytest.approx(max(low, 0), rel=1e-8)


def test_collinear_columns_are_not_fitted() -> None:
    design = np.column_stack([np.ones(20), np.full(20, 2.0)])
    clusters = np.repeat(np.arange(4), 5)

    with pytest.raises(np.linalg.LinAlgError):
        weighted_least_squares(design, np.ones(20), np.ones(20), clusters)


@pytest.mark.parametrize("freedom", [1, 2, 7, 7.5, 200])
def test_an_interval_reaches_as_far_as_students_t_says(freedom: float) -> None:
    expected = stats.t.ppf(0.95, freedom) * 0.3

    shown = interval(10.0, 0.09, freedom)

    assert reach(0.09, freedom) == pytest.approx(expected)
    assert (shown.low, shown.mid, shown.high) == pytest.approx((10 - expected, 10, 10 + expected))


def test_an_interval_of_a_cost_never_goes_below_zero() -> None:
    shown = interval(0.1, 1.0, 7)

    assert shown.low == 0
    assert shown.high > 1


# --- the line ---


def test_a_line_without_noise_is_found_exactly() -> None:
    rps, clusters = load(np.random.default_rng(1))

    fit = fit_line(rps, IDLE + SLOPE * rps, clusters)

    assert fit.model.idle_vcpu == pytest.approx(IDLE, rel=1e-9)
    assert fit.model.vcpu_per_rps == pytest.approx(SLOPE, rel=1e-9)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx([0, 0], abs=1e-12)


def test_degrees_of_freedom_are_the_clusters_less_one() -> None:
    assert fitted(1).degrees_of_freedom == 19


def test_the_intervals_of_noisy_lines_hold_the_truth_nine_times_in_ten() -> None:
    fits = [fitted(seed) for seed in range(60)]

    slopes = [
        abs(fit.model.vcpu_per_rps - SLOPE) < reach(fit.covariance[1, 1], fit.degrees_of_freedom)
        for fit in fits
    ]
    idles = [
        abs(fit.model.idle_vcpu - IDLE) < reach(fit.covariance[0, 0], fit.degrees_of_freedom)
        for fit in fits
    ]

    # Of Binomial(60, 0.9), 45 or fewer has probability 7e-4.
    assert sum(slopes) > 45
    assert sum(idles) > 45
    # Were they too wide, all would: 0.9 ** 60 = 0.002 for each.
    assert sum(slopes) + sum(idles) < 120


def test_a_line_that_would_idle_below_zero_goes_through_the_origin() -> None:
    rps, clusters = load(np.random.default_rng(1))
    vcpu = SLOPE * rps**1.2

    fit = fit_line(rps, vcpu, clusters)

    assert fit.model.idle_vcpu == 0
    assert (vcpu / rps).min() < fit.model.vcpu_per_rps < (vcpu / rps).max()
    assert fit.covariance[0, 0] > 0
    assert fit.covariance[0, 1] == fit.covariance[1, 0] == 0


def test_heavier_samples_draw_the_line() -> None:
    rps = np.tile(np.linspace(10, 100, 30), 2)
    is_quiet = np.arange(60) < 30
    vcpu = np.where(is_quiet, IDLE + SLOPE * rps, 5 * (IDLE + SLOPE * rps))
    design = np.column_stack([np.ones_like(rps), rps])
    clusters = np.arange(60) % 10

    coefficients, _ = weighted_least_squares(design, vcpu, np.where(is_quiet, 1, 1e-9), clusters)

    assert coefficients == pytest.approx([IDLE, SLOPE], rel=1e-6)


def test_weighing_by_the_prediction_finds_the_idle_that_plain_least_squares_misses() -> None:
    plain, weighted = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        wide, clusters = load(rng)
        rps = wide**2 / 10
        vcpu = noisy(rng, rps, share=0.2)
        design = np.column_stack([np.ones_like(rps), rps])
        coefficients, _ = weighted_least_squares(design, vcpu, np.ones_like(rps), clusters)
        plain.append(coefficients[0] - IDLE)
        weighted.append(fit_line(rps, vcpu, clusters).model.idle_vcpu - IDLE)

    assert np.std(weighted) < np.std(plain) / 3
    assert abs(np.mean(weighted)) < 0.05 * IDLE


@settings(max_examples=50, deadline=None)
@given(factor=st.floats(1e-4, 1e4), seed=st.integers(0, 1000))
def test_cpu_in_another_unit_gives_the_same_line_in_that_unit(factor: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rps, clusters = load(rng, proxies=8, steps=24)
    vcpu = noisy(rng, rps)

    one, other = fit_line(rps, vcpu, clusters), fit_line(rps, vcpu * factor, clusters)

    assert other.model.idle_vcpu == pytest.approx(one.model.idle_vcpu * factor, rel=1e-7)
    assert other.model.vcpu_per_rps == pytest.approx(one.model.vcpu_per_rps * factor, rel=1e-7)
    assert other.covariance == pytest.approx(one.covariance * factor**2, rel=1e-7)


# --- the mean ---


def test_proxies_without_requests_idle_at_the_mean_of_their_cpu() -> None:
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(6), 10)
    vcpu = IDLE + rng.normal(0, 0.001, 6)[clusters]

    fit = fit_mean(vcpu, clusters)

    assert fit.model.idle_vcpu == pytest.approx(vcpu.mean())
    assert fit.model.vcpu_per_rps == 0
    # Ten copies of six values know no more than the six.
    expected = vcpu[::10].var(ddof=1) / 6
    assert fit.covariance == pytest.approx(np.array([[expected, 0], [0, 0]]))
