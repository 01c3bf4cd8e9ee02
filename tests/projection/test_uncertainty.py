"""Uncertain quantities as draws: what their distribution must be, and where they come from."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.calibration.fit.student import DRAW_COUNT, SEED
from analyzer.projection.uncertainty import draw, draw_curve, to_interval
from analyzer.units import Interval
from tests.projection.fits import fit
from tests.support.examples import examples

Floats = npt.NDArray[np.float64]

NORMAL_90 = 1.6449
"""Standard deviations from the middle of a normal distribution to the end of its 90 %."""


def generator(seed: int = SEED) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_best_estimate_comes_first() -> None:
    drawn = draw(Interval(low=1, mid=2, high=5), generator())

    assert drawn.shape == (1 + DRAW_COUNT,)
    assert drawn[0] == 2


@pytest.mark.parametrize("ends", [(1.0, 2.0, 5.0), (10.0, 11.0, 12.0), (0.0, 3.0, 3.5)])
def test_the_draws_have_the_interval_at_their_5_50_and_95_points(
    ends: tuple[float, float, float],
) -> None:
    low, mid, high = ends
    drawn = draw(Interval(low=low, mid=mid, high=high), generator())

    five, fifty, ninety_five = np.quantile(drawn[1:], [0.05, 0.5, 0.95])
    # Of 2000 draws such a point strays by some 3 % of its distance from the middle.
    assert five == pytest.approx(low, abs=0.12 * (mid - low))
    assert fifty == pytest.approx(mid, abs=0.06 * (high - low))
    assert ninety_five == pytest.approx(high, abs=0.12 * (high - mid))


def test_the_two_halves_may_differ_in_width() -> None:
    drawn = draw(Interval(low=9, mid=10, high=20), generator())[1:]

    assert (drawn < 10).mean() == pytest.approx(0.5, abs=0.04)
    assert (drawn > 15).mean() > 0.1
    assert (drawn < 5).mean() == 0


def test_no_draw_is_below_zero() -> None:
    drawn = draw(Interval(low=0, mid=0.1, high=3), generator())

    assert drawn.min() == 0


def test_what_is_exact_stays_exact() -> None:
    drawn = draw(Interval.exactly(22), generator())

    assert (drawn == 22).all()
    assert to_interval(drawn) == Interval.exactly(22)


def test_the_same_seed_gives_the_same_draws_and_another_others() -> None:
    value = Interval(low=1, mid=2, high=5)

    assert np.array_equal(draw(value, generator()), draw(value, generator()))
    assert not np.array_equal(draw(value, generator(1)), draw(value, generator(2)))


def test_two_quantities_drawn_from_one_generator_are_independent() -> None:
    rng = generator()
    value = Interval(low=1, mid=2, high=3)
    first, second = draw(value, rng)[1:], draw(value, rng)[1:]

    assert abs(np.corrcoef(first, second)[0, 1]) < 0.08


def draw_of_curve(correlation: float) -> tuple[Floats, Floats]:
    """Draw a curve of idle 0.01 +- 0.001 and slope 0.3 +- 0.02."""
    deviations = np.array([0.001, 0.02])
    correlations = np.array([[1, correlation], [correlation, 1]])
    role = fit(covariance=np.outer(deviations, deviations) * correlations)
    return draw_curve(role, generator())


def test_the_draws_are_those_that_the_calibration_made() -> None:
    role = fit(covariance=np.diag([1e-6, 1e-4]))
    idle, slope = draw_curve(role, generator(1))

    assert role.draws is not None
    assert np.array_equal(idle, [0.01, *role.draws[:, 0]])
    assert np.array_equal(slope, [0.3, *role.draws[:, 1]])


def test_idle_and_slope_are_drawn_jointly() -> None:
    idle, slope = draw_of_curve(-0.9)

    assert (idle[0], slope[0]) == (0.01, 0.3)
    assert np.corrcoef(idle[1:], slope[1:])[0, 1] == pytest.approx(-0.9, abs=0.02)
    assert idle[1:].std() == pytest.approx(0.001, rel=0.05)
    assert slope[1:].std() == pytest.approx(0.02, rel=0.05)


def test_a_proxy_at_work_is_surer_than_its_idle_and_slope_apart() -> None:
    # At 50 rps both parts have a deviation of 0.001, which -0.9 nearly cancels:
    # sqrt(2 - 1.8) = 0.447 thousandths.
    idle, slope = draw_of_curve(-0.9)
    used = idle + slope * 50 / 1000

    assert used[1:].std() == pytest.approx(0.447e-3, rel=0.06)


def test_a_fit_through_the_origin_keeps_its_idle() -> None:
    role = fit(
        idle=Interval.exactly(0),
        slope=Interval(low=0.28, mid=0.3, high=0.32),
        covariance=np.array([[0.0, 0.0], [0.0, 0.0122**2]]),
    )
    idle, slope = draw_curve(role, generator())

    assert (idle == 0).all()
    assert to_interval(slope).high == pytest.approx(0.32, abs=0.002)


def test_a_curve_from_documents_is_drawn_from_its_ranges() -> None:
    idle, slope = draw_curve(fit(covariance=None), generator())

    assert to_interval(idle).high == pytest.approx(0.012, abs=2e-4)
    assert to_interval(slope).low == pytest.approx(0.25, abs=5e-3)
    assert abs(np.corrcoef(idle[1:], slope[1:])[0, 1]) < 0.08


def test_no_fit_is_drawn_below_zero() -> None:
    role = fit(
        idle=Interval(low=0, mid=0.001, high=0.02),
        slope=Interval(low=0, mid=0.01, high=0.9),
        covariance=np.array([[1e-4, 0.0], [0.0, 0.3]]),
    )
    idle, slope = draw_curve(role, generator())

    assert idle.min() == 0
    assert slope.min() == 0


def test_an_interval_holds_nine_tenths_of_the_draws_and_the_best_estimate() -> None:
    values = np.concatenate([[50.0], np.arange(101.0)])

    found = to_interval(values)
    assert (found.low, found.mid, found.high) == pytest.approx((5, 50, 95))


@pytest.mark.parametrize(("mid", "ends"), [(7.0, (2.0, 7.0)), (0.5, (0.5, 2.0))])
def test_a_best_estimate_beside_its_draws_is_in_the_interval(
    mid: float, ends: tuple[float, float]
) -> None:
    found = to_interval(np.array([mid, 2.0, 2.0, 2.0]))

    assert (found.low, found.mid, found.high) == (ends[0], mid, ends[1])


@examples(2)
@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_every_interval_survives_its_draws(first: float, second: float, third: float) -> None:
    low, mid, high = sorted([first, second, third])
    found = to_interval(draw(Interval(low=low, mid=mid, high=high), generator()))

    assert found.mid == mid
    assert found.low <= mid <= found.high
    assert found.high - found.low <= 1.1 * (high - low) + 1e-9
