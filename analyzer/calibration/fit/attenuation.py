"""What clocks that disagree, and errors in the request rate, take from the slope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from analyzer.calibration.fit.huber import HUBER_THRESHOLD, fit_robustly
from analyzer.calibration.fit.jackknife import leave_one_out, shifts
from analyzer.calibration.fit.least_squares import Problem, moments_of, solve
from analyzer.calibration.fit.segments import Bools, Floats, Ints, Segments
from analyzer.calibration.mesh import pooled_freedom
from analyzer.calibration.workloads import WorkloadFits
from analyzer.units import CONFIDENCE, Interval

__all__ = ["attenuation_share"]

_STEPS: Final = 4
"""Steps put together. What disagrees at their ends then matters a quarter as much."""

_LEAST_STEPS: Final = 2
"""Where short lives leave fewer to put together, on average, nothing can be learnt from it."""

_WILD: Final = 8
"""Steps beyond so many deviations are left out: put together with others they would spoil them."""


def attenuation_share(fits: WorkloadFits) -> Interval | None:
    """Return by which share the mesh's slope is estimated to be too low; below 0 is noise.

    The kubelet's CPU is up to 15 s older than the requests, and a scrape may be early or late:
    work of one step then shows in the next, which flattens the line. The shorter the step against
    that, the more. So the same line is put through steps four times as long; what that raises the
    slope by is three quarters of what is missing. None where the steps are too few for it.
    """
    if not fits.has_slope.any():
        return None
    is_wild = fits.robust_weights * _WILD <= HUBER_THRESHOLD
    kept = fits.panel.workloads.spread(fits.has_slope) & ~is_wild
    short, long = _short_lines(fits, kept), _long_lines(fits, kept)
    together = short.row_count / long.row_count
    weights = fits.panel.workloads.sum(fits.shape.basis(fits.panel))[fits.has_slope]
    slope = float(weights @ short.slopes)
    if slope <= 0 or together < _LEAST_STEPS:
        return None
    count = short.groups.lengths
    squares = short.groups.sum((long.shifts - short.shifts) ** 2) * (count - 1) / count
    variances = (weights / slope) ** 2 * squares
    freedom = pooled_freedom(variances, np.maximum(count - 1, 1))
    # From what longer steps bring back to what endless ones would (Richardson's extrapolation).
    to_whole = together / (together - 1)
    mid = to_whole * float(weights @ (long.slopes - short.slopes)) / slope
    quantile = float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))
    to_end = to_whole * quantile * float(np.sqrt(variances.sum()))
    return Interval(low=mid - to_end, mid=mid, high=mid + to_end)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lines:
    """A line through each workload that has a slope.

    Attributes:
        slopes: shape (g,).
        shifts: what each cluster moves its workload's slope by, shape (c,).
        groups: the clusters of each workload.
        row_count: how many steps, short or long, the lines go through.
    """

    slopes: Floats
    shifts: Floats
    groups: Segments
    row_count: int


def _short_lines(fits: WorkloadFits, kept: Bools) -> _Lines:
    """Return the lines that the fits are, but for the steps that are left out."""
    panel = fits.panel
    workload, cluster = _runs(fits, kept)
    clusters = Segments.of(cluster)
    groups = clusters.within(Segments.of(workload))
    basis = fits.shape.basis(panel)[kept]
    design = np.array([np.ones_like(basis), basis])
    parts = moments_of(
        design, panel.vcpu[kept], (fits.variance_weights * fits.robust_weights)[kept], clusters
    )
    active = np.ones((len(groups), 2), dtype=bool)
    coefficients, _ = solve(parts.summed(groups), active, floored=(0,))
    of_cluster = np.repeat(coefficients, groups.lengths, axis=0)
    scores = parts.cross - np.einsum("gij,gj->gi", parts.gram, of_cluster)
    return _Lines(
        slopes=coefficients[:, 1],
        shifts=leave_one_out(parts.gram, scores, groups, active)[:, 1],
        groups=groups,
        row_count=int(kept.sum()),
    )


def _long_lines(fits: WorkloadFits, kept: Bools) -> _Lines:
    """Put steps together, and fit anew: the weights of short steps know their errors."""
    panel = fits.panel
    workload, cluster = _runs(fits, kept)
    rows = Segments.of(cluster, panel.point[kept] // _STEPS)
    basis, vcpu = (
        rows.sum(values[kept]) / rows.lengths for values in (fits.shape.basis(panel), panel.vcpu)
    )
    workloads, clusters = Segments.of(workload), Segments.of(cluster)
    problem = Problem(
        design=np.array([np.ones_like(basis), basis]),
        target=vcpu,
        segments=rows.within(workloads),
        active=np.ones((len(workloads), 2), dtype=bool),
        floored=(0,),
    )
    fit = fit_robustly(problem)
    return _Lines(
        slopes=fit.coefficients[:, 1],
        shifts=shifts(problem, fit, rows.within(clusters))[:, 1],
        groups=clusters.within(workloads),
        row_count=len(rows),
    )


def _runs(fits: WorkloadFits, kept: Bools) -> tuple[Ints, Ints]:
    """Return the number of the workload, and of the cluster, of each row that is kept."""
    workload, cluster = (
        runs.spread(np.arange(len(runs)))[kept]
        for runs in (fits.panel.workloads, fits.panel.clusters)
    )
    return workload, cluster
