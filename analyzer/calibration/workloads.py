"""Each workload's own fit: what its proxies use at rest, and for a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from analyzer.calibration.fit.huber import HUBER_THRESHOLD, RobustFit, fit_robustly
from analyzer.calibration.fit.jackknife import jackknife
from analyzer.calibration.fit.least_squares import Problem
from analyzer.calibration.fit.segments import Bools, Floats, Ints, Segments
from analyzer.calibration.panel import Obstacle, Panel
from analyzer.calibration.shapes import Shape
from analyzer.units import CONFIDENCE, Reason

__all__ = ["WorkloadFits", "fit_shape", "fit_workloads"]

CLEARLY = 2
"""How many times the reach of its 90 % interval a slope must be below zero to be more than noise:
once is what noise does to one in twenty, and a mesh may have hundreds that cost next to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkloadFits:
    """What the proxies of g workloads were seen to do, and the fit through it where there is one.

    A workload's curve is idle + coefficient x basis: requests per second, or a power of them.
    Where directions and bytes have costs of their own, the coefficient is that of the workload's
    own mix of them.

    Attributes:
        shape: of all fits.
        panel: what was fitted.
        obstacles: why a workload has no slope of its own, by segment.
        curves: idle (vcpu) and coefficient, shape (g, 2); 0 where there is none.
        covariances: of these two, shape (g, 2, 2), from leaving out clusters.
        degrees_of_freedom: of Student's t for their intervals: clusters less one, shape (g,).
        coefficients: of the shape's design, shape (g, k).
        coefficient_covariances: shape (g, k, k).
        has_idle: whether there is an idle of its own, shape (g,).
        has_slope: whether the fit says anything about requests, shape (g,). It may say that noise
            hides their cost: then the coefficient may be below zero, and counts in the mesh's
            mean, which would come out too high if only those survived that noise had tilted up.
        variance_weights: what each row's noise let it count in its workload's fit, shape (n,).
        robust_weights: what its residual left of that, 0-1, shape (n,).
        predicted_vcpu: CPU of each row by its workload's fit, shape (n,); NaN where it has none.
    """

    shape: Shape
    panel: Panel
    obstacles: Mapping[int, Obstacle]
    curves: Floats
    covariances: Floats
    degrees_of_freedom: Ints
    coefficients: Floats
    coefficient_covariances: Floats
    has_idle: Bools
    has_slope: Bools
    variance_weights: Floats
    robust_weights: Floats
    predicted_vcpu: Floats


def fit_shape(
    shape: Shape,
    panel: Panel,
    found: Mapping[int, Obstacle],
    start: tuple[Floats, Floats] | None = None,
) -> RobustFit:
    """Fit one shape to each workload, beginning with the weights of a similar fit if given.

    Where there are no requests the mean of the CPU is its idle, by definition: there, and only
    there, nothing counts less for being far off.
    """
    return _fit(shape.problem(panel, found), found, start)


def _fit(
    problem: Problem,
    found: Mapping[int, Obstacle],
    start: tuple[Floats, Floats] | None = None,
) -> RobustFit:
    threshold = np.full(len(problem.segments), HUBER_THRESHOLD)
    threshold[[number for number, obstacle in found.items() if obstacle.is_all_idle]] = np.inf
    return fit_robustly(problem, start=start, threshold=threshold)


def fit_workloads(
    shape: Shape, panel: Panel, found: Mapping[int, Obstacle], fit: RobustFit | None = None
) -> WorkloadFits:
    """Fit each workload's proxies on their own.

    Args:
        shape: of the fits.
        panel: the observations.
        found: the workloads that have no slope of their own, by segment.
        fit: what `fit_shape` gave, where that is known already.
    """
    problem = shape.problem(panel, found)
    fit = fit or _fit(problem, found)
    active = problem.active
    covariance = _covariance(problem, fit, panel.clusters)
    reduction = _reduction(shape, panel)
    curves = np.einsum("gij,gj->gi", reduction, fit.coefficients)
    covariances = reduction @ covariance @ reduction.transpose(0, 2, 1)
    freedom = panel.cluster_counts - 1
    downward, is_falling = _downward(curves, covariances, freedom, has_slope=problem.has_slope)
    has_idle = active[:, 0] & ~is_falling
    prediction = panel.vcpu - fit.residuals
    prediction[panel.workloads.spread(~has_idle).astype(bool)] = np.nan
    return WorkloadFits(
        shape=shape,
        panel=panel,
        obstacles={**found, **downward},
        curves=curves,
        covariances=covariances,
        degrees_of_freedom=freedom,
        coefficients=fit.coefficients,
        coefficient_covariances=covariance,
        has_idle=has_idle,
        has_slope=problem.has_slope & ~is_falling,
        variance_weights=fit.variance_weights,
        robust_weights=fit.robust_weights,
        predicted_vcpu=prediction,
    )


def _covariance(problem: Problem, fit: RobustFit, clusters: Segments) -> Floats:
    """Return the coefficients' covariance; of one held at zero, the variance it had before."""
    free = jackknife(problem, fit, clusters)
    held = problem.active & ~fit.free
    if not held.any():
        return free
    before = jackknife(problem, fit, clusters, problem.active)
    columns = np.arange(len(problem.design))
    free[:, columns, columns] += np.where(held, before[:, columns, columns], 0.0)
    return free


def _reduction(shape: Shape, panel: Panel) -> Floats:
    """Return what turns coefficients into idle and coefficient of the mix, shape (g, 2, k)."""
    columns = 5 if shape.by_direction else 2
    reduction = np.zeros((len(panel.workloads), 2, columns))
    reduction[:, 0, 0] = reduction[:, 1, 1] = 1
    if shape.by_direction:
        total = panel.workloads.sum(panel.rps)
        parts = (panel.inbound_rps, panel.outbound_rps, np.nan_to_num(panel.gbit_per_second))
        for column, part in enumerate(parts, start=2):
            mix = np.divide(
                panel.workloads.sum(part), total, out=np.zeros_like(total), where=total > 0
            )
            reduction[:, 1, column] = mix
    return reduction


def _downward(
    curves: Floats, covariances: Floats, freedom: Ints, *, has_slope: Bools
) -> tuple[dict[int, Obstacle], Bools]:
    """Return the workloads whose CPU does not rise with requests, and which clearly fall."""
    slope = curves[:, 1]
    quantile = special.stdtrit(np.maximum(freedom, 1), (1 + CONFIDENCE) / 2)
    is_down = has_slope & (slope <= 0)
    is_falling = is_down & (slope + CLEARLY * quantile * np.sqrt(covariances[:, 1, 1]) < 0)
    noise = "its CPU does not rise with its requests by more than its noise"
    other = "its CPU falls when its requests rise: something else drives it"
    return {
        int(number): Obstacle(
            reason=Reason.NEGATIVE_SLOPE, detail=other if is_falling[number] else noise
        )
        for number in np.flatnonzero(is_down)
    }, is_falling
