"""Which samples can be fitted. A sample is one proxy in one interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.events import EVENTS, Event
from analyzer.calibration.fit.segments import Segments, places_of
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BITS_PER_GBIT, Role, counted

MAX_THROTTLED_SHARE: Final = 0.05
"""Share of a sample's CPU periods in which a proxy may be throttled. Work delayed in a few periods
is done in the next ones; beyond that, work is left undone and CPU no longer follows requests."""

MAX_LIMIT_SHARE: Final = 0.9
"""Share of its CPU limit above which a proxy's CPU cannot rise with its requests."""

MAX_RESET_SHARE: Final = 0.1
"""Share of a proxy's samples. Counters that reset more often are evicted while idle
(statsEvictionInterval), and do not show restarts."""

_SIDES: Final = ["cpu_vcpu", "proxy_rps"]

_COLUMNS: Final = [
    "proxy",
    "point",
    "rps",
    "inbound_rps",
    "outbound_rps",
    "gbit_per_second",
    "tcp_bytes_per_second",
    "new_connections_per_second",
    "cpu_vcpu",
]


class Unusable(StrEnum):
    """Why a sample is not fitted; if several reasons hold, the first."""

    NO_CPU = "CPU not scraped"
    NOT_SCRAPED = "metrics not scraped"
    CUT = "proxy started or ended"
    RESTARTED = "proxy restarted"
    THROTTLED = "proxy throttled"
    AT_LIMIT = "CPU at its limit"
    BEFORE_CHANGE = "before a change of cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Samples that were not fitted, for one reason."""

    reason: Unusable
    step_count: int
    mean_vcpu: float  # averaged over the window like every total


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeFactors:
    """CPU of the same work on each of k kinds of node, over the mean of the mesh's requests."""

    factors: Floats  # (k,)
    variances: Floats  # (k,)
    is_known: Bools  # (k,): whether workloads compare the kind with others
    covariance: Floats  # (2, 2): of the mesh's idle vcpu and vcpu per 1000 rps, from the factors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observations:
    """The samples of all proxies of one role: those that can be fitted, and totals of all.

    Rows have the workload (row of `workloads`), then _COLUMNS (gbit_per_second: HTTP and TCP; NaN:
    not known) and the column of each event that is known in any of them; sorted by workload, proxy
    and point. If there are several kinds of node, `node_kind` is the row's in `node_kinds`.
    """

    rows: pd.DataFrame
    workloads: pd.DataFrame  # namespace and workload of each that has samples to fit
    exclusions: tuple[Exclusion, ...]
    left_out_vcpu: Mapping[Unusable, Floats]  # (points,): CPU at each point of the window
    measured_vcpu: float  # of all samples, filled ones included, averaged over the window
    measured_rps: float  # proxy requests per second, averaged in the same way
    filled: pd.DataFrame  # of each workload: sums over filled samples, columns count and rps
    point_count: int  # intervals that averages are over
    doubt_share: float = 0.0  # by which every cost may be off: it changed, and both are fitted
    events: tuple[Event, ...] = ()  # those that are terms of the fit
    node_kinds: tuple[str, ...] = ()  # instance types of the proxies' nodes; "": not known
    node_factors: NodeFactors | None = None  # None: kinds of node are not compared, or are alike

    @property
    def terms(self) -> tuple[tuple[Event, ...], Floats | None]:
        """What a `Panel` of the rows has beside them: events, and factors of kinds of node."""
        return self.events, None if self.node_factors is None else self.node_factors.factors

    @property
    def why_excluded(self) -> str:
        """Why samples are not fitted, as sentences; empty if all are."""
        return " ".join(
            f"{counted(item.step_count, 'sample')} left out: {item.reason}."
            for item in self.exclusions
        )


def observe(usage: MeshUsage, role: Role) -> Observations:
    """Choose the samples of one role's proxies that can be fitted."""
    is_chosen = (usage.proxies["role"] == role).to_numpy()
    groups = usage.proxies.loc[is_chosen].groupby(["namespace", "workload"], sort=True)
    workload_of = np.full(len(usage.proxies), -1, dtype=np.int64)
    workload_of[is_chosen] = groups.ngroup().to_numpy(np.int64)
    workload = workload_of[usage.steps["proxy"].to_numpy(np.int64)]
    mine = np.flatnonzero(workload >= 0)
    steps, filled = usage.steps, usage.filled[["proxy", *_SIDES]]
    if len(mine) < len(workload):
        steps, filled = steps.iloc[mine], filled.iloc[mine]
    kept, exclusions, left_out_vcpu = _exclude(usage, steps, filled)
    workload = workload[mine][kept]
    order = np.argsort(workload, kind="stable")
    seen, workload = places_of(workload[order])
    # Requests of an interval without CPU would make the ratio of the two too low.
    is_observed = np.isin(steps["point"].to_numpy(), usage.observed_points)
    points = len(usage.observed_points)
    rows = _rows(steps, kept[order]).assign(workload=workload)
    kind, node_kinds = _node_kinds(usage, steps["proxy"].to_numpy(np.int64)[kept[order]])
    if node_kinds:
        rows["node_kind"] = kind.astype(np.int16)
    return Observations(
        rows=rows,
        node_kinds=node_kinds,
        workloads=groups.size().index.to_frame(index=False).iloc[seen].reset_index(drop=True),
        exclusions=exclusions,
        left_out_vcpu=left_out_vcpu,
        measured_vcpu=float(filled["cpu_vcpu"].sum()) / points,
        filled=_filled(steps, filled, workload_of, seen),
        measured_rps=float(np.nansum(filled["proxy_rps"].to_numpy()[is_observed])) / points,
        point_count=points,
    )


