"""Names for the arrays that every layer computes with, and what all ask of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Places = npt.NDArray[np.int32]
"""Numbers of proxies or steps where tens of millions are held at a time."""


def changes(keys: Sequence[npt.NDArray[Any]], count: int) -> Bools:
    """Return the rows that differ from the one before in a key; the first does.

    Args:
        keys: shape (count,) each.
        count: of the rows.
    """
    is_new = np.zeros(count, dtype=bool)
    is_new[:1] = True
    for key in keys:
        is_new[1:] |= key[1:] != key[:-1]
    return is_new
