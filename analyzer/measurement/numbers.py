"""The row of a table that has given names, for many names at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Ints

_MOST: Final = 2**62
"""Combinations of names up to which each has a number of its own in an int64."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Level:
    """One column of names.

    Attributes:
        size: how many different names are in it.
        number_of: numbers names from 0; -1 for those that are not in it.
        found: the combinations of the columns before it, where all that are possible are too many.
    """

    column: str
    size: int
    number_of: Callable[[np.ndarray], Ints]
    found: Ints | None


def first_rows(names: pd.DataFrame) -> Ints:
    """Return the rows that have another name than the row before, in some column; the first has.

    Samples of a series follow each other: names are looked up once for all of them.
    """
    return np.flatnonzero(changes([names[column].to_numpy() for column in names], len(names)))


def changes(columns: Sequence[np.ndarray], count: int) -> Bools:
    """Return which of `count` rows differ from the one before in some column; the first does."""
    is_new = np.zeros(count, dtype=bool)
    is_new[:1] = True
    for values in columns:
        # Most neighbours are the same object, which is no comparison of letters.
        is_new[1:] |= np.asarray(values[1:] != values[:-1], dtype=bool)
    return is_new


def are_distinct(columns: Sequence[Ints], count: int) -> bool:
    """Return whether no two of `count` rows have the same numbers in all columns."""
    if not columns:
        return count <= 1
    # For some hundred rows a frame's `duplicated` takes ten times as long.
    order = np.lexsort(columns)
    return bool(changes([column[order] for column in columns], count).all())


def distinct(names: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table, each once: those that are there first."""
    return names.iloc[first_rows(names)].drop_duplicates()


def numbered(names: pd.DataFrame) -> Ints:
    """Return the number of each row's names among the distinct ones, in their order."""
    firsts = first_rows(names)
    number = names.iloc[firsts].groupby(list(names.columns)).ngroup().to_numpy(np.int64)
    return np.repeat(number, np.diff(firsts, append=len(names)))


def in_order(names: pd.DataFrame) -> pd.DataFrame:
    """Return the distinct names of a table, each in the row of its number in `numbered`."""
    return names.drop_duplicates().sort_values([*names.columns], ignore_index=True)


def are_among(rows: pd.DataFrame, names: pd.DataFrame) -> Bools:
    """Return which rows have names that `names` has; columns are compared in their order."""
    if rows.empty or names.empty:
        return np.zeros(len(rows), dtype=bool)
    alike = names.set_axis(rows.columns, axis=1)
    return Numbers(alike).of(rows) >= 0


class Numbers:
    """The rows of a table by their names, which are in several columns and are each there once.

    A pandas MultiIndex finds them too, but sorts the names of each table that is looked up.
    """

    def __init__(self, names: pd.DataFrame) -> None:
        """Take the table; its rows are numbered from 0."""
        self._levels: list[_Level] = []
        keys, size = np.zeros(len(names), dtype=np.int64), 1
        for column in names.columns:
            values, found = names[column].to_numpy(), None
            count, number_of = _numbering(values)
            if size * count > _MOST:
                found, keys = np.unique(keys, return_inverse=True)
                size = len(found)
            self._levels.append(
                _Level(column=str(column), size=count, number_of=number_of, found=found)
            )
            keys = keys * count + number_of(values)
            size *= count
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    def of(self, rows: pd.DataFrame) -> Ints:
        """Return the number of each of `rows`, by the same columns; -1 where it has none."""
        if not len(self._sorted) or not len(rows):
            return np.full(len(rows), -1, dtype=np.int64)
        columns = [rows[level.column].to_numpy() for level in self._levels]
        firsts = np.flatnonzero(changes(columns, len(rows)))
        keys, is_known = self._keys([column[firsts] for column in columns])
        at = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        found = np.where(is_known & (self._sorted[at] == keys), self._order[at], -1)
        return np.repeat(found, np.diff(firsts, append=len(rows)))

    def among(self, *tables: pd.DataFrame) -> Bools:
        """Return which rows have their names in any of these tables."""
        found = np.zeros(len(self._sorted), dtype=bool)
        for rows in tables:
            numbers = self.of(rows)
            found[numbers[numbers >= 0]] = True
        return found

    def _keys(self, columns: Sequence[np.ndarray]) -> tuple[Ints, Bools]:
        """Return one number for all names of a row, and whether each of them is known."""
        count = len(columns[0])
        keys, is_known = np.zeros(count, dtype=np.int64), np.ones(count, dtype=bool)
        for level, names in zip(self._levels, columns, strict=True):
            if level.found is not None:
                at = np.minimum(np.searchsorted(level.found, keys), len(level.found) - 1)
                is_known &= level.found[at] == keys
                keys = at
            codes = level.number_of(names)
            is_known &= codes >= 0
            keys = keys * level.size + codes
        return keys, is_known


def _numbering(values: np.ndarray) -> tuple[int, Callable[[np.ndarray], Ints]]:
    """Return how many different values there are, and what numbers them from 0; others are -1."""
    if values.dtype != object:
        index = pd.Index(pd.unique(values))
        return len(index), lambda asked: np.asarray(index.get_indexer(pd.Index(asked)))
    # An index of pandas takes ten times as long for few texts, and no less for many.
    codes = {text: number for number, text in enumerate(dict.fromkeys(values))}
    return len(codes), lambda asked: np.fromiter(
        map(codes.get, asked, repeat(-1)), np.int64, len(asked)
    )
