"""How much time offsets and errors in x lower the slope of y against x."""

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
"""Samples averaged into one. A time offset then matters a quarter as much."""

_LEAST_STEPS: Final = 2
"""Least mean number of samples to average: short lives may leave fewer, too few for an estimate."""

_LEAST_INNER: Final = 24
"""Least number of samples with one on each side, for the steps beside to show anything."""

_LEAST_GAIN: Final = 0.15
"""Share of what a line leaves unexplained that the steps beside must explain."""

_WILD: Final = 8
"""Samples beyond so many deviations are left out: they would spoil the average with others."""


class Course(NamedTuple):
    """Samples of y and x in time, sorted by group, cluster and step; arrays of shape (n,).

    Each group has its own line of y against x. Samples of one cluster may be correlated.
    """

    x: Floats
    y: Floats
    step: Ints
    groups: Segments
    clusters: Segments

    def of(self, rows: Bools) -> Course:
        """Return the rows that the mask selects."""
        runs = self.groups.numbers[rows], self.clusters.numbers[rows]
        return Course(self.x[rows], self.y[rows], self.step[rows], *map(Segments.of, runs))

    def averaged(self, steps: int) -> Course:
        """Return each cluster's means over so many steps."""
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

    If x and y are offset in time, part of y is counted in the next step. That flattens the line,
    and more so the shorter the step. So the same line is fitted to steps four times as long: the
    slope then rises by three quarters of what is missing. Only groups with a slope count. `fit` is
    the fit of y.

    Returns:
        None if there are too few steps.
    """
    if not has_slope.any():
        return None
    is_wild = fit.robust_weights * _WILD <= huber.HUBER_THRESHOLD
    kept = course.groups.spread(has_slope) & ~is_wild
    short = course.of(kept)
    long = short.averaged(_STEPS)
    together = len(short.x) / len(long.x)
    slopes, moves = _weighed_lines(short, fit.weights[kept])
    # With new weights: those of the short steps depend on their errors.
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
    # Extrapolate from longer steps to infinitely long ones (Richardson).
    to_whole = together / (together - 1)
    mid = to_whole * float(weights @ (long_slopes - slopes)) / slope
    to_end = to_whole * float(student.quantile(freedom)) * float(np.sqrt(variances.sum()))
    return Interval(low=mid - to_end, mid=mid, high=mid + to_end)


def neighbours_share(course: Course, has_slope: Bools) -> float:
    """Return by which share the slope rises if y may follow the x of the steps beside it too.

    Where a part of y is counted in the next step or the one before, x of that step explains it.
    The three slopes together are then that of whole bursts. This needs no longer steps, so it
    finds what `attenuation_share` has too few steps for. Clusters must be members.

    Returns:
        0 where the steps beside explain too little of what the line leaves unexplained.
    """
    kept = course.of(course.groups.spread(has_slope))
    follows = (np.diff(kept.step) == 1) & (np.diff(kept.clusters.numbers) == 0)
    inner = np.flatnonzero(follows[1:] & follows[:-1]) + 1
    if len(inner) < _LEAST_INNER:
        return 0.0
    members = Segments.of(kept.clusters.numbers[inner])
    y, *loads = (
        values - members.spread(members.sum(values) / members.lengths)
        for values in (kept.y[inner], *(kept.x[inner + shift] for shift in (0, -1, 1)))
    )
    alone, together = np.column_stack(loads[:1]), np.column_stack(loads)
    slope, slopes = (np.linalg.lstsq(one, y, rcond=None)[0] for one in (alone, together))
    left, left_together = (
        float(np.square(y - design @ found).sum())
        for design, found in ((alone, slope), (together, slopes))
    )
    is_explained = left_together < (1 - _LEAST_GAIN) * left
    return max(float(slopes.sum() / slope[0]) - 1, 0.0) if is_explained and slope[0] > 0 else 0.0


def _weighed_lines(course: Course, weights: Floats) -> tuple[Floats, Floats]:
    """Return the slopes for given weights, (g,), and each cluster's influence on them, (c,)."""
    problem, clusters = course.lines, course.clusters.within(course.groups)
    parts = moments_of(problem.design, problem.target, weights, course.clusters)
    coefficients, _ = solve(parts.summed(clusters), problem.active, problem.floored)
    of_cluster = np.repeat(coefficients, clusters.lengths, axis=0)
    scores = parts.cross - np.einsum("gij,gj->gi", parts.gram, of_cluster)
    moves = jackknife.leave_one_out(parts.gram, scores, clusters, problem.active)
    return coefficients[:, 1], moves[:, 1]
