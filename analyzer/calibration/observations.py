"""Which of the measured steps may speak for what a proxy costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer.calibration.fit.segments import Bools, Ints, Segments
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BITS_PER_GBIT, Role

__all__ = ["THROTTLED", "Exclusion", "Observations", "observe"]

THROTTLED: Final = "the proxy was throttled in it"

MAX_THROTTLED_SHARE: Final = 0.05
"""Share of a step's CPU periods in which a proxy may be throttled. What is put off in a few
periods is done in the next ones; beyond that, work is left undone and CPU no longer follows."""

MAX_LIMIT_SHARE: Final = 0.9
"""Share of its CPU limit from which a proxy's CPU cannot rise with its requests any more."""

MAX_RESET_SHARE: Final = 0.1
"""Counters of a proxy that begin anew in more of its steps than this are evicted while idle
(statsEvictionInterval), not restarted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Steps that took no part in a fit."""

    reason: str
    step_count: int
    mean_vcpu: float
    """Their CPU, averaged over the window like every total."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observations:
    """The steps of all proxies of one role.

    Attributes:
        rows: the usable ones: workload (row of `workloads`), proxy, point, rps, inbound_rps,
            outbound_rps, gbit_per_second (HTTP and TCP; NaN: not known), tcp_bytes_per_second,
            new_connections_per_second, cpu_vcpu; sorted by workload, proxy and point.
        workloads: namespace and workload of each one that has usable steps.
        exclusions: the other steps.
        left_out: their CPU, by reason and point of the window: reason, point, cpu_vcpu.
        measured_vcpu: CPU of both together, averaged over the window.
        measured_rps: proxy requests per second of both together, likewise.
        point_count: the steps that averages are over.
    """

    rows: pd.DataFrame
    workloads: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    left_out: pd.DataFrame
    measured_vcpu: float
    measured_rps: float
    point_count: int

    @property
    def why_excluded(self) -> str:
        """Why steps take no part, in words; empty where all do."""
        return ", ".join(
            f"{item.step_count} steps left out because {item.reason}" for item in self.exclusions
        )


def observe(usage: MeshUsage, role: Role) -> Observations:
    """Choose the steps of one role's proxies that can be fitted."""
    names, codes = _workloads(usage, role)
    proxy = usage.steps["proxy"].to_numpy(np.int64)
    mine = np.flatnonzero(codes[proxy] >= 0)
    steps = usage.steps if len(mine) == len(proxy) else usage.steps.iloc[mine]
    points = len(usage.observed_points)
    left, exclusions, left_out = _exclude(steps, _reasons(usage, steps), points)
    kept = np.flatnonzero(left)
    workload = codes[steps["proxy"].to_numpy(np.int64)[kept]]
    order = np.argsort(workload, kind="stable")
    seen, workload = np.unique(workload[order], return_inverse=True)
    # Requests of a step whose CPU nobody knows would make the ratio of the two too low.
    is_observed = np.isin(steps["point"].to_numpy(), usage.observed_points)
    return Observations(
        rows=_rows(steps, kept[order]).assign(workload=workload),
        workloads=names.iloc[seen].reset_index(drop=True),
        exclusions=exclusions,
        left_out=left_out,
        measured_vcpu=float(steps["cpu_vcpu"].sum()) / points,
        measured_rps=float(np.nansum(steps["proxy_rps"].to_numpy()[is_observed])) / points,
        point_count=points,
    )


def _workloads(usage: MeshUsage, role: Role) -> tuple[pd.DataFrame, Ints]:
    """Return the workloads of a role, sorted, and for each proxy its workload's row or -1."""
    chosen = (usage.proxies["role"] == role).to_numpy()
    groups = usage.proxies.loc[chosen].groupby(["namespace", "workload"], sort=True)
    codes = np.full(len(usage.proxies), -1, dtype=np.int64)
    codes[chosen] = groups.ngroup().to_numpy(np.int64)
    names = groups.size().index.to_frame(index=False)
    return names, codes


