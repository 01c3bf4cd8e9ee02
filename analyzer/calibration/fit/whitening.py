"""Regressions of many time series whose noise lasts and is shared."""

from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Floats

_MOST_PERSISTENCE: Final = 0.98

_TIME_BLOCKS: Final = 24
"""Blocks of time that all series share. Their sums may be correlated inside a block: what is left
of the noise's persistence, and noise that series have in common."""


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
    products, squares = residuals[:, 1:] * residuals[:, :-1], residuals**2
    rho = products.sum(axis=1) / np.maximum(squares.sum(axis=1), np.finfo(float).tiny)
    # The residuals of k columns are less persistent than the noise (Kendall, 1954).
    bias = (1 + 3 * rho + design.shape[2] * (1 + rho) / 2) / target.shape[1]
    rho = np.clip(rho + bias, 0, _MOST_PERSISTENCE)[:, None]
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


def effect(series: Whitened, column: int) -> tuple[float, float]:
    """Return the common coefficient of one column, given the others, in standard errors and itself.

    The others have coefficients of each unit's own. The error is that of blocks of time, so noise
    that the units share is in it.
    """
    others = np.delete(series.design, column, axis=2)
    own = _left(others, series.design[:, :, column])
    size = float((own**2).sum())
    if size <= 0:
        return 0.0, 0.0
    found = float((own * series.target).sum()) / size
    times, columns = own.shape[1], series.design.shape[2]
    scores = (own * series.residuals).sum(axis=0)
    starts = np.unique(np.arange(_TIME_BLOCKS) * times // _TIME_BLOCKS)
    squares = float((np.add.reduceat(scores, starts) ** 2).sum())
    error = np.sqrt(squares * times / max(times - columns, 1)) / size
    return (found / error if error > 0 else 0.0), found


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
