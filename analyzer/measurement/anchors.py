"""What counters at the ends of steps show about rates that a scrape gap made too low.

A counter grows by all that was used, also while it was not scraped. Between a known value before a
gap and one after it the total is exact, unless the proxy restarted.
"""

from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.measurement.filling import Estimate
from analyzer.measurement.neighbours import after, before, follows

TRUSTED: Final = (0.5, 4.0)
"""Multiples of an estimate within which a counter is trusted: outside, it restarted or jumped."""

ANCHORED_SPREAD: Final = 0.03
"""Relative half width of an estimate whose total a counter shows."""

_LOST_SHARE: Final = 0.2
"""Share of a step's growth that its rate must lack to be one of which a gap took a part."""
_LOST_SCRAPES: Final = 2.5
"""The same in scrapes: growth is measured between last samples, up to one scrape before a step's
end."""

_LEAST_LOSS: Final = 0.03
_LEAST_LOST_SCRAPES: Final = 3.0
"""Relative excess of a proxy's growth over all its rates from which these are corrected; the second
in scrapes of the time that they are over."""

_MOST_LOSS: Final = 1.5
"""Multiple beyond which something else is wrong."""

_MIN_STEPS: Final = 8
"""Steps that a proxy must have for that."""


def _growth(proxy: Ints, point: Ints, counter: Floats) -> Floats:
    """Return by how much a counter grew in each step; NaN where unknown, or where it fell."""
    grown = np.where(follows(proxy, point), np.diff(counter, prepend=np.nan), np.nan)
    return np.where(grown < 0, np.nan, grown)


def covered_in_part(
    proxy: Ints, point: Ints, counter: Floats, rates: Floats, *, scrapes_per_step: float
) -> Bools:
    """Return the steps on both sides of a gap whose use is in none of their rates.

    `counter` is in units of the rates times steps. A burst at the border of two steps is in the
    growth of the one and the rate of the other: only what no neighbour has was lost.
    """
    if np.isnan(counter).all():
        return np.zeros(len(proxy), dtype=bool)
    growth = _growth(proxy, point, counter)
    lost = growth - rates
    known = np.nan_to_num(lost)
    beside = [before(known, proxy), after(known, proxy)]
    share = max(_LOST_SHARE, _LOST_SCRAPES / scrapes_per_step)
    usual = pd.Series(rates).groupby(proxy).transform("median").to_numpy(float)
    found = lost + np.minimum(beside, 0.0).sum(axis=0) > share * growth
    found &= growth < TRUSTED[1] * usual
    return np.asarray(found | after(found, proxy))


def corrections(
    proxy: Ints, point: Ints, counter: Floats, rates: Floats, *, scrapes_per_step: float
) -> Floats:
    """Return by which multiple each proxy's rates are too low, because many scrapes were lost.

    1 where they are not. Single steps differ by up to a scrape; over all of them that cancels.
    """
    if np.isnan(counter).all():
        return np.ones(len(proxy))
    growth = _growth(proxy, point, counter)
    used = ~np.isnan(growth) & ~np.isnan(rates) & (growth < TRUSTED[1] * rates)
    frame = pd.DataFrame(
        {"growth": growth[used], "rate": rates[used], "one": 1.0}, index=proxy[used]
    )
    sums = frame.groupby(level=0).sum()
    multiple = sums["growth"] / sums["rate"].where(sums["rate"] > 0)
    needed = 1 + np.maximum(_LEAST_LOSS, _LEAST_LOST_SCRAPES / scrapes_per_step / sums["one"])
    is_low = (multiple > needed) & (multiple < _MOST_LOSS) & (sums["one"] >= _MIN_STEPS)
    found = multiple.where(is_low, 1.0).reindex(proxy).fillna(1.0)
    return found.to_numpy(np.float64)


def anchored(
    proxy: Ints,
    point: Ints,
    counter: Floats,
    rates: Floats,
    missing: Bools,
    found: Estimate,
) -> Estimate:
    """Return an estimate whose totals over gaps are those that the counter shows.

    Rows are sorted by proxy and step. `counter` is in units of the rates times steps, NaN where not
    known; `rates` are NaN where `missing`.
    """
    size = len(proxy)
    if not missing.any() or np.isnan(counter).all():
        return found
    rows = np.arange(size)
    is_known = ~np.isnan(counter)
    last = pd.Series(np.where(is_known, rows, np.nan)).groupby(proxy)
    known_before, known_after = last.ffill().to_numpy(float), last.bfill().to_numpy(float)
    begins = missing & ~(before(missing, proxy) & follows(proxy, point))
    run = np.cumsum(begins) - 1
    first = rows[begins]
    final = np.full(len(first), -1)
    np.maximum.at(final, run[missing], rows[missing])
    start = known_before[np.maximum(first - 1, 0)]
    # The counter at the end of the last dark step may be of the time before the gap.
    end = known_after[np.minimum(final + 1, size - 1)]
    end = np.where(np.isnan(end), known_after[final], end)
    is_usable = ~np.isnan(start) & ~np.isnan(end)
    i, j = (np.where(is_usable, item, 0).astype(np.int64) for item in (start, end))
    is_usable &= (proxy[i] == proxy[first]) & (proxy[j] == proxy[first]) & (i < first)
    is_usable &= (j - i == point[j] - point[i]) & (counter[j] >= counter[i])
    known, guessed = (
        np.cumsum(np.nan_to_num(values))
        for values in (np.where(missing, 0.0, rates), np.where(missing, found.mid, 0.0))
    )
    left = counter[j] - counter[i] - (known[j] - known[i])
    guess = guessed[j] - guessed[i]
    multiple = np.full(len(first), np.nan)
    np.divide(left, guess, out=multiple, where=is_usable & (guess > 0))
    low, high = TRUSTED
    multiple = np.where((multiple >= low) & (multiple <= high), multiple, np.nan)
    of_rows = np.where(missing, multiple[np.maximum(run, 0)], np.nan)
    use = ~np.isnan(of_rows)
    mid = np.where(use, found.mid * of_rows, found.mid)
    return Estimate(
        mid=mid,
        low=np.where(use, mid * (1 - ANCHORED_SPREAD), found.low),
        high=np.where(use, mid * (1 + ANCHORED_SPREAD), found.high),
    )
