"""Regressions of many time series whose noise lasts and is shared."""

from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Floats

_MOST_PERSISTENCE: Final = 0.98

_TIME_BLOCKS: Final = (24, 12, 8)
"""Numbers of blocks of time that all series share. Inside a block noise may be correlated: by what
is left of its persistence, and between series. The number with the largest error counts: how long
shared noise lasts is not known."""

_LEAST_OWN: Final = 1e-4
"""Share of a column that the others must leave unexplained."""


class Whitened(NamedTuple):
    """Series of u units at t times, with independent noise of unit variance from time to time."""

    target: Floats  # (u, t)
    design: Floats  # (u, t, k)
    residuals: Floats  # (u, t): of least squares, unit variance
    is_known: Floats  # (u, t): 1 or 0
    persistence: Floats  # (u,): correlation from one time to the next that was removed


def whitened(target: Floats, design: Floats, is_known: Floats) -> Whitened:
    """Remove each series' autocorrelation, as its residuals have it (Cochrane and Orcutt, 1949).

    Args:
        target: shape (u, t).
        design: shape (u, t, k).
        is_known: 1 or 0, shape (u, t): values elsewhere must be 0.
    """
    residuals = _left(design, target)
    # The residuals of k columns are less persistent than the noise (Kendall, 1954).
    lost = (3 + design.shape[2] / 2) / target.shape[1]
    rho = np.clip(_persistence(residuals) * (1 + lost) + lost, 0, _MOST_PERSISTENCE)
    # What the units share may last longer than what each has of its own.
    sizes = np.sqrt((residuals**2).mean(axis=1, keepdims=True))
    shared = np.sum(residuals / np.where(sizes > 0, sizes, 1.0), axis=0, keepdims=True)
    of_shared = np.clip(_persistence(shared) * (1 + lost) + lost, 0, _MOST_PERSISTENCE)
    rho = np.maximum(rho, of_shared)[:, None]
    both = is_known[:, 1:] * is_known[:, :-1]
    target = (target[:, 1:] - rho * target[:, :-1]) * both
    design = (design[:, 1:] - rho[:, :, None] * design[:, :-1]) * both[:, :, None]
    residuals = _left(design, target)
    scale = np.sqrt((residuals**2).sum(axis=1) / np.maximum(both.sum(axis=1), 1))[:, None]
    scale[scale == 0] = 1.0
    return Whitened(
        target=target / scale,
        design=design / scale[:, :, None],
        residuals=residuals / scale,
        is_known=both,
        persistence=rho[:, 0],
    )


def _persistence(values: Floats) -> Floats:
    """Return the correlation of each row, shape (r, t), with itself one time later."""
    products, squares = values[:, 1:] * values[:, :-1], values**2
    total = np.maximum(squares.sum(axis=1), np.finfo(float).tiny)
    return np.asarray(products.sum(axis=1) / total)


def effect(series: Whitened, column: int) -> tuple[float, float]:
    """Return the common coefficient of one column, given the others, in standard errors and itself.

    The others have coefficients of each unit's own. The error is that of blocks of time, so noise
    that the units share is in it.
    """
    others = np.delete(series.design, column, axis=2)
    own = _left(others, series.design[:, :, column])
    size = float((own**2).sum())
    if size <= _LEAST_OWN * float((series.design[:, :, column] ** 2).sum()):
        return 0.0, 0.0
    found = float((own * series.target).sum()) / size
    times, columns = own.shape[1], series.design.shape[2]
    scores = (own * series.residuals).sum(axis=0)
    square = max(_blocks(scores, count) for count in _TIME_BLOCKS)
    error = np.sqrt(square * times / max(times - columns, 1)) / size
    return (found / error if error > 0 else 0.0), found


def _blocks(scores: Floats, count: int) -> float:
    """Return the variance of the sum of the scores, from sums over blocks of time."""
    starts = np.unique(np.arange(count) * len(scores) // count)
    return float((np.add.reduceat(scores, starts) ** 2).sum()) * count / (count - 1)


def _left(design: Floats, target: Floats) -> Floats:
    """Return the residuals of least squares of each unit, shape (u, t)."""
    gram = np.einsum("utk,utl->ukl", design, design)
    scale = np.sqrt(np.einsum("ukk->uk", gram))
    scale = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    gram = gram * scale[:, :, None] * scale[:, None, :]
    # A column that others explain, or that is zero, gets a coefficient near zero.
    gram += 1e-9 * np.eye(design.shape[2])
    cross = np.einsum("utk,ut->uk", design, target) * scale
    found = np.linalg.solve(gram, cross[..., None])[..., 0] * scale
    return np.asarray(target - np.einsum("utk,uk->ut", design, found))
