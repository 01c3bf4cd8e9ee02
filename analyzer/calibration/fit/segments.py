"""Consecutive rows that belong together, so that thousands of small fits are a few numpy calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from analyzer.arrays import Bools, Floats, Ints

Scalar = TypeVar("Scalar", bound=np.generic)

MIN_CLUSTERS: Final = 8
"""Where a group has fewer members, their time is cut into blocks, so that the covariance rests on
about this many clusters; below it, cluster-robust intervals are known to be too short."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segments:
    """A division of rows 0..n-1 into g runs, none of them empty."""

    starts: Ints  # (g,): first row of each run, ascending from 0
    row_count: int

    @classmethod
    def of(cls, *codes: npt.NDArray[np.integer]) -> Segments:
        """Return the runs within which none of these codes, each of shape (n,), changes."""
        changes = np.zeros(len(codes[0]), dtype=bool)
        changes[:1] = True
        for code in codes:
            changes[1:] |= code[1:] != code[:-1]
        return cls(starts=np.flatnonzero(changes), row_count=len(changes))

    def __len__(self) -> int:
        """Return how many runs there are."""
        return len(self.starts)

    @property
    def lengths(self) -> Ints:
        """How many rows each run has, shape (g,)."""
        return np.diff(self.starts, append=self.row_count)

    @property
    def numbers(self) -> Ints:
        """Which run each row is in, shape (n,)."""
        return self.spread(np.arange(len(self)))

    def sum(self, values: npt.NDArray[np.generic]) -> Floats:
        """Add `values`, shape (..., n), up within each run, to shape (..., g)."""
        return np.add.reduceat(np.asarray(values, dtype=float), self.starts, axis=-1)

    def lowest(self, values: Floats) -> Floats:
        """Return the smallest value of each run, shape (g,)."""
        return np.minimum.reduceat(values, self.starts)

    def highest(self, values: Floats) -> Floats:
        """Return the largest value of each run, shape (g,)."""
        return np.maximum.reduceat(values, self.starts)

    def median(self, values: Floats) -> Floats:
        """Return the median of each run, shape (g,)."""
        # numpy.median checks more for each of thousands of short runs than it computes.
        runs = np.split(values.copy(), self.starts[1:])
        medians = np.empty(len(runs))
        for number, run in enumerate(runs):
            low, high = (len(run) - 1) // 2, len(run) // 2
            run.partition((low, high))
            medians[number] = (run[low] + run[high]) / 2
        return medians

    def spread(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Give each row its run's value: shape (..., g) to shape (..., n)."""
        return np.repeat(values, self.lengths, axis=-1)

    def within(self, outer: Segments) -> Segments:
        """Return which of these runs lie in each run of `outer`, which must not cut any."""
        return Segments(starts=np.searchsorted(self.starts, outer.starts), row_count=len(self))


def seen_at(groups: Segments, time: Ints) -> Bools:
    """Return at which times, numbered from 0, any row of each group is, shape (g, times)."""
    seen = np.zeros((len(groups), int(time.max(initial=-1)) + 1), dtype=bool)
    seen[groups.numbers, time] = True
    return seen


def clusters_of(groups: Segments, members: Segments, time: Ints) -> Segments:
    """Return the runs that may be correlated: members, or blocks of their ascending times if few.

    How many there are is the inverse of the chance that two rows are of the same one: beside a
    member that was there all the time, eight that came for moments are hardly more than none.
    """
    if not groups.row_count:
        return members
    squares = members.within(groups).sum(members.lengths.astype(float) ** 2)
    effective = groups.lengths.astype(float) ** 2 / squares
    blocks = np.ceil(MIN_CLUSTERS / effective).astype(np.int64)
    seen = seen_at(groups, time)
    # A hole in the window is no time: of what was seen, each block has as much.
    since = np.cumsum(seen, axis=1, dtype=np.int32)[groups.numbers, time] - 1
    block = since * groups.spread(blocks) // groups.spread(seen.sum(axis=1))
    return Segments.of(members.numbers, block)
