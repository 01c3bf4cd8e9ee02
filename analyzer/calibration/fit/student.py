"""Student's t: the width of ranges, and draws with the same width."""

import numpy as np
import numpy.typing as npt
from scipy import special

from analyzer.arrays import Floats
from analyzer.units import CONFIDENCE, Interval

DRAW_COUNT = 2000
"""Draws behind every range. Random draws would move the ends of a 90 % interval by 1.5 % of its
width; the ends of a single quantity do not move, because its ranks are evenly spaced."""

SEED = 20250710
"""Fixed, so that the same input gives the same draws."""

Counts = float | Floats | npt.NDArray[np.int64]


def quantile(degrees_of_freedom: Counts) -> Floats:
    """Return the half-width of a 90 % interval in standard deviations."""
    return np.asarray(special.stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2), dtype=float)


def half_width(variance: float | Floats, degrees_of_freedom: Counts) -> Floats:
    """Return the half-width of a 90 % interval."""
    return np.asarray(quantile(degrees_of_freedom) * np.sqrt(variance))


def interval(mid: float, variance: float, degrees_of_freedom: float) -> Interval:
    """Return the 90 % interval of a quantity that cannot be negative, from its variance.

    Its low end is at least zero, or a best estimate that noise has made negative.
    """
    mid, to_end = float(mid), float(half_width(variance, degrees_of_freedom))
    return Interval(low=max(min(mid, 0.0), mid - to_end), mid=mid, high=mid + to_end)


def weighted(
    weights: Floats, mids: Floats, variances: Floats, degrees_of_freedom: npt.NDArray[np.number]
) -> Interval:
    """Return the 90 % interval of a weighted sum of independent quantities, shape (g,) each."""
    parts = weights**2 * variances
    freedom = pooled_freedom(parts, degrees_of_freedom)
    return interval(float(weights @ mids), float(parts.sum()), freedom)


def pooled_freedom(variances: Floats, degrees_of_freedom: npt.NDArray[np.number]) -> float:
    """Return the degrees of freedom of a sum of independent variances (Welch-Satterthwaite).

    Their plain sum is right only for equal variances: if one part has most of the uncertainty, the
    sum is known no better than that part.
    """
    total = float(variances.sum())
    if total <= 0:
        return float(degrees_of_freedom.sum())
    return float(1 / ((variances / total) ** 2 / degrees_of_freedom).sum())


def joint_draws(mid: Floats, covariance: Floats, degrees_of_freedom: Floats) -> Floats:
    """Return draws of k correlated quantities that cannot be negative, shape (DRAW_COUNT, k).

    Each is drawn from Student's t with the degrees of freedom of its interval, so that draws and
    interval have the same width. Their correlation is that of the estimates.
    """
    deviation = np.sqrt(np.diag(covariance))
    outer = np.outer(deviation, deviation)
    correlation = np.divide(covariance, outer, out=np.eye(len(mid)), where=outer > 0)
    np.fill_diagonal(correlation, 1.0)
    rng = np.random.default_rng(SEED)
    none = np.zeros(len(mid))
    normal = rng.multivariate_normal(none, correlation, size=DRAW_COUNT, method="eigh")
    # Evenly spaced ranks: otherwise this one seed would move the ends of every range by 5 %.
    ranks = (normal.argsort(axis=0).argsort(axis=0) + 0.5) / DRAW_COUNT
    students = special.stdtrit(degrees_of_freedom, ranks)
    return np.asarray(np.maximum(mid + students * deviation, 0.0))
