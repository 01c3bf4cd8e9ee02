"""The mesh as measured: one row a proxy, one row a proxy and step, and the calls between them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Ints
from analyzer.errors import InsufficientData
from analyzer.measurement import surveyed
from analyzer.measurement.autoscalers import (
    autoscalers_of,
    limit_ranges_of,
    no_autoscalers,
    no_limit_ranges,
    no_vertical_autoscalers,
    vertical_autoscalers_of,
)
from analyzer.measurement.calls import corrected
from analyzer.measurement.columns import assigned, where
from analyzer.measurement.counted_once import attached, count_calls_once
from analyzer.measurement.counters import counted
from analyzer.measurement.dropped_labels import with_callers, with_ends
from analyzer.measurement.filling import filled_in, nothing
from analyzer.measurement.findings import Finding
from analyzer.measurement.groups import Groups, names_or
from analyzer.measurement.impossible import impossible, without
from analyzer.measurement.istio_cni import istio_cni_share
from analyzer.measurement.istiod import UNSEEN, Istiod, istiod_of
from analyzer.measurement.lived import over_steps
from analyzer.measurement.node_zones import ZONES
from analyzer.measurement.nodes import NodePresence, moves, node_presence, node_table
from analyzer.measurement.other_side import CALLS, WORKLOAD, Heard
from analyzer.measurement.owners import no_owners, owners_of
from analyzer.measurement.partial import without_partial
from analyzer.measurement.proxy_pods import (
    application_requests_of,
    memory_kills_of,
    native_sidecars_of,
    no_applications,
    no_kills,
)
from analyzer.measurement.quality import Evidence, find_quality
from analyzer.measurement.role_rules import UNKNOWN
from analyzer.measurement.roles import proxy_table, why_unknown
from analyzer.measurement.rows import with_points
from analyzer.measurement.same_calls import without_same, without_services
from analyzer.measurement.sides import completed, require_callers
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.steps import step_table
from analyzer.measurement.tables import Tables
from analyzer.measurement.unseen import fill
from analyzer.measurement.waypoint_reports import counted_at_one_side, with_waypoints_apart
from analyzer.memory import release_unused
from analyzer.units import Interval, Reason, Refusal, Role
from analyzer.window import TimeWindow

LEAST_COMMON_SHARE: Final = 0.5
"""Share of the steps with CPU or metrics that must have both, for the others to be filled."""


@dataclass(frozen=True, kw_only=True)
class MeshUsage:
    """The mesh as measured in one window.

    Attributes:
        window: point i of the tables is its step i.
        observed_points: steps in which the CPU or the metrics of any proxy are known; the tables
            hold no others and means are over these, because a step that Prometheus missed is not a
            step without use.
        proxies: one row a proxy: namespace, pod, workload, node ("" where unknown), role, evidence.
        steps: one row a proxy and step in which it existed, with what was measured;
            `steps.StepTable.rows` has the columns. What was not seen, or is impossible, is NaN.
        filling: what fills it, one row a value: proxy, point, column, mid, low, high. `mid` is
            NaN where the value only widens the range of totals: no best estimate has it.
        calls: mesh requests, each counted once: source_workload_namespace, source_workload,
            destination_workload_namespace, destination_workload, reporter (whose report counts:
            destination, waypoint or source), point, rps.
        clusters: where the proxies are; none where there is no cluster label.
        nodes: one row a node that kube-state-metrics or OpenCost report: node, allocatable_vcpu,
            allocatable_memory_bytes, vcpu_usd_per_hour, memory_usd_per_gib_hour (NaN: not known),
            instance_type ("": not known), present_share (of the observed steps, 0 to 1: for how
            much of the time it existed), kind (fargate, virtual-kubelet, windows; "": any other),
            runs_daemonsets (only the last), zone and provider ("": not known).
        zones_were_asked: whether the snapshot was made by a version that asks for zones.
        node_presence: when each node existed, also those that only a proxy is known to run on;
            None: all the time.
        moves: the node in each step of the pods that were on several: proxy, point, node.
        istio_cni_share: share of the clusters in which istio-cni ran, 0 to 1; None: not known.
        istiod: what istiod uses and requests.
        owners: the object with the pod template of each workload with sidecars, as
            `owners.owners_of`.
        memory_kills: the sidecars that were killed for memory, as `proxy_pods.memory_kills_of`.
        is_native: by number of the proxy whether it is a native sidecar; <NA> where not known.
        application_reserved_vcpu: CPU requests beside the sidecars of each workload, as
            `proxy_pods.application_requests_of`.
        autoscalers, vertical_autoscalers, limit_ranges: what else sets replicas and requests, as
            the functions of `autoscalers`.
        findings: what is wrong or thin in the data, the most severe first.
        refusals: what this snapshot cannot answer.
        warnings: metrics that the survey did not find.
    """

    window: TimeWindow
    observed_points: Ints
    proxies: pd.DataFrame
    steps: pd.DataFrame
    calls: pd.DataFrame
    nodes: pd.DataFrame
    node_presence: NodePresence | None = None
    clusters: tuple[str, ...] = ()
    istio_cni_share: float | None = None
    istiod: Istiod = UNSEEN
    owners: pd.DataFrame = field(default_factory=no_owners)
    memory_kills: pd.DataFrame = field(default_factory=no_kills)
    is_native: pd.Series = field(default_factory=lambda: pd.Series(dtype="boolean"))
    application_reserved_vcpu: pd.DataFrame = field(default_factory=no_applications)
    autoscalers: pd.DataFrame = field(default_factory=no_autoscalers)
    vertical_autoscalers: pd.DataFrame = field(default_factory=no_vertical_autoscalers)
    limit_ranges: pd.DataFrame = field(default_factory=no_limit_ranges)
    findings: tuple[Finding, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[Finding, ...] = ()
    filling: pd.DataFrame = field(default_factory=nothing)
    moves: pd.DataFrame = field(default_factory=pd.DataFrame)
    zones_were_asked: bool = False

    @cached_property
    def filled(self) -> pd.DataFrame:
        """`steps` as totals are over them: each value averaged over its step, none missing.

        What was not seen is the best estimate.
        """
        workload = np.asarray(self.proxies.groupby(WORKLOAD).ngroup(), dtype=np.int64)
        return filled_in(over_steps(self.steps, workload), self.filling)

    def of_role(self, role: Role, *, filled: bool = False) -> pd.DataFrame:
        """Return the rows of one role's proxies, with their namespace, workload and node.

        They are those of `steps`; with `filled`, those of `filled`. The names are categories, which
        are sorted and the same for all roles.
        """
        rows = self._of_role(self.filled if filled else self.steps, role)
        at = self.proxies.index.get_indexer(pd.Index(rows["proxy"]))
        names = {name: found.take(at) for name, found in self._names.items()}
        if not self.moves.empty:
            names["node"] = self._moved(rows, names["node"])
        return assigned(rows, names)

    @cached_property
    def _names(self) -> dict[str, pd.Categorical]:
        """The names of each proxy, as numbers among all that there are, sorted."""
        found = {}
        for name in ("namespace", "workload", "node"):
            tables = (table for table in (self.proxies, self.moves) if name in table)
            every = sorted({*chain.from_iterable(table[name] for table in tables)})
            found[name] = pd.Categorical(self.proxies[name], categories=every)
        return found

    def _moved(self, rows: pd.DataFrame, nodes: pd.Categorical) -> pd.Categorical:
        """Return the nodes of these rows, given those that their proxies are usually on."""
        moves = pd.Series(
            pd.Categorical(self.moves["node"], dtype=nodes.dtype).codes,
            index=pd.MultiIndex.from_frame(self.moves[["proxy", "point"]]),
        )
        asked = pd.MultiIndex.from_frame(rows[["proxy", "point"]])
        codes = moves.reindex(asked, fill_value=-1).to_numpy()
        return names_or(pd.Categorical.from_codes(codes, dtype=nodes.dtype), nodes)

    def _of_role(self, rows: pd.DataFrame, role: Role) -> pd.DataFrame:
        """Return the rows of one role's proxies, without their names."""
        return _where_among(rows, "proxy", self.proxies.index[self.proxies["role"] == role])

    def only(
        self, *, points: Ints | None = None, proxies: Iterable[int] | None = None
    ) -> "MeshUsage":
        """Return the mesh in these steps, or with these proxies only."""
        steps, filling, calls = self.steps, self.filling, self.calls
        nodes = self.nodes
        if points is not None and self.node_presence is not None:
            shares = self.node_presence.over(points).reindex(nodes["node"])
            nodes = nodes.assign(present_share=shares.to_numpy(float))
        if points is not None:
            steps, filling, calls = (
                _where_among(table, "point", points) for table in (steps, filling, calls)
            )
        if proxies is not None:
            chosen = list(proxies)
            steps, filling = (_where_among(table, "proxy", chosen) for table in (steps, filling))
        return replace(
            self,
            observed_points=self.observed_points if points is None else points,
            steps=steps.reset_index(drop=True),
            filling=filling.reset_index(drop=True),
            calls=calls.reset_index(drop=True),
            nodes=nodes,
        )

    def ztunnel_shares(self) -> pd.Series:
        """Return for what share of the time each node existed, of those that run DaemonSets.

        Sorted by node. A node that only a proxy is known to run on is among them.
        """
        known = self.nodes.set_index("node").reindex(columns=["present_share", "runs_daemonsets"])
        names = sorted({*known.index, *self.proxies["node"]} - {""})
        shares = known["present_share"].astype(float).reindex(names)
        if self.node_presence is not None:
            shares = shares.fillna(self.node_presence.over(self.observed_points))
        shares = shares.fillna(1.0)
        without = known.index[known["runs_daemonsets"].eq(False)]
        return shares[(shares > 0) & ~shares.index.isin(without)]

    def mean_total(self, role: Role, column: str) -> float | None:
        """Return the sum of `column` over all proxies of a role, averaged over the window.

        What was not seen is filled. None where it is unknown in every step of all such proxies.
        """
        values = self._of_role(self.filled[["proxy", column]], role)[column].dropna()
        return float(values.sum()) / len(self.observed_points) if len(values) else None

    def total(self, role: Role, column: str) -> Interval | None:
        """Return `mean_total` with the range that unseen time gives it.

        All that was not seen is taken to be as low, or as high, as what was seen of its workload.
        """
        mean = self.mean_total(role, column)
        if mean is None:
            return None
        rows = self._filling_of(role, column)
        below, above = (
            float((rows[end] - rows["mid"]).sum()) / len(self.observed_points)
            for end in ("low", "high")
        )
        return Interval(low=mean + min(below, 0.0), mid=mean, high=mean + max(above, 0.0))

    def filled_share(self, role: Role, column: str) -> float:
        """Return the share of `mean_total` that was not seen but filled."""
        mean = self.mean_total(role, column)
        added = float(self._filling_of(role, column)["mid"].sum()) / len(self.observed_points)
        return added / mean if mean else 0.0

    def _filling_of(self, role: Role, column: str) -> pd.DataFrame:
        rows = self.filling[self.filling["column"] == column]
        return self._of_role(rows, role).fillna({"mid": 0.0})

    def workload_means(self, role: Role) -> pd.DataFrame:
        """Return the totals of each workload, averaged over the window, the most CPU first.

        Columns: namespace, workload, proxy_count (seen at any time), and of all of them together
        cpu_vcpu, proxy_rps and memory_bytes; NaN where every step lacks it.
        """
        rows = self.of_role(role, filled=True)
        groups = Groups.of(rows, ["namespace", "workload"])
        columns = ("cpu_vcpu", "proxy_rps", "memory_bytes")
        sums = groups.sums({name: rows[name].to_numpy() for name in columns}, min_count=1)
        means = sums / len(self.observed_points)
        means.insert(0, "proxy_count", groups.distinct(rows["proxy"].to_numpy(np.int64)))
        order = ["cpu_vcpu", "namespace", "workload"]
        return means.reset_index().sort_values(
            order, ascending=[False, True, True], ignore_index=True
        )

    def known_share(self, column: str, other: str) -> float | None:
        """Return the share of the sidecars' `column` that comes from steps with `other` too.

        None where the total is zero.
        """
        rows = self._of_role(self.steps[["proxy", column, other]], Role.SIDECAR)
        total = float(rows[column].sum())
        return float(rows.loc[rows[other].notna(), column].sum()) / total if total > 0 else None

    def count(self, role: Role) -> int:
        """Return how many proxies of a role there were at a time: the median over ends of steps.

        A proxy that ended in a step, and the one that took its place, are not there at once. One
        that was scraped in all of its last step was there at that step's end.
        """
        columns = self.steps.columns.intersection(["proxy", "point", "is_whole"])
        rows = self._of_role(self.steps[columns], role)
        proxy, points = rows["proxy"].to_numpy(np.int64), self.observed_points
        place = np.searchsorted(points, rows["point"].to_numpy(np.int64))
        stays = (np.diff(proxy, append=-1) == 0) & (np.diff(place, append=-1) == 1)
        if "is_whole" in rows:
            stays |= rows["is_whole"].to_numpy(bool)
        at_end = place[stays | (place == len(points) - 1)]
        return round(float(np.median(np.bincount(at_end, minlength=len(points)))))


