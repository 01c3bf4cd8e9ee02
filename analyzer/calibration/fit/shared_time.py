"""Uncertainty from noise that a group's members share in time: other work on the nodes, a cache.

Members that rise and fall together are not independent samples, and leaving out one of them at a
time does not show it. So each group's mean residual is read as a time series: a first-order
autoregression, with white noise on it. Its persistence is uncertain, so every one of a grid counts
by its restricted likelihood. That likelihood knows that the fit has removed a part of slow noise.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.fit.huber import RobustFit
from analyzer.calibration.fit.jackknife import influence_of
from analyzer.calibration.fit.least_squares import Problem, unit_diagonal
from analyzer.calibration.fit.segments import BLOCK_ROWS, Segments

MOST_BINS: Final = 48
"""Bins that the time of a fit is cut into. More make the likelihood slower and no better."""

LEAST_BINS: Final = 12
"""Bins with samples below which noise is not judged: its persistence would be a guess."""

DEGREES_OF_FREEDOM: Final = 10
"""Of Student's t for a variance estimated from persistent noise. A day of noise with a correlation
of 0.9 to 0.95 from one five-minute step to the next is worth 7 to 15 independent samples."""

_PERSISTENCE: Final = (0.0, 0.3, 0.5, 0.65, 0.75, 0.83, 0.89, 0.93, 0.96)
"""Correlation from one bin to the next. The prior weight of each is 1 minus it."""

_WHITE_SHARES: Final = (0.0, 0.4, 0.75)
"""Share of the variance that is white noise."""

_PRIOR_GROUPS: Final = 1
"""Groups that the prior counts as, beside those of the mesh."""

_ITERATIONS: Final = 20
"""Enough for the weights to settle within a percent."""

_DOUBT: Final = 0.15
"""Share of the sum of two variances by which they differ by chance. Of less than this, the excess
of one over the other counts little: the larger of two estimates of one variance is too large."""

_LEAST_SHARE: Final = 1e-12
"""Share of the variance below which a direction is rounding."""

_BLOCK_GROUPS: Final = 256
"""Groups judged at once, to bound memory."""


class Series(NamedTuple):
    """Noise of g groups over b bins of time, relative to its standard deviation in one sample."""

    residuals: Floats  # (g, b): mean residual
    loads: Floats  # (g, b, 2): mean of what the fit removes: a constant and the traffic
    is_seen: Bools  # (g, b): bins with samples
    counts: Floats  # (g, b): samples in each

    @classmethod
    def of(cls, problem: Problem, fit: RobustFit, traffic: Floats, bins: Bins) -> Series:
        """Average the residuals of a fit, and the constant and `traffic`, shape (n,), by bin."""
        sums = np.empty((4, len(problem.segments), bins.count))
        for part, rows, inside in problem.segments.blocks(BLOCK_ROWS):
            robust, is_whole = fit.robust_weights[rows], fit.robust_weights[rows] >= 1
            deviations = np.sqrt(fit.variance_weights[rows])
            whole, noise = deviations * is_whole, deviations * robust * fit.residuals[rows]
            values = is_whole.astype(float), noise, whole, whole * traffic[rows]
            sums[:, part] = bins.part(rows).sums(inside, *values)
        counts, residuals, constant, rising = sums
        each = np.maximum(counts, 1)
        return cls(
            residuals=residuals / each,
            loads=np.stack([constant, rising], axis=2) / each[:, :, None],
            is_seen=counts > 0,
            counts=counts,
        )

    def mean(self, chosen: Bools) -> Series:
        """Return the one series of the chosen groups, (g,), together; each sample counts once."""
        counts = self.counts * chosen[:, None]
        whole = counts.sum(axis=0)
        each = counts / np.maximum(whole, 1)
        return Series(
            residuals=(each * self.residuals).sum(axis=0)[None],
            loads=(each[:, :, None] * self.loads).sum(axis=0)[None],
            is_seen=(whole > 0)[None],
            counts=whole[None],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bins:
    """The bin of each of n rows; all bins have the same number of steps."""

    numbers: npt.NDArray[np.integer]  # (n,)
    steps: int  # in a bin
    count: int

    @classmethod
    def of(cls, step: Ints, steps: int | None = None) -> Bins:
        """Cut the time of rows, numbered in steps, into bins; at most MOST_BINS by default."""
        whole = int(step.max(initial=0)) + 1
        steps = steps or -(-whole // MOST_BINS)
        count = -(-whole // steps)
        number_of = (np.arange(whole) // steps).astype(np.min_scalar_type(count))
        return cls(numbers=number_of[step], steps=steps, count=count)

    def part(self, rows: slice) -> Bins:
        """Return the bins of some rows."""
        return replace(self, numbers=self.numbers[rows])

    def sums(self, groups: Segments, *values: Floats) -> list[Floats]:
        """Add each of these values, (n,), up by group and bin, to (g, b)."""
        cell = groups.numbers * self.count + self.numbers
        shape = len(groups), self.count
        size = shape[0] * shape[1]
        return [np.bincount(cell, one, size).astype(float).reshape(shape) for one in values]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedNoise:
    """How persistent the noise of g groups is: a weight for each of m correlation matrices."""

    weights: Floats  # (g, m): posterior; 0 for a group that is not judged
    variances: Floats  # (g, m): of the noise in a bin, if that matrix is right
    order: Ints  # (g, b): bins, those with samples first

    @classmethod
    def of(cls, series: Series) -> SharedNoise:
        """Judge the noise of each group."""
        order = np.argsort(~series.is_seen, axis=1, kind="stable")
        residuals = np.take_along_axis(series.residuals, order, axis=1)
        loads = np.take_along_axis(series.loads, order[:, :, None], axis=1)
        seen = series.is_seen.sum(axis=1)
        matrices = len(_grid(1).prior)
        logs, variances = np.zeros((2, len(order), matrices))
        for part in _blocks(len(order)):
            found = _likelihood(residuals[part], loads[part], seen[part])
            logs[part], variances[part] = found
        is_judged = seen >= LEAST_BINS
        weights = _posterior(logs, is_judged, bins=series.loads.shape[1])
        return cls(weights=weights, variances=variances, order=order)

    def of_others(self, groups: Ints, loads: Floats) -> Floats:
        """Return the variance of the sums of load x noise, (h,), over later bins of these groups.

        `groups` has shape (h,), `loads` (h, b): bins of the same length as these, but later ones.
        """
        order = np.argsort(loads == 0, axis=1, kind="stable")
        weights, variances = self.weights[groups], self.variances[groups]
        later = SharedNoise(weights=weights, variances=variances, order=order)
        return later.covariances(loads[:, :, None])[:, 0, 0]

    def covariances(self, influences: Floats) -> Floats:
        """Return the covariances, (g, k, k), of sums over bins of influence x noise.

        Influences have shape (g, b, k), with bins in time. Each variance is the geometric mean over
        the matrices: the arithmetic one follows the least likely and most persistent of them.
        """
        count = influences.shape[-1]
        whole = np.zeros((len(influences), count, count))
        roots = _grid(influences.shape[1]).roots
        for part in _blocks(len(influences)):
            sorted_ = np.take_along_axis(influences[part], self.order[part][:, :, None], axis=1)
            moved = np.einsum("mbc,gbk->gmkc", roots, sorted_, optimize=True)
            each = np.einsum("gmkc,gmlc->gmkl", moved, moved, optimize=True)
            each *= self.variances[part][:, :, None, None]
            whole[part] = _geometric(self.weights[part], each)
        return whole


class _Grid(NamedTuple):
    """The correlation matrices of b bins: m of them, from persistence and share of white noise."""

    roots: Floats  # (m, b, b): lower triangles
    whitening: Floats  # (m, b, b): their inverses
    log_diagonals: Floats  # (m, b)
    prior: Floats  # (m,)


@functools.lru_cache(maxsize=4)
def _grid(bins: int) -> _Grid:
    apart = np.abs(np.subtract.outer(np.arange(bins), np.arange(bins)))
    # Without persistence all of the noise is white.
    cases = [(0.0, 0.0), *((r, white) for r in _PERSISTENCE[1:] for white in _WHITE_SHARES)]
    matrices = np.array(
        [(1 - white) * r**apart + white * np.eye(bins) for r, white in cases], dtype=float
    )
    roots = np.linalg.cholesky(matrices)
    return _Grid(
        roots=roots,
        whitening=np.linalg.inv(roots),
        log_diagonals=np.log(np.einsum("mbb->mb", roots)),
        prior=np.array([1 - r for r, _ in cases]),
    )


def _posterior(logs: Floats, is_judged: Bools, bins: int) -> Floats:
    """Return the weight of each matrix, (g, m), from its log likelihood in each group.

    One group does not show its persistence well. The groups of a mesh show together which one is
    common, and each is judged by that too (empirical Bayes, by expectation maximisation).
    """
    first = _grid(bins).prior
    first = first / first.sum()
    likelihood = np.exp(logs - logs.max(axis=1, keepdims=True)) * is_judged[:, None]
    share = first
    for _ in range(_ITERATIONS):
        weights = _normalised(likelihood * share)
        count = is_judged.sum() + _PRIOR_GROUPS
        share = (weights.sum(axis=0) + _PRIOR_GROUPS * first) / count
    return _normalised(likelihood * share)


def _normalised(rows: Floats) -> Floats:
    total = rows.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(rows, total, out=np.zeros_like(rows), where=total > 0))


def _likelihood(residuals: Floats, loads: Floats, seen: Ints) -> tuple[Floats, Floats]:
    """Return the log likelihood of each matrix, (g, m), and the variance of a bin's noise by it."""
    bins, removed = loads.shape[1:]
    grid = _grid(bins)
    # The matrix of the first bins has the first part of the whole triangle.
    is_inside = np.arange(bins) < seen[:, None]
    y = np.einsum("mbc,gc->gmb", grid.whitening, residuals, optimize=True) * is_inside[:, None]
    x = np.einsum("mbc,gck->gmbk", grid.whitening, loads, optimize=True)
    x *= is_inside[:, None, :, None]
    gram = np.einsum("gmbk,gmbl->gmkl", x, x, optimize=True)
    flat = gram.reshape(-1, removed, removed)
    scaled, scale = unit_diagonal(flat, np.ones(flat.shape[:2], dtype=bool))
    scaled, scale = scaled.reshape(gram.shape), scale.reshape(gram.shape[:-1])
    cross = np.einsum("gmbk,gmb->gmk", x, y, optimize=True) * scale
    solved = np.linalg.solve(scaled, cross[..., None])[..., 0]
    freedom = np.maximum(seen - removed, 1)[:, None]
    squares = np.square(y).sum(axis=-1) - (solved * cross).sum(axis=-1)
    squares = np.maximum(squares, np.finfo(float).tiny)
    of_scale = np.log(np.where(scale > 0, scale, 1.0)).sum(axis=-1)
    log_gram = np.linalg.slogdet(scaled)[1] - 2 * of_scale
    log_matrix = 2 * np.einsum("gb,mb->gm", is_inside, grid.log_diagonals)
    return -(log_matrix + log_gram + freedom * np.log(squares)) / 2, squares / freedom


