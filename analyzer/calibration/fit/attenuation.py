"""How much time offsets and errors in x lower the slope of y against x."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.fit import huber, jackknife, student
from analyzer.calibration.fit.least_squares import Problem, moments_of, solve
from analyzer.calibration.fit.segments import Segments
from analyzer.units import Interval

_STEPS: Final = 4
"""Samples averaged into one. A time offset then matters a quarter as much."""

_LEAST_STEPS: Final = 2
"""Least mean number of samples to average: short lives may leave fewer, too few for an estimate."""

_LEAST_INNER: Final = 24
"""Least number of samples with one on each side, for the steps beside to show anything."""

_LEAST_GAIN: Final = 0.15
"""Share of what a line leaves unexplained that the steps beside must explain."""

_LEAST_NOISE: Final = 1e-12
"""Variance of a share, below which it is rounding."""

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


class Lines(NamedTuple):
    """A fit of y that may be attenuated, and how its coefficients give each group's line.

    `reduction`, shape (g, 2, k), gives intercept and slope from the coefficients: for several
    regressors, the slope is that of their mix.
    """

    problem: Problem
    fit: huber.RobustFit
    is_mean: Bools  # (g,): whether plain least squares, not Huber's estimate, is fitted
    reduction: Floats
    step: Ints  # (n,)
    clusters: Segments


class Attenuation(NamedTuple):
    """By which share slopes are too low; below 0 is noise."""

    whole: Interval  # of the weighted mean of the slopes
    each: Floats  # (g,): of each group; that of the mean where a group has no weight
    errors: Floats  # (g,): standard errors of these

    def of(self, groups: Ints) -> Attenuation:
        """Return those of the groups with these numbers, in this order."""
        return Attenuation(self.whole, self.each[groups], self.errors[groups])


def attenuation_share(lines: Lines, weights: Floats) -> Attenuation | None:
    """Return by which share the weighted mean of the slopes, and each of them, is too low.

    If x and y are offset in time, part of y is counted in the next step. That flattens the line,
    and more so the shorter the step. Errors in x that are independent from step to step do the
    same. So the same regression is fitted to steps four times as long: three quarters of the error
    are gone then. `weights`, shape (g,), are not negative; at 0 a group does not count.

    A group's own share is noisy. It is weighed against that of the mean, by how much the shares of
    groups differ beyond noise (DerSimonian and Laird, Controlled Clinical Trials 7, 1986).

    Returns:
        None if there are too few steps.
    """
    counts = weights > 0
    if not counts.any():
        return None
    kept = lines.problem.segments.spread(counts) & ~_is_wild(lines.fit)
    short = _rows(lines, counts, kept)
    row_weights = lines.fit.variance_weights[kept] * lines.fit.robust_weights[kept]
    long = _averaged(short)
    together = len(short.step) / len(long.step)
    slopes, moves = _weighed(short, row_weights)
    long_slopes, long_moves = _fitted(long)
    shares = weights[counts]
    slope = float(shares @ slopes)
    if slope <= 0 or together < _LEAST_STEPS:
        return None
    rise = float(shares @ long_slopes) / slope
    clusters = short.clusters.within(short.problem.segments)
    count = clusters.lengths
    squares = clusters.sum((long_moves - moves) ** 2) * (count - 1) / count
    variances = (shares / slope) ** 2 * squares
    freedom = student.pooled_freedom(variances, np.maximum(count - 1, 1))
    # Extrapolate from longer steps to infinitely long ones (Richardson).
    to_whole = together / (together - 1)
    mid, error = to_whole * (rise - 1), to_whole * float(np.sqrt(variances.sum()))
    to_end = error * float(student.quantile(freedom))
    own, is_rising = np.full(len(slopes), mid), slopes > 0
    own[is_rising] = to_whole * (long_slopes[is_rising] / slopes[is_rising] - 1)
    noise = to_whole**2 * squares / np.where(is_rising, slopes, 1.0) ** 2
    noise[~is_rising] = np.inf
    each, errors = np.full(len(counts), mid), np.full(len(counts), error)
    each[counts], errors[counts] = _weighed_against(mid, error, own, noise)
    return Attenuation(Interval(low=mid - to_end, mid=mid, high=mid + to_end), each, errors)


def _weighed_against(
    mean: float, error: float, own: Floats, noise: Floats
) -> tuple[Floats, Floats]:
    """Return each group's share and its standard error, from its own and its noise, (g,) each."""
    noise = np.maximum(noise, _LEAST_NOISE)
    precision = 1 / noise
    total = float(precision.sum())
    spare = total - float(np.square(precision).sum()) / total if total > 0 else 0.0
    beyond = float(precision @ (own - mean) ** 2) - (np.isfinite(noise).sum() - 1)
    spread = max(beyond / spare, 0.0) if spare > 0 else 0.0
    pull = spread / (spread + noise)
    return mean + pull * (own - mean), np.sqrt(spread * (1 - pull) + ((1 - pull) * error) ** 2)


