"""What is added to the mean of the fits: a flattened slope, and CPU that the fits leave out.

Both move idle CPU and cost per request together. Each is a correction of the two, and a covariance
that covers the part that is not corrected.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Floats
from analyzer.calibration.fit import attenuation, student
from analyzer.calibration.fit.mean import LEAST_SHARE
from analyzer.calibration.mesh import MeshCurve
from analyzer.calibration.workloads import WorkloadFits, reduction_of
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


def missing_share(fits: WorkloadFits) -> Interval | None:
    """Return by which share the slopes are too low; None if there are too few steps."""
    panel, shape = fits.panel, fits.shape
    lines = attenuation.Lines(
        problem=shape.problem(panel),
        fit=fits.fit,
        is_mean=fits.is_mean,
        reduction=reduction_of(shape, panel),
        step=panel.point,
        clusters=panel.clusters,
    )
    weights = panel.workloads.sum(shape.basis(panel)) * fits.has_slope
    return attenuation.attenuation_share(lines, weights)


def applied_share(missing: Interval | None) -> float:
    """Return by which share the slope is corrected: less than is missing, as far as it is noise."""
    if missing is None or missing.mid <= 0:
        return 0.0
    noise = (missing.high - missing.mid) / missing.mid
    return missing.mid * max(0.0, 1 - noise**2)


def of_attenuation(mesh: MeshCurve, missing: Interval | None) -> Correction:
    """Return what raises a slope that is too low, and lowers idle by the same CPU.

    The part that may be noise is not corrected: the range is widened to hold it.
    """
    if missing is None or missing.mid <= 0:
        return Correction.none()
    share = applied_share(missing)
    noise = share / missing.mid * (missing.high - missing.mid)
    reach = np.hypot(np.hypot(missing.mid - share, noise), _UNSURE * share)
    # The mean line still passes through the mean sample.
    rise = np.array([-mesh.total_basis_per_slope / mesh.sample_count, 1.0]) * mesh.mid[1]
    return Correction(share * rise, _covering(mesh, reach * rise))


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
