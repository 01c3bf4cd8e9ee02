"""The mesh as measured: one row a proxy, one row a proxy and step, and the calls between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analyzer.arrays import Ints
from analyzer.errors import InsufficientData
from analyzer.measurement import surveyed
from analyzer.measurement.findings import Finding
from analyzer.measurement.nodes import NodePresence, node_presence, node_table
from analyzer.measurement.quality import Evidence, find_quality
from analyzer.measurement.roles import UNKNOWN, proxy_table
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.steps import count_calls_once, step_table, with_points
from analyzer.measurement.tables import Tables
from analyzer.units import Interval, Reason, Refusal, Role
from analyzer.window import TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshUsage:
    """The mesh as measured in one window.

    Attributes:
        window: point i of the tables is its step i.
        observed_points: steps in which the CPU of any proxy and the metrics of any proxy are
            known; the tables hold no others and means are over these, because a step that
            Prometheus missed is not a step without use.
        proxies: one row a proxy: namespace, pod, workload, node ("" where unknown), role, evidence.
        steps: one row a proxy and step in which it was seen; `steps.step_table` has the columns.
        calls: mesh requests, each counted once: source_workload_namespace, source_workload,
            destination_workload_namespace, destination_workload, point, rps.
        clusters: where the proxies are; none where there is no cluster label.
        nodes: one row a node that kube-state-metrics or OpenCost report: node, allocatable_vcpu,
            allocatable_memory_bytes, vcpu_usd_per_hour, memory_usd_per_gib_hour (NaN: not known),
            instance_type ("": not known), present_share (of the observed steps, 0 to 1: for how
            much of the time it existed), kind (fargate, virtual-kubelet, windows; "": any other)
            and runs_daemonsets (only the last).
        node_presence: when each node existed, also those that only a proxy is known to run on;
            None: all the time.
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
    findings: tuple[Finding, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[Finding, ...] = ()

    def of_role(self, role: Role) -> pd.DataFrame:
        """Return the rows of `steps` of proxies of one role, with their namespace and workload."""
        chosen = self.proxies.index[self.proxies["role"] == role]
        rows = self.steps[self.steps["proxy"].isin(chosen)]
        return rows.join(self.proxies[["namespace", "workload", "node"]], on="proxy")

    def during(self, points: Ints) -> MeshUsage:
        """Return the mesh in these steps only."""
        steps, calls = (
            rows[rows["point"].isin(points)].reset_index(drop=True)
            for rows in (self.steps, self.calls)
        )
        nodes = self.nodes
        if self.node_presence is not None:
            shares = self.node_presence.over(points).reindex(nodes["node"]).to_numpy(float)
            nodes = nodes.assign(present_share=shares)
        return replace(self, observed_points=points, steps=steps, calls=calls, nodes=nodes)

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

        None where it is unknown in every step of all such proxies.
        """
        values = self.of_role(role)[column].dropna()
        return float(values.sum()) / len(self.observed_points) if len(values) else None

    def total(self, role: Role, column: str) -> Interval | None:
        """Return `mean_total` with the range that unseen time gives it."""
        mean = self.mean_total(role, column)
        return None if mean is None else Interval.exactly(mean)

    def workload_means(self, role: Role) -> pd.DataFrame:
        """Return the totals of each workload, averaged over the window, the most CPU first.

        Columns: namespace, workload, proxy_count (seen at any time), and of all of them together
        cpu_vcpu, proxy_rps and memory_bytes; NaN where every step lacks it.
        """
        groups = self.of_role(role).groupby(["namespace", "workload"])
        columns = ["cpu_vcpu", "proxy_rps", "memory_bytes"]
        means = groups[columns].sum(min_count=1) / len(self.observed_points)
        means.insert(0, "proxy_count", groups["proxy"].nunique())
        order = ["cpu_vcpu", "namespace", "workload"]
        return means.reset_index().sort_values(
            order, ascending=[False, True, True], ignore_index=True
        )

    def known_share(self, column: str, other: str) -> float | None:
        """Return the share of the sidecars' `column` that comes from steps with `other` too.

        None where the total is zero.
        """
        rows = self.of_role(Role.SIDECAR)
        total = float(rows[column].sum())
        return float(rows.loc[rows[other].notna(), column].sum()) / total if total > 0 else None

    def count(self, role: Role) -> int:
        """Return how many proxies of a role there were at a time: the median over the steps."""
        rows = self.of_role(role)
        present = rows.groupby("point").size().reindex(self.observed_points, fill_value=0)
        return round(float(present.median()))


def measure(snapshot: Snapshot) -> MeshUsage:
    """Read a snapshot; InsufficientData if no step has CPU and metrics of any proxy."""
    manifest, window = snapshot.manifest, snapshot.manifest.window
    tables = Tables(snapshot)
    proxies = proxy_table(tables)
    steps = step_table(tables, proxies, window)
    observed = _observed_points(snapshot, steps)
    presence = node_presence(tables, proxies, steps, window)
    evidence = Evidence(
        manifest=manifest, tables=tables, proxies=proxies, steps=steps, observed_points=observed
    )
    calls = count_calls_once(
        with_points(tables["mesh_requests_rps"], window),
        meshed_namespaces=frozenset(proxies["namespace"]),
        whole_mesh=not manifest.scope.namespaces,
    )
    return MeshUsage(
        window=window,
        observed_points=observed,
        proxies=proxies,
        steps=steps[steps["point"].isin(observed)].reset_index(drop=True),
        calls=calls[calls["point"].isin(observed)].reset_index(drop=True),
        nodes=node_table(tables, presence, observed, _nodes_of(proxies, Role.ZTUNNEL)),
        node_presence=presence,
        clusters=tables.clusters,
        refusals=_refusals(proxies),
        findings=find_quality(evidence),
        warnings=tuple(map(surveyed.missing_metric, manifest.warnings)),
    )


def _observed_points(snapshot: Snapshot, steps: pd.DataFrame) -> Ints:
    cpu, scraped = (
        steps.loc[steps[name].notna(), "point"].to_numpy(np.int64)
        for name in ("cpu_vcpu", "proxy_rps")
    )
    observed = np.intersect1d(cpu, scraped)
    if not len(observed):
        both = "interval with CPU and metrics" if len(scraped) else "metrics"
        lacking = both if len(cpu) else "CPU"
        raise InsufficientData(
            f"{snapshot.path} has no {lacking} of any istio-proxy container. Collect a time in "
            "which Prometheus has both."
        )
    return observed


def _nodes_of(proxies: pd.DataFrame, role: Role) -> pd.Series:
    return proxies.loc[proxies["role"] == role, "node"]


def _refusals(proxies: pd.DataFrame) -> tuple[Refusal, ...]:
    detail = "no traffic and no application container in its pod, so no total includes it"
    unknown = proxies[proxies["role"] == UNKNOWN]
    pods = unknown["namespace"] + "/" + unknown["pod"]
    return tuple(
        Refusal(subject=f"role of {pod}", reason=Reason.AMBIGUOUS, detail=detail) for pod in pods
    )
