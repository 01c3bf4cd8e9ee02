"""Which of the measured steps may speak for what a proxy costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.measurement.usage import MeshUsage
from analyzer.units import Role

__all__ = ["Exclusion", "Observations", "observe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Steps that took no part in a fit."""

    reason: str
    step_count: int
    mean_vcpu: float
    """Their CPU, averaged over the window like every total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """The steps of all proxies of one role.

    Attributes:
        rows: the usable ones: namespace, workload, proxy, point, rps, cpu_vcpu,
            tcp_bytes_per_second, sorted by workload, proxy and point.
        exclusions: the others.
        measured_vcpu: CPU of both together, averaged over the window.
        measured_rps: proxy requests per second of both together, likewise.
        point_count: the steps that averages are over.
    """

    rows: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    measured_vcpu: float
    measured_rps: float
    point_count: int


def observe(usage: MeshUsage, role: Role) -> Observations:
    """Choose the steps of one role's proxies that can be fitted."""
    steps = usage.of_role(role)
    points = len(usage.observed_points)
    reasons = {
        "no CPU sample": steps["cpu_vcpu"].isna(),
        "its metrics were not scraped": steps["proxy_rps"].isna(),
        "the proxy started or ended in it": _is_cut(usage, steps),
    }
    # Requests of a step whose CPU nobody knows would make the ratio of the two too low.
    is_observed = steps["point"].isin(usage.observed_points)
    left = pd.Series(data=True, index=steps.index)
    exclusions = []
    for reason, condition in reasons.items():
        out = steps[left & condition]
        left &= ~condition
        if len(out):
            vcpu = float(out["cpu_vcpu"].sum()) / points
            exclusions.append(Exclusion(reason=reason, step_count=len(out), mean_vcpu=vcpu))
    kept = steps[left].rename(columns={"proxy_rps": "rps"})
    columns = ["namespace", "workload", "proxy", "point", "rps", "cpu_vcpu", "tcp_bytes_per_second"]
    return Observations(
        rows=kept[columns].sort_values(columns[:4], ignore_index=True),
        exclusions=tuple(exclusions),
        measured_vcpu=float(steps["cpu_vcpu"].sum()) / points,
        measured_rps=float(steps.loc[is_observed, "proxy_rps"].sum()) / points,
        point_count=points,
    )


def _is_cut(usage: MeshUsage, steps: pd.DataFrame) -> pd.Series:
    """Tell the steps in which a proxy lived only in part.

    Its first and last step, unless that is the window's own first or last: whether it lived
    before and after the window cannot be seen.
    """
    points = usage.observed_points
    life = steps.groupby("proxy")["point"].agg(["min", "max"])
    first = life["min"].reindex(steps["proxy"]).to_numpy()
    last = life["max"].reindex(steps["proxy"]).to_numpy()
    point = steps["point"].to_numpy()
    born = (point == first) & (first != points.min())
    died = (point == last) & (last != points.max())
    return pd.Series(np.logical_or(born, died), index=steps.index)
