"""Each workload's own fit: idle CPU and cost per request of its proxies."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from analyzer.arrays import Bools, Floats, Rows, numbers_of, taken
from analyzer.calibration.fit.huber import HUBER_THRESHOLD, RobustFit, fit_robustly
from analyzer.calibration.fit.jackknife import jackknife
from analyzer.calibration.fit.least_squares import Problem, moments_of, r_squared, solve
from analyzer.calibration.fit.mean import fit_mean
from analyzer.calibration.fit.partial_pooling import Level, Pooled, pool
from analyzer.calibration.fit.segments import Segments
from analyzer.calibration.fit.shared_time import SharedTime, freedom_of_larger, larger
from analyzer.calibration.fit.student import half_width
from analyzer.calibration.panel import Obstacle, Panel
from analyzer.calibration.shapes import IDLE, POD_IDLE, REQUESTS, Shape
from analyzer.units import Reason

CLEARLY = 2
"""A slope is falling if it is below zero by this many half-widths of its 90 % interval. Noise puts
one in twenty below one half-width, and a mesh may have hundreds of workloads with almost no cost.
"""

_FLAT: Final = Obstacle(
    Reason.NEGATIVE_SLOPE, "The rise of its CPU with its requests is hidden by noise."
)
_FALLING: Final = Obstacle(
    Reason.NEGATIVE_SLOPE, "Its CPU falls when its requests rise: something else drives it."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class WorkloadFits:
    """The samples of g workloads, and the fit of each that can be fitted.

    A workload's curve is idle + coefficient x basis: requests per second, or a power of them.
    If directions and bytes have separate costs, the coefficient is that of the workload's own mix.
    Uncertainty takes longer than the fit: it is computed when it is first read.
    """

    shape: Shape
    panel: Panel
    fit: RobustFit  # of the mean
    robust: RobustFit  # of the centre, for weights; its residuals are those of `fit`
    is_mean: Bools  # (g,): whether plain least squares, not Huber's estimate, is fitted
    left_out: Floats  # (g, 2): change of the curves if no far sample were cut
    curves: Floats  # (g, 2): idle (vcpu) and coefficient; 0 without a fit

    @cached_property
    def problem(self) -> Problem:
        """The regression that was fitted."""
        return self.shape.problem(self.panel)

    @cached_property
    def shared(self) -> SharedTime:
        """What noise shared in time does to the fits."""
        panel, shape = self.panel, self.shape
        traffic, reduction = shape.basis(panel), reduction_of(shape, panel)
        return SharedTime.of(
            self.problem, self.fit, panel.point, traffic, reduction, panel.is_fitted
        )

    @cached_property
    def _covariances_by_pods(self) -> Floats:
        return covariance_of(self.problem, self.fit, self.panel.clusters)

    @cached_property
    def coefficient_covariances(self) -> Floats:
        """Covariances of the shape's terms, (g, k, k)."""
        return larger(self._covariances_by_pods, self.shared.coefficient_covariances)

    @cached_property
    def pod_covariances(self) -> Floats:
        """The part of `covariances` that leaving out proxies shows, (g, 2, 2)."""
        reduction = reduction_of(self.shape, self.panel)
        return reduction @ self._covariances_by_pods @ reduction.transpose(0, 2, 1)

    @cached_property
    def covariances(self) -> Floats:
        """Covariances of the curves, (g, 2, 2)."""
        return larger(self.pod_covariances, self.shared.covariances)

    @cached_property
    def degrees_of_freedom(self) -> Floats:
        """Degrees of freedom of Student's t for ranges of a workload, (g,)."""
        of_pods, freedoms = self.pod_covariances, self.panel.degrees_of_freedom
        return freedom_of_larger(of_pods, self.covariances, freedoms)

    @cached_property
    def _is_falling(self) -> Bools:
        to_end = CLEARLY * half_width(self.covariances[:, 1, 1], self.degrees_of_freedom)
        return self.panel.is_fitted & (self.curves[:, 1] + to_end < 0)

    @cached_property
    def obstacles(self) -> Mapping[int, Obstacle]:
        """Why a workload has no slope of its own, by segment."""
        is_down = self.panel.is_fitted & (self.curves[:, 1] <= 0)
        downward = {
            int(i): _FALLING if self._is_falling[i] else _FLAT for i in np.flatnonzero(is_down)
        }
        return {**self.panel.obstacles, **downward}

    @cached_property
    def has_idle(self) -> Bools:
        """Which workloads have idle CPU of their own, (g,)."""
        active = self.problem.active
        return active[:, self.shape.terms.index(IDLE)] & ~self._is_falling

    @cached_property
    def has_slope(self) -> Bools:
        """Which workloads have a cost per request of their own, (g,).

        Those whose cost is hidden by noise are among them. Their coefficient may be negative and
        counts in the mesh's mean: without them, the mean would be too high.
        """
        return self.panel.is_fitted & ~self._is_falling

    @property
    def predicted_vcpu(self) -> Floats:
        """CPU of each row by its workload's fit, shape (n,); NaN without a fit."""
        prediction = self.panel.vcpu - self.fit.residuals
        prediction[self.panel.workloads.spread(~self.has_idle)] = np.nan
        return prediction

    @property
    def levelled_vcpu(self) -> Floats:
        """CPU of each row as if its pod were an average one of its workload, shape (n,)."""
        factors = self.panel.node_factors
        vcpu = self.panel.vcpu if factors is None else self.panel.vcpu / factors
        if not self.shape.within:
            return vcpu
        idle, slope = self.panel.workloads.spread(self.curves.T)
        curve = idle + slope * self.shape.basis(self.panel)
        has_terms = np.isin(self.panel.numbers, list(self.shape.within))
        levelled = self.panel.workloads.spread(has_terms)
        return np.where(levelled, curve + self.fit.residuals, vcpu)

    @property
    def r_squared(self) -> float | None:
        """Share of the CPU's variance that the fits explain, over the rows with a fit."""
        rows = self._known_rows
        return r_squared(taken(self.panel.vcpu, rows), self._residuals(rows))

    @property
    def r_squared_within(self) -> float | None:
        """The same without the variance between workloads, which other levels explain."""
        rows, workloads = self._known_rows, self.panel.workloads
        means = workloads.spread(workloads.sum(self.panel.vcpu) / workloads.lengths)
        off = taken(self.panel.vcpu, rows) - taken(means, rows)
        del means
        return r_squared(off, self._residuals(rows))

    @property
    def _known_rows(self) -> Rows:
        """The rows with a fit."""
        return numbers_of(self.panel.workloads.spread(self.has_idle))

    def _residuals(self, rows: Rows) -> Floats:
        """Return the measured less the predicted CPU of these rows."""
        vcpu = taken(self.panel.vcpu, rows)
        left: Floats = vcpu - taken(self.fit.residuals, rows)
        np.subtract(vcpu, left, out=left)
        return left


