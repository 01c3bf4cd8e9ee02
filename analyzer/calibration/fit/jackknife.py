"""Uncertainty of a regression with correlated samples, by leaving out clusters."""

from typing import NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.fit.huber import RobustFit
from analyzer.calibration.fit.least_squares import Problem, Term, moments_of, solve, unit_diagonal
from analyzer.calibration.fit.segments import BLOCK_ROWS, Segments
from analyzer.calibration.fit.student import interval, quantile
from analyzer.units import Interval


def sandwich(problem: Problem, fit: RobustFit, clusters: Segments) -> Floats:
    """Return the cluster-robust covariance (CR1, as Stata and statsmodels), shape (g, k, k).

    Columns that were not free are zero. A segment needs two clusters.
    """
    groups = clusters.within(problem.segments)
    bread = influence_of(problem, fit)
    scores = _scores(problem, fit, clusters)
    meat = np.add.reduceat(scores[:, :, None] * scores[:, None, :], groups.starts, axis=0)
    count, rows = groups.lengths, problem.segments.lengths
    correction = count / np.maximum(count - 1, 1) * (rows - 1) / (rows - fit.free.sum(axis=1))
    return np.asarray(correction[:, None, None] * bread @ meat @ bread)


def influence_of(problem: Problem, fit: RobustFit) -> Floats:
    """Return by how much each score moves the coefficients, (g, k, k), symmetric."""
    hessian, scale = unit_diagonal(_hessian(problem, fit, problem.segments), fit.free)
    return np.asarray(np.linalg.inv(hessian) * scale[:, :, None] * scale[:, None, :])


def jackknife(
    problem: Problem, fit: RobustFit, clusters: Segments, active: Bools | None = None
) -> Floats:
    """Return the covariance from leaving out each cluster in turn (CR3), shape (g, k, k).

    With few clusters the sandwich is too narrow: a cluster pulls the fit towards itself and hides
    its own noise. Leaving it out shows the noise. With many clusters both agree.
    Columns that are not active, shape (g, k), get no variance; if None, those that were not free.
    """
    groups = clusters.within(problem.segments)
    moved = shifts(problem, fit, clusters, active)
    spread = np.add.reduceat(moved[:, :, None] * moved[:, None, :], groups.starts, axis=0)
    count = groups.lengths[:, None, None]
    return np.asarray((count - 1) / count * spread)


def shifts(
    problem: Problem, fit: RobustFit, clusters: Segments, active: Bools | None = None
) -> Floats:
    """Return each cluster's influence on the coefficients of its segment, shape (c, k)."""
    groups = clusters.within(problem.segments)
    parts, scores = _hessian(problem, fit, clusters), _scores(problem, fit, clusters)
    return leave_one_out(parts, scores, groups, fit.free if active is None else active)


def leave_one_out(parts: Floats, scores: Floats, groups: Segments, active: Bools) -> Floats:
    """Return the influences from each cluster's gram matrix, (c, k, k), and scores, (c, k)."""
    whole = np.add.reduceat(parts, groups.starts, axis=0)
    taking_part = np.repeat(active, groups.lengths, axis=0)
    rest, scale = unit_diagonal(np.repeat(whole, groups.lengths, axis=0) - parts, taking_part)
    return np.linalg.solve(rest, (scores * scale)[..., None])[..., 0] * scale


def _scores(problem: Problem, fit: RobustFit, clusters: Segments) -> Floats:
    """Return the score of each cluster, shape (c, k)."""
    scores = np.empty((len(clusters), len(problem.design)))
    for part, rows, inside in clusters.blocks(BLOCK_ROWS):
        pull = fit.variance_weights[rows] * fit.robust_weights[rows] * fit.residuals[rows]
        for number, column in enumerate(problem.design):
            scores[part, number] = inside.sum(column[rows] * pull)
    return scores


def _hessian(problem: Problem, fit: RobustFit, runs: Segments) -> Floats:
    """Return the derivative of the scores; samples beyond Huber's threshold do not count."""
    weights = fit.variance_weights * (fit.robust_weights >= 1)
    return moments_of(problem.design, problem.target, weights, runs).gram


def ranges(
    problem: Problem,
    fit: RobustFit,
    clusters: Segments,
    active: Bools | None = None,
    reach: Floats | float = 0.0,
) -> dict[Term, Interval]:
    """Return the 90 % interval of each term that takes part in a single regression.

    `reach`, shape (k,), is by how much a coefficient may be off apart from noise.
    """
    variances = np.diag(jackknife(problem, fit, clusters, active)[0])
    variances = variances + (reach / quantile(len(clusters) - 1)) ** 2
    return {
        term: interval(fit.coefficients[0, column], variances[column], len(clusters) - 1)
        for column, term in enumerate(problem.terms)
        if problem.active[0, column]
    }


class Predicted(NamedTuple):
    """How each cluster of a segment is predicted from its others."""

    losses: Floats  # (c,): sum of squares in units of the variance
    coefficients: Floats  # (c, k): of the others


def predict_each(problem: Problem, weights: Floats, clusters: Segments) -> Predicted:
    """Predict each cluster of a segment from its others by weighted least squares.

    Weights are inverse variances.
    """
    cells = moments_of(problem.design, problem.target, weights, clusters)
    groups = clusters.within(problem.segments)
    owner = groups.numbers
    others = cells.summed(groups).of(owner).without(cells)
    coefficients, _ = solve(others, problem.active[owner], problem.floored)
    return Predicted(cells.loss(coefficients), coefficients)


def mean_error(losses: Floats, rows: Ints) -> tuple[float, float]:
    """Return the loss of a row, and its standard error; those of clusters have shape (c,).

    In units of the variance, 1 is noise alone.
    """
    error = float(losses.sum() / rows.sum())
    spread = float(np.sqrt(((losses - error * rows) ** 2).sum()))
    return error, spread / float(rows.sum())
