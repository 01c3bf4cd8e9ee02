"""What a ztunnel costs: fitted on bytes and new connections, for it counts no requests."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzer.calibration.fit.huber import fit_robustly
from analyzer.calibration.fit.jackknife import interval, jackknife
from analyzer.calibration.fit.least_squares import Problem
from analyzer.calibration.fit.segments import Bools, Floats, Segments
from analyzer.calibration.models import Affine
from analyzer.calibration.observations import Observations
from analyzer.calibration.panel import MIN_SAMPLES, MIN_STEPS, MIN_VARIATION, Panel
from analyzer.calibration.result import RoleCalibration
from analyzer.calibration.shapes import COLLINEAR
from analyzer.data import assumptions
from analyzer.units import Interval, Provenance, Role

__all__ = ["fit_ztunnels"]

_COLUMNS: Final = 3
"""One, Gbit/s, and 1000 new connections/s."""


def fit_ztunnels(observations: Observations) -> RoleCalibration:
    """Return what a ztunnel costs: as measured where the mesh has some with traffic.

    All ztunnels are the same program with the same configuration, so that they share one fit. The
    cost of a request through one is published all the same: it counts none.
    """
    reason, columns = _obstacle(observations)
    if reason:
        return _published(f"not measured: {reason}")
    return _measured(observations, columns)


def _obstacle(observations: Observations) -> tuple[str, Bools]:
    """Return why nothing can be fitted, or which columns can, shape (1, 3)."""
    rows = observations.rows
    columns = np.array([[True, False, False]])
    if rows.empty:
        return observations.why_excluded or "no ztunnel was seen", columns
    if len(rows) < MIN_SAMPLES or rows["point"].nunique() < MIN_STEPS:
        return f"{len(rows)} usable steps of ztunnels are too few", columns
    if not rows["cpu_vcpu"].any():
        return "the CPU of its ztunnels reads zero throughout", columns
    gbit = rows["gbit_per_second"].fillna(0.0).to_numpy()
    connections = rows["new_connections_per_second"].fillna(0.0).to_numpy()
    varies = [values.std() > MIN_VARIATION * values.mean() for values in (gbit, connections)]
    columns[0, 1:] = varies
    if all(varies) and np.corrcoef(gbit, connections)[0, 1] ** 2 > COLLINEAR:
        columns[0, 2] = False
    if not any(varies):
        return "the load of its ztunnels does not vary, or their metrics are not scraped", columns
    return "", columns


def _measured(observations: Observations, active: Bools) -> RoleCalibration:
    panel = Panel.of(observations.rows)
    whole = Segments.of(np.zeros(len(panel.vcpu), dtype=np.int64))
    design = np.array(
        [
            np.ones_like(panel.vcpu),
            np.nan_to_num(panel.gbit_per_second),
            observations.rows["new_connections_per_second"].fillna(0.0).to_numpy() / 1000,
        ]
    )
    problem = Problem(
        design=design, target=panel.vcpu, segments=whole, active=active, floored=range(_COLUMNS)
    )
    fit = fit_robustly(problem)
    variances = np.diag(jackknife(problem, fit, panel.clusters, active)[0])
    freedom = len(panel.clusters) - 1

    def fitted(column: int) -> Interval | None:
        if not active[0, column]:
            return None
        return interval(float(fit.coefficients[0, column]), float(variances[column]), freedom)

    published = _published("")
    idle = fitted(0) or published.idle_vcpu_per_proxy
    return RoleCalibration(
        role=Role.ZTUNNEL,
        vcpu_per_1000_rps=published.vcpu_per_1000_rps,
        idle_vcpu_per_proxy=idle,
        curve=_line(idle, published.vcpu_per_1000_rps),
        model="affine in bytes and new connections",
        vcpu_per_gbit_per_second=fitted(1),
        vcpu_per_1000_new_connections_per_second=fitted(2),
        r_squared=_r_squared(panel.vcpu, fit.residuals),
        sample_count=len(panel.vcpu),
        proxy_count=len(panel.proxies),
        provenance=Provenance.MEASURED,
        source=f"a request through one is published, for it counts none: {published.source}",
    )


def _published(remark: str) -> RoleCalibration:
    defaults = assumptions()
    per_1000_rps = defaults["ztunnel_vcpu_per_1000_rps"]
    idle = defaults["ztunnel_idle_vcpu_per_node"]
    source = f"{per_1000_rps.source}; idle: {idle.source}"
    return RoleCalibration(
        role=Role.ZTUNNEL,
        vcpu_per_1000_rps=per_1000_rps.value,
        idle_vcpu_per_proxy=idle.value,
        curve=_line(idle.value, per_1000_rps.value),
        model="affine",
        provenance=Provenance.PUBLISHED,
        source=f"{source}; {remark}" if remark else source,
    )


def _line(idle: Interval, per_1000_rps: Interval) -> Affine:
    return Affine(idle_vcpu=idle.mid, vcpu_per_rps=per_1000_rps.mid / 1000)


def _r_squared(vcpu: Floats, residuals: Floats) -> float:
    return 1 - float((residuals**2).sum() / ((vcpu - vcpu.mean()) ** 2).sum())
