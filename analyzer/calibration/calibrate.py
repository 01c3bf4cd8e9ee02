"""The second step of the program: from a measured mesh to what its proxies cost."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.calibration.fit import interval
from analyzer.calibration.observations import Observations, observe
from analyzer.calibration.result import (
    Calibration,
    Decomposition,
    RoleCalibration,
    WorkloadCalibration,
)
from analyzer.calibration.role import calibrate_role, predicted
from analyzer.calibration.workloads import WorkloadFit, fit_workloads
from analyzer.data import assumptions
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.units import Interval, Provenance, Reason, Refusal, Role

__all__ = ["calibrate", "calibrate_usage"]

MAX_UNEXPLAINED_SHARE = 0.03
"""Share of the measured CPU that the lines may leave unexplained without a warning."""


def calibrate(snapshot: Snapshot) -> Calibration:
    """Return what the proxies in a snapshot cost.

    Raises:
        InsufficientData: if it holds no CPU of any proxy.
    """
    return calibrate_usage(measure(snapshot))


def calibrate_usage(usage: MeshUsage) -> Calibration:
    """Return what the proxies of a measured mesh cost."""
    observations = observe(usage, Role.SIDECAR)
    fits = fit_workloads(observations.rows, observations.point_count)
    sidecar = calibrate_role(Role.SIDECAR, observations, fits)
    prediction = predicted(observations.rows, fits)
    decomposition = _decomposition(observations, fits)
    return Calibration(
        sidecar=sidecar,
        waypoint=_waypoint(usage, sidecar),
        ztunnel=_ztunnel(),
        workloads=tuple(map(_workload, fits)),
        decomposition=decomposition,
        observations=observations.rows.assign(predicted_vcpu=prediction),
        exclusions=observations.exclusions,
        refusals=(
            *([sidecar] if isinstance(sidecar, Refusal) else []),
            *(fit.refusal for fit in fits if fit.refusal),
        ),
        warnings=_warnings(sidecar, decomposition),
    )


def _workload(fit: WorkloadFit) -> WorkloadCalibration:
    slope = idle = None
    if fit.fit is not None:
        model, freedom = fit.fit.model, fit.fit.degrees_of_freedom
        idle = interval(model.idle_vcpu, float(fit.fit.covariance[0, 0]), freedom)
        if fit.refusal is None:
            variance = float(fit.fit.covariance[1, 1])
            slope = interval(model.vcpu_per_rps, variance, freedom).scaled(1000)
    return WorkloadCalibration(
        namespace=fit.namespace,
        workload=fit.workload,
        vcpu_per_1000_rps=slope,
        idle_vcpu_per_proxy=idle,
        proxy_count=fit.proxy_count,
        sample_count=fit.sample_count,
        mean_rps=fit.mean_rps,
        mean_vcpu=fit.mean_vcpu,
        fitted_rps=fit.fitted_rps,
    )


def _decomposition(observations: Observations, fits: Sequence[WorkloadFit]) -> Decomposition:
    idle_vcpu = traffic_vcpu = 0.0
    excluded_vcpu = sum(item.mean_vcpu for item in observations.exclusions)
    for fit in fits:
        if fit.fit is None:
            excluded_vcpu += fit.mean_vcpu
            continue
        idle_vcpu += fit.fit.model.idle_vcpu * fit.sample_count / observations.point_count
        traffic_vcpu += fit.fit.model.vcpu_per_rps * fit.mean_rps
    return Decomposition(
        measured_vcpu=observations.measured_vcpu,
        idle_vcpu=idle_vcpu,
        traffic_vcpu=traffic_vcpu,
        excluded_vcpu=excluded_vcpu,
    )


def _waypoint(usage: MeshUsage, sidecar: RoleCalibration | Refusal) -> RoleCalibration | Refusal:
    """Measure waypoints where the mesh has them; else derive them from its sidecars."""
    observations = observe(usage, Role.WAYPOINT)
    fits = fit_workloads(observations.rows, observations.point_count)
    measured = calibrate_role(Role.WAYPOINT, observations, fits)
    if isinstance(measured, RoleCalibration):
        return measured
    if isinstance(sidecar, Refusal):
        return Refusal(
            subject="cost of a request through a waypoint",
            reason=Reason.NO_DATA,
            detail=f"no waypoint could be fitted ({measured.detail}), and no sidecar either",
        )
    ratio = assumptions()["waypoint_to_sidecar_ratio"]
    return RoleCalibration(
        role=Role.WAYPOINT,
        vcpu_per_1000_rps=_product(sidecar.vcpu_per_1000_rps, ratio.value),
        idle_vcpu_per_proxy=_product(sidecar.idle_vcpu_per_proxy, ratio.value),
        model=f"sidecar x {ratio.value.mid:g}",
        provenance=Provenance.DERIVED,
        source=f"{ratio.source}; not measured: {measured.detail}",
    )


def _ztunnel() -> RoleCalibration:
    defaults = assumptions()
    per_1000_rps = defaults["ztunnel_vcpu_per_1000_rps"]
    idle = defaults["ztunnel_idle_vcpu_per_node"]
    return RoleCalibration(
        role=Role.ZTUNNEL,
        vcpu_per_1000_rps=per_1000_rps.value,
        idle_vcpu_per_proxy=idle.value,
        model="affine",
        provenance=Provenance.PUBLISHED,
        source=f"{per_1000_rps.source}; idle: {idle.source}",
    )


def _product(first: Interval, second: Interval) -> Interval:
    """Multiply ends by ends: wider than 90 % where the two are independent."""
    return Interval(
        low=first.low * second.low, mid=first.mid * second.mid, high=first.high * second.high
    )


def _warnings(sidecar: RoleCalibration | Refusal, decomposition: Decomposition) -> tuple[str, ...]:
    warnings = []
    # What rounds to all of the requests is not worth a warning, and would contradict itself.
    if isinstance(sidecar, RoleCalibration) and (sidecar.covered_share or 0) < 0.995:  # noqa: PLR2004
        warnings.append(
            f"the fit speaks for {sidecar.covered_share:.0%} of the sidecars' requests: "
            "the other workloads could not be fitted"
        )
    share = abs(decomposition.unexplained_vcpu) / max(decomposition.measured_vcpu, 1e-12)
    if share > MAX_UNEXPLAINED_SHARE:
        warnings.append(f"{share:.0%} of the sidecars' CPU is not explained by the fit")
    return tuple(warnings)
