"""Ranges reach as far as Student's t, and draws as far as the ranges, correlated as the fit is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analyzer.arrays import Floats
from analyzer.calibration.fit.student import (
    DRAW_COUNT,
    half_width,
    interval,
    joint_draws,
    pooled_freedom,
    weighted,
)

# --- intervals ---


@given(freedom=st.floats(1, 300), variance=st.floats(0, 1e6))
def test_an_interval_is_as_wide_as_students_t(freedom: float, variance: float) -> None:
    expected = stats.t.ppf(0.95, freedom) * np.sqrt(variance)

    assert half_width(variance, freedom) == pytest.approx(expected)
    shown = interval(1e9, variance, freedom)
    assert shown.mid == 1e9
    assert shown.high - 1e9 == pytest.approx(expected, abs=1e-6)
    assert 1e9 - shown.low == pytest.approx(expected, abs=1e-6)


def test_an_interval_of_a_cost_ends_at_zero() -> None:
    shown = interval(0.1, 1.0, 7)

    assert shown.low == 0
    assert shown.high == pytest.approx(0.1 + stats.t.ppf(0.95, 7))


def test_an_interval_of_what_noise_pushed_below_zero_ends_there() -> None:
    shown = interval(-0.1, 1.0, 7)

    assert (shown.low, shown.mid) == (-0.1, -0.1)
    assert shown.high == pytest.approx(-0.1 + stats.t.ppf(0.95, 7))


def test_a_weighted_sum_has_the_sum_of_the_variances_by_squared_weights() -> None:
    weights, mids, variances = np.array([0.25, 0.75]), np.array([3.0, 5.0]), np.array([4.0, 0.0])

    shown = weighted(weights, mids, variances, np.array([6, 9]))

    assert shown.mid == pytest.approx(4.5)
    # The second part is certain: the sum has the freedom of the first.
    assert shown.high == pytest.approx(4.5 + stats.t.ppf(0.95, 6) * 0.25 * 2)


def test_parts_of_equal_variance_add_their_degrees_of_freedom() -> None:
    assert pooled_freedom(np.full(3, 0.2), np.array([8, 8, 8])) == pytest.approx(24)


def test_the_least_sure_part_decides_the_degrees_of_freedom() -> None:
    assert pooled_freedom(np.array([1.0, 1e-9]), np.array([7, 63])) == pytest.approx(7)


def test_parts_without_any_variance_have_degrees_of_freedom_all_the_same() -> None:
    assert pooled_freedom(np.zeros(2), np.array([7, 8])) == 15


# --- draws ---

MID = np.array([0.02, 0.5])


def covariance(correlation: float, deviations: tuple[float, float] = (0.002, 0.03)) -> Floats:
    outer = np.outer(deviations, deviations)
    return np.asarray(outer * [[1, correlation], [correlation, 1]])


def test_the_same_fit_gives_the_same_draws() -> None:
    one, other = (joint_draws(MID, covariance(-0.8), np.array([7.0, 20.0])) for _ in range(2))

    assert one.shape == (DRAW_COUNT, 2)
    assert one.tolist() == other.tolist()
    # Nor are they one and the same draw.
    assert len(np.unique(one, axis=0)) == DRAW_COUNT


@pytest.mark.parametrize("freedom", [2.0, 4.0, 7.0, 30.0, 1000.0])
@pytest.mark.parametrize("column", [0, 1])
def test_the_middle_nine_tenths_of_the_draws_reach_as_far_as_the_interval(
    freedom: float, column: int
) -> None:
    freedoms = np.array([freedom, freedom])
    freedoms[1 - column] = 3
    wide = np.array([10.0, 10.0])

    draws = joint_draws(wide, covariance(-0.7, (0.2, 0.3)), freedoms)[:, column]

    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
    to_end = float(half_width((0.2, 0.3)[column] ** 2, freedom))
    # Drawn by chance alone, an end would have a standard error of 3 % of its distance at many
    # degrees of freedom, and of 6 % at two.
    assert high - 10 == pytest.approx(to_end, rel=0.005)
    assert 10 - low == pytest.approx(to_end, rel=0.005)
    assert middle == pytest.approx(10, abs=0.005 * to_end)


@pytest.mark.parametrize("freedom", [3.0, 100.0])
def test_each_quantity_follows_students_t(freedom: float) -> None:
    draws = joint_draws(np.full(2, 10.0), covariance(0.5, (0.2, 0.2)), np.full(2, freedom))

    for column in draws.T:
        assert stats.kstest((column - 10) / 0.2, stats.t(freedom).cdf).statistic < 0.001


@pytest.mark.parametrize("correlation", [-0.95, -0.5, 0.0, 0.8])
def test_the_correlation_is_kept(correlation: float) -> None:
    draws = joint_draws(MID, covariance(correlation), np.array([5.0, 12.0]))

    # By ranks, which quantiles of Student's t do not change: the textbook's 6 / pi asin(r / 2).
    expected = 6 / np.pi * np.arcsin(correlation / 2)
    assert stats.spearmanr(*draws.T).statistic == pytest.approx(expected, abs=0.05)


def test_what_is_certain_does_not_vary() -> None:
    draws = joint_draws(MID, covariance(0.0, (0.0, 0.03)), np.array([5.0, 5.0]))

    assert (draws[:, 0] == MID[0]).all()
    assert draws[:, 1].std() > 0.02


@given(deviation=st.floats(0, 100), mid=st.floats(0, 1), freedom=st.floats(1, 50))
def test_no_draw_is_below_zero(deviation: float, mid: float, freedom: float) -> None:
    spread = covariance(-0.9, (deviation, deviation))

    draws = joint_draws(np.array([mid, mid]), spread, np.full(2, freedom))

    assert (draws >= 0).all()
    assert np.isfinite(draws).all()
    assert np.median(draws) == pytest.approx(mid, abs=0.01 * deviation)
