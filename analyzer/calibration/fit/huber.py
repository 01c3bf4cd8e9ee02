"""Least squares that is robust against outliers: Huber's M-estimate, by reweighting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.least_squares import Problem, moments_of, solve
from analyzer.calibration.fit.segments import Segments

HUBER_THRESHOLD = 1.345
"""Residuals beyond so many standard deviations count less. Huber's choice: for normal noise, the
estimate is 95 % as efficient as least squares."""

_MAD_TO_DEVIATION = 1 / 0.6744897501960817
"""The median absolute value of normal noise is 0.6745 standard deviations."""

_LEAST_PREDICTION = 0.1
"""Weights do not grow further for predictions below this share of a segment's mean: they would
outweigh all others."""

_WEIGHTING_ROUNDS = 3
"""Rounds that update the weights from the predictions; a fourth moves the slope by under 0.1 %."""

_FOLLOWING_ROUNDS = 1
"""The same, if the weights of a similar fit are known."""

_BLOCK_ROWS = 131_072
"""Rows fitted at once: they stay in the processor's caches between rounds, and each block stops as
soon as its own segments have converged."""

_LEAST_SCALE = 1e-6
"""Noise below this share of the target is rounding of the snapshot's values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """When a fit has converged."""

    tolerance: float = 3e-4
    """How far the last round may move a coefficient, in units of rms(target) / rms(its column).
    Each round moves it at most a fifth as far as the round before: 3e-4 leaves a few hundredths of
    its standard error."""
    scale_rounds: int = 1  # that update the scale after the weights are fixed: medians are slow
    most_rounds: int = 30


USUAL: Final = Stopping()


class RobustFit(NamedTuple):
    """Coefficients of g segments, and the weights that gave them."""

    coefficients: Floats  # (g, k)
    free: Bools  # (g, k): which coefficients were fitted, not left out or held at zero
    residuals: Floats  # (n,)
    variance_weights: Floats  # (n,): inverse variances of the noise up to one factor a segment
    robust_weights: Floats  # (n,): factor of that weight, 0-1: less for outliers
    scale: Floats  # (g,): standard deviation of a residual of variance weight 1

    @property
    def weights(self) -> Floats:
        """Weight of each row, shape (n,)."""
        return self.variance_weights * self.robust_weights

    @classmethod
    def empty(cls, problem: Problem) -> RobustFit:
        """Return room for the fit of a problem."""
        shape, count = problem.active.shape, len(problem.target)
        return cls(
            coefficients=np.empty(shape),
            free=np.empty(shape, dtype=bool),
            residuals=np.empty(count),
            variance_weights=np.empty(count),
            robust_weights=np.empty(count),
            scale=np.empty(shape[0]),
        )

    def part(self, segments: slice | Bools, rows: slice | Bools) -> RobustFit:
        """Return the fit of these segments, which have these rows."""
        return RobustFit(
            coefficients=self.coefficients[segments],
            free=self.free[segments],
            residuals=self.residuals[rows],
            variance_weights=self.variance_weights[rows],
            robust_weights=self.robust_weights[rows],
            scale=self.scale[segments],
        )


def fit_robustly(
    problem: Problem,
    *,
    variance_weights: Floats | None = None,
    start: tuple[Floats, Floats] | None = None,
    threshold: float | Floats = HUBER_THRESHOLD,
    stopping: Stopping = USUAL,
) -> RobustFit:
    """Fit every segment by Huber's estimate, its scale taken from the median residual.

    Args:
        problem: of g segments and n rows.
        variance_weights: inverse variances of the noise up to a factor, shape (n,). If None, the
            noise of a sample is proportional to its prediction.
        start: variance and robust weights of a similar fit, shape (n,) each. The fit starts from
            them and not from equal ones: the result is the same, in fewer rounds.
        threshold: in standard deviations, shape () or (g,); infinite for plain least squares.
        stopping: when the fit has converged.
    """
    weighting_rounds, ones = 0, np.broadcast_to(1.0, problem.target.shape)
    weights = (ones if variance_weights is None else variance_weights, ones)
    if variance_weights is None:
        weighting_rounds = _WEIGHTING_ROUNDS if start is None else _FOLLOWING_ROUNDS
        weights = start or weights
    thresholds = np.broadcast_to(threshold, len(problem.segments))
    whole = RobustFit.empty(problem)
    for part, rows, block in problem.blocks(_BLOCK_ROWS):
        start_weights = weights[0][rows], weights[1][rows]
        fit = _fit_block(block, start_weights, thresholds[part], weighting_rounds, stopping)
        # Two copies of all blocks would be most of the memory in use.
        for values, found in zip(whole.part(part, rows), fit, strict=True):
            values[:] = found
    return whole


def _fit_block(
    problem: Problem,
    weights: tuple[Floats, Floats],
    thresholds: Floats,
    weighting_rounds: int,
    stopping: Stopping,
) -> RobustFit:
    design, target, segments = problem.design, problem.target, problem.segments
    variance_weights, robust_weights = weights
    least = _LEAST_PREDICTION * segments.sum(target) / segments.lengths
    floor = segments.spread(np.where(least > 0, least, 1.0))
    coefficients = np.full(problem.active.shape, np.inf)
    for number in range(stopping.most_rounds):
        moments = moments_of(design, target, variance_weights * robust_weights, segments)
        last, (coefficients, free) = coefficients, solve(moments, problem.active, problem.floored)
        residuals = problem.residuals(coefficients)
        if number < weighting_rounds:
            variance_weights = 1 / np.maximum(target - residuals, floor) ** 2
        deviations = np.sqrt(variance_weights)
        sizes = np.abs(residuals) * deviations
        if number <= weighting_rounds + stopping.scale_rounds:
            scale = _scale(sizes, target * deviations, segments)
        reach = segments.spread(thresholds * scale)
        robust_weights = np.divide(reach, sizes, out=np.ones_like(sizes), where=sizes > reach)
        if number > weighting_rounds:
            moved = np.abs(coefficients - last) * np.sqrt(np.einsum("gii->gi", moments.gram))
            if (moved <= stopping.tolerance * np.sqrt(moments.square)[:, None]).all():
                break
    return RobustFit(coefficients, free, residuals, variance_weights, robust_weights, scale)


def _scale(sizes: Floats, targets: Floats, segments: Segments) -> Floats:
    """Return the standard deviation of each segment's noise, from absolute residuals."""
    least = _LEAST_SCALE * np.sqrt(segments.sum(targets**2) / segments.lengths)
    scale = np.maximum(segments.median(sizes) * _MAD_TO_DEVIATION, least)
    scale[scale == 0] = 1.0
    return scale
