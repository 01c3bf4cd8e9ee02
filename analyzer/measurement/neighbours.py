"""Neighbours among the rows of the step table, which are sorted by proxy and step."""

from typing import TypeVar

import numpy as np

from analyzer.arrays import Bools, Floats, Ints

Values = TypeVar("Values", Floats, Bools)


def follows(proxy: Ints, point: Ints) -> Bools:
    """Return the rows before which is the same proxy's step before."""
    found = np.zeros(len(proxy), dtype=bool)
    found[1:] = (proxy[1:] == proxy[:-1]) & (point[1:] == point[:-1] + 1)
    return found


def before(values: Values, proxy: Ints) -> Values:
    """Return the value in the row before each, 0 or False where that is another proxy's."""
    found = np.zeros_like(values)
    found[1:] = np.where(proxy[1:] == proxy[:-1], values[:-1], found[1:])
    return found


def after(values: Values, proxy: Ints) -> Values:
    """Return the value in the row after each, 0 or False where that is another proxy's."""
    return before(values[::-1], proxy[::-1])[::-1]


def runs(flags: Bools) -> list[tuple[int, int]]:
    """Return begin and end of each run of set flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]
