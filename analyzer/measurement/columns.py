"""Columns of samples, of which many are one value: it is there once, and worked out once."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, are_alike, taken


def alike(value: float, count: int) -> Floats:
    """Return an array of the same value, which is there once; it cannot be changed."""
    return np.broadcast_to(np.float64(value), (count,))


def as_one(values: Floats) -> Floats:
    """Return the same values; one that all of them are is there once.

    Many quantities are unknown, or zero, in a whole mesh.
    """
    if not len(values) or are_alike(values):
        return values
    first = values[0]
    is_one = np.isnan(values).all() if np.isnan(first) else (values == first).all()
    return alike(first, len(values)) if is_one else values


def added(values: Floats, more: Floats) -> Floats:
    """Return the sums of two columns; the first itself where the other one adds nothing."""
    is_nothing = are_alike(more) and more[0] == 0
    return values if is_nothing else elementwise(np.add, values, more)


def elementwise(function: Callable[..., Floats], *columns: Floats) -> Floats:
    """Return a function of columns of equal length; of one row where that is each of them."""
    if all(are_alike(column) for column in columns):
        return alike(float(function(*(column[:1] for column in columns))[0]), len(columns[0]))
    return np.asarray(function(*columns), dtype=np.float64)


def first_known(values: Floats, others: Floats) -> Floats:
    """Return values, and in place of missing ones the others."""
    return np.where(np.isnan(values), others, values)


def where(table: pd.DataFrame, chosen: Bools) -> pd.DataFrame:
    """Return the chosen rows of a table. As a rule that is all, and none is copied."""
    if chosen.all():
        return table
    rows = np.flatnonzero(chosen)
    columns = {name: taken(values, rows) for name, values in _columns(table).items()}
    return _table(columns, table, table.index[chosen])


def assigned(table: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table with other or more columns. pandas' own method copies those of one value."""
    return _table({**_columns(table), **columns}, table, table.index)


def _table(columns: dict[str, Any], like: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """Return these columns as a table, whose names are held as those of another one are."""
    more = [name for name in columns if name not in like]
    found = pd.DataFrame(columns, index=index, copy=False)
    others = pd.Index(more, dtype=like.columns.dtype)
    found.columns = like.columns.append(others) if more else like.columns
    return found


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    """Return the columns as they are held: as arrays of NumPy, or of pandas for texts."""
    found = {}
    for name, column in table.items():
        values = column.array
        is_plain = isinstance(values, pd.arrays.NumpyExtensionArray)
        found[str(name)] = values.to_numpy() if is_plain else values
    return found
