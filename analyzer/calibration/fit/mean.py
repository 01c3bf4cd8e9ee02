"""From a robust centre to the mean: what is paid is the mean, bursts included.

Huber's weights estimate a centre. With skewed noise it is below the mean, and idle CPU and cost per
request together are then less than the CPU that was measured. Four rules decide what counts:

- If the parts of the residuals that Huber's weights clip cancel, his estimate is the mean. It
  stays, because it has less noise.
- If they add up to a share of the target, plain least squares replaces it. Its residuals add up to
  zero for each workload, so that a burst counts in full.
- If they add up to less than zero, his estimate stays. Samples with less CPU than their requests
  need are faults of the samples: lost CPU, or requests of other steps. The latter lie far out, and
  least squares would follow them to a flatter line.
- Samples beyond all others are not noise of one distribution. They are cut if they are rare, or if
  they add up to so much that nothing is known about where it belongs. Their effect is returned
  apart, as an uncertainty.
"""

from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.huber import HUBER_THRESHOLD, RobustFit
from analyzer.calibration.fit.least_squares import Problem, moments_of, solve
from analyzer.calibration.fit.segments import Segments

LEAST_SHARE: Final = 0.005
"""Share of the target that clipped residuals must add up to, for the mean to differ."""

_CLEARLY: Final = 2.0
"""Standard errors beyond which a segment's own share is not noise."""

_FAR: Final = 8.0
_TAIL: Final = 4.0
"""Standard deviations from which a sample is far, and from which it is in the tail before that.
Skewed noise has more samples in the tail than far samples."""

_GAP: Final = 0.25
"""Samples in the tail for each far one, below which the far ones are not the end of the tail."""

_RARE: Final = 0.03
"""Share of samples below which far samples without a tail are cut."""

_MOST: Final = 0.15
"""Share of the target above which far samples without a tail are cut even if they are not rare."""

_OWN: Final = 1000
"""Samples of a segment that have the same weight as all others in its shares."""


class MeanFit(NamedTuple):
    """A fit of the mean, and what it leaves out."""

    fit: RobustFit  # its robust weights are 1 where the mean is fitted, and 0 where samples are cut
    is_mean: Bools  # (g,): where it is not Huber's
    left_out: Floats  # (g, k): change of the coefficients if no sample were cut


def fit_mean(problem: Problem, robust: RobustFit, clusters: Segments) -> MeanFit:
    """Return the fit of the mean near a robust fit of the same problem.

    Samples of one cluster may be correlated.
    """
    is_cut = _cut(problem, robust)
    is_mean = _is_skewed(problem, robust, clusters, ~is_cut)
    changed = problem.segments.spread(is_mean)
    left_out = np.zeros_like(robust.coefficients)
    if not (is_mean.any() or is_cut.any()):
        return MeanFit(robust, is_mean, left_out)
    robust_weights = np.where(changed, 1.0, robust.robust_weights)
    robust_weights[is_cut] = 0.0
    coefficients, free = _least_squares(problem, robust.variance_weights * ~is_cut)
    coefficients = np.where(is_mean[:, None], coefficients, robust.coefficients)
    free = np.where(is_mean[:, None], free, robust.free)
    if is_cut.any():
        whole, _ = _least_squares(problem, robust.variance_weights)
        has_cut = problem.segments.sum(is_cut) > 0
        left_out = np.where(has_cut[:, None], whole - coefficients, 0.0)
    fit = robust._replace(
        coefficients=coefficients,
        free=free,
        residuals=problem.residuals(coefficients),
        robust_weights=robust_weights,
    )
    return MeanFit(fit, is_mean, left_out)


def _least_squares(problem: Problem, weights: Floats) -> tuple[Floats, Bools]:
    moments = moments_of(problem.design, problem.target, weights, problem.segments)
    return solve(moments, problem.active, problem.floored)


def _cut(problem: Problem, robust: RobustFit) -> Bools:
    """Return the samples that are far from all others and rare, or too much, shape (n,)."""
    segments = problem.segments
    is_far = robust.robust_weights * _FAR <= HUBER_THRESHOLD
    if not is_far.any():
        return is_far
    is_tail = (robust.robust_weights * _TAIL <= HUBER_THRESHOLD) & ~is_far
    fitted = problem.active.any(axis=1)
    rows = (segments.lengths * fitted).astype(float)
    far, tail, excess, target = (
        _shrunk(segments.sum(values) * fitted, rows)
        for values in (is_far, is_tail, np.abs(robust.residuals) * is_far, problem.target)
    )
    is_apart = (tail < _GAP * far) & ((far < _RARE) | (excess > _MOST * target))
    return is_far & segments.spread(is_apart & fitted)


def _shrunk(sums: Floats, rows: Floats) -> Floats:
    """Return each segment's sum per row, shrunk towards that of all."""
    whole = sums.sum() / max(rows.sum(), 1)
    return np.asarray((sums + _OWN * whole) / (rows + _OWN))


def _is_skewed(problem: Problem, robust: RobustFit, clusters: Segments, kept: Bools) -> Bools:
    """Return in which segments the clipped parts of the residuals add up to more, shape (g,)."""
    fitted, groups = problem.active.any(axis=1), clusters.within(problem.segments)
    clipped = clusters.sum(robust.residuals * (1 - robust.robust_weights) * kept)
    target = clusters.sum(problem.target)
    total, whole = groups.sum(target), groups.sum(clipped)
    share = np.divide(whole, total, out=np.zeros_like(total), where=total > 0)
    errors = np.sqrt(groups.sum((clipped - np.repeat(share, groups.lengths) * target) ** 2))
    of_all = float((whole * fitted).sum()) / max(float((total * fitted).sum()), 1e-300)
    is_clear = (np.abs(share) >= LEAST_SHARE) & (np.abs(whole) > _CLEARLY * errors)
    return np.asarray(fitted & np.where(is_clear, whole > 0, of_all >= LEAST_SHARE))
