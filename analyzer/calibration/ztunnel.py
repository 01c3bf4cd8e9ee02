"""What a ztunnel costs: fitted on bytes and new connections, for it counts no requests."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzer.arrays import Bools
from analyzer.calibration.fit.huber import fit_robustly
from analyzer.calibration.fit.jackknife import jackknife
from analyzer.calibration.fit.least_squares import Problem, Term, r_squared
from analyzer.calibration.fit.segments import Segments
from analyzer.calibration.fit.student import interval
from analyzer.calibration.models import Affine
from analyzer.calibration.observations import Observations
from analyzer.calibration.panel import COLLINEAR, MIN_SAMPLES, MIN_STEPS, MIN_VARIATION, Panel
from analyzer.calibration.result import RoleCalibration
from analyzer.calibration.shapes import BYTES, IDLE
from analyzer.data import assumptions
from analyzer.units import Interval, Provenance, Reason, Refusal, Role

CONNECTIONS: Final = Term(name="new connections", is_floored=True)

_TERMS: Final = (IDLE, BYTES, CONNECTIONS)
"""Fitted to one, Gbit/s, and 1000 new connections/s."""


def fit_ztunnels(observations: Observations) -> RoleCalibration:
    """Return what a ztunnel costs: as measured where the mesh has some with traffic.

    All ztunnels are the same program with the same configuration, so that they share one fit. The
    cost of a request through one is published all the same: it counts none.
    """
    request, idle = (
        assumptions()[name] for name in ("ztunnel_vcpu_per_1000_rps", "ztunnel_idle_vcpu_per_node")
    )
    source = f"{request.source}; idle: {idle.source}"
    active = _active(observations)
    if not isinstance(active, Refusal):
        return _measured(observations, active, request.value, source)
    return RoleCalibration(
        role=Role.ZTUNNEL,
        vcpu_per_1000_rps=request.value,
        idle_vcpu_per_proxy=idle.value,
        curve=_line(idle.value, request.value),
        model="affine",
        provenance=Provenance.PUBLISHED,
        source=f"{source}; not measured: {active.detail}",
        not_measured=active,
    )


def _active(observations: Observations) -> Bools | Refusal:
    """Return which terms can be fitted, shape (1, 3), or why none can."""
    rows = observations.rows
    if rows.empty:
        return _refusal(Reason.NO_DATA, observations.why_excluded or "no ztunnel was seen")
    if len(rows) < MIN_SAMPLES or rows["point"].nunique() < MIN_STEPS:
        detail = f"{len(rows)} usable steps of ztunnels are too few"
        return _refusal(Reason.TOO_FEW_SAMPLES, detail)
    if not rows["cpu_vcpu"].any():
        return _refusal(Reason.NO_DATA, "the CPU of its ztunnels reads zero throughout")
    gbit = rows["gbit_per_second"].fillna(0.0).to_numpy()
    connections = rows["new_connections_per_second"].fillna(0.0).to_numpy()
    has_bytes, has_connections = (
        bool(values.std() > MIN_VARIATION * values.mean()) for values in (gbit, connections)
    )
    if not (has_bytes or has_connections):
        detail = "the load of its ztunnels does not vary, or their metrics are not scraped"
        return _refusal(Reason.CONSTANT_TRAFFIC, detail)
    if has_bytes and has_connections:
        has_connections = np.corrcoef(gbit, connections)[0, 1] ** 2 <= COLLINEAR
    takes_part = {IDLE: True, BYTES: has_bytes, CONNECTIONS: has_connections}
    return np.array([[takes_part[term] for term in _TERMS]])


def _refusal(reason: Reason, detail: str) -> Refusal:
    return Refusal(subject="cost of a ztunnel", reason=reason, detail=detail)


def _measured(
    observations: Observations, active: Bools, request: Interval, source: str
) -> RoleCalibration:
    panel = Panel.of(observations.rows)
    connections = observations.rows["new_connections_per_second"].fillna(0.0).to_numpy() / 1000
    loads = {IDLE: np.ones_like(panel.vcpu), BYTES: panel.gbit_per_second, CONNECTIONS: connections}
    problem = Problem(
        terms=_TERMS,
        design=np.array([loads[term] for term in _TERMS]),
        target=panel.vcpu,
        segments=Segments.of(np.zeros(len(panel.vcpu), dtype=np.int64)),
        active=active,
    )
    fit = fit_robustly(problem)
    variances = np.diag(jackknife(problem, fit, panel.clusters, active)[0])
    costs = {
        term: interval(fit.coefficients[0, column], variances[column], len(panel.clusters) - 1)
        for column, term in enumerate(_TERMS)
        if active[0, column]
    }
    return RoleCalibration(
        role=Role.ZTUNNEL,
        vcpu_per_1000_rps=request,
        idle_vcpu_per_proxy=costs[IDLE],
        curve=_line(costs[IDLE], request),
        model="affine in bytes and new connections",
        vcpu_per_gbit_per_second=costs.get(BYTES),
        vcpu_per_1000_new_connections_per_second=costs.get(CONNECTIONS),
        r_squared=r_squared(panel.vcpu, fit.residuals),
        sample_count=len(panel.vcpu),
        proxy_count=len(panel.proxies),
        provenance=Provenance.MEASURED,
        source=f"a request through one is published, for it counts none: {source}",
    )


def _line(idle: Interval, per_1000_rps: Interval) -> Affine:
    return Affine(idle_vcpu=idle.mid, vcpu_per_rps=per_1000_rps.mid / 1000)
