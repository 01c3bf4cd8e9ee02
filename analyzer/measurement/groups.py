"""Sums over the samples that have the same names, for millions of samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.arrays import Floats, Ints, are_alike

_FEW = 2**16
"""Different numbers of a key, up to which those that occur need not be found first: a fourth key of
so many still has a place in an int64."""

_SPARSE = 4
"""Possible numbers for each row, up to which those that occur are found without sorting."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Rows by their names.

    Attributes:
        number: the group of each row, from 0, shape (rows,).
        names: those of each group, sorted; an index of tuples where there are several.
        row_count: how many rows each group has.
    """

    number: Ints
    names: pd.Index
    row_count: Floats

    @classmethod
    def of(cls, rows: pd.DataFrame, keys: Sequence[str]) -> "Groups":
        """Return the groups of rows with the same `keys`, which are texts, numbers or categories.

        Categories have to be sorted, as those of `MeshUsage.of_role` are. None is missing.
        """
        number, levels = np.zeros(len(rows), dtype=np.int64), []
        for key in keys:
            codes, names = _numbered(rows[key])
            number *= max(len(names), 1)
            number += codes
            levels.append(names)
        found, number = packed(number)
        columns = []
        for names in reversed(levels):
            found, place = np.divmod(found, max(len(names), 1))
            columns.append(names.take(place))
        names = (
            columns[0].rename(keys[0])
            if len(keys) == 1
            else pd.MultiIndex.from_arrays(columns[::-1], names=list(keys))
        )
        row_count = np.bincount(number, minlength=len(names)).astype(np.float64)
        return cls(number=number, names=names, row_count=row_count)

    def known(self, values: Floats) -> Floats:
        """Return how many values of each group are known, shape (groups,)."""
        if are_alike(values):
            return np.zeros(len(self.names)) if np.isnan(values[0]) else self.row_count
        is_known = ~np.isnan(values)
        if is_known.all():
            return self.row_count
        return np.bincount(self.number, is_known, len(self.names)).astype(np.float64)

    def sum(self, values: Floats, *, min_count: int = 0) -> Floats:
        """Return the sum of the known values of each group; NaN where fewer are known."""
        known = self.known(values)
        if are_alike(values):
            found = known * np.nan_to_num(values[0])
        else:
            is_missing = np.isnan(values) if known.sum() < len(values) else None
            weights = values if is_missing is None else np.where(is_missing, 0.0, values)
            found = np.bincount(self.number, weights, len(self.names))
        return np.where(known >= min_count, found, np.nan)

    def distinct(self, numbers: Ints) -> Ints:
        """Return how many different numbers, from 0, the rows of each group have."""
        most = int(numbers.max(initial=0)) + 1
        pairs = np.unique(self.number * most + numbers)
        return np.bincount(pairs // most, minlength=len(self.names))

    def mean(self, values: Floats) -> Floats:
        """Return the mean of the known values of each group; NaN where none is."""
        known = self.known(values)
        return self.sum(values) / np.where(known > 0, known, np.nan)

    def most(self, values: Floats) -> Floats:
        """Return the highest known value of each group; NaN where none is."""
        return self._extreme(values, np.fmax)

    def least(self, values: Floats) -> Floats:
        """Return the lowest known value of each group; NaN where none is."""
        return self._extreme(values, np.fmin)

    def _extreme(self, values: Floats, choose: np.ufunc) -> Floats:
        found = np.full(len(self.names), np.nan)
        if len(values):
            # Rows of a proxy follow each other: there are few runs, and `at` is slow.
            firsts = np.flatnonzero(np.diff(self.number, prepend=-1))
            choose.at(found, self.number[firsts], choose.reduceat(values, firsts))
        return found

    def sums(self, columns: Mapping[str, Floats], *, min_count: int = 0) -> pd.DataFrame:
        """Return the sums of several columns, by the names of the groups."""
        return pd.DataFrame(
            {name: self.sum(values, min_count=min_count) for name, values in columns.items()},
            index=self.names,
        )


def packed(numbers: Ints) -> tuple[Ints, Ints]:
    """Return the different numbers, from 0 and sorted, and the place of each of all among them."""
    possible = int(numbers.max(initial=-1)) + 1
    if possible > _SPARSE * len(numbers):
        found, place = np.unique(numbers, return_inverse=True)
        return found, place
    is_there = np.zeros(possible, dtype=bool)
    is_there[numbers] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[numbers]


def names_or(names: pd.Categorical, others: pd.Series | pd.Categorical) -> pd.Categorical:
    """Return names, and in place of missing ones the others, which have to be categories of it."""
    usual = pd.Categorical(others, categories=names.categories)
    codes = np.where(names.codes < 0, usual.codes, names.codes)
    return pd.Categorical.from_codes(codes, dtype=names.dtype)


def _numbered(names: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Return the number of each name among all that are possible, sorted, and these."""
    if isinstance(names.dtype, pd.CategoricalDtype):
        return names.cat.codes.to_numpy(), names.cat.categories
    if pd.api.types.is_integer_dtype(names.dtype) and len(names):
        numbers = names.to_numpy(np.int64)
        least = numbers.min()
        codes = numbers - least
        if (most := codes.max()) < _FEW:
            # That some do not occur is found for all keys together.
            return codes, pd.Index(np.arange(least, least + most + 1))
        different, codes = packed(codes)
        return codes, pd.Index(different + least)
    codes, found = pd.factorize(names, sort=True)
    return codes, pd.Index(found)
