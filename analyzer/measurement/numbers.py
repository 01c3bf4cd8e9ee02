"""The row of a table that has given names, for many names at once."""

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Ints


class Numbers:
    """The rows of a table by their names, which are in several columns and are each there once.

    A pandas MultiIndex finds them too, but sorts the names of each table that is looked up.
    """

    def __init__(self, names: pd.DataFrame) -> None:
        """Take the table; its rows are numbered from 0."""
        self._levels = {str(name): pd.Index(names[name].unique()) for name in names.columns}
        keys, _ = self._keys(names)
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    def of(self, rows: pd.DataFrame) -> Ints:
        """Return the number of each of `rows`, by the same columns; -1 where it has none."""
        if not len(self._sorted) or not len(rows):
            return np.full(len(rows), -1, dtype=np.int64)
        keys, is_known = self._keys(rows)
        at = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        return np.where(is_known & (self._sorted[at] == keys), self._order[at], -1)

    def among(self, *tables: pd.DataFrame) -> Bools:
        """Return which rows have their names in any of these tables."""
        found = np.zeros(len(self._sorted), dtype=bool)
        for rows in tables:
            numbers = self.of(rows)
            found[numbers[numbers >= 0]] = True
        return found

    def _keys(self, rows: pd.DataFrame) -> tuple[Ints, Bools]:
        """Return one number for all names of a row, and whether each of them is known."""
        keys, is_known = np.zeros(len(rows), dtype=np.int64), np.ones(len(rows), dtype=bool)
        for name, level in self._levels.items():
            codes = level.get_indexer(rows[name])
            is_known &= codes >= 0
            keys = keys * len(level) + codes
        return keys, is_known
