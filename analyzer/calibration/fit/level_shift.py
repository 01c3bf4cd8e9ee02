"""Where a series moves to another level and stays there, although its noise lasts.

The noise is a first-order autoregression. Each candidate is a ramp that begins at some time and is
over after some length; the one of the highest likelihood is found by generalised least squares
over persistences. Its gain is the logarithm of the likelihood ratio against no ramp (a sup-F test
with autocorrelated noise: Andrews, Econometrica 61, 1993; Perron, Palgrave Handbook of
Econometrics 1, 2006). Noise alone gives gains up to about 15.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Floats, Ints

PERSISTENCES: Final = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98)
"""Correlations from one step to the next that are tried."""

_LEAST_ERROR: Final = 1e-12


class Shift(NamedTuple):
    """The best ramp of each of s series of n steps; arrays of shape (s,)."""

    begin: Ints  # step of its first change
    length: Ints  # steps until it is over; 0: at once
    size: Floats
    gain: Floats  # logarithm of the likelihood ratio against no ramp


def find_shift(series: Floats, lengths: Sequence[int], margin: int) -> Shift:
    """Return the best ramp of each series, shape (s, n), at least `margin` steps from both ends."""
    count, steps = series.shape
    best = np.full(count, -np.inf)
    without = np.full(count, -np.inf)
    begin, length = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    size = np.zeros(count)
    for persistence in PERSISTENCES:
        constant = _whitened(np.ones((1, steps)), persistence)[0]
        constant /= np.sqrt(constant @ constant)
        left = _without(_whitened(series, persistence), constant)
        square = (left**2).sum(axis=1)
        without = np.maximum(without, _likelihood(square, steps, persistence))
        for ramp_steps in lengths:
            ramps = _ramps(steps, ramp_steps, margin)
            if not len(ramps):
                continue
            columns = _without(_whitened(ramps, persistence), constant)
            weight = (columns**2).sum(axis=1)
            sizes = left @ columns.T / weight
            squares = square[:, None] - sizes**2 * weight
            place = squares.argmin(axis=1)
            at = np.arange(count), place
            found = _likelihood(squares[at], steps, persistence)
            better = found > best
            best[better], size[better] = found[better], sizes[at][better]
            begin[better], length[better] = margin + place[better], ramp_steps
    return Shift(begin=begin, length=length, size=size, gain=best - without)


def ramp(steps: int, begin: int, length: int) -> Floats:
    """Return 0 before `begin`, 1 after so many steps, and a line between, shape (steps,)."""
    since = np.arange(steps) - begin + 1
    return np.asarray(np.clip(since / (length + 1), 0.0, 1.0))


def stays(series: Floats, begin: int, length: int, size: float, share: float) -> bool:
    """Return whether both halves of what follows differ from both halves of what came before.

    Medians of each half must differ by this share of the size. A pulse returns to where it was.
    """
    before, after = series[:begin], series[begin + length :]
    halves = [np.median(half) for part in (before, after) for half in np.array_split(part, 2)]
    sign = np.sign(size)
    rise = sign * np.array(halves)
    return bool(rise[2:].min() - rise[:2].max() >= share * abs(size))


def _ramps(steps: int, length: int, margin: int) -> Floats:
    begins = np.arange(margin, steps - margin - length)
    since = np.arange(steps) - begins[:, None] + 1
    return np.asarray(np.clip(since / (length + 1), 0.0, 1.0))


def _whitened(rows: Floats, persistence: float) -> Floats:
    """Return rows of shape (s, n) as their noise would have no memory (Prais and Winsten)."""
    white = rows.copy()
    white[:, 1:] -= persistence * rows[:, :-1]
    white[:, 0] *= np.sqrt(1 - persistence**2)
    return white


def _without(rows: Floats, unit: Floats) -> Floats:
    return np.asarray(rows - np.outer(rows @ unit, unit))


def _likelihood(squares: Floats, steps: int, persistence: float) -> Floats:
    error = np.maximum(squares, _LEAST_ERROR) / steps
    return np.asarray(-steps / 2 * np.log(error) + np.log(1 - persistence**2) / 2)
