"""Samples of other samples: what rules and queries make of series at given moments."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tests.support.series import Integers, Series
from tests.support.traffic import Floats

LOOKBACK_MS = 300_000
"""How long Prometheus takes a sample for the present one (its --query.lookback-delta)."""


def changed(series: Series, change: Callable[[Floats], Floats]) -> Series:
    """Return a series of other values; staleness markers stay, for arithmetic would spoil them."""
    values = series.values.copy()
    real = ~np.isnan(values)
    values[real] = change(values[real])
    return replace(series, values=values)


def with_value(series: Series, value: float) -> Series:
    """Return a series of the same moments whose value is constant."""
    return changed(series, lambda values: np.full(values.shape, value))


def scaled(series: Series, factor: float) -> Series:
    """Return a series of multiplied values."""
    return changed(series, lambda values: values * factor)


def counted(values: Floats) -> Floats:
    """Return how much a counter has counted at each of its values, over resets too."""
    steps = np.diff(values, prepend=values[:1])
    return np.asarray(np.cumsum(np.where(steps < 0, values, steps)))


def at(series: Series, times_ms: Integers) -> Floats:
    """Return what an instant query finds at given moments, NaN where it finds nothing."""
    places = np.searchsorted(series.times_ms, times_ms, side="right") - 1
    found = (places >= 0) & (times_ms - series.times_ms[places] < LOOKBACK_MS)
    return np.where(found, series.values[places], np.nan)


def total_at(series: Sequence[Series], times_ms: Integers) -> tuple[Integers, Floats]:
    """Return moments and values of sum() over series, without moments that have none."""
    table = np.array([at(one, times_ms) for one in series])
    present = ~np.isnan(table).all(axis=0)
    return times_ms[present], np.nansum(table, axis=0)[present]


def rates_at(series: Series, times_ms: Integers, *, instant: bool) -> Floats:
    """Return rate(...[5m]) or irate(...[5m]) at given moments, NaN where there is none.

    Where samples fill the window, Prometheus's rate is the slope from the first to the last.
    """
    kept = ~np.isnan(series.values)
    times, totals = series.times_ms[kept], counted(series.values[kept])
    first = np.searchsorted(times, times_ms - LOOKBACK_MS, side="right")
    last = np.searchsorted(times, times_ms, side="right") - 1
    if instant:
        first = np.maximum(first, last - 1)
    enough = last > first
    first, last = np.where(enough, first, 0), np.where(enough, last, 0)
    seconds = np.where(enough, (times[last] - times[first]) / 1000, 1.0)
    return np.where(enough, (totals[last] - totals[first]) / seconds, np.nan)