def _where_among(
    table: pd.DataFrame, column: str, values: Ints | pd.Index | list[int]
) -> pd.DataFrame:
    """Return the rows with one of these values."""
    return where(table, table[column].isin(values).to_numpy())


# The same names repeat in every table: as objects of Python they are compared and joined in three
# quarters of the time, and each is held once.
@pd.option_context("mode.string_storage", "python")
def measure(snapshot: Snapshot) -> MeshUsage:
    """Read a snapshot; InsufficientData if no step has CPU and metrics of any proxy."""
    manifest, window = snapshot.manifest, snapshot.manifest.window
    stored = Tables(snapshot)
    stored.require_clusters()
    first = proxy_table(stored)
    apart = with_waypoints_apart(stored, first)
    both = completed(apart)
    tables = both.tables
    require_callers(tables)
    # A direction that was added may be the only sign of a role.
    is_known = not both.added and apart is stored
    proxies = first if is_known or tables is apart else proxy_table(tables)
    cluster = _cluster_of(tables, proxies)
    counters = counted(tables, manifest)
    table = step_table(tables, proxies, manifest, cluster, counters)
    release_unused(table.rows.size)
    observed = _observed_points(snapshot, table.rows)
    heard, remote_share, lacking_share = _heard(tables, proxies, window)
    release_unused(table.rows.size)
    bad = impossible(table.rows, proxies, tables, counters, heard)
    release_unused(table.rows.size)
    believed, corrections = without_partial(table, without(table.rows, bad), proxies, manifest)
    filling = fill(table, believed, proxies, cluster, heard, window.point_count)
    reports = corrected(heard.reports, table.reported, filled_in(believed, filling), proxies)
    calls = count_calls_once(
        counted_at_one_side(reports, proxies),
        attached(proxies, table.rows, is_whole=not manifest.scope.namespaces),
    )
    # A million reports: what follows needs them no more.
    del heard, reports
    moved = moves(tables, proxies, table.rows, window)
    presence = node_presence(tables, proxies, table.rows, moved, window)
    nodes = node_table(tables, presence, observed, _nodes_of(proxies, Role.ZTUNNEL))
    evidence = Evidence(
        manifest=manifest,
        tables=stored,
        proxies=proxies,
        steps=believed,
        observed_points=observed,
        filling=filling,
        impossible=bad,
        doubtful=table.doubtful,
        corrections=corrections,
        nodes=nodes,
        missed_rps=table.missed_rps,
        sides=both,
        remote_share=remote_share,
        lacking_share=lacking_share,
    )
    return MeshUsage(
        window=window,
        observed_points=observed,
        proxies=proxies,
        steps=believed,
        filling=filling,
        calls=calls,
        nodes=nodes,
        node_presence=presence,
        moves=moved,
        zones_were_asked=stored.has(ZONES),
        clusters=tables.clusters,
        istio_cni_share=istio_cni_share(snapshot, tables.clusters),
        istiod=istiod_of(snapshot),
        owners=owners_of(tables, proxies),
        memory_kills=memory_kills_of(tables, proxies),
        is_native=native_sidecars_of(tables, proxies),
        application_reserved_vcpu=application_requests_of(tables, proxies),
        autoscalers=autoscalers_of(tables),
        vertical_autoscalers=vertical_autoscalers_of(tables),
        limit_ranges=limit_ranges_of(tables),
        refusals=_refusals(proxies),
        findings=find_quality(evidence),
        warnings=tuple(map(surveyed.missing_metric, manifest.warnings)),
    ).only(points=observed)


