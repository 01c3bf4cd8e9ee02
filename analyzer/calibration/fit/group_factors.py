"""Factors that multiply the lines of all segments alike: one for each kind of member.

Each segment w has its own line, and a member of kind k follows it times f_k:
y = f_k (a_w + b_w x). Segments with members of several kinds show the ratios of the factors, also
where x differs between the kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy import special

from analyzer.arrays import Bools, Floats, Ints

PARTS: Final = 20
"""Parts of the members, each left out in turn."""

_ROUNDS: Final = 30
_SETTLED: Final = 1e-9
_LEAST_INFORMATION: Final = 1e-6
"""Share of a kind's rows that must be left for the ratio to others."""

_MOST_MOVE: Final = 0.5
"""Of a logarithm in one round."""


class Rows(NamedTuple):
    """Samples of y and x; arrays of shape (n,)."""

    x: Floats
    y: Floats
    weights: Floats  # inverse variances
    segment: Ints
    kind: Ints
    member: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Sums over the rows of p parts, s segments and k kinds."""

    gram: Floats  # (p, s, k, 2, 2): of (1, x) with itself
    cross: Floats  # (p, s, k, 2): of (1, x) with y
    count: Floats  # (p, s, k): of 1, without weights
    size: Floats  # (p, s, k): of x, without weights

    @classmethod
    def of(cls, rows: Rows, kinds: int) -> Cells:
        """Add the rows up; members are dealt to the parts in turn."""
        segments = int(rows.segment.max(initial=-1)) + 1
        parts = min(PARTS, int(rows.member.max(initial=-1)) + 1)
        shape = (parts, segments, kinds)
        cell = (rows.member % parts * segments + rows.segment) * kinds + rows.kind

        def summed(values: Floats) -> Floats:
            sums = np.bincount(cell, values, minlength=parts * segments * kinds)
            return np.asarray(sums.reshape(shape))

        whole, first = summed(rows.weights), summed(rows.weights * rows.x)
        second = summed(rows.weights * rows.x**2)
        gram = np.stack([whole, first, first, second], axis=-1).reshape(*shape, 2, 2)
        cross = [summed(rows.weights * rows.y), summed(rows.weights * rows.y * rows.x)]
        count, size = summed(np.ones_like(rows.x)), summed(rows.x)
        return cls(gram=gram, cross=np.stack(cross, axis=-1), count=count, size=size)

    def whole(self) -> Cells:
        """Return the sum of all parts, as one part."""
        return Cells(
            gram=self.gram.sum(axis=0, keepdims=True),
            cross=self.cross.sum(axis=0, keepdims=True),
            count=self.count.sum(axis=0, keepdims=True),
            size=self.size.sum(axis=0, keepdims=True),
        )

    def without_each(self) -> Cells:
        """Return the sums of all parts but one, for each part."""
        whole = self.whole()
        return Cells(
            gram=whole.gram - self.gram,
            cross=whole.cross - self.cross,
            count=np.broadcast_to(whole.count, self.count.shape),
            size=np.broadcast_to(whole.size, self.size.shape),
        )


class Factors(NamedTuple):
    """The factor of each of k kinds; their mean over x is 1."""

    factors: Floats  # (k,)
    without_each: Floats  # (p, k): if a part of the members is left out
    is_known: Bools  # (k,): whether some segment compares the kind with others
    chance: float  # that kinds which are alike differ as much

    @property
    def variances(self) -> Floats:
        """The variance of each factor, shape (k,)."""
        parts = len(self.without_each)
        off = self.without_each - self.without_each.mean(axis=0)
        return np.asarray((parts - 1) / parts * (off**2).sum(axis=0))


def fit_factors(cells: Cells) -> Factors:
    """Fit the factors of the kinds, and their uncertainty from leaving out parts of the members."""
    logs, is_known = _fitted(cells.whole())
    others, _ = _fitted(cells.without_each())
    return Factors(
        factors=np.exp(logs[0]),
        without_each=np.exp(others),
        is_known=is_known[0],
        chance=_chance(logs[0, is_known[0]], others[:, is_known[0]]),
    )


def lines(cells: Cells, factors: Floats) -> Floats:
    """Return intercept and slope of each segment, (s, 2): means over its kinds' rows, and x."""
    whole = cells.whole()
    coefficients = _lines(whole, factors[None])[0]
    least = np.finfo(float).tiny
    shares = (part[0] for part in (whole.count, whole.size))
    means = [part @ factors / np.maximum(part.sum(axis=1), least) for part in shares]
    return np.asarray(coefficients * np.transpose(means))


