"""What clocks that disagree, and errors in the request rate, take from the slope."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import special

from analyzer.calibration.covariance import leave_one_out
from analyzer.calibration.mesh import pooled_freedom
from analyzer.calibration.regression import Moments, moments_of, solve
from analyzer.calibration.segments import Bools, Floats, Segments
from analyzer.calibration.workloads import WorkloadFits
from analyzer.units import CONFIDENCE, Interval

__all__ = ["attenuation_share"]

_STEPS: Final = 4
"""Steps put together. What disagrees at their ends then matters a quarter as much."""

_TO_WHOLE: Final = _STEPS / (_STEPS - 1)
"""From what longer steps bring back to what endless ones would (Richardson's extrapolation)."""


def attenuation_share(fits: WorkloadFits) -> Interval | None:
    """Return by which share the mesh's slope is estimated to be too low; below 0 is noise.

    The kubelet's CPU is up to 15 s older than the requests, and a scrape may be early or late:
    work of one step then shows in the next, which flattens the line. The shorter the step against
    that, the more. So the same line is put through steps four times as long; what that raises the
    slope by is three quarters of what is missing. None where the steps are too few for it.
    """
    panel, own = fits.panel, fits.has_slope
    long_steps = Segments.of(
        panel.clusters.spread(np.arange(len(panel.clusters))), panel.point // _STEPS
    )
    active = np.repeat(own[:, None], 2, axis=1)
    slopes, shifts = zip(
        *(_slopes(fits, moments, active) for moments in _moments(fits, long_steps)), strict=True
    )
    weights = panel.workloads.sum(fits.shape.basis(panel)) * own
    short = float(weights @ slopes[0])
    if short <= 0 or not np.isfinite(slopes[1]).all():
        return None
    groups = panel.clusters.within(panel.workloads)
    count = groups.lengths
    squares = groups.sum((shifts[1] - shifts[0]) ** 2) * (count - 1) / count
    variances = (weights / short) ** 2 * squares
    freedom = pooled_freedom(variances, np.maximum(count - 1, 1))
    mid = _TO_WHOLE * float(weights @ (slopes[1] - slopes[0])) / short
    to_end = _TO_WHOLE * float(
        special.stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(variances.sum())
    )
    return Interval(low=mid - to_end, mid=mid, high=mid + to_end)


def _moments(fits: WorkloadFits, long_steps: Segments) -> tuple[Moments, Moments]:
    """Return the moments of each cluster from its steps, and from means of its long steps."""
    panel = fits.panel
    basis, weights = fits.shape.basis(panel), fits.weights
    one = np.ones_like(basis)
    short = moments_of(np.array([one, basis]), panel.vcpu, weights, panel.clusters)
    total = long_steps.sum(weights)
    means = [long_steps.sum(weights * values) / total for values in (basis, panel.vcpu)]
    design = np.array([np.ones_like(total), means[0]])
    clusters = long_steps.within(panel.clusters)
    return short, moments_of(design, means[1], total, clusters)


def _slopes(fits: WorkloadFits, parts: Moments, active: Bools) -> tuple[Floats, Floats]:
    """Return each workload's slope, and what leaving out each cluster would move it by."""
    groups = fits.panel.clusters.within(fits.panel.workloads)
    coefficients, _ = solve(parts.summed(groups), active)
    of_cluster = np.repeat(coefficients, groups.lengths, axis=0)
    scores = parts.cross - np.einsum("gij,gj->gi", parts.gram, of_cluster)
    moved = leave_one_out(parts.gram, scores, groups, active)
    return coefficients[:, 1], moved[:, 1]
