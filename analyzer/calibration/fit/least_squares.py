"""Many small regressions at once: least squares and its moments.

Each segment of the rows has its own coefficients. A design has k columns over n rows, sorted so
that the rows of a segment, and within it those of a cluster, are consecutive.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.fit.segments import BLOCK_ROWS, Segments

_NEARLY_SINGULAR = 1e-10
"""Determinant of a gram matrix with unit diagonal, below which its columns are collinear."""

_RIDGE = 1e-9
"""Share of the diagonal added to collinear columns: they then share their effect equally."""

_BLOCK_ROWS = 8192
"""Ten columns of so many rows fit into the second-level cache of most processors."""


Design = Sequence[Floats] | Floats
"""Columns, each of shape (n,); an array of shape (k, n) is one, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A column of a design, with a unique name."""

    name: str
    is_floored: bool = False  # whether the coefficient may not be below zero


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """One regression for each of g segments of n rows."""

    terms: tuple[Term, ...]
    design: Design
    target: Floats  # (n,)
    segments: Segments
    active: Bools  # (g, k): which columns take part

    @classmethod
    def of(
        cls,
        loads: Mapping[Term, Floats],
        target: Floats,
        active: Bools,
        segments: Segments | None = None,
    ) -> Problem:
        """Return the regressions on the load of each term, (n,); one of all rows by default."""
        return cls(
            terms=tuple(loads),
            design=tuple(loads.values()),
            target=target,
            segments=segments or Segments.of(np.zeros(len(target), dtype=np.int64)),
            active=active,
        )

    @property
    def floored(self) -> list[int]:
        """The columns whose coefficients may not be below zero."""
        return [column for column, term in enumerate(self.terms) if term.is_floored]

    def residuals(self, coefficients: Floats) -> Floats:
        """Return the residuals of coefficients of shape (g, k), shape (n,)."""
        left = self.target.copy()
        for part, rows, inside in self.segments.blocks(BLOCK_ROWS):
            for column, values in zip(self.design, coefficients[part].T, strict=True):
                left[rows] -= column[rows] * inside.spread(values)
        return left

    def blocks(self, row_count: int) -> Iterator[tuple[slice, slice, Problem]]:
        """Cut the regressions into problems of about so many rows.

        Yields:
            The segments of each, its rows, and the problem.
        """
        for part, rows, inside in self.segments.blocks(row_count):
            yield (
                part,
                rows,
                replace(
                    self,
                    design=tuple(column[rows] for column in self.design),
                    target=self.target[rows],
                    segments=inside,
                    active=self.active[part],
                ),
            )


class Moments(NamedTuple):
    """The sums that a weighted least-squares fit needs, for g segments."""

    gram: Floats  # (g, k, k): of the design with itself
    cross: Floats  # (g, k): of the design with the target
    square: Floats  # (g,): of the target with itself

    def summed(self, groups: Segments) -> Moments:
        """Return the moments of groups of these segments."""
        return Moments(*(np.add.reduceat(part, groups.starts, axis=0) for part in self))

    def of(self, segments: Ints) -> Moments:
        """Return the moments of the segments with these numbers, in this order."""
        return Moments(*(part[segments] for part in self))

    def without(self, other: Moments) -> Moments:
        """Return the moments of the rows that are not in `other`."""
        return Moments(*(whole - part for whole, part in zip(self, other, strict=True)))

    def loss(self, coefficients: Floats) -> Floats:
        """Return the weighted sum of squared residuals, shape (g,); rounding may leave it < 0."""
        quadratic = np.einsum("gi,gij,gj->g", coefficients, self.gram, coefficients)
        linear = np.einsum("gi,gi->g", coefficients, self.cross)
        return np.asarray(self.square - 2 * linear + quadratic)


def moments_of(design: Design, target: Floats, weights: Floats, segments: Segments) -> Moments:
    """Return the moments of each segment; weights are inverse variances up to a factor."""
    count, columns = len(segments), len(design)
    gram, cross = np.empty((count, columns, columns)), np.empty((count, columns))
    square = np.empty(count)
    for part, rows, inside in segments.blocks(_BLOCK_ROWS):
        block, to_fit = [column[rows] for column in design], target[rows]
        for i in range(columns):
            weighted = block[i] * weights[rows]
            cross[part, i] = inside.sum(weighted * to_fit)
            for j in range(i, columns):
                gram[part, i, j] = gram[part, j, i] = inside.sum(weighted * block[j])
        square[part] = inside.sum(weights[rows] * to_fit * to_fit)
    return Moments(gram, cross, square)


def solve(moments: Moments, active: Bools, floored: Sequence[int] = ()) -> tuple[Floats, Bools]:
    """Return the coefficients of least squares, and which are free, shape (g, k) each.

    Columns that are not active, shape (g, k), have 0. Floored columns are held at 0 if they would
    be negative. All others are free.
    """
    free = active.copy()
    coefficients = _solve(moments, free)
    columns = list(floored)
    wrong = np.flatnonzero((coefficients[:, columns] < 0).any(axis=1))
    if len(wrong):
        coefficients[wrong], free[wrong] = _best_allowed(moments.of(wrong), active[wrong], columns)
    return coefficients, free


def _best_allowed(moments: Moments, active: Bools, floored: Sequence[int]) -> tuple[Floats, Bools]:
    """Leave out each set of floored columns in turn; return the best fit that is not negative."""
    best = np.full(len(active), np.inf)
    chosen, free = np.zeros(active.shape), np.zeros_like(active)
    counts = range(1, len(floored) + 1)
    trials = (itertools.combinations(floored, count) for count in counts)
    for left_out in itertools.chain.from_iterable(trials):
        trial = active.copy()
        trial[:, left_out] = False
        coefficients = _solve(moments, trial)
        loss = moments.loss(coefficients)
        better = (coefficients[:, floored] >= 0).all(axis=1) & (loss < best)
        best[better] = loss[better]
        chosen[better], free[better] = coefficients[better], trial[better]
    return chosen, free


def _solve(moments: Moments, active: Bools) -> Floats:
    scaled, scale = unit_diagonal(moments.gram, active)
    right = np.where(active, moments.cross * scale, 0.0)
    return np.linalg.solve(scaled, right[..., None])[..., 0] * scale


def unit_diagonal(gram: Floats, active: Bools) -> tuple[Floats, Floats]:
    """Return invertible gram matrices with unit diagonal, and their scaling factors.

    Columns that are not active or all zero are replaced by those of the identity.
    """
    diagonal = np.einsum("gii->gi", gram)
    scale = np.where(active & (diagonal > 0), 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1)), 0)
    scaled = gram * scale[:, :, None] * scale[:, None, :]
    identity = np.eye(gram.shape[1])
    scaled += identity * (scale == 0)[:, None, :]
    singular = np.linalg.det(scaled) < _NEARLY_SINGULAR
    scaled[singular] += _RIDGE * identity
    return scaled, scale


def r_squared(target: Floats, residuals: Floats) -> float | None:
    """Return the share of the variance that a fit explains; None without variance."""
    off = target - target.mean()
    spread = float(np.square(off, out=off).sum())
    return 1 - float((residuals**2).sum()) / spread if spread else None


def correlations(columns: Design, segments: Segments) -> Floats:
    """Return the columns' correlations in each segment, (g, k, k); 1 if one does not vary.

    NaN counts as 0.
    """
    whole = np.ones((len(segments), len(columns), len(columns)))
    for part, rows, inside in segments.blocks(BLOCK_ROWS):
        block = np.array([column[rows] for column in columns])
        whole[part] = _correlations(np.nan_to_num(block, copy=False), inside)
    return whole


def _correlations(columns: Floats, segments: Segments) -> Floats:
    totals = segments.sum(columns)
    centred = segments.spread(totals / -segments.lengths)
    centred += columns
    one = np.ones(segments.row_count)
    products = moments_of(centred, one, one, segments).gram
    squares = np.einsum("gii->gi", products)
    spread = np.sqrt(squares[:, :, None] * squares[:, None, :])
    varies = spread > np.finfo(float).eps * (totals.T[:, :, None] + totals.T[:, None, :]) ** 2
    return np.asarray(np.divide(products, spread, out=np.ones_like(products), where=varies))
