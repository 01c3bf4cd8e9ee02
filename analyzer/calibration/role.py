"""One role's proxies, from their observations to what one of them costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.calibration.backtest import backtest
from analyzer.calibration.choice import Score, choose
from analyzer.calibration.draws import joint_draws
from analyzer.calibration.fit.attenuation import attenuation_share
from analyzer.calibration.fit.partial_pooling import Pooled, pool
from analyzer.calibration.mesh import MeshCurve, cost_of_each, mesh_curve
from analyzer.calibration.models import AffineByDirection
from analyzer.calibration.observations import Observations
from analyzer.calibration.panel import Panel, obstacles
from analyzer.calibration.result import Candidate, RoleCalibration
from analyzer.calibration.shapes import AFFINE, left_out
from analyzer.calibration.workloads import WorkloadFits, fit_shape, fit_workloads
from analyzer.units import Interval, Provenance, Reason, Refusal, Role

__all__ = ["RoleFit", "fit_role"]

MIN_COVERED_SHARE = 0.5
"""Where the fitted workloads carry less of the requests, their mean is not the mesh's."""

MIN_SIDECARS = 2
"""One sidecar tells nothing of the others that its figure would be used for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoleFit:
    """A role's figure with the fits behind it; these are None where there is nothing to fit."""

    calibration: RoleCalibration | Refusal
    fits: WorkloadFits | None = None
    pooled: Pooled | None = None
    mesh: MeshCurve | None = None


def fit_role(role: Role, observations: Observations) -> RoleFit:
    """Choose a shape, fit every workload, and weigh them together."""
    if observations.rows.empty:
        return RoleFit(calibration=_nothing_seen(role, observations))
    panel = Panel.of(observations.rows)
    found = obstacles(panel)
    line = fit_shape(AFFINE, panel, found)
    scores = choose(panel, found, line) if len(found) < len(panel.workloads) else ()
    fits = straight = fit_workloads(AFFINE, panel, found, line)
    if scores and scores[0].shape != AFFINE:
        begin = (line.variance_weights, line.robust_weights)
        similar = fit_shape(scores[0].shape, panel, found, begin)
        fits = fit_workloads(scores[0].shape, panel, found, similar)
    pooled = pool(fits)
    mesh = mesh_curve(fits, pooled)
    refusal = _refusal(role, observations, fits, mesh)
    return RoleFit(
        calibration=refusal or _calibration(role, observations, mesh, fits, straight, scores),
        fits=fits,
        pooled=pooled,
        mesh=mesh,
    )


def _calibration(
    role: Role,
    observations: Observations,
    mesh: MeshCurve | None,
    fits: WorkloadFits,
    straight: WorkloadFits,
    scores: Sequence[Score],
) -> RoleCalibration:
    assert mesh is not None  # noqa: S101 - without a curve `_refusal` has refused
    panel, own = fits.panel, fits.has_slope
    per_workload = panel.workloads.sum(panel.rps)
    requests = float(per_workload.sum())
    idle, slope = mesh.intervals
    costs = cost_of_each(fits) if fits.shape.by_direction else {}
    return RoleCalibration(
        role=role,
        vcpu_per_1000_rps=slope,
        idle_vcpu_per_proxy=idle,
        curve=mesh.curve,
        draws=joint_draws(mesh.mid, mesh.covariance, mesh.degrees_of_freedom),
        ratio_vcpu_per_1000_rps=observations.measured_vcpu / observations.measured_rps * 1000,
        model=fits.shape.name,
        candidates=tuple(map(_candidate, scores)),
        operating_rps=float((panel.rps**2).sum()) / requests,
        fitted_rps=(
            float(panel.workloads.lowest(panel.rps)[own].min()),
            float(panel.workloads.highest(panel.rps)[own].max()),
        ),
        cost_of_each=costs,
        by_direction=_by_direction(idle, costs),
        remarks=left_out(panel, own) if role == Role.SIDECAR else (),
        straight_line_idle_vcpu_per_proxy=(
            float(mesh.idle_weights @ straight.curves[:, 0]) if fits is not straight else None
        ),
        attenuation_share=attenuation_share(fits),
        r_squared=_r_squared(fits),
        backtest=backtest(fits.shape, observations, fits.variance_weights),
        sample_count=int(panel.workloads.lengths[own].sum()),
        proxy_count=int(panel.proxy_counts[own].sum()),
        covered_share=float(per_workload[own].sum()) / requests,
        provenance=Provenance.MEASURED,
    )