def _is_wild(fit: huber.RobustFit) -> Bools:
    return fit.robust_weights * _WILD <= huber.HUBER_THRESHOLD


def _rows(lines: Lines, groups: Bools, rows: Bools) -> Lines:
    """Return some groups and some of their rows, without a fit of these."""
    problem = lines.problem
    part = replace(
        problem,
        design=tuple(column[rows] for column in problem.design),
        target=problem.target[rows],
        segments=Segments.of(problem.segments.numbers[rows]),
        active=problem.active[groups],
    )
    clusters = Segments.of(lines.clusters.numbers[rows])
    step, reduction = lines.step[rows], lines.reduction[groups]
    return Lines(part, lines.fit, lines.is_mean[groups], reduction, step, clusters)


def _averaged(lines: Lines) -> Lines:
    """Return the means of each cluster over several steps."""
    problem, step = lines.problem, lines.step // _STEPS
    runs = Segments.of(lines.clusters.numbers, step)
    averaged = replace(
        problem,
        design=runs.sum(np.array(problem.design)) / runs.lengths,
        target=runs.sum(problem.target) / runs.lengths,
        segments=runs.within(problem.segments),
    )
    clusters = runs.within(lines.clusters)
    return lines._replace(problem=averaged, step=step[runs.starts], clusters=clusters)


def _fitted(lines: Lines) -> tuple[Floats, Floats]:
    """Return the slopes, (g,), and each cluster's influence on them, (c,)."""
    # With new weights: those of the short steps depend on their errors.
    threshold = np.where(lines.is_mean, np.inf, huber.HUBER_THRESHOLD)
    fit = huber.fit_robustly(lines.problem, threshold=threshold)
    moves = jackknife.shifts(lines.problem, fit, lines.clusters)
    return _slopes(lines, fit.coefficients, moves)


def _weighed(lines: Lines, weights: Floats) -> tuple[Floats, Floats]:
    """Return the same for given weights of the rows, shape (n,)."""
    problem, clusters = lines.problem, lines.clusters.within(lines.problem.segments)
    parts = moments_of(problem.design, problem.target, weights, lines.clusters)
    coefficients, free = solve(parts.summed(clusters), problem.active, problem.floored)
    of_cluster = np.repeat(coefficients, clusters.lengths, axis=0)
    scores = parts.cross - np.einsum("gij,gj->gi", parts.gram, of_cluster)
    moves = jackknife.leave_one_out(parts.gram, scores, clusters, free)
    return _slopes(lines, coefficients, moves)


def _slopes(lines: Lines, coefficients: Floats, moves: Floats) -> tuple[Floats, Floats]:
    to_slope = lines.reduction[:, 1]
    clusters = lines.clusters.within(lines.problem.segments)
    slopes = np.einsum("gk,gk->g", to_slope, coefficients)
    of_cluster = np.repeat(to_slope, clusters.lengths, axis=0)
    return slopes, np.einsum("ck,ck->c", of_cluster, moves)


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
