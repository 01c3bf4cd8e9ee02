"""The workloads that moved: they had sidecars before and have none after."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools
from analyzer.comparison.result import Status
from analyzer.measurement.groups import Groups
from analyzer.measurement.lived import mean_counts
from analyzer.measurement.other_side import DESTINATION, SOURCE, WORKLOAD
from analyzer.measurement.usage import MeshUsage
from analyzer.measurement.who_reports import REPORTS, Callee, Caller, is_counted
from analyzer.units import Role

MAX_LEFT_SHARE: Final = 0.05
"""Share of a workload's sidecars that may remain in AFTER although it has moved: the last pods of a
rolling restart, in the first intervals of the window."""

MIN_PAST_SHARE: Final = 0.1
"""Share of the calls to a workload from which those past its sidecars are more than failed ones."""

_UNKNOWN: Final = "unknown"

_COUNTED: Final = pd.Series({ends: is_counted(*ends) for ends in REPORTS})
"""Whether any proxy counts the requests of a caller to a callee."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """Requests through the ztunnels of the moved pods, at the traffic after.

    Attributes:
        added_rps: more than at the traffic before; negative if fewer.
        assumed_rps: part of the total that no proxy counts in AFTER: assumed unchanged.
        by_workload: `added_rps` of each moved workload, by namespace and workload.
    """

    added_rps: float
    assumed_rps: float
    total_rps: float
    by_workload: pd.Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Two measured meshes, and the sidecars of both, matched by workload.

    Attributes:
        workloads: one row per workload with sidecars in either: namespace, workload, before_count,
            after_count, before_rps, after_rps, before_vcpu, after_vcpu, has_moved. Counts, rates
            and CPU are means over time, and 0 without sidecars. An unknown after_rps is
            before_rps; unknown CPU is NaN.
    """

    before: MeshUsage
    after: MeshUsage
    workloads: pd.DataFrame

    @property
    def statuses(self) -> dict[str, Status]:
        """Status of each namespace with sidecars in either mesh."""
        return {
            str(namespace): _status(rows) for namespace, rows in self.workloads.groupby("namespace")
        }

    @property
    def without_cpu(self) -> tuple[str, ...]:
        """Workloads and waypoints without known CPU in either mesh: they have no account."""
        rows = self.workloads
        lacking = rows[rows[["before_vcpu", "after_vcpu"]].isna().any(axis=1)]
        return (
            *(f"{row.namespace}/{row.workload}" for row in lacking.itertuples()),
            *(f"waypoints of {name}" for name in self.waypoints_without_cpu),
        )

    @property
    def waypoints_without_cpu(self) -> tuple[str, ...]:
        """Namespaces whose waypoints have no known CPU in either mesh."""
        waypoints = [by_namespace(usage, Role.WAYPOINT) for usage in (self.before, self.after)]
        unknown = {str(name) for table in waypoints for name in table.index[table["vcpu"].isna()]}
        return tuple(sorted(unknown))

    @property
    def moved_part(self) -> MeshUsage:
        """BEFORE with only the sidecars that moved, and only the calls to them."""
        moved, proxies = self._moved_keys, self.before.proxies
        calls = self.before.calls
        is_moved = _keys(proxies[WORKLOAD]).isin(moved)
        kept = proxies.index[is_moved | (proxies["role"] != Role.SIDECAR)]
        into = _keys(calls[DESTINATION]).isin(moved)
        return replace(self.before.only(proxies=kept), calls=calls[into])

    @property
    def direct_callers(self) -> pd.DataFrame:
        """Namespace and workload of callers that keep sidecars, and so do not reach waypoints.

        Without those that a waypoint in AFTER reports: not every Istio sends sidecars past them.
        """
        rows = self.workloads
        kept = rows.loc[(rows["after_count"] > 0) & ~rows["has_moved"], WORKLOAD]
        handled = self.after.calls.loc[self.after.calls["reporter"] == "waypoint", SOURCE]
        return kept[~_keys(kept).isin(_keys(handled))]

    @property
    def joining_rps(self) -> pd.Series:
        """Requests per second that waypoints of BEFORE get from callers that moved, by namespace.

        With sidecars these callers went past the waypoints.
        """
        calls = self.before.calls
        handled = _handled(self.before).union(_handled(self.after))
        joins = _keys(calls[DESTINATION]).isin(handled) & (calls["reporter"] == "source")
        joins &= _keys(calls[SOURCE]).isin(self._moved_keys)
        # What has moved itself is in the load of its own new waypoint.
        joins &= ~_keys(calls[DESTINATION]).isin(self._moved_keys)
        rps = calls[joins].groupby(DESTINATION[0])["rps"].sum()
        return rps.astype(float) / len(self.before.observed_points)

    @property
    def part_moved(self) -> tuple[str, ...]:
        """Workloads that in AFTER have sidecars in a part of their pods, of those not moved.

        Some of the calls to them are then reported by the client only.
        """
        calls, rows = self.after.calls, self.workloads
        kept = rows.loc[(rows["after_count"] > 0) & (rows["before_count"] > 0), WORKLOAD]
        into = calls[_keys(calls[DESTINATION]).isin(_keys(kept))]
        fewer = rows.loc[rows["after_count"] < rows["before_count"], WORKLOAD]
        # Calls of ambient clients pass a waypoint also where each pod keeps its sidecar.
        by_waypoint = (into["reporter"] == "waypoint") & _keys(into[DESTINATION]).isin(_keys(fewer))
        is_past = (into["reporter"] == "source") | by_waypoint
        rps = into.groupby(DESTINATION)["rps"].sum()
        past = into[is_past].groupby(DESTINATION)["rps"].sum().reindex(rps.index, fill_value=0.0)
        reports = into[~is_past].groupby(DESTINATION)["rps"].sum().reindex(rps.index)
        found = rps.index[(past > MIN_PAST_SHARE * rps) & reports.gt(0)]
        return tuple(sorted("/".join(map(str, key)) for key in found))

    def passes(self) -> Passes:
        """Return the requests through the moved pods' ztunnels in AFTER.

        Ztunnels do not count requests. Waypoints at the destination count them, and remaining
        sidecars and gateways do. Requests that none of them counts are assumed unchanged.
        """
        rates = pd.concat(
            [_edges(self.before).rename("before"), _edges(self.after).rename("after")], axis=1
        )
        sources, destinations = (
            _keys(rates.index.to_frame(index=False)[names]) for names in (SOURCE, DESTINATION)
        )
        moved = self._moved_keys
        # A call between two moved pods passes the ztunnel of each.
        ends = sources.isin(moved).astype(float) + destinations.isin(moved)
        before = rates["before"].fillna(0.0).to_numpy(float)
        after = rates["after"].to_numpy(float)
        would_be = _COUNTED.reindex([self._callers(sources), self._callees(destinations)])
        is_known = ~np.isnan(after) | would_be.to_numpy(bool)
        after = np.where(is_known, np.nan_to_num(after), before)
        added = after - before
        of_ends = [
            pd.Series(added, index=workloads)[workloads.isin(moved)]
            for workloads in (sources, destinations)
        ]
        return Passes(
            added_rps=float(ends @ added),
            assumed_rps=float(ends @ (before * ~is_known)),
            total_rps=float(ends @ after),
            by_workload=pd.concat([of_end.rename_axis(WORKLOAD) for of_end in of_ends])
            .groupby(level=WORKLOAD)
            .sum(),
        )

    @property
    def _moved_keys(self) -> pd.MultiIndex:
        return _keys(self.workloads.loc[self.workloads["has_moved"], WORKLOAD])

    def _callers(self, workloads: pd.MultiIndex) -> list[str]:
        """Return how callers are attached to the mesh in AFTER."""
        is_outside = workloads.get_level_values(1) == _UNKNOWN
        kinds = np.select(
            [self._has(workloads, Role.SIDECAR), self._has(workloads, Role.GATEWAY), is_outside],
            [Caller.SIDECAR, Caller.GATEWAY, Caller.UNMESHED],
            Caller.AMBIENT,
        )
        return [str(kind) for kind in kinds]

    def _callees(self, workloads: pd.MultiIndex) -> list[str]:
        """Return how callees are attached to the mesh in AFTER.

        A waypoint may serve some services of a namespace only, so it is behind one if any call to
        it was reported by one.
        """
        handled = _handled(self.after)
        is_outside = workloads.get_level_values(1) == _UNKNOWN
        kinds = np.select(
            [is_outside, self._has(workloads, Role.SIDECAR), workloads.isin(handled)],
            [Callee.OUTSIDE, Callee.SIDECAR, Callee.WAYPOINT],
            Callee.AMBIENT,
        )
        return [str(kind) for kind in kinds]

    def _has(self, workloads: pd.MultiIndex, role: Role) -> Bools:
        proxies = self.after.proxies
        return workloads.isin(_keys(proxies.loc[proxies["role"] == role, WORKLOAD]))


