"""The sidecars' fit in the words of the answer: workload by workload, and what adds up to what."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyzer.calibration.fit.jackknife import interval
from analyzer.calibration.fit.segments import Floats
from analyzer.calibration.mesh import pooled_freedom
from analyzer.calibration.observations import Observations
from analyzer.calibration.result import Decomposition, WorkloadCalibration
from analyzer.calibration.role import RoleFit
from analyzer.units import Interval, Provenance, Refusal

__all__ = ["decompose", "predicted_vcpu", "refused_workloads", "workload_calibrations"]


def decompose(role: RoleFit, observations: Observations) -> Decomposition:
    """Divide the measured CPU into idle, traffic, what could not be fitted, and the rest."""
    points = observations.point_count
    excluded_vcpu = sum(item.mean_vcpu for item in observations.exclusions)
    idle = traffic = Interval.exactly(0.0)
    if role.fits is not None and role.pooled is not None:
        fits = role.fits
        is_fitted = fits.has_idle | role.pooled.borrows
        vcpu = fits.panel.workloads.sum(fits.panel.vcpu)
        excluded_vcpu += float(vcpu[~is_fitted].sum()) / points
        if role.mesh is None:
            idle = _idle_alone(role, points)
        else:
            mean_idle, slope = role.mesh.intervals
            idle = mean_idle.scaled(role.mesh.sample_count / points)
            traffic = slope.scaled(role.mesh.total_basis_per_slope / points)
    return Decomposition(
        measured_vcpu=observations.measured_vcpu,
        idle_vcpu=idle,
        traffic_vcpu=traffic,
        excluded_vcpu=excluded_vcpu,
    )


def _idle_alone(role: RoleFit, points: int) -> Interval:
    """Return the idle of proxies none of which carries requests."""
    assert role.fits is not None  # noqa: S101 - the caller has looked
    fits = role.fits
    weights = fits.panel.workloads.lengths * fits.has_idle / points
    variances = weights**2 * fits.covariances[:, 0, 0]
    freedom = pooled_freedom(variances, np.maximum(fits.degrees_of_freedom, 1))
    return interval(float(weights @ fits.curves[:, 0]), float(variances.sum()), freedom)


def workload_calibrations(
    role: RoleFit, observations: Observations
) -> Iterator[WorkloadCalibration]:
    """Return what each workload's proxies cost, the noisy drawn towards the others."""
    if role.fits is None or role.pooled is None:
        return
    fits, pooled, panel = role.fits, role.pooled, role.fits.panel
    rps, vcpu = panel.workloads.sum(panel.rps), panel.workloads.sum(panel.vcpu)
    low, high = panel.workloads.lowest(panel.rps), panel.workloads.highest(panel.rps)
    per_1000_rps = _per_1000_rps(role, rps)
    counts, proxies = panel.workloads.lengths, panel.proxy_counts
    for number, names in enumerate(observations.workloads.iloc[panel.numbers].itertuples()):
        borrows = bool(pooled.borrows[number])
        idle = slope = None
        if pooled.is_known[number] or fits.has_idle[number]:
            freedom = float(pooled.degrees_of_freedom[number])
            idle = _shown(pooled.curves[number, 0], pooled.covariances[number, 0, 0], freedom)
            if fits.has_slope[number] or borrows:
                slope = _shown(pooled.curves[number, 1], pooled.covariances[number, 1, 1], freedom)
        yield WorkloadCalibration(
            namespace=str(names.namespace),
            workload=str(names.workload),
            vcpu_per_1000_rps=slope and slope.scaled(float(per_1000_rps[number])),
            idle_vcpu_per_proxy=idle,
            own_share=float(pooled.own_share[number]),
            proxy_count=int(proxies[number]),
            sample_count=int(counts[number]),
            mean_rps=float(rps[number]) / observations.point_count,
            mean_vcpu=float(vcpu[number]) / observations.point_count,
            fitted_rps=(float(low[number]), float(high[number])),
            provenance=Provenance.DERIVED if borrows else Provenance.MEASURED,
        )


def _shown(mid: float, variance: float, freedom: float) -> Interval | None:
    """Return an interval; None for a cost below zero, which is noise."""
    return interval(float(mid), float(variance), freedom) if mid >= 0 else None


def _per_1000_rps(role: RoleFit, rps: Floats) -> Floats:
    """Return what turns each workload's coefficient into its cost of 1000 more requests/s.

    At its own rates; where there are none, at the mesh's.
    """
    assert role.fits is not None  # noqa: S101 - the caller has looked
    shape, panel = role.fits.shape, role.fits.panel
    basis = panel.workloads.sum(shape.basis(panel))
    whole = basis.sum() / rps.sum() if rps.sum() else 1.0
    each = np.divide(basis, rps, out=np.full_like(rps, whole), where=rps > 0)
    return 1000 * shape.exponent * each


def refused_workloads(role: RoleFit, observations: Observations) -> Iterator[Refusal]:
    """Return which workloads have no slope of their own, and why."""
    if role.fits is None or role.pooled is None:
        return
    for number, obstacle in sorted(role.fits.obstacles.items()):
        names = observations.workloads.iloc[role.fits.panel.numbers[number]]
        borrows = role.pooled.borrows[number]
        yield Refusal(
            subject=f"slope of {names['namespace']}/{names['workload']}",
            reason=obstacle.reason,
            detail=obstacle.detail
            + ("; what the other workloads have in common stands in for it" if borrows else ""),
        )


def predicted_vcpu(role: RoleFit) -> Floats:
    """Return the CPU that the fits give each observed row; NaN where there is none."""
    if role.fits is None or role.pooled is None:
        return np.zeros(0)
    fits, pooled = role.fits, role.pooled
    borrowed = fits.panel.workloads.spread(pooled.borrows & ~fits.has_idle).astype(bool)
    if not borrowed.any():
        return fits.predicted_vcpu
    idle, coefficient = fits.panel.workloads.spread(pooled.curves.T)
    stand_in = idle + coefficient * fits.shape.basis(fits.panel)
    return np.where(borrowed, stand_in, fits.predicted_vcpu)