def fit_workloads(
    shape: Shape, panel: Panel, start: tuple[Floats, Floats] | None = None
) -> WorkloadFits:
    """Fit each workload's proxies on their own.

    Without requests the mean CPU is idle CPU by definition: only there outliers keep their full
    weight. `start` has the variance and robust weights, shape (n,) each, of a similar fit.
    """
    problem = shape.problem(panel)
    threshold = np.full(len(problem.segments), HUBER_THRESHOLD)
    threshold[[number for number, item in panel.obstacles.items() if item.is_all_idle]] = np.inf
    robust = fit_robustly(problem, start=start, threshold=threshold)
    mean = fit_mean(problem, robust, panel.clusters)
    reduction = reduction_of(shape, panel)
    return WorkloadFits(
        shape=shape,
        panel=panel,
        fit=mean.fit,
        # One column less: nothing needs its own.
        robust=robust._replace(residuals=mean.fit.residuals),
        is_mean=mean.is_mean,
        left_out=np.einsum("gij,gj->gi", reduction, mean.left_out),
        curves=np.einsum("gij,gj->gi", reduction, mean.fit.coefficients),
    )


def covariance_of(problem: Problem, fit: RobustFit, clusters: Segments) -> Floats:
    """Return the coefficients' covariance; one held at zero keeps the variance of its free fit."""
    free = jackknife(problem, fit, clusters)
    held = problem.active & ~fit.free
    if not held.any():
        return free
    # The residuals of the held fit would show its bias as noise.
    before = jackknife(problem, not_held(problem, fit), clusters, problem.active)
    free[np.any(held, axis=1)] = before[np.any(held, axis=1)]
    return free


