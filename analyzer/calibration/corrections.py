"""What is added to the fits and their mean: a flattened slope, and CPU that the fits leave out.

Both move idle CPU and cost per request together. Each is a correction of the two, and a covariance
that covers the part that is not corrected.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Floats
from analyzer.calibration.fit import attenuation, student
from analyzer.calibration.fit.attenuation import Attenuation
from analyzer.calibration.fit.mean import LEAST_SHARE
from analyzer.calibration.fit.partial_pooling import Pooled
from analyzer.calibration.mesh import MeshCurve
from analyzer.calibration.panel import MOST_ROWS
from analyzer.calibration.workloads import WorkloadFits, pool_workloads, reduction_of
from analyzer.units import Interval

_UNSURE: Final = 0.1
"""Half-width of the 90 % interval of a correction, as a share of it, apart from noise. How errors
average out over longer steps is assumed: of a lag of half a step, 8 % too much is corrected."""


class Correction(NamedTuple):
    """A change of idle vcpu per proxy and vcpu per 1000 rps, and its uncertainty."""

    change: Floats  # (2,)
    covariance: Floats  # (2, 2)

    @classmethod
    def none(cls) -> Correction:
        """Return no change."""
        return cls(np.zeros(2), np.zeros((2, 2)))


def missing_share(fits: WorkloadFits) -> Attenuation | None:
    """Return by which share the slopes are too low; None if there are too few steps.

    Of more than MOST_ROWS samples, the workloads with the most requests count.
    """
    panel, shape = fits.panel, fits.shape
    lines = attenuation.Lines(
        problem=fits.problem,
        fit=fits.fit,
        is_mean=fits.is_mean,
        reduction=reduction_of(shape, panel),
        step=panel.point,
        clusters=panel.clusters,
    )
    weights = panel.workloads.sum(shape.basis(panel)) * fits.has_slope
    weights = weights * panel.workloads.largest(weights, MOST_ROWS)
    return attenuation.attenuation_share(lines, weights)


def matters(missing: Interval | None) -> bool:
    """Return whether predictions without the correction would be off."""
    return missing is not None and missing.mid >= LEAST_SHARE


def applied_share(missing: Interval | None) -> float:
    """Return by which share the slope is corrected: less than is missing, as far as it is noise."""
    if missing is None:
        return 0.0
    return float(_applied(np.array(missing.mid), np.array(missing.high - missing.mid))[0])


def _applied(mid: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """Return the shares to correct, and the half-widths of their 90 % intervals.

    The part of a share that may be noise is not corrected: the range is widened to hold it.
    """
    mid = np.maximum(mid, 0.0)
    relative = np.divide(noise, mid, out=np.ones_like(mid), where=mid > 0)
    applied = mid * np.maximum(0.0, 1 - relative**2)
    reach = np.hypot(np.hypot(mid - applied, applied * relative), _UNSURE * applied)
    return applied, reach


def of_attenuation(mesh: MeshCurve, missing: Interval | None) -> Correction:
    """Return what raises a slope that is too low, and lowers idle by the same CPU."""
    if missing is None or missing.mid <= 0:
        return Correction.none()
    share, reach = _applied(np.array(missing.mid), np.array(missing.high - missing.mid))
    # The mean line still passes through the mean sample.
    rise = np.array([-mesh.total_basis_per_slope / mesh.sample_count, 1.0]) * mesh.mid[1]
    return Correction(share * rise, _covering(mesh, reach * rise))


def of_each(fits: WorkloadFits, pooled: Pooled, missing: Attenuation | None) -> Pooled:
    """Return the pooled curves of the workloads, with the same correction of each."""
    shares, reaches = _applied_to_each(fits, missing)
    if not reaches.any():
        return pooled
    panel, turn = fits.panel, np.ones_like(fits.curves)
    turn[:, 0] = -panel.workloads.sum(fits.shape.basis(panel)) / panel.workloads.lengths
    moves = (shares * np.maximum(fits.curves[:, 1], 0.0))[:, None] * turn
    found = pool_workloads(fits, fits.curves + moves)
    # What is known of a group's share is not known better by pooling.
    ends = (reaches * np.maximum(found.coefficients[:, 1], 0.0))[:, None] * turn
    ends /= student.quantile(found.degrees_of_freedom)[:, None]
    was_negative = np.minimum(pooled.coefficients, 0.0)
    return replace(
        found,
        coefficients=np.maximum(found.coefficients, was_negative),
        covariances=found.covariances + ends[:, :, None] * ends[:, None, :],
    )


def of_predictions(
    fits: WorkloadFits, missing: Attenuation | None, loads: Floats
) -> tuple[Floats, Floats]:
    """Return what the same correction adds to predictions, and half-widths of 90 % intervals.

    `loads`, shape (g,), are sums of the basis of each workload beyond its mean where it was fitted.
    """
    shares, reaches = _applied_to_each(fits, missing)
    rise = np.maximum(fits.curves[:, 1], 0.0) * loads
    return shares * rise, np.abs(reaches * rise)


def _applied_to_each(fits: WorkloadFits, missing: Attenuation | None) -> tuple[Floats, Floats]:
    if missing is None:
        return np.zeros(len(fits.curves)), np.zeros(len(fits.curves))
    return _applied(missing.each, missing.errors * student.quantile(fits.degrees_of_freedom))


def of_unexplained(mesh: MeshCurve, fits: WorkloadFits) -> Floats:
    """Return the covariance, shape (2, 2), from CPU of samples that are not in the fits.

    It is zero for less than 0.5 % of the CPU.
    """
    known = fits.panel.workloads.spread(fits.has_idle)
    share = fits.fit.residuals[known].sum() / max(fits.panel.vcpu[known].sum(), 1e-300)
    if abs(share) < LEAST_SHARE:
        return np.zeros((2, 2))
    weights = np.column_stack([mesh.idle_weights, mesh.slope_weights])
    left_out = np.asarray((weights * fits.left_out).sum(axis=0))
    if not left_out.any():
        left_out = share * mesh.mid
    return _covering(mesh, left_out)


def _covering(mesh: MeshCurve, reach: Floats) -> Floats:
    """Return the covariance of which a 90 % interval reaches as far as this, shape (2,)."""
    quantiles = [float(student.quantile(float(freedom))) for freedom in mesh.degrees_of_freedom]
    deviations = reach / np.array(quantiles)
    return np.outer(deviations, deviations)
