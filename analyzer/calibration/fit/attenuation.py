"""What clocks that disagree, and errors in x, take from the slope of y against x."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.fit import huber, jackknife, student
from analyzer.calibration.fit.least_squares import Problem, Term, moments_of, solve
from analyzer.calibration.fit.segments import Segments
from analyzer.units import Interval

_INTERCEPT: Final = Term(name="intercept", is_floored=True)
_SLOPE: Final = Term(name="slope")

_STEPS: Final = 4
"""Steps put together. What disagrees at their ends then matters a quarter as much."""

_LEAST_STEPS: Final = 2
"""Where short lives leave fewer to put together, on average, nothing can be learnt from it."""

_WILD: Final = 8
"""Steps beyond so many deviations are left out: put together with others they would spoil them."""


class Course(NamedTuple):
    """Steps of y and x in time, sorted by group, cluster and step; arrays of shape (n,).

    In each group y follows x by a line of its own. Clusters, within groups, may be correlated.
    """

    x: Floats
    y: Floats
    step: Ints
    groups: Segments
    clusters: Segments

    def of(self, rows: Bools) -> Course:
        """Return some of the rows."""
        runs = self.groups.numbers[rows], self.clusters.numbers[rows]
        return Course(self.x[rows], self.y[rows], self.step[rows], *map(Segments.of, runs))

    def averaged(self, steps: int) -> Course:
        """Return the means over so many steps of each cluster."""
        step = self.step // steps
        rows = Segments.of(self.clusters.numbers, step)
        x, y = rows.sum(self.x) / rows.lengths, rows.sum(self.y) / rows.lengths
        groups, clusters = rows.within(self.groups), rows.within(self.clusters)
        return Course(x, y, step[rows.starts], groups, clusters)

    @property
    def lines(self) -> Problem:
        """A line through each group."""
        loads = {_INTERCEPT: np.ones_like(self.x), _SLOPE: self.x}
        return Problem.of(loads, self.y, np.ones((len(self.groups), 2), dtype=bool), self.groups)


def attenuation_share(course: Course, fit: huber.RobustFit, has_slope: Bools) -> Interval | None:
    """Return by which share the slopes' mean, weighted by x, is too low; below 0 is noise.

    Where x and y are not taken at the same moments, y of one step shows in the next, which flattens
    the line; the shorter the step against that, the more. So the same line is put through steps
    four times as long; what that raises the slope by is three quarters of what is missing. None
    where the steps are too few for it. Groups count that have a slope; `fit` is of y.
    """
    if not has_slope.any():
        return None
    is_wild = fit.robust_weights * _WILD <= huber.HUBER_THRESHOLD
    kept = course.groups.spread(has_slope) & ~is_wild
    short = course.of(kept)
    long = short.averaged(_STEPS)
    together = len(short.x) / len(long.x)
    slopes, moves = _weighed_lines(short, fit.weights[kept])
    # By weights of their own: those of short steps know their errors.
    long_fit = huber.fit_robustly(long.lines)
    long_slopes = long_fit.coefficients[:, 1]
    long_moves = jackknife.shifts(long.lines, long_fit, long.clusters)[:, 1]
    weights = course.groups.sum(course.x)[has_slope]
    slope = float(weights @ slopes)
    if slope <= 0 or together < _LEAST_STEPS:
        return None
    clusters = short.clusters.within(short.groups)
    count = clusters.lengths
    squares = clusters.sum((long_moves - moves) ** 2) * (count - 1) / count
    variances = (weights / slope) ** 2 * squares
    freedom = student.pooled_freedom(variances, np.maximum(count - 1, 1))
    # From what longer steps bring back to what endless ones would (Richardson's extrapolation).
    to_whole = together / (together - 1)
    mid = to_whole * float(weights @ (long_slopes - slopes)) / slope
    to_end = to_whole * float(student.quantile(freedom)) * float(np.sqrt(variances.sum()))
    return Interval(low=mid - to_end, mid=mid, high=mid + to_end)


def _weighed_lines(course: Course, weights: Floats) -> tuple[Floats, Floats]:
    """Return the slopes by known weights, (g,), and what each cluster moves them by, (c,)."""
    problem, clusters = course.lines, course.clusters.within(course.groups)
    parts = moments_of(problem.design, problem.target, weights, course.clusters)
    coefficients, _ = solve(parts.summed(clusters), problem.active, problem.floored)
    of_cluster = np.repeat(coefficients, clusters.lengths, axis=0)
    scores = parts.cross - np.einsum("gij,gj->gi", parts.gram, of_cluster)
    moves = jackknife.leave_one_out(parts.gram, scores, clusters, problem.active)
    return coefficients[:, 1], moves[:, 1]
