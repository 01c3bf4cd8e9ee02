"""The nodes: their size, kind and price, and for what share of the time each existed."""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.measurement.coarse import Intervals
from analyzer.measurement.neighbours import runs
from analyzer.measurement.node_zones import zones_of
from analyzer.measurement.numbers import Numbers, distinct
from analyzer.measurement.rows import with_points
from analyzer.measurement.signs import KEY
from analyzer.measurement.tables import INSTANCE_TYPE, UNKNOWN_NAMES, Tables
from analyzer.window import TimeWindow

_AMOUNTS: Final = {
    "node_allocatable_vcpu": "allocatable_vcpu",
    "node_allocatable_memory_bytes": "allocatable_memory_bytes",
    "node_vcpu_usd_per_hour": "vcpu_usd_per_hour",
    "node_memory_usd_per_gib_hour": "memory_usd_per_gib_hour",
}
"""What is known about the nodes: the table, and its column in `MeshUsage.nodes`."""

_SAMPLES: Final = "node_presence"

_PLACED: Final = "pod_placement"
_BY_KUBELET: Final = "proxy_nodes"

_HOSTNAME: Final = "kubernetes_io_hostname"

REBOOT_SECONDS = 3600
"""A node that is absent for no longer than this and comes back under its name was there."""

_LINGERING_STEPS: Final = 2