def _rows(steps: pd.DataFrame, kept: Ints) -> pd.DataFrame:
    def taken(column: str) -> npt.NDArray[np.generic]:
        return steps[column].to_numpy()[kept]

    tcp, http = taken("tcp_bytes_per_second"), taken("http_bytes_per_second")
    # Where there are no requests, their bytes need not be known; TCP is what there is.
    without_http = np.where(steps["proxy_rps"].to_numpy(float)[kept] > 0, np.nan, tcp)
    both = np.where(np.isnan(http), without_http, np.where(np.isnan(tcp), 0.0, tcp) + http)
    return pd.DataFrame(
        {
            "proxy": taken("proxy"),
            "point": taken("point"),
            "rps": taken("proxy_rps"),
            "inbound_rps": taken("inbound_rps"),
            "outbound_rps": taken("outbound_rps"),
            "gbit_per_second": both * 8 / BITS_PER_GBIT,
            "tcp_bytes_per_second": tcp,
            "new_connections_per_second": taken("new_connections_per_second"),
            "cpu_vcpu": taken("cpu_vcpu"),
        }
    )


def _exclude(
    steps: pd.DataFrame, reasons: Mapping[str, Bools], points: int
) -> tuple[Bools, tuple[Exclusion, ...], pd.DataFrame]:
    """Leave each step out for the first reason that holds of it."""
    vcpu, point = np.nan_to_num(steps["cpu_vcpu"].to_numpy(float)), steps["point"].to_numpy()
    left = np.ones(len(steps), dtype=bool)
    exclusions, sums = [], [pd.DataFrame({"reason": [], "point": [], "cpu_vcpu": []})]
    for reason, holds in reasons.items():
        out = left & holds
        left &= ~holds
        if out.any():
            exclusions.append(
                Exclusion(
                    reason=reason,
                    step_count=int(out.sum()),
                    mean_vcpu=float(vcpu[out].sum()) / points,
                )
            )
            at, position = np.unique(point[out], return_inverse=True)
            total = np.bincount(position, vcpu[out])
            sums.append(pd.DataFrame({"reason": reason, "point": at, "cpu_vcpu": total}))
    left_out = pd.concat(sums[1:] or sums, ignore_index=True)
    return left, tuple(exclusions), left_out


def _reasons(usage: MeshUsage, steps: pd.DataFrame) -> dict[str, Bools]:
    cpu = steps["cpu_vcpu"].to_numpy(float)
    # What is not known compares as false: nothing is left out for want of knowledge.
    return {
        "no CPU sample": np.isnan(cpu),
        "its metrics were not scraped": steps["proxy_rps"].isna().to_numpy(),
        "the proxy started or ended in it": _is_cut(usage, steps),
        "the proxy restarted in it": _restarted(steps),
        THROTTLED: steps["throttled_share"].to_numpy(float) > MAX_THROTTLED_SHARE,
        "its CPU was at its limit": cpu > MAX_LIMIT_SHARE * steps["limit_vcpu"].to_numpy(float),
    }


def _is_cut(usage: MeshUsage, steps: pd.DataFrame) -> Bools:
    """Tell the steps in which a proxy lived only in part.

    Its first and last step, unless that is the window's own first or last: whether it lived
    before and after the window cannot be seen.
    """
    if steps.empty:
        return np.zeros(0, dtype=bool)
    point = steps["point"].to_numpy()
    lives = Segments.of(steps["proxy"].to_numpy())
    is_first, is_last = np.zeros(len(steps), dtype=bool), np.zeros(len(steps), dtype=bool)
    is_first[lives.starts] = True
    is_last[np.append(lives.starts[1:], lives.row_count) - 1] = True
    points = usage.observed_points
    born, died = is_first & (point != points.min()), is_last & (point != points.max())
    return np.asarray(born | died)


def _restarted(steps: pd.DataFrame) -> Bools:
    """Tell the steps in which a proxy's counters began anew for once."""
    if steps.empty:
        return np.zeros(0, dtype=bool)
    resets = steps["resets"].to_numpy(float) > 0
    lives = Segments.of(steps["proxy"].to_numpy())
    often = lives.sum(resets) > np.maximum(MAX_RESET_SHARE * lives.lengths, 1)
    return np.asarray(resets & ~lives.spread(often))