def _by_direction(idle: Interval, costs: Mapping[str, Interval]) -> AffineByDirection | None:
    names = ("vcpu_per_1000_inbound_rps", "vcpu_per_1000_outbound_rps", "vcpu_per_gbit_per_second")
    if not costs.keys() >= set(names):
        return None
    inbound, outbound, gbit = (costs[name].mid for name in names)
    return AffineByDirection(
        idle_vcpu=idle.mid,
        vcpu_per_inbound_rps=inbound / 1000,
        vcpu_per_outbound_rps=outbound / 1000,
        vcpu_per_gbit_per_second=gbit,
    )


def _candidate(score: Score) -> Candidate:
    return Candidate(model=score.shape.name, error=score.error, standard_error=score.standard_error)


def _nothing_seen(role: Role, observations: Observations) -> Refusal:
    return Refusal(
        subject=_subject(role),
        reason=Reason.NO_DATA,
        detail=observations.why_excluded or f"no {role} was seen",
    )


def _refusal(
    role: Role, observations: Observations, fits: WorkloadFits, mesh: MeshCurve | None
) -> Refusal | None:
    """Return why the role's workloads together give no figure, if they do not."""
    panel = fits.panel
    rps = panel.workloads.sum(panel.rps)
    covered = float(rps[fits.has_slope].sum() / max(rps.sum(), np.finfo(float).tiny))
    if rps.sum() == 0:
        reason = Reason.NO_TRAFFIC
        detail = "no HTTP or gRPC request in the whole window: ask for a time with traffic"
    elif mesh is None or covered < MIN_COVERED_SHARE:
        reason, detail = _largest_obstacle(observations, fits, covered)
    elif role == Role.SIDECAR and panel.proxy_counts[fits.has_slope].sum() < MIN_SIDECARS:
        reason = Reason.TOO_FEW_PROXIES
        detail = "a single sidecar with traffic was seen, and it cannot speak for a mesh"
    elif mesh.mid[1] <= 0:
        reason = Reason.NEGATIVE_SLOPE
        detail = (
            "over all workloads, CPU does not rise with requests by more than its noise: "
            "collect a longer time, or one with more traffic"
        )
    else:
        return None
    return Refusal(subject=_subject(role), reason=reason, detail=detail)


def _largest_obstacle(
    observations: Observations, fits: WorkloadFits, covered: float
) -> tuple[Reason, str]:
    rps = fits.panel.workloads.sum(fits.panel.rps)
    number = int(np.argmax(np.where(fits.has_slope, -1.0, rps)))
    namespace, workload = observations.workloads.iloc[fits.panel.numbers[number]]
    obstacle = fits.obstacles[number]
    return obstacle.reason, (
        f"only {covered:.0%} of the requests go through workloads that can be fitted; the "
        f"largest that cannot is {namespace}/{workload}: {obstacle.detail}"
    )


def _subject(role: Role) -> str:
    return f"cost of a request through a {role}"


def _r_squared(fits: WorkloadFits) -> float | None:
    """Return the share of variance that the fits explain, of the rows that have one."""
    known = ~np.isnan(fits.predicted_vcpu)
    vcpu = fits.panel.vcpu[known]
    spread = float(((vcpu - vcpu.mean()) ** 2).sum())
    if spread == 0:
        return None
    return 1 - float(((vcpu - fits.predicted_vcpu[known]) ** 2).sum()) / spread
