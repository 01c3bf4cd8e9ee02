"""Which rows may be correlated: those of one member of a group, or of one block of its time."""

from typing import Final

import numpy as np

from analyzer.arrays import Bools, Ints
from analyzer.calibration.fit.segments import Segments

MIN_CLUSTERS: Final = 8
"""Where a group has fewer members, their time is cut into blocks, so that the covariance rests on
about this many clusters; below it, cluster-robust intervals are known to be too short."""


def seen_at(groups: Segments, time: Ints) -> Bools:
    """Return at which times any row of each group is, shape (g, times).

    Args:
        groups: segments of the rows.
        time: number of each row's time, shape (n,), from 0.
    """
    seen = np.zeros((len(groups), int(time.max(initial=-1)) + 1), dtype=bool)
    seen[groups.numbers, time] = True
    return seen


def clusters_of(groups: Segments, members: Segments, time: Ints) -> Segments:
    """Return the members, or blocks of time of each where a group has few.

    How many there are is the inverse of the chance that two rows are of the same one: beside a
    member that was there all the time, eight that came for moments are hardly more than none.

    Args:
        groups: segments of the rows.
        members: segments of the rows within the groups; their times ascend.
        time: number of each row's time, shape (n,), from 0.
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
