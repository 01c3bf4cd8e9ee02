"""Least squares that a few wild samples cannot drag along: Huber's M-estimate, by reweighting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.calibration.regression import (
    Moments,
    Problem,
    moments_of,
    residuals_of,
    solve,
)
from analyzer.calibration.segments import Bools, Floats, Segments

__all__ = ["HUBER_THRESHOLD", "RobustFit", "fit_robustly"]

HUBER_THRESHOLD = 1.345
"""Residuals beyond so many standard deviations count less. Huber's choice: where the noise is
normal after all, the estimate is 95 % as efficient as least squares."""

_MAD_TO_DEVIATION = 1 / 0.6744897501960817
"""The median of normal noise without its sign is 0.6745 standard deviations."""

_LEAST_PREDICTION = 0.1
"""Predictions below this share of a segment's mean weigh no more: they would drown all others."""

_WEIGHTING_ROUNDS = 3
"""Rounds in which the weights follow the predictions; a fourth moves the slope by under 0.1 %."""

_LEAST_SCALE = 1e-6
"""Noise below this share of the target is the rounding of a snapshot's values."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobustFit:
    """Coefficients of g segments, and the weights that gave them.

    Attributes:
        coefficients: shape (g, k).
        free: which of them were fitted, neither left out nor held at zero, shape (g, k).
        residuals: shape (n,).
        variance_weights: inverse variances of the noise up to one factor a segment, shape (n,).
        robust_weights: what the residual leaves of that weight, 0-1, shape (n,).
        scale: standard deviation of a residual of variance weight 1, shape (g,).
    """

    coefficients: Floats
    free: Bools
    residuals: Floats
    variance_weights: Floats
    robust_weights: Floats
    scale: Floats

    @property
    def weights(self) -> Floats:
        """What each row counted, shape (n,)."""
        return self.variance_weights * self.robust_weights


def fit_robustly(
    problem: Problem,
    *,
    variance_weights: Floats | None = None,
    threshold: float | Floats = HUBER_THRESHOLD,
    tolerance: float = 1e-4,
    max_rounds: int = 30,
) -> RobustFit:
    """Fit every segment by Huber's estimate, its scale taken from the median residual.

    Args:
        problem: what to fit.
        variance_weights: inverse variances of the noise up to a factor, shape (n,). If None, the
            noise of a sample is taken to grow with its prediction, as that of a proxy's CPU does.
        threshold: in standard deviations, shape () or (g,); infinite for plain least squares.
        tolerance: of the coefficients, as a share of what the root mean square of the target is to
            that of their column; 1e-4 is about a fiftieth of their standard error.
        max_rounds: after these the last estimate stands.
    """
    design, target, segments = problem.design, problem.target, problem.segments
    limit = segments.spread(np.broadcast_to(threshold, len(segments)))
    least = _LEAST_PREDICTION * segments.sum(target) / segments.lengths
    floor = segments.spread(np.where(least > 0, least, 1.0))
    follows_prediction = variance_weights is None
    if variance_weights is None:
        variance_weights = np.ones_like(target)
    robust_weights = np.ones_like(target)
    coefficients = np.full(problem.active.shape, np.inf)
    for number in range(max_rounds):
        moments = moments_of(design, target, variance_weights * robust_weights, segments)
        last, (coefficients, free) = coefficients, solve(moments, problem.active, problem.floored)
        residuals = residuals_of(design, target, coefficients, segments)
        if follows_prediction and number < _WEIGHTING_ROUNDS:
            variance_weights = 1 / np.maximum(target - residuals, floor) ** 2
        deviations = np.sqrt(variance_weights)
        sizes = np.abs(residuals) * deviations
        scale = _scale(sizes, target * deviations, segments)
        reach = limit * segments.spread(scale)
        robust_weights = np.ones_like(target)
        np.divide(reach, sizes, out=robust_weights, where=sizes > reach)
        if number > _WEIGHTING_ROUNDS and _is_settled(moments, coefficients - last, tolerance):
            break
    return RobustFit(
        coefficients=coefficients,
        free=free,
        residuals=residuals,
        variance_weights=variance_weights,
        robust_weights=robust_weights,
        scale=scale,
    )


def _scale(sizes: Floats, targets: Floats, segments: Segments) -> Floats:
    """Return the standard deviation of the noise of each segment, from residuals without sign."""
    least = _LEAST_SCALE * np.sqrt(segments.sum(targets**2) / segments.lengths)
    scale = np.maximum(segments.median(sizes) * _MAD_TO_DEVIATION, least)
    scale[scale == 0] = 1.0
    return scale


def _is_settled(moments: Moments, changes: Floats, tolerance: float) -> bool:
    diagonal = np.einsum("gii->gi", moments.gram)
    steps = np.abs(changes) * np.sqrt(diagonal)
    return bool((steps <= tolerance * np.sqrt(moments.square)[:, None]).all())