def not_held(problem: Problem, fit: RobustFit) -> RobustFit:
    """Return the fit with the same weights, and no coefficient held at zero."""
    moments = moments_of(problem.design, problem.target, fit.weights, problem.segments)
    coefficients, free = solve(moments, problem.active, [])
    residuals = problem.residuals(coefficients)
    return fit._replace(coefficients=coefficients, free=free, residuals=residuals)


def reduction_of(shape: Shape, panel: Panel) -> Floats:
    """Return the matrices from coefficients to idle and coefficient of the mix, (g, 2, k)."""
    terms = shape.terms_of(panel)
    reduction = np.zeros((len(panel.workloads), 2, len(terms)))
    total = panel.workloads.sum(shape.basis(panel))
    for column, term in enumerate(terms):
        if term in panel.events and not panel.events[term].event.is_request:
            continue
        if term in (IDLE, REQUESTS) and panel.node_factors is None:
            reduction[:, int(term == REQUESTS), column] = 1
        elif term in (IDLE, POD_IDLE):
            load = panel.workloads.sum(shape.load(term, panel))
            reduction[:, 0, column] = load / panel.workloads.lengths
        else:
            part, none = panel.workloads.sum(shape.load(term, panel)), np.zeros_like(total)
            reduction[:, 1, column] = np.divide(part, total, out=none, where=total > 0)
    return reduction


def pool_workloads(fits: WorkloadFits, curves: Floats | None = None) -> Pooled:
    """Shrink every workload's own curve towards the mean of the workloads (partial pooling).

    `curves`, shape (g, 2), are taken instead of those of the fits.
    """
    borrowing = {i: item for i, item in fits.obstacles.items() if item.can_borrow}
    levels = {number: _level(fits, number, item) for number, item in borrowing.items()}
    freedoms = fits.degrees_of_freedom
    own = fits.curves if curves is None else curves
    return pool(own, fits.covariances, freedoms, fits.has_slope, levels)


def _level(fits: WorkloadFits, number: int, obstacle: Obstacle) -> Level:
    """Return the known level of a workload without a slope: its idle, its mean CPU, or nothing."""
    if obstacle.is_all_idle:
        idle, idle_variance = fits.curves[number, 0], fits.covariances[number, 0, 0]
        return Level(np.array([1.0, 0.0]), float(idle), float(idle_variance))
    if not obstacle.has_level:
        return Level(np.zeros(2), value=0.0, variance=1.0)
    panel = fits.panel
    first = panel.workloads.starts[number]
    rows = slice(first, first + panel.workloads.lengths[number])
    vcpu, basis = panel.vcpu[rows], fits.shape.basis(panel)[rows]
    inside = slice(*np.searchsorted(panel.clusters.starts, [rows.start, rows.stop]))
    starts = panel.clusters.starts[inside] - first
    deviations = np.add.reduceat(vcpu - vcpu.mean(), starts)
    variance = float(deviations @ deviations) / len(vcpu) ** 2
    return Level(np.array([1.0, float(basis.mean())]), float(vcpu.mean()), variance)
