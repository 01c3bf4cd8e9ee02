"""Names for the arrays that every layer computes with."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Places = npt.NDArray[np.int32]
"""Numbers of proxies or steps where tens of millions are held at a time."""

Rows = slice | Ints
"""Numbers of rows; a slice where they are consecutive, so that columns of them are views."""

ALL: Final = slice(None)


def numbers_of(chosen: Bools) -> Rows:
    """Return the numbers of the chosen rows; `ALL` if all are."""
    return ALL if chosen.all() else np.flatnonzero(chosen)


def are_alike(values: Any) -> bool:  # noqa: ANN401 - an array of NumPy or of pandas
    """Return whether these values are a single one, which is there once."""
    return len(values) > 1 and getattr(values, "strides", None) == (0,)


def taken(values: npt.NDArray[Any], rows: Rows) -> npt.NDArray[Any]:
    """Return these rows of a column; a single value for all rows stays single."""
    if are_alike(values) and not isinstance(rows, slice):
        return np.broadcast_to(values[0], len(rows))
    return values[rows]
