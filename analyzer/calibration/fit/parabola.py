"""The lowest point of a parabola through three trials, with its uncertainty."""

from typing import NamedTuple

import numpy as np

from analyzer.arrays import Floats


class Vertex(NamedTuple):
    """Where a parabola is lowest."""

    at: float
    standard_error: float


def vertex(at: Floats, losses: Floats) -> Vertex:
    """Return where the sum of losses is lowest, from three trials of c parts each.

    Args:
        at: the numbers tried, shape (3,).
        losses: of each part at each of them, shape (3, c).

    Returns:
        The lowest point, and its standard error from leaving out each part in turn. If the losses
        do not bend upwards, the best of the three, with an infinite error.
    """
    to_parabola = np.linalg.inv(np.vander(at, 3))
    parts = to_parabola @ losses
    bend, tilt, _ = whole = parts.sum(axis=1)
    count = losses.shape[1]
    others = whole[:, None] - parts
    if not bend > 0 or not (others[0] > 0).all():
        return Vertex(float(at[losses.sum(axis=1).argmin()]), np.inf)
    without = -others[1] / others[0] / 2
    error = np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum())
    return Vertex(float(-tilt / bend / 2), float(error))
