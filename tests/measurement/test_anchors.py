"""A counter that was known before and after a gap shows what was used in it."""

import numpy as np
import pytest

from analyzer.arrays import Floats, Ints
from analyzer.measurement.anchors import anchored, corrections, covered_in_part
from analyzer.measurement.filling import Estimate

STEPS = 24
PROXY = np.zeros(STEPS, dtype=np.int64)
POINT = np.arange(STEPS)
RATES = 1 + 0.5 * np.sin(np.arange(STEPS) / 4)
COUNTER = 100 + np.cumsum(RATES)


def guess(value: float, size: int = STEPS) -> Estimate:
    mid = np.full(size, value)
    return Estimate(mid=mid, low=mid / 2, high=mid * 2)


def found(counter: Floats, rates: Floats, value: float = 0.8) -> Estimate:
    return anchored(PROXY, POINT, counter, rates, np.isnan(rates), guess(value))


def without(values: Floats, begin: int, end: int) -> Floats:
    missing = values.copy()
    missing[begin:end] = np.nan
    return missing


def test_a_gap_has_the_total_that_the_counter_shows() -> None:
    rates = without(RATES, 8, 14)

    estimate = found(without(COUNTER, 8, 14), rates)
    assert estimate.mid[8:14].sum() == pytest.approx(RATES[8:14].sum())
    assert estimate.low[8:14].sum() == pytest.approx(0.97 * RATES[8:14].sum())
    assert estimate.mid[0] == 0.8


def test_a_counter_that_is_stale_in_the_gap_is_not_what_ends_it() -> None:
    """Prometheus returns the last sample for five minutes."""
    counter = without(COUNTER, 8, 14)
    counter[8] = COUNTER[7]

    estimate = found(counter, without(RATES, 8, 14), 1.0)
    assert estimate.mid[8:14].sum() == pytest.approx(RATES[8:14].sum())


@pytest.mark.parametrize("shift", [-90.0, 1.7e9], ids=["restarted", "jumped"])
def test_a_counter_that_restarted_or_jumped_in_the_gap_shows_nothing(shift: float) -> None:
    counter = COUNTER + np.where(POINT >= 10, shift, 0.0)

    estimate = found(without(counter, 8, 14), without(RATES, 8, 14))
    assert (estimate.mid == 0.8).all()
    assert (estimate.low == 0.4).all()


def test_a_gap_at_an_end_has_no_second_value() -> None:
    estimate = found(without(COUNTER, 20, STEPS), without(RATES, 20, STEPS))

    assert (estimate.mid == 0.8).all()


def test_no_total_reaches_from_one_proxy_to_the_next() -> None:
    proxy: Ints = (POINT >= STEPS // 2).astype(np.int64)
    point = POINT % (STEPS // 2)
    rates = without(RATES, 10, 14)

    estimate = anchored(proxy, point, without(COUNTER, 10, 14), rates, np.isnan(rates), guess(0.8))
    assert (estimate.mid == 0.8).all()


# --- steps of which a gap took a part ---


def in_part(counter: Floats, rates: Floats) -> list[int]:
    flags = covered_in_part(PROXY, POINT, counter, rates, scrapes_per_step=20.0)
    return np.flatnonzero(flags).tolist()


def test_both_steps_beside_a_short_gap_are_covered_in_part() -> None:
    """The counter stays at its last value until the next scrape: half of each step is lost."""
    rates, counter = RATES.copy(), COUNTER.copy()
    rates[9:11] /= 2
    counter[9] -= RATES[9] / 2

    assert in_part(counter, rates) == [9, 10]


def test_a_burst_at_the_border_of_two_steps_was_not_lost() -> None:
    """It is in the rate of one step, and in the growth of the next."""
    rates, counter = RATES.copy(), COUNTER.copy()
    rates[9] += 3
    counter[10:] += 3

    assert in_part(counter, rates) == []


def test_growth_that_no_rate_could_have_is_no_gap() -> None:
    counter = COUNTER.copy()
    counter[10:] += 1.7e9

    assert in_part(counter, RATES) == []


@pytest.mark.parametrize(("share", "multiple"), [(0.9, 1 / 0.9), (0.985, 1.0), (0.5, 1.0)])
def test_rates_that_lack_a_part_all_the_time_are_corrected(share: float, multiple: float) -> None:
    """Every other scrape was lost; a difference within the noise, or beyond reason, is not that."""
    found = corrections(PROXY, POINT, COUNTER, share * RATES, scrapes_per_step=20.0)

    assert found == pytest.approx(np.full(STEPS, multiple), rel=1e-2)


def test_a_short_life_is_never_corrected() -> None:
    few = slice(0, 6)
    found = corrections(
        PROXY[few], POINT[few], COUNTER[few], 0.8 * RATES[few], scrapes_per_step=20.0
    )

    assert (found == 1).all()
