"""The cost of a ztunnel, fitted on bytes and new connections: it does not count requests."""

from dataclasses import replace
from typing import Final

import numpy as np

from analyzer.calibration.fit import huber, jackknife
from analyzer.calibration.fit.least_squares import Problem, Term, r_squared
from analyzer.calibration.fit.mean import fit_mean
from analyzer.calibration.models import Affine
from analyzer.calibration.observations import Observations
from analyzer.calibration.panel import (
    COLLINEAR,
    MIN_SAMPLES,
    MIN_STEPS,
    MIN_VARIATION,
    Panel,
    too_few,
)
from analyzer.calibration.result import RoleCalibration
from analyzer.calibration.shapes import BYTES, IDLE
from analyzer.data import assumptions
from analyzer.units import Interval, Provenance, Reason, Refusal, Role

CONNECTIONS: Final = Term(name="new connections", is_floored=True)


def fit_ztunnels(observations: Observations) -> RoleCalibration:
    """Return the cost of a ztunnel: measured if the mesh has ztunnels with traffic.

    All ztunnels are the same program with the same configuration, so they share one fit. The cost
    per request is published in any case: ztunnels do not count requests.
    """
    request = assumptions()["ztunnel_vcpu_per_1000_rps"]
    idle = assumptions()["ztunnel_idle_vcpu_per_node"]
    source = f"{request.source}; idle: {idle.source}"
    published = RoleCalibration(
        role=Role.ZTUNNEL,
        vcpu_per_1000_rps=request.value,
        idle_vcpu_per_proxy=idle.value,
        curve=_line(idle.value, request.value),
        model="affine",
        provenance=Provenance.PUBLISHED,
    )
    problem = _problem(observations)
    if isinstance(problem, Refusal):
        source = f"{source}. Not measured: {problem.detail}"
        return replace(published, source=source, not_measured=problem)
    panel = Panel.of(observations.rows)
    # Bursts are paid too.
    mean = fit_mean(problem, huber.fit_robustly(problem), panel.clusters)
    fit, reach = mean.fit, mean.left_out[0]
    costs = jackknife.ranges(problem, fit, panel.clusters, problem.active, reach)
    return replace(
        published,
        idle_vcpu_per_proxy=costs[IDLE],
        curve=_line(costs[IDLE], request.value),
        model="affine in bytes and new connections",
        vcpu_per_gbit_per_second=costs.get(BYTES),
        vcpu_per_1000_new_connections_per_second=costs.get(CONNECTIONS),
        r_squared=r_squared(problem.target, fit.residuals),
        sample_count=len(panel.vcpu),
        proxy_count=len(panel.proxies),
        provenance=Provenance.MEASURED,
        source=f"published cost per request, because ztunnels do not count requests: {source}",
    )


def _problem(observations: Observations) -> Problem | Refusal:
    """Return the regression, or why there is none."""
    rows = observations.rows
    if rows.empty:
        return _refusal(Reason.NO_DATA, observations.why_excluded or "The data has no ztunnel.")
    if len(rows) < MIN_SAMPLES or rows["point"].nunique() < MIN_STEPS:
        detail = too_few(len(rows), rows["point"].nunique())
        return _refusal(Reason.TOO_FEW_SAMPLES, detail)
    if not rows["cpu_vcpu"].any():
        detail = "The CPU of ztunnels is zero in every sample. Check how Prometheus scrapes it."
        return _refusal(Reason.NO_DATA, detail)
    gbit = rows["gbit_per_second"].fillna(0.0).to_numpy()
    connections = rows["new_connections_per_second"].fillna(0.0).to_numpy()
    has_bytes, has_connections = (
        bool(load.std() > MIN_VARIATION * load.mean()) for load in (gbit, connections)
    )
    if not (has_bytes or has_connections):
        detail = (
            "The TCP load of ztunnels does not vary, or their metrics are not scraped. Check that "
            "Prometheus scrapes the ztunnel pods."
        )
        return _refusal(Reason.CONSTANT_TRAFFIC, detail)
    if has_bytes and has_connections:
        has_connections = bool(np.corrcoef(gbit, connections)[0, 1] ** 2 <= COLLINEAR)
    vcpu = rows["cpu_vcpu"].to_numpy(float)
    loads = {IDLE: np.ones_like(vcpu), BYTES: gbit, CONNECTIONS: connections / 1000}
    return Problem.of(loads, vcpu, np.array([[True, has_bytes, has_connections]]))


def _refusal(reason: Reason, detail: str) -> Refusal:
    return Refusal(subject="cost of a ztunnel", reason=reason, detail=detail)


def _line(idle: Interval, per_1000_rps: Interval) -> Affine:
    return Affine(idle_vcpu=idle.mid, vcpu_per_rps=per_1000_rps.mid / 1000)