def _filled(
    steps: pd.DataFrame, filled: pd.DataFrame, workload_of: Ints, seen: Ints
) -> pd.DataFrame:
    """Return the number and requests of the samples that were filled, a row for each workload."""
    is_filled = (steps[_SIDES].isna() & filled[_SIDES].notna()).any(axis=1).to_numpy()
    rows = filled[is_filled]
    groups = rows["proxy_rps"].groupby(workload_of[rows["proxy"].to_numpy(np.int64)])
    sums = pd.DataFrame({"count": groups.size(), "rps": groups.sum()})
    return sums.reindex(seen).fillna(0.0).reset_index(drop=True)


def _node_kinds(usage: MeshUsage, proxy: Ints) -> tuple[Ints, tuple[str, ...]]:
    """Return the kind of each row's node and the kinds' names; none if fewer than two are known."""
    none: Ints = np.zeros(0, dtype=np.int64)
    if usage.nodes.empty:
        return none, ()
    types = usage.nodes.set_index("node")["instance_type"]
    kinds = usage.proxies["node"].map(types).fillna("")
    if not usage.moves.empty:
        # A pod of a StatefulSet may be on several nodes in turn.
        kinds[kinds.index.isin(usage.moves["proxy"])] = ""
    codes, names = pd.factorize(kinds, sort=True)
    kind: Ints = codes.astype(np.int64)[proxy]
    seen = {names[code] for code in np.unique(kind)} - {""}
    return (kind, tuple(map(str, names))) if len(seen) > 1 else (none, ())


def _rows(steps: pd.DataFrame, kept: Ints) -> pd.DataFrame:
    columns = {name: steps[name].to_numpy()[kept] for name in _COLUMNS if name in steps}
    rps, tcp = steps["proxy_rps"].to_numpy()[kept], columns["tcp_bytes_per_second"]
    http = steps["http_bytes_per_second"].to_numpy()[kept]
    # Without requests all bytes are TCP, and HTTP bytes need not be known.
    without_http = np.where(rps > 0, np.nan, tcp)
    both = np.where(np.isnan(http), without_http, np.where(np.isnan(tcp), 0.0, tcp) + http)
    columns |= {"rps": rps, "gbit_per_second": both * 8 / BITS_PER_GBIT}
    counts = {
        event.column: steps[event.column].to_numpy(float)[kept]
        for event in EVENTS
        if event.column in steps and event.column not in columns
    }
    counts = {name: rates for name, rates in counts.items() if not np.isnan(rates).all()}
    return pd.DataFrame({**columns, **counts}, columns=[*_COLUMNS, *counts], copy=False)


def _exclude(
    usage: MeshUsage, steps: pd.DataFrame, filled: pd.DataFrame
) -> tuple[Ints, tuple[Exclusion, ...], dict[Unusable, Floats]]:
    """Return the rows to fit, the reasons of the others, and their CPU at each point."""
    points, point = usage.observed_points, steps["point"].to_numpy(np.int64)
    cpu = steps["cpu_vcpu"].to_numpy(float)
    # NaN compares as false: no sample is left out because its limit or throttling is not known.
    reasons = {
        Unusable.NO_CPU: np.isnan(cpu),
        Unusable.NOT_SCRAPED: steps["proxy_rps"].isna().to_numpy(),
        Unusable.CUT: _is_cut(usage, steps),
        Unusable.RESTARTED: _restarted(steps),
        Unusable.THROTTLED: steps["throttled_share"].to_numpy(float) > MAX_THROTTLED_SHARE,
        Unusable.AT_LIMIT: cpu > MAX_LIMIT_SHARE * steps["limit_vcpu"].to_numpy(float),
    }
    # What was filled is a part of the total, and never fitted.
    vcpu, left = np.nan_to_num(filled["cpu_vcpu"].to_numpy(float)), np.ones(len(steps), dtype=bool)
    exclusions, left_out_vcpu = [], {}
    for reason, holds in reasons.items():
        out = left & holds
        left &= ~holds
        totals = np.bincount(point[out], vcpu[out], minlength=points.max() + 1)
        left_out_vcpu[reason] = totals.astype(float)
        if out.any():
            mean = float(vcpu[out].sum()) / len(points)
            exclusions.append(Exclusion(reason=reason, step_count=int(out.sum()), mean_vcpu=mean))
    return np.flatnonzero(left).astype(np.int64), tuple(exclusions), left_out_vcpu


def _is_cut(usage: MeshUsage, steps: pd.DataFrame) -> Bools:
    """Return the first and last sample of each proxy: it ran only for a part of them."""
    # Not at the window's own ends: whether it ran before or after is not known.
    points, point, proxy = (
        usage.observed_points,
        steps["point"].to_numpy(),
        steps["proxy"].to_numpy(),
    )
    is_first, is_last = np.diff(proxy, prepend=-1) != 0, np.diff(proxy, append=-1) != 0
    born, died = is_first & (point != points.min()), is_last & (point != points.max())
    return np.asarray(born | died)


def _restarted(steps: pd.DataFrame) -> Bools:
    """Return the samples in which a proxy's counters reset, unless they often do."""
    resets, lives = steps["resets"].to_numpy(float) > 0, Segments.of(steps["proxy"].to_numpy())
    if not len(lives):
        return resets
    often = lives.sum(resets) > np.maximum(MAX_RESET_SHARE * lives.lengths, 1)
    return np.asarray(resets & ~lives.spread(often))