def _fitted(cells: Cells) -> tuple[Floats, Bools]:
    """Return the logarithms of the factors by Gauss and Newton, (p, k), and which are known."""
    logs = np.zeros((len(cells.gram), cells.gram.shape[2]))
    is_known = np.zeros(logs.shape, dtype=bool)
    for _ in range(_ROUNDS):
        move, is_known = _move(cells, np.exp(logs))
        logs += np.clip(move, -_MOST_MOVE, _MOST_MOVE)
        if np.abs(move).max(initial=0.0) < _SETTLED:
            break
    size = cells.size.sum(axis=1)
    mean = (size * np.exp(logs)).sum(axis=1) / np.maximum(size.sum(axis=1), np.finfo(float).tiny)
    return logs - np.log(np.where(mean > 0, mean, 1.0))[:, None], is_known


def _lines(cells: Cells, factors: Floats) -> Floats:
    """Return each segment's line for given factors, shape (p, s, 2)."""
    gram = np.einsum("pk,pskij->psij", factors**2, cells.gram)
    cross = np.einsum("pk,pski->psi", factors, cells.cross)
    return np.asarray(np.einsum("psij,psj->psi", np.linalg.pinv(gram, hermitian=True), cross))


def _move(cells: Cells, factors: Floats) -> tuple[Floats, Bools]:
    """Return the step of the logarithms, (p, k), and which of them the segments compare."""
    line = _lines(cells, factors)
    square = factors[:, None, :] ** 2
    pull = square[..., None] * np.einsum("pskij,psj->pski", cells.gram, line)
    size = np.einsum("pski,psi->psk", pull, line)
    gram = np.einsum("pk,pskij->psij", factors**2, cells.gram)
    inverse = np.linalg.pinv(gram, hermitian=True)
    whole = size.sum(axis=1)
    information = np.einsum("pk,kl->pkl", whole, np.eye(whole.shape[1]))
    # What the lines can follow shows nothing about factors (Schur's complement).
    information -= np.einsum("pski,psij,pslj->pkl", pull, inverse, pull, optimize=True)
    left = np.einsum("pk,pski,psi->pk", factors, cells.cross, line) - whole
    diagonal = np.einsum("pkk->pk", information)
    is_known = diagonal > _LEAST_INFORMATION * whole
    both = is_known[:, :, None] & is_known[:, None, :]
    steps = np.linalg.pinv(np.where(both, information, 0.0), rcond=1e-9, hermitian=True)
    return np.einsum("pkl,pl->pk", steps, np.where(is_known, left, 0.0)), is_known


def _chance(logs: Floats, others: Floats) -> float:
    """Return the chance of such logarithms, (k,), if all are 0 (Hotelling's test)."""
    parts = len(others)
    # Only ratios can differ from 1.
    logs, others = logs[1:] - logs[:1], others[:, 1:] - others[:, :1]
    off = others - others.mean(axis=0)
    covariance = (parts - 1) / parts * off.T @ off
    rank = int(np.linalg.matrix_rank(covariance, tol=1e-9 * max(np.trace(covariance), 1e-300)))
    freedom = parts - rank
    if not 0 < rank < parts:
        return 1.0
    square = float(logs @ np.linalg.pinv(covariance, rcond=1e-9, hermitian=True) @ logs)
    return float(special.fdtrc(rank, freedom, square * freedom / (rank * (parts - 1))))
