"""Student's t: how far a range reaches, and draws that reach as far."""

import numpy as np
import numpy.typing as npt
from scipy import special

from analyzer.arrays import Floats
from analyzer.units import CONFIDENCE, Interval

DRAW_COUNT = 2000
"""Draws behind every range: by chance alone, the ends of a 90 % interval would move by 1.5 % of its
length; each quantity's own ends do not, as its ranks are evenly spaced."""

SEED = 20250710
"""Fixed, so that the same input gives the same draws."""

Counts = float | npt.NDArray[np.int64]


def quantile(degrees_of_freedom: Counts) -> Floats:
    """Return how many standard deviations each end of a 90 % interval is from its middle."""
    return np.asarray(special.stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2), dtype=float)


def reach(variance: float | Floats, degrees_of_freedom: Counts) -> Floats:
    """Return how far the ends of a 90 % interval are from its middle."""
    return np.asarray(quantile(degrees_of_freedom) * np.sqrt(variance))


def interval(mid: float, variance: float, degrees_of_freedom: float) -> Interval:
    """Return the 90 % interval of a quantity that cannot be negative, from its variance.

    It ends at zero, or at a best estimate that noise has pushed below zero.
    """
    mid, to_end = float(mid), float(reach(variance, degrees_of_freedom))
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

    Their plain sum would be right only for equal ones: where one part makes most of the
    uncertainty, the sum is known no better than that part is.
    """
    total = float(variances.sum())
    if total <= 0:
        return float(degrees_of_freedom.sum())
    return float(1 / ((variances / total) ** 2 / degrees_of_freedom).sum())


def joint_draws(mid: Floats, covariance: Floats, degrees_of_freedom: Floats) -> Floats:
    """Return draws of k correlated quantities that cannot be negative, shape (DRAW_COUNT, k).

    Each is drawn from Student's t with its own degrees of freedom, as its interval is, so that
    the draws reach as far as that; their correlation is that of the estimates.
    """
    deviation = np.sqrt(np.diag(covariance))
    outer = np.outer(deviation, deviation)
    correlation = np.divide(covariance, outer, out=np.eye(len(mid)), where=outer > 0)
    np.fill_diagonal(correlation, 1.0)
    rng = np.random.default_rng(SEED)
    none = np.zeros(len(mid))
    normal = rng.multivariate_normal(none, correlation, size=DRAW_COUNT, method="eigh")
    # Evenly spaced ranks: else the luck of this one seed would move the ends of every range by 5 %.
    ranks = (normal.argsort(axis=0).argsort(axis=0) + 0.5) / DRAW_COUNT
    students = special.stdtrit(degrees_of_freedom, ranks)
    return np.asarray(np.maximum(mid + students * deviation, 0.0))