def _geometric(weights: Floats, each: Floats) -> Floats:
    """Return the mean of covariances, (g, m, k, k), whose diagonal is the geometric mean."""
    mean = np.einsum("gm,gmkl->gkl", weights, each)
    least = np.finfo(float).tiny
    logs = np.log(np.maximum(np.einsum("gmkk->gmk", each), least))
    aimed = np.exp(np.einsum("gm,gmk->gk", weights, logs))
    diagonal = np.einsum("gkk->gk", mean)
    factor = np.sqrt(np.divide(aimed, diagonal, out=np.zeros_like(aimed), where=diagonal > 0))
    return np.asarray(mean * factor[:, :, None] * factor[:, None, :])


def _blocks(count: int) -> Iterator[slice]:
    yield from (slice(first, first + _BLOCK_GROUPS) for first in range(0, count, _BLOCK_GROUPS))


def influences(problem: Problem, fit: RobustFit, bins: Bins) -> Floats:
    """Return by how much each bin's shared noise of size 1 moves the coefficients, (g, b, k)."""
    pulls = np.empty((len(problem.segments), bins.count, len(problem.design)))
    for part, rows, inside in problem.segments.blocks(BLOCK_ROWS):
        whole = np.sqrt(fit.variance_weights[rows]) * (fit.robust_weights[rows] >= 1)
        columns = (column[rows] * whole for column in problem.design)
        pulls[part] = np.stack(bins.part(rows).sums(inside, *columns), axis=2)
    return np.asarray(pulls @ influence_of(problem, fit))


