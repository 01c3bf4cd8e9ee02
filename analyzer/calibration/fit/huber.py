"""Least squares that a few wild samples cannot drag along: Huber's M-estimate, by reweighting."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.least_squares import Problem, blocks, moments_of, solve
from analyzer.calibration.fit.segments import Segments

HUBER_THRESHOLD = 1.345
"""Residuals beyond so many standard deviations count less. Huber's choice: where the noise is
normal after all, the estimate is 95 % as efficient as least squares."""

_MAD_TO_DEVIATION = 1 / 0.6744897501960817
"""The median of normal noise without its sign is 0.6745 standard deviations."""

_LEAST_PREDICTION = 0.1
"""Predictions below this share of a segment's mean weigh no more: they would drown all others."""

_WEIGHTING_ROUNDS = 3
"""Rounds in which the weights follow the predictions; a fourth moves the slope by under 0.1 %."""

_FOLLOWING_ROUNDS = 1
"""The same, where a similar fit's weights are known."""

_BLOCK_ROWS = 131_072
"""Rows that are fitted at once: they hardly leave the processor's caches from round to round, and
no block waits for another's stragglers."""

_LEAST_SCALE = 1e-6
"""Noise below this share of the target is the rounding of a snapshot's values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """When a fit is good enough."""

    tolerance: float = 3e-4
    """How far the last round may have moved a coefficient, as a share of what the root mean square
    of the target is to that of its column. Each round moves them a fifth as far as the one before,
    or less: 3e-4 leaves some hundredths of their standard error."""
    scale_rounds: int = 1  # in which the scale follows, after the weights have: medians are slow
    most_rounds: int = 30


USUAL: Final = Stopping()


class RobustFit(NamedTuple):
    """Coefficients of g segments, and the weights that gave them."""

    coefficients: Floats  # (g, k)
    free: Bools  # (g, k): which of them were fitted, neither left out nor held at zero
    residuals: Floats  # (n,)
    variance_weights: Floats  # (n,): inverse variances of the noise up to one factor a segment
    robust_weights: Floats  # (n,): what the residual leaves of that weight, 0-1
    scale: Floats  # (g,): standard deviation of a residual of variance weight 1

    @property
    def weights(self) -> Floats:
        """What each row counted, shape (n,)."""
        return self.variance_weights * self.robust_weights


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
            noise of a sample is taken to be a share of its prediction.
        start: variance and robust weights of a similar fit, shape (n,) each, to begin with in place
            of equal ones: it ends at the same place, and sooner.
        threshold: in standard deviations, shape () or (g,); infinite for plain least squares.
        stopping: when it is good enough.
    """
    weighting_rounds, ones = 0, np.ones_like(problem.target)
    weights = (ones if variance_weights is None else variance_weights, ones)
    if variance_weights is None:
        weighting_rounds = _WEIGHTING_ROUNDS if start is None else _FOLLOWING_ROUNDS
        weights = start or weights
    thresholds = np.broadcast_to(threshold, len(problem.segments))
    fits = [
        _fit_block(
            replace(
                problem,
                design=problem.design[:, rows],
                target=problem.target[rows],
                segments=Segments(starts=starts, row_count=rows.stop - rows.start),
                active=problem.active[part],
            ),
            (weights[0][rows], weights[1][rows]),
            thresholds[part],
            weighting_rounds,
            stopping,
        )
        for part, rows, starts in blocks(problem.segments, _BLOCK_ROWS)
    ]
    return RobustFit(*map(np.concatenate, zip(*fits, strict=True)))


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
    """Return the standard deviation of each segment's noise, from residuals without sign."""
    least = _LEAST_SCALE * np.sqrt(segments.sum(targets**2) / segments.lengths)
    scale = np.maximum(segments.median(sizes) * _MAD_TO_DEVIATION, least)
    scale[scale == 0] = 1.0
    return scale