def _handled(usage: MeshUsage) -> pd.MultiIndex:
    """Return the workloads to which a waypoint reports calls."""
    calls = usage.calls
    return _keys(calls.loc[calls["reporter"] == "waypoint", DESTINATION].drop_duplicates())


def _keys(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(table)


def migration(before: MeshUsage, after: MeshUsage) -> Migration:
    """Match the workloads of two meshes by name."""
    first, second = (_means(usage, Role.SIDECAR, WORKLOAD) for usage in (before, after))
    both = first.add_prefix("before_").join(second.add_prefix("after_"), how="outer")
    for when in ("before", "after"):
        # Without sidecars CPU is 0. With sidecars of unknown CPU it remains NaN.
        both[f"{when}_vcpu"] = both[f"{when}_vcpu"].mask(both[f"{when}_count"].isna(), 0.0)
        both[f"{when}_count"] = both[f"{when}_count"].fillna(0.0)
    both["before_rps"] = both["before_rps"].fillna(0.0)
    unknown = both["after_rps"].isna() & (both["after_count"] > 0)
    both["after_rps"] = both["after_rps"].mask(unknown, both["before_rps"]).fillna(0.0)
    # Never true for a workload without sidecars in BEFORE.
    both["has_moved"] = both["after_count"] < MAX_LEFT_SHARE * both["before_count"]
    return Migration(before=before, after=after, workloads=both.reset_index())


def by_namespace(usage: MeshUsage, role: Role) -> pd.DataFrame:
    """Return count, rps and vcpu of one role by namespace: means over time; NaN: not known."""
    return _means(usage, role, ["namespace"])


def _means(usage: MeshUsage, role: Role, keys: list[str]) -> pd.DataFrame:
    rows = usage.of_role(role, filled=True)
    groups, points = Groups.of(rows, keys), len(usage.observed_points)
    return pd.DataFrame(
        {
            "count": mean_counts(groups, rows, points),
            "rps": groups.sum(rows["proxy_rps"].to_numpy(), min_count=1) / points,
            "vcpu": groups.sum(rows["cpu_vcpu"].to_numpy(), min_count=1) / points,
        },
        index=groups.names,
    )


def _edges(usage: MeshUsage) -> pd.Series:
    rates = usage.calls.groupby([*SOURCE, *DESTINATION])["rps"].sum()
    return rates.astype(float) / len(usage.observed_points)


def _status(rows: pd.DataFrame) -> Status:
    had = rows[rows["before_count"] > 0]
    if had.empty:
        return Status.NEW
    if had["has_moved"].all():
        return Status.MOVED
    return Status.PARTLY if had["has_moved"].any() else Status.STAYED
