"""How well a fit of the start of the window predicts its end."""

from typing import Final

import numpy as np

from analyzer.arrays import Floats, Ints
from analyzer.calibration import corrections
from analyzer.calibration.fit.attenuation import Attenuation
from analyzer.calibration.fit.segments import Segments
from analyzer.calibration.fit.shared_time import DEGREES_OF_FREEDOM, Bins, larger
from analyzer.calibration.fit.student import half_width, quantile
from analyzer.calibration.observations import Observations
from analyzer.calibration.panel import MOST_ROWS, Panel
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
    is_corrected: bool = True,
) -> Backtest | None:
    """Fit the first part of the window alone, and predict the rest.

    Of more than MOST_ROWS samples, the workloads with the most CPU are fitted.

    The weights, shape (n,), are those of a fit of all observations. They are where the fit starts,
    and do not change its result. If the fit `is_corrected`, slopes that are too low are raised by
    what the first part shows.

    Returns:
        None if no workload can be fitted in the first part and is also in the rest.
    """
    rows = observations.rows
    workloads = Segments.of(rows["workload"].to_numpy())
    chosen = workloads.largest(workloads.sum(rows["cpu_vcpu"].to_numpy()), MOST_ROWS)
    if not chosen.all():
        is_chosen = workloads.spread(chosen)
        rows = rows[is_chosen]
        variance_weights = None if variance_weights is None else variance_weights[is_chosen]
    point = rows["point"].to_numpy(np.int64)
    points = np.flatnonzero(np.bincount(point))
    cut = points[int(len(points) * training_share)]
    early = point < cut
    if not early.any():
        return None
    # A knee is where it is in all of the window: otherwise the rest would have another one.
    highest_rps = rows.groupby("workload")["rps"].max()
    highest = highest_rps.reindex(range(len(observations.workloads))).to_numpy(float)
    panel, rest = (
        Panel.of(rows[part], *observations.terms, highest_rps=highest) for part in (early, ~early)
    )
    del rows
    begin = None if variance_weights is None else variance_weights[early]
    fits = fit_workloads(shape, panel, None if begin is None else (begin, np.ones_like(begin)))
    _, then, later = np.intersect1d(panel.numbers, rest.numbers, return_indices=True)
    known = fits.has_idle[then]
    then, later = then[known], later[known]
    actual = rest.workloads.sum(rest.vcpu)[later]
    if not actual.sum() > 0:
        return None
    missing = corrections.missing_share(fits) if is_corrected else None
    predicted, variances, of_all = _predict(fits, missing, rest, then, later)
    errors, margins = predicted - actual, half_width(variances, fits.degrees_of_freedom[then])
    over = len(points[points >= cut])
    names = observations.workloads.iloc[rest.numbers[later]].reset_index(drop=True)
    return Backtest(
        bias_share=float(errors.sum() / actual.sum()),
        bias_half_width_share=float(half_width(of_all, DEGREES_OF_FREEDOM) / actual.sum()),
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


def _predict(
    fits: WorkloadFits, missing: Attenuation | None, rest: Panel, then: Ints, later: Ints
) -> tuple[Floats, Floats, float]:
    """Return each workload's predicted CPU over the rest, its variance, and that of their sum.

    `then` and `later` are the segments of the workloads in the fitted part and in the rest.
    """
    design, shared = fits.shape.design(rest), fits.shared
    of_rest = np.zeros((len(rest.workloads), len(design)))
    of_rest[later] = fits.fit.coefficients[then]
    each = (design * rest.workloads.spread(of_rest.T)).sum(axis=0)
    predicted = rest.workloads.sum(each)[later]
    loads = rest.workloads.sum(design).T[later]
    of_fit = np.einsum("gi,gij,gj->g", loads, fits.coefficient_covariances[then], loads)
    noise = _noise_of_pods(fits)[then] * (
        rest.workloads.lengths[later] / fits.panel.workloads.lengths[then]
    )
    bins = Bins.of(rest.point - rest.point.min(), shared.bins.steps)
    in_bins = bins.sums(rest.workloads, each)[0][later]
    of_time = shared.noise.of_others(then, in_bins)
    variances = of_fit + larger(noise[:, None, None], of_time[:, None, None])[:, 0, 0]
    # What all workloads share: in the fit, and in the rest.
    moves = np.zeros((len(fits.curves), 1, 2))
    moves[then, 0, 0] = rest.workloads.lengths[later]
    moves[then, 0, 1] = rest.workloads.sum(fits.shape.basis(rest))[later]
    of_all = shared.noise_of_all.of_others(np.zeros(1, dtype=np.int64), in_bins.sum(axis=0)[None])
    together = shared.covariance_of_sum(moves)[0, 0] + of_all[0]
    raised, errors = _raised(fits, missing, moves[:, 0])
    whole = max(float(variances.sum()), float(together)) + float(errors.sum()) ** 2
    return predicted + raised[then], variances + errors[then] ** 2, whole


def _raised(
    fits: WorkloadFits, missing: Attenuation | None, loads: Floats
) -> tuple[Floats, Floats]:
    """Return what a slope that is too low takes from predictions, (g,), and its standard error.

    `loads`, shape (g, 2), are the number of samples and the sum of their basis. Predictions are
    off by as much as traffic moved away from the mean of the fit.
    """
    fitted = fits.panel.workloads
    means = fitted.sum(fits.shape.basis(fits.panel)) / fitted.lengths
    beyond = loads[:, 1] - loads[:, 0] * means
    raised, reaches = corrections.of_predictions(fits, missing, beyond)
    return raised, reaches / quantile(fits.degrees_of_freedom)


def _noise_of_pods(fits: WorkloadFits) -> Floats:
    """Return the variance of each workload's summed residuals, from their sum at each pod, (g,)."""
    panel = fits.panel
    pulls = panel.clusters.sum(np.nan_to_num(panel.vcpu - fits.predicted_vcpu))
    return panel.clusters.within(panel.workloads).sum(pulls**2)
