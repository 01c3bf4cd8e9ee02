"""How well a fit of the start of the window predicts its end."""

from typing import Final

import numpy as np

from analyzer.arrays import Floats, Ints
from analyzer.calibration.fit.shared_time import Bins
from analyzer.calibration.fit.student import half_width
from analyzer.calibration.observations import Observations
from analyzer.calibration.panel import Panel
from analyzer.calibration.result import Backtest
from analyzer.calibration.shapes import Shape
from analyzer.calibration.workloads import WorkloadFits, fit_workloads

TRAINING_SHARE: Final = 0.7
"""Share of the window that is fitted; the rest is predicted."""


def backtest(
    shape: Shape,
    observations: Observations,
    variance_weights: Floats | None = None,
    *,
    training_share: float = TRAINING_SHARE,
) -> Backtest | None:
    """Fit the first part of the window alone, and predict the rest.

    The weights, shape (n,), are those of a fit of all observations. They are where the fit starts,
    and do not change its result.

    Returns:
        None if no workload can be fitted in the first part and is also in the rest.
    """
    rows = observations.rows
    point = rows["point"].to_numpy(np.int64)
    points = np.flatnonzero(np.bincount(point))
    cut = points[int(len(points) * training_share)]
    early = point < cut
    if not early.any():
        return None
    panel, rest = Panel.of(rows[early]), Panel.of(rows[~early])
    begin = None if variance_weights is None else variance_weights[early]
    fits = fit_workloads(shape, panel, None if begin is None else (begin, np.ones_like(begin)))
    _, then, later = np.intersect1d(panel.numbers, rest.numbers, return_indices=True)
    known = fits.has_idle[then]
    then, later = then[known], later[known]
    actual = rest.workloads.sum(rest.vcpu)[later]
    if not actual.sum() > 0:
        return None
    predicted, variances = _predict(fits, rest, then, later)
    errors, margins = predicted - actual, half_width(variances, fits.degrees_of_freedom[then])
    over = len(points[points >= cut])
    names = observations.workloads.iloc[rest.numbers[later]].reset_index(drop=True)
    return Backtest(
        bias_share=float(errors.sum() / actual.sum()),
        error_share=float(np.abs(errors).sum() / actual.sum()),
        covered_share=float((np.abs(errors) <= margins).mean()),
        workload_count=len(then),
        workloads=names[["namespace", "workload"]].assign(
            measured_vcpu=actual / over,
            predicted_vcpu=predicted / over,
            # CPU is never negative.
            predicted_low_vcpu=np.maximum(predicted - margins, 0.0) / over,
            predicted_high_vcpu=(predicted + margins) / over,
        ),
    )


def _predict(fits: WorkloadFits, rest: Panel, then: Ints, later: Ints) -> tuple[Floats, Floats]:
    """Return each workload's predicted CPU over the rest, and its variance.

    `then` and `later` are the segments of the workloads in the fitted part and in the rest.
    """
    design, coefficients = fits.shape.design(rest), fits.fit.coefficients[then]
    loads = rest.workloads.sum(design).T[later]
    predicted = np.einsum("gk,gk->g", loads, coefficients)
    of_fit = np.einsum("gi,gij,gj->g", loads, fits.coefficient_covariances[then], loads)
    panel = fits.panel
    pulls = panel.clusters.sum(np.nan_to_num(panel.vcpu - fits.predicted_vcpu))
    noise = panel.clusters.within(panel.workloads).sum(pulls**2)[then]
    longer = rest.workloads.lengths[later] / panel.workloads.lengths[then]
    bins = Bins.of(rest.point - rest.point.min(), fits.shared.bins.steps)
    each = design * rest.workloads.spread(_at(coefficients, later, len(rest.workloads)))
    (in_bins,) = bins.sums(rest.workloads, each.sum(axis=0))
    shared = fits.shared.noise.of_others(then, in_bins[later])
    return predicted, of_fit + np.maximum(noise * longer, shared)


def _at(coefficients: Floats, numbers: Ints, count: int) -> Floats:
    """Return the coefficients of all segments, (k, count); 0 where there are none."""
    whole = np.zeros((coefficients.shape[1], count))
    whole[:, numbers] = coefficients.T
    return whole
