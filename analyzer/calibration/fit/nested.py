"""What further columns of a regression change, and how sure that is.

The change has two sources of noise: clusters, and blocks of time that all segments share.
"""

from typing import NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.fit.jackknife import leave_one_out
from analyzer.calibration.fit.least_squares import Moments, Problem, moments_of, solve
from analyzer.calibration.fit.segments import Segments


class Nested(NamedTuple):
    """A weighted sum of the coefficients of each of g segments, by few and by all columns."""

    before: Floats  # (g,): by the few
    change: Floats  # (g,): to that by all; 0 where both are the same columns
    variances: Floats  # (g,): of the change, from leaving out each cluster in turn
    pulls: Floats  # (g, blocks): influence of each block of time on the change


class Sums(NamedTuple):
    """What is compared, and how noise is divided."""

    few: Bools  # (g, k): the columns without the further ones
    weights: Floats  # (g, k): of the coefficients in the sum
    clusters: Segments
    blocks: Ints  # (n,): block of time of each row, from 0
    block_count: int


def compare_nested(problem: Problem, row_weights: Floats, sums: Sums) -> Nested:
    """Fit each segment with few and with all of its active columns, for given weights, (n,)."""
    clusters = sums.clusters.within(problem.segments)
    parts = moments_of(problem.design, problem.target, row_weights, sums.clusters)
    whole = parts.summed(clusters)
    before, moved_before, _ = _fitted(parts, clusters, sums.few, sums.weights)
    after, moved_after, coefficients = _fitted(parts, clusters, problem.active, sums.weights)
    count = clusters.lengths
    pulls = row_weights * problem.residuals(coefficients)
    by_block = _by_block(problem, pulls, sums)
    in_blocks = [
        _influence(whole, by_block, active, sums.weights) for active in (sums.few, problem.active)
    ]
    differs = (problem.active != sums.few).any(axis=1)
    return Nested(
        before=before,
        change=np.where(differs, after - before, 0.0),
        variances=clusters.sum((moved_after - moved_before) ** 2) * (count - 1) / count,
        pulls=in_blocks[1] - in_blocks[0],
    )


def _fitted(
    parts: Moments, clusters: Segments, active: Bools, weights: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the sums, (g,), each cluster's influence on them, (c,), and coefficients, (g, k)."""
    coefficients, _ = solve(parts.summed(clusters), active)
    of_cluster = np.repeat(coefficients, clusters.lengths, axis=0)
    scores = parts.cross - np.einsum("gij,gj->gi", parts.gram, of_cluster)
    moves = leave_one_out(parts.gram, scores, clusters, active)
    of_clusters = np.repeat(weights, clusters.lengths, axis=0)
    return (weights * coefficients).sum(axis=1), (of_clusters * moves).sum(axis=1), coefficients


def _by_block(problem: Problem, pulls: Floats, sums: Sums) -> Floats:
    """Return the scores of each segment's blocks, shape (g, blocks, k)."""
    count, groups = sums.block_count, len(problem.segments)
    place = problem.segments.numbers * count + sums.blocks
    scores = [
        np.bincount(place, column * pulls, minlength=groups * count) for column in problem.design
    ]
    return np.array(scores, dtype=float).T.reshape(groups, count, -1)


def _influence(whole: Moments, scores: Floats, active: Bools, weights: Floats) -> Floats:
    """Return the influence of scores on the sums, shape (g, blocks)."""
    moves = [solve(whole._replace(cross=block), active)[0] for block in scores.swapaxes(0, 1)]
    return np.array([(weights * move).sum(axis=1) for move in moves]).T
