"""What else the fitted figures may be: joint draws, made once and used by every later stage."""

from __future__ import annotations

import numpy as np
from scipy import special

from analyzer.calibration.fit.segments import Floats

__all__ = ["DRAW_COUNT", "SEED", "joint_draws"]

DRAW_COUNT = 2000
"""Draws behind every range: by chance alone, the ends of a 90 % interval would move by 1.5 % of its
length; each quantity's own ends do not, as its ranks are evenly spaced."""

SEED = 20250710
"""Fixed, so that the same snapshot gives the same answer; the date of the post."""


def joint_draws(mid: Floats, covariance: Floats, degrees_of_freedom: Floats) -> Floats:
    """Return draws of correlated quantities that cannot be negative, shape (DRAW_COUNT, k).

    Each is drawn from Student's t with its own degrees of freedom, as its interval is, so that
    the draws reach as far as that; a fit that idles lower rises more steeply, and so do they.

    Args:
        mid: best estimates, shape (k,).
        covariance: shape (k, k).
        degrees_of_freedom: shape (k,).
    """
    deviation = np.sqrt(np.diag(covariance))
    outer = np.outer(deviation, deviation)
    correlation = np.divide(covariance, outer, out=np.eye(len(mid)), where=outer > 0)
    np.fill_diagonal(correlation, 1.0)
    rng = np.random.default_rng(SEED)
    normal = rng.multivariate_normal(
        np.zeros(len(mid)), correlation, size=DRAW_COUNT, method="eigh"
    )
    # Evenly spaced ranks: else the luck of this one seed would move the ends of every range by 5 %.
    ranks = (normal.argsort(axis=0).argsort(axis=0) + 0.5) / DRAW_COUNT
    students = special.stdtrit(degrees_of_freedom, ranks)
    return np.asarray(np.maximum(mid + students * deviation, 0.0))