_MOST_PRICE_CHANGE: Final = 10.0
"""Times by which a node's price may differ from its median: on-demand is at most that of spot."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodePresence:
    """When each node existed.

    Attributes:
        names: the nodes, sorted.
        shares: the share of each step in which each existed, 0 to 1, shape (nodes, steps).
        is_known: whether that is known: the nodes of its cluster were reported in that step.
    """

    names: pd.Index
    shares: Floats
    is_known: Bools

    def over(self, points: Ints) -> pd.Series:
        """Return the share of these steps in which each node existed, by node.

        Of a cluster whose nodes were reported in none of them, the share of all known steps.
        """
        points = points[(points >= 0) & (points < self.shares.shape[1])]
        means = _means(self.shares[:, points], self.is_known[:, points])
        means = np.where(np.isnan(means), _means(self.shares, self.is_known), means)
        return pd.Series(np.where(np.isnan(means), 1.0, means), index=self.names)


def _means(shares: Floats, is_known: Bools) -> Floats:
    counts = is_known.sum(axis=1)
    sums = np.where(is_known, shares, 0.0).sum(axis=1)
    means = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return np.asarray(means)


def node_table(
    tables: Tables, presence: NodePresence, observed: Ints, ztunnel_nodes: pd.Series
) -> pd.DataFrame:
    """Return one row a node that kube-state-metrics or OpenCost report, sorted by name.

    `ztunnel_nodes` are those on which a ztunnel was seen. Columns: as in `MeshUsage.nodes`.
    """
    # OpenCost writes a price of 0 where it has none.
    amounts = {name: tables[name][tables[name][name] > 0] for name in _AMOUNTS}
    usual = [
        _mean_price(rows, name) if "usd" in name else rows.groupby("node")[name].median()
        for name, rows in amounts.items()
    ]
    shown = tables["node_instance_types"].rename(columns={INSTANCE_TYPE: "instance_type"})
    shown = pd.concat([shown, tables["node_vcpu_usd_per_hour"]])[["node", "instance_type"]]
    kind = shown[shown["instance_type"] != ""].groupby("node")["instance_type"].first()
    names = sorted({*itertools.chain(*(tables[name]["node"] for name in _AMOUNTS))})
    frame = pd.concat(usual, axis=1).rename(columns=_AMOUNTS).reindex(names).rename_axis("node")
    without = tables["node_kinds"].groupby("node")["kind"].first()
    # A ztunnel that was seen there is better evidence than a taint, a label or a name.
    without = without[~without.index.isin(ztunnel_nodes)].reindex(frame.index).fillna("")
    types = kind.reindex(frame.index).fillna("").astype(str)
    return frame.assign(
        **zones_of(tables, types),
        instance_type=types,
        present_share=presence.over(observed).reindex(frame.index),
        kind=without,
        runs_daemonsets=without == "",
    ).reset_index()


def _mean_price(rows: pd.DataFrame, name: str) -> pd.Series:
    """Return the mean price of each node over time: spot prices move. Absurd ones are left out."""
    middle = rows.groupby("node")[name].transform("median")
    is_possible = (rows[name] / middle).between(1 / _MOST_PRICE_CHANGE, _MOST_PRICE_CHANGE)
    moved = (rows[name] - middle)[is_possible].groupby(rows["node"]).mean()
    return (rows.groupby("node")[name].median() + moved).rename(name)


def moves(
    tables: Tables, proxies: pd.DataFrame, steps: pd.DataFrame, window: TimeWindow
) -> pd.DataFrame:
    """Return the node in each step of the pods that were on several: proxy, point, node.

    A pod of a StatefulSet keeps its name on another node.
    """
    placed = with_points(tables[_PLACED], window)
    placed = placed[~placed["node"].isin(UNKNOWN_NAMES)]
    row = Numbers(proxies[KEY]).of(placed[KEY])
    placed = placed[row >= 0].assign(proxy=proxies.index.to_numpy()[row[row >= 0]])
    pairs = distinct(placed[["proxy", "node"]])
    moved = placed[placed["proxy"].isin(pairs.loc[pairs["proxy"].duplicated(), "proxy"])]
    at = ["proxy", "point"]
    known = moved
    if (intervals := tables.intervals_of(_PLACED)).stride > 1:
        # In the interval of a move it is on both: until its end it counts for where it was before.
        is_one = moved.groupby(at)["node"].transform("nunique") == 1
        known = intervals.spread(moved[is_one])
    nodes = known.groupby(at)["node"].last().reset_index()
    rows = steps.loc[steps["proxy"].isin(moved["proxy"]), at]
    known = rows.merge(nodes, on=at, how="outer").sort_values(at)
    # Where kube-state-metrics was not scraped, a pod is where it was before.
    forward = known.groupby("proxy")["node"].ffill()
    known = known.assign(node=forward.groupby(known["proxy"]).bfill())
    return rows.merge(known, on=at)


def node_presence(
    tables: Tables,
    proxies: pd.DataFrame,
    steps: pd.DataFrame,
    moved: pd.DataFrame,
    window: TimeWindow,
) -> NodePresence:
    """Return when each node existed: those that are reported, and those with a proxy.

    Their samples in a step show for how much of it a node existed. Old snapshots have only which
    nodes existed at the end of each step. Nodes that only a proxy is known to run on exist where it
    does.
    """
    counts = _samples(tables, window)
    stayed = _where_stayed(proxies, steps, moved["proxy"], window.point_count)
    seen = pd.concat([stayed, moved[["node", "point"]]])
    seen = seen[seen["node"] != ""].drop_duplicates()
    names = pd.Index(sorted({*counts["node"], *seen["node"]}), name="node")
    samples = _matrix(names, counts, window.point_count, counts["samples"].to_numpy(float))
    placed = _placed(tables, window)
    has_proxy, has_placed = (
        _matrix(names, found, window.point_count, np.ones(len(found))) > 0
        for found in (seen, placed[placed["node"].isin(names)])
    )
    shares = np.zeros(samples.shape)
    is_known = np.zeros(samples.shape, bool)
    # In a snapshot of several clusters a node is called cluster/name.
    clusters = pd.Index([name.rpartition("/")[0] for name in names])
    bridged = REBOOT_SECONDS // window.step_seconds
    for cluster in clusters.unique():
        rows = np.flatnonzero(clusters == cluster)
        most = samples[rows].max(axis=0, initial=0.0)
        answered = np.flatnonzero(most > 0)
        if not len(answered):
            shares[rows], is_known[rows] = has_proxy[rows], True
            continue
        is_known[np.ix_(rows, answered)] = True
        whole = _whole(samples[np.ix_(rows, answered)])
        for row in rows:
            shares[row, answered] = _lived(
                samples[row, answered], whole, has_placed[row, answered], bridged
            )
    return NodePresence(names=names, shares=shares, is_known=is_known)


def _where_stayed(
    proxies: pd.DataFrame, steps: pd.DataFrame, moved: pd.Series, point_count: int
) -> pd.DataFrame:
    """Return the steps in which a node had a proxy that never moved: node, point."""
    node, names = pd.factorize(proxies["node"])
    proxy, point = (steps[name].to_numpy(np.int64) for name in ("proxy", "point"))
    has_proxy = np.zeros((len(names), point_count), dtype=bool)
    stayed = ~np.isin(proxy, moved.unique())
    has_proxy[node[proxy[stayed]], point[stayed]] = True
    node, point = np.nonzero(has_proxy)
    return pd.DataFrame({"node": names.take(node), "point": point})


def _placed(tables: Tables, window: TimeWindow) -> pd.DataFrame:
    """Return the steps in which a proxy was reported on a node: node, point.

    A pod that keeps its name may have moved where its node was not reported.
    """
    found = [
        _each_step(with_points(tables[_PLACED], window), tables.intervals_of(_PLACED)),
        _each_step(_by_kubelet(tables, window), tables.intervals_of(_BY_KUBELET)),
    ]
    return pd.concat(found).drop_duplicates()


def _each_step(rows: pd.DataFrame, intervals: Intervals) -> pd.DataFrame:
    """Return the steps of intervals in which a proxy was on a node: node, point.

    In the first and last interval of several it may have been there for a part only: these are
    left out.
    """
    rows = rows.loc[rows["point"].between(0, intervals.window.point_count - 1), ["node", "point"]]
    rows = rows.drop_duplicates()
    if intervals.stride == 1 or rows.empty:
        return rows
    rows = rows.sort_values(["node", "point"], ignore_index=True)
    number = np.searchsorted(intervals.ends, rows["point"].to_numpy(np.int64))
    same = rows["node"].eq(rows["node"].shift(1)).to_numpy() & (np.diff(number, prepend=-2) == 1)
    is_first, is_last = number == 0, number == len(intervals.ends) - 1
    goes_on = np.append(same[1:], False)
    return intervals.spread(rows[(same | is_first) & (goes_on | is_last)])


def _by_kubelet(tables: Tables, window: TimeWindow) -> pd.DataFrame:
    found = with_points(tables[_BY_KUBELET], window)
    return found.assign(node=found["node"].where(found["node"] != "", found[_HOSTNAME]))


def _samples(tables: Tables, window: TimeWindow) -> pd.DataFrame:
    """Return the samples of each node by step: node, point, samples.

    Where a cluster's samples are not counted, one for each step at whose end a node was reported.
    """
    counted = with_points(tables[_SAMPLES], window).rename(columns={_SAMPLES: "samples"})
    counted = counted[["node", "point", "samples"]]
    reported = (with_points(tables[name], window)[["node", "point"]] for name in _AMOUNTS)
    instants = pd.concat(reported)
    others = instants[~instants["node"].isin(counted["node"])].drop_duplicates()
    found: pd.DataFrame = pd.concat([counted, others.assign(samples=1.0)], ignore_index=True)
    return found.loc[found["point"].between(0, window.point_count - 1)]


def _matrix(names: pd.Index, rows: pd.DataFrame, point_count: int, values: Floats) -> Floats:
    """Return values by node and step; 0 where there is no row."""
    matrix = np.zeros((len(names), point_count))
    matrix[names.get_indexer(pd.Index(rows["node"])), rows["point"].to_numpy(np.int64)] = values
    return matrix


def _whole(samples: Floats) -> Floats:
    """Return how many samples a node has that exists for the whole of each step.

    All nodes may be replaced in one step, so that none has all its samples: together they have as
    many as in other steps. Where they have fewer, a part of the step was not scraped.
    """
    most, together = samples.max(axis=0), samples.sum(axis=0)
    scraped_share = np.minimum(together / np.median(together), 1.0)
    return np.asarray(np.maximum(most, np.median(most) * scraped_share))


def _lived(samples: Floats, whole: Floats, has_proxy: Bools, bridged: int) -> Floats:
    """Return the share of each step in which one node existed.

    It existed between two steps with samples, unless it was gone for long and no proxy ran there.
    In the first and the last step of a life, its samples are compared with those of whole steps.
    """
    seen = samples > 0
    at = np.flatnonzero(seen)
    if not len(at):
        return has_proxy.astype(float)
    is_gap = ~seen
    is_gap[: at[0]], is_gap[at[-1] :] = False, False
    exists = seen.copy()
    for begin, end in runs(is_gap):
        exists[begin:end] = end - begin <= bridged or bool(has_proxy[begin:end].all())
    for begin, end in runs(has_proxy & ~seen):
        # What is known about a pod stays visible for a while after its end.
        touches = begin == at[-1] + 1 or end == at[0]
        exists[begin:end] |= touches and end - begin > _LINGERING_STEPS
    inside = np.zeros(len(samples), bool)
    inside[1:-1] = exists[:-2] & exists[1:-1] & exists[2:]
    # Another exporter may report this node less often than the others.
    own = samples[inside].max(initial=0.0) or np.inf
    whole = np.minimum(whole, own)
    # The window cuts off lives there: a sample less is a matter of when scrapes happen.
    ends = np.isin(np.arange(len(samples)), (0, len(samples) - 1))
    shares = np.minimum(samples / whole, 1.0)
    shares[(ends & (samples >= whole - 1)) | ~seen] = 1.0
    return np.where(inside, 1.0, np.where(exists, shares, 0.0))