def _heard(tables: Tables, proxies: pd.DataFrame, window: TimeWindow) -> tuple[Heard, float, float]:
    """Return what is reported of the calls, and two shares of all calls.

    They are `Matched.share` and `Restored.lacking_share`.
    """
    restored = with_ends(with_points(tables[CALLS], window), tables, proxies, window)
    matched = without_same(restored.reports)
    sent = restored.reports[restored.reports["reporter"] == "source"]
    reports = without_services(with_callers(matched.reports, sent, tables, proxies))
    return Heard(reports=reports, proxies=proxies), matched.share, restored.lacking_share


def _cluster_of(tables: Tables, proxies: pd.DataFrame) -> Ints:
    """Return the number of each proxy's cluster; 0 where there is one."""
    if len(tables.clusters) < 2:  # noqa: PLR2004 - several
        return np.zeros(len(proxies), dtype=np.int64)
    names = proxies["namespace"].str.split("/").str[0]
    return pd.factorize(names, sort=True)[0].astype(np.int64)


def _observed_points(snapshot: Snapshot, steps: pd.DataFrame) -> Ints:
    """Return the steps that means are over.

    Where CPU and metrics are known together most of the time, the steps with one of the two are
    filled. Else only those with both count.
    """
    point = steps["point"].to_numpy(np.int64)
    cpu, scraped = (
        np.flatnonzero(np.bincount(point[steps[name].notna().to_numpy()]))
        for name in ("cpu_vcpu", "proxy_rps")
    )
    both, either = np.intersect1d(cpu, scraped), np.union1d(cpu, scraped)
    if not len(both):
        together = "interval with CPU and metrics" if len(scraped) else "metrics"
        lacking = together if len(cpu) else "CPU"
        raise InsufficientData(
            f"{snapshot.path} has no {lacking} of any istio-proxy container. Collect a time in "
            "which Prometheus has both."
        )
    return either if len(both) >= LEAST_COMMON_SHARE * len(either) else both


def _nodes_of(proxies: pd.DataFrame, role: Role) -> pd.Series:
    return proxies.loc[proxies["role"] == role, "node"]


def _refusals(proxies: pd.DataFrame) -> tuple[Refusal, ...]:
    unknown = proxies[proxies["role"] == UNKNOWN]
    pods = unknown["namespace"] + "/" + unknown["pod"]
    return tuple(
        Refusal(subject=f"role of {pod}", reason=Reason.AMBIGUOUS, detail=why_unknown(evidence))
        for pod, evidence in zip(pods, unknown["evidence"], strict=True)
    )
