"""Where the samples of a table are among all proxies and steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analyzer.arrays import Bools, Floats, Ints, Places
from analyzer.measurement.pieces import Pieces
from analyzer.window import TimeWindow

Shape = tuple[int, int]
"""How many proxies and steps there are."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """The cells of a table's samples.

    Cells are numbered by proxy and step, in the order of an array of shape (proxies, steps).

    Attributes:
        times: of all samples, as `Pieces.times`.
        lengths: how many samples each series has.
        numbers: the proxy of each series; -1 where it is none of the mesh.
        cells: of the samples that are kept.
        kept: which samples are of a proxy and in the window; None: all.
    """

    times: Ints
    lengths: Ints
    numbers: Ints
    cells: Places | Ints
    kept: Bools | None

    @classmethod
    def of(cls, pieces: Pieces, numbers: Ints, window: TimeWindow, shape: Shape) -> Placed:
        """Return the cells of a table, given the proxy of each series."""
        points, proxy = steps_of(pieces.times, window), pieces.spread(numbers)
        cells = cells_of(proxy, points, shape)
        kept = (proxy >= 0) & (points >= 0) & (points < shape[1])
        is_whole = bool(kept.all())
        return cls(
            times=pieces.times,
            lengths=pieces.lengths,
            numbers=numbers,
            cells=cells if is_whole else cells[kept],
            kept=None if is_whole else kept,
        )

    def has(self, pieces: Pieces, numbers: Ints) -> bool:
        """Return whether another table has its samples in the same cells."""
        # Tables that have the same times share them.
        return (
            pieces.times is self.times
            and np.array_equal(pieces.lengths, self.lengths)
            and np.array_equal(numbers, self.numbers)
        )

    def values(self, pieces: Pieces) -> Floats:
        """Return the samples of such a table that are kept; as a rule those of the table."""
        return pieces.samples if self.kept is None else pieces.samples[self.kept]


def steps_of(times: Ints, window: TimeWindow) -> Ints:
    """Return the number of the step that ends at each time, in seconds since the epoch."""
    elapsed = times - int(window.start.timestamp())
    return np.asarray(elapsed // window.step_seconds - 1)


def cells_of(proxy: Ints, points: Ints, shape: Shape) -> Places | Ints:
    """Return the cell of each proxy and step."""
    cells = proxy * shape[1] + points
    return cells.astype(np.int32) if math.prod(shape) <= np.iinfo(np.int32).max else cells