def larger(one: Floats, other: Floats) -> Floats:
    """Return covariances, (..., k, k), that hold `one`, and `other` where it is clearly larger.

    To `one` is added what `other` exceeds it by, in the directions in which it does; little of an
    excess that may be chance.
    """
    scale = np.sqrt(np.maximum(np.einsum("...kk->...k", one), np.einsum("...kk->...k", other)))
    scale = np.where(scale > 0, scale, 1.0)
    outer = scale[..., :, None] * scale[..., None, :]
    values, vectors = np.linalg.eigh((one + other) / outer)
    usable = values > _LEAST_SHARE
    down = vectors * np.where(usable, 1 / np.sqrt(np.where(usable, values, 1.0)), 0.0)[..., None, :]
    up = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    excess = down.swapaxes(-1, -2) @ ((other - one) / outer) @ down
    sizes, axes = np.linalg.eigh(excess)
    turned = up @ axes
    sizes = np.maximum(sizes, 0.0)
    sizes = sizes**3 * (1 + _DOUBT**2) / (sizes**2 + _DOUBT**2)
    added = (turned * sizes[..., None, :]) @ turned.swapaxes(-1, -2)
    return np.asarray(one + added * outer)


def freedom_of_larger(one: Floats, whole: Floats, degrees_of_freedom: Ints) -> Floats:
    """Return the degrees of freedom, (g,), of `larger` covariances, (g, k, k); least of the k.

    `one` has those given, shape (g,). What was added to it has DEGREES_OF_FREEDOM.
    """
    first, both = np.einsum("gkk->gk", one), np.einsum("gkk->gk", whole)
    share = np.divide(first, both, out=np.ones_like(first), where=both > 0)
    inverse = share**2 / degrees_of_freedom[:, None] + (1 - share) ** 2 / DEGREES_OF_FREEDOM
    return np.asarray(1 / inverse.max(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedTime:
    """What noise shared in time does to the coefficients of g groups."""

    bins: Bins
    series: Series
    noise: SharedNoise
    noise_of_all: SharedNoise  # of the mean of the groups, as one group
    coefficient_covariances: Floats  # (g, k, k)
    influences: Floats  # (g, b, r): of each bin's noise on r sums of the coefficients
    covariances: Floats  # (g, r, r): of these sums

    @classmethod
    def of(
        cls,
        problem: Problem,
        fit: RobustFit,
        step: Ints,
        traffic: Floats,
        reduction: Floats,
        has_line: Bools,
    ) -> SharedTime:
        """Judge the noise of a fit; `reduction` has the sums' factors, (g, r, k).

        Only groups with a line, shape (g,), show what all have in common: the residuals of others
        are their traffic too.
        """
        bins = Bins.of(step)
        series = Series.of(problem, fit, traffic, bins)
        noise = SharedNoise.of(series)
        moved = influences(problem, fit, bins)
        of_sums = moved @ reduction.transpose(0, 2, 1)
        return cls(
            bins=bins,
            series=series,
            noise=noise,
            noise_of_all=SharedNoise.of(series.mean(has_line)),
            coefficient_covariances=noise.covariances(moved),
            influences=of_sums,
            covariances=noise.covariances(of_sums),
        )

    def covariance_of_sum(self, moves: Floats) -> Floats:
        """Return the covariance, (s, s), of the groups' sums times `moves`, (g, s, r), added up.

        Noise of single groups is independent; noise of all of them together is not. The larger of
        the two is returned.
        """
        each = self.influences @ moves.transpose(0, 2, 1)
        own = self.noise.covariances(each).sum(axis=0)
        together = self.noise_of_all.covariances(each.sum(axis=0)[None])[0]
        return larger(own, together)
