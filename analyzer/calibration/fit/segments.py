"""Runs of consecutive rows: thousands of small fits become a few numpy calls."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from analyzer.arrays import Bools, Floats, Ints

Scalar = TypeVar("Scalar", bound=np.generic)

MIN_CLUSTERS: Final = 8
"""If a group has fewer members, their time is cut into blocks to give about this many clusters.
With fewer clusters, cluster-robust intervals are known to be too narrow."""

BLOCK_ROWS: Final = 65_536
"""Rows worked on at once where steps of the work need arrays of their own."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Segments:
    """A division of rows 0..n-1 into g runs, none of them empty."""

    starts: Ints  # (g,): first row of each run, ascending from 0
    row_count: int

    @classmethod
    def of(cls, *codes: npt.NDArray[np.integer]) -> Segments:
        """Return the runs in which all of these codes, each of shape (n,), are constant."""
        changes = np.zeros(len(codes[0]), dtype=bool)
        changes[:1] = True
        for code in codes:
            changes[1:] |= code[1:] != code[:-1]
        return cls(starts=np.flatnonzero(changes), row_count=len(changes))

    def __len__(self) -> int:
        """Return how many runs there are."""
        return len(self.starts)

    @cached_property
    def lengths(self) -> Ints:
        """Rows of each run, shape (g,)."""
        return np.diff(self.starts, append=self.row_count)

    @property
    def numbers(self) -> Ints:
        """Run of each row, shape (n,)."""
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
        # numpy.median spends more time on checks than on thousands of short runs.
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

    def largest(self, amounts: Floats, most_rows: int) -> Bools:
        """Return the runs with the largest amounts that have so many rows together, shape (g,)."""
        order = np.argsort(-amounts, kind="stable")
        has_place = np.cumsum(self.lengths[order]) <= most_rows
        has_place[:1] = True
        chosen = np.zeros(len(self), dtype=bool)
        chosen[order[has_place]] = True
        return chosen

    def part(self, chosen: Bools) -> Segments:
        """Return the chosen runs, shape (g,), without the rows of the others."""
        lengths = self.lengths[chosen]
        return Segments(starts=np.cumsum(lengths) - lengths, row_count=int(lengths.sum()))

    def blocks(self, row_count: int) -> Iterator[tuple[slice, slice, Segments]]:
        """Cut the runs into blocks of about so many rows, to stay in the processor's cache.

        Work on a block at a time also needs no further arrays of all rows.

        Yields:
            The runs of each block, its rows, and the runs among these.
        """
        if 0 < self.row_count <= row_count:
            yield slice(0, len(self)), slice(0, self.row_count), self
            return
        ends = np.append(self.starts, self.row_count)
        firsts = np.flatnonzero(np.diff(self.starts // row_count, prepend=-1)).tolist()
        for first, last in itertools.pairwise([*firsts, len(self)]):
            start, stop = int(ends[first]), int(ends[last])
            inside = Segments(starts=self.starts[first:last] - start, row_count=stop - start)
            yield slice(first, last), slice(start, stop), inside

    def within(self, outer: Segments) -> Segments:
        """Return these runs grouped by the runs of `outer`, which must not cut any of them."""
        return Segments(starts=np.searchsorted(self.starts, outer.starts), row_count=len(self))


def seen_at(groups: Segments, time: Ints) -> Bools:
    """Return at which times, numbered from 0, each group has rows, shape (g, times)."""
    seen = np.zeros((len(groups), int(time.max(initial=-1)) + 1), dtype=bool)
    for part, rows, inside in groups.blocks(BLOCK_ROWS):
        seen[part][inside.numbers, time[rows]] = True
    return seen


def places_of(time: npt.NDArray[np.integer]) -> tuple[Ints, Ints]:
    """Return the times in use, and the place of each row's time among them, shape (n,)."""
    is_used = np.bincount(time) > 0
    return np.flatnonzero(is_used), (np.cumsum(is_used) - 1)[time]


TIME_BLOCKS: Final = 8
"""Blocks of the window whose noise all groups may share."""


def time_blocks(time: Ints) -> Ints:
    """Return the block, 0 to TIME_BLOCKS - 1, of each row's time, shape (n,)."""
    times, place = places_of(time)
    return np.asarray(place * TIME_BLOCKS // max(len(times), 1), dtype=np.int64)


def clusters_of(groups: Segments, members: Segments, time: Ints) -> Segments:
    """Return the runs that may be correlated: members, or blocks of their time if there are few.

    The effective number of members is the inverse of the chance that two rows have the same one:
    eight short-lived members next to a permanent one hardly count.
    """
    if not groups.row_count:
        return members
    squares = members.within(groups).sum(members.lengths.astype(float) ** 2)
    effective = groups.lengths.astype(float) ** 2 / squares
    counts = np.ceil(MIN_CLUSTERS / effective).astype(np.int64)
    seen = seen_at(groups, time)
    # Gaps in the window do not count: each block has an equal share of the observed times.
    since = np.cumsum(seen, axis=1, dtype=np.int32) - 1
    block_of = since * counts[:, None] // seen.sum(axis=1)[:, None]
    is_first = np.zeros(groups.row_count, dtype=bool)
    is_first[members.starts] = True
    for part, rows, inside in groups.blocks(BLOCK_ROWS):
        block = block_of[part][inside.numbers, time[rows]]
        is_first[rows][1:] |= block[1:] != block[:-1]
    return Segments(starts=np.flatnonzero(is_first), row_count=groups.row_count)
