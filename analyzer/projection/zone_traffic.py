"""Between which zones the traffic flows that waypoints would handle.

The pods of a workload are in the zones of their nodes, by the time that each pod was there. A call
goes from any pod of the caller to any pod of the called workload. These take the place of what is
not known:

    zone of a caller     all sidecars of the called namespace's cluster: of unknown callers, of
                         callers on nodes without a zone, and of TCP, whose client is not counted
    zone of a called pod the same, where none of its pods is on a node with a zone
    bytes of a call      those of a mean request of the called workload, where they were measured
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.measurement.groups import Groups
from analyzer.measurement.lived import LIVED
from analyzer.measurement.other_side import DESTINATION, SOURCE, WORKLOAD
from analyzer.measurement.same_calls import without_cluster
from analyzer.measurement.usage import MeshUsage
from analyzer.units import GBIT_PER_BYTE, Role


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneTraffic:
    """The traffic through the waypoint of each namespace, by the zones of its two ends.

    The first axis is that of `MeshLoad.namespaces`. Flows have the shape (namespaces, zones,
    zones): from the zone of the caller to that of the called pod. Requests and responses, or both
    directions of a connection, are one flow.

    Attributes:
        zones: the names of the zones.
        nodes_per_zone: nodes at a time in each zone of the namespace's cluster, shape (namespaces,
            zones): where its waypoint may run. All 0: no zone of that cluster is known.
        http_bytes_per_second: of requests whose sizes were measured.
        unsized_rps: requests per second of unknown size.
        tcp_bytes_per_second: of connections that pods accept.
        zoned_share: share of the nodes at a time with a known zone, 0 to 1.
    """

    zones: tuple[str, ...]
    nodes_per_zone: Floats
    http_bytes_per_second: Floats
    unsized_rps: Floats
    tcp_bytes_per_second: Floats
    zoned_share: float

    @property
    def most_zones(self) -> int:
        """How many zones the cluster with most of them has."""
        return int((self.nodes_per_zone > 0).sum(axis=1).max(initial=0))


def zone_traffic(
    usage: MeshUsage, sidecars: pd.DataFrame, calls: pd.DataFrame, namespaces: Iterable[str]
) -> ZoneTraffic | None:
    """Return the traffic by zones; None if no node has a known zone.

    Args:
        usage: the mesh.
        sidecars: the samples of its sidecars as in `MeshLoad`, with growth.
        calls: those that waypoints would handle, with growth.
        namespaces: of the load, in that order.
    """
    nodes = zoned_nodes(usage)
    known = nodes[nodes["zone"] != ""]
    if known.empty:
        return None
    places = _Places.of(usage, known["zone"])
    names = list(namespaces)
    clusters = _cluster_of(pd.Series(names, dtype=str))
    in_clusters = known.pivot_table(
        index="cluster", columns="zone", values="present_share", aggfunc="sum", fill_value=0.0
    ).reindex(columns=places.zones, fill_value=0.0)
    points = len(usage.observed_points)
    http, unsized = _of_calls(places, sidecars, calls, names)
    return ZoneTraffic(
        zones=places.zones,
        nodes_per_zone=in_clusters.reindex(clusters).fillna(0.0).to_numpy(float),
        http_bytes_per_second=http / points,
        unsized_rps=unsized / points,
        tcp_bytes_per_second=_of_tcp(places, sidecars, names) / points,
        zoned_share=float(known["present_share"].sum() / nodes["present_share"].sum()),
    )


def zoned_nodes(usage: MeshUsage) -> pd.DataFrame:
    """Return the nodes that run DaemonSets, by name: present_share, zone, provider and cluster.

    Waypoints may run on any of them. A cluster is "" where there is one.
    """
    present = usage.ztunnel_shares()
    known = usage.nodes.set_index("node").reindex(columns=["zone", "provider"])
    found = known.reindex(present.index).fillna("").assign(present_share=present)
    return found.assign(cluster=_cluster_of(found.index.to_series()))


def _cluster_of(names: pd.Series) -> pd.Series:
    """Return the cluster of nodes or namespaces; "" where there is one."""
    return names.str.extract("^(.*)/", expand=False).fillna("")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Places:
    """In which zones pods are: shares of each row, which add up to 1.

    Attributes:
        by_workload: by namespace and workload; by_own_name: the same without the cluster.
        by_cluster: the sidecars of each cluster, by its name.
        zone_of: the zone of each node that has one.
    """

    zones: tuple[str, ...]
    by_workload: pd.DataFrame
    by_own_name: pd.DataFrame
    by_cluster: pd.DataFrame
    zone_of: pd.Series

    @classmethod
    def of(cls, usage: MeshUsage, zone_of: pd.Series) -> "_Places":
        rows = pd.concat([_places_of(usage, role) for role in (Role.SIDECAR, Role.GATEWAY)])
        rows = rows.assign(
            zone=rows["node"].map(zone_of),
            cluster=_cluster_of(rows["namespace"]),
            own=without_cluster(rows["namespace"]),
        )
        zones = tuple(sorted({*map(str, zone_of)}))

        def shares(keys: list[str], found: pd.DataFrame) -> pd.DataFrame:
            table = found.dropna(subset="zone").pivot_table(
                index=keys, columns="zone", values="samples", aggfunc="sum", fill_value=0
            )
            table = table.reindex(columns=zones, fill_value=0)
            return table.div(table.sum(axis=1), axis=0)

        return cls(
            zones=zones,
            by_workload=shares(WORKLOAD, rows),
            by_own_name=shares(["own", WORKLOAD[1]], rows),
            by_cluster=shares(["cluster"], rows[rows["role"] == Role.SIDECAR]),
            zone_of=zone_of,
        )

    def of_ends(self, ends: pd.DataFrame, called: pd.Series) -> Floats:
        """Return the shares of these workloads, shape (rows, zones); all 0: nothing is known.

        `ends` are namespace and workload, `called` the namespaces in whose cluster an unknown one
        is sought.
        """
        namespace, workload = (ends[name].astype(str) for name in ends)
        exact = self.by_workload.reindex(pd.MultiIndex.from_arrays([namespace, workload]))
        own = self.by_own_name.reindex(
            pd.MultiIndex.from_arrays([without_cluster(namespace), workload])
        )
        others = self.of_cluster(called)
        found = np.where(np.isnan(exact), own, exact)
        return np.where(np.isnan(found), others, found)

    def of_cluster(self, namespaces: pd.Series) -> Floats:
        """Return the shares of the sidecars of each namespace's cluster, shape (rows, zones)."""
        found = self.by_cluster.reindex(_cluster_of(namespaces.astype(str)))
        return found.fillna(0.0).to_numpy(float)


def _places_of(usage: MeshUsage, role: Role) -> pd.DataFrame:
    """Return for how many steps a role has proxies in each namespace, workload and node."""
    rows = usage.of_role(role)
    groups = Groups.of(rows, [*WORKLOAD, "node"])
    samples = groups.sum(rows[LIVED].to_numpy(float))
    return groups.names.to_frame(index=False).assign(samples=samples, role=role)


def _of_calls(
    places: _Places, sidecars: pd.DataFrame, calls: pd.DataFrame, names: list[str]
) -> tuple[Floats, Floats]:
    """Return the bytes of sized requests and the unsized requests, sums over intervals."""
    totals = calls.groupby([*SOURCE, *DESTINATION])["rps"].sum().reset_index()
    totals = totals[totals[DESTINATION[0]].isin(names)]
    ends = pd.MultiIndex.from_frame(totals[DESTINATION])
    size = _bytes_per_request(sidecars).reindex(ends).to_numpy(float)
    rps, called = totals["rps"].to_numpy(float), totals[DESTINATION[0]]
    sources = places.of_ends(totals[SOURCE], called)
    targets = places.of_ends(totals[DESTINATION], called)
    place = pd.Index(names).get_indexer(pd.Index(called))
    return (
        _flows(place, len(names), sources, targets, np.nan_to_num(size) * rps),
        _flows(place, len(names), sources, targets, np.where(np.isnan(size), rps, 0.0)),
    )


def _bytes_per_request(sidecars: pd.DataFrame) -> pd.Series:
    """Return the mean HTTP bytes of a request by namespace and workload, where they are known."""
    sized = sidecars["http_gbit_per_second"].notna() & (sidecars["proxy_rps"] > 0)
    rows = sidecars.loc[sized, [*WORKLOAD, "http_gbit_per_second", "proxy_rps"]]
    groups = Groups.of(rows, WORKLOAD)
    gbit, rps = (groups.sum(rows[name].to_numpy()) for name in rows.columns[-2:])
    return pd.Series(gbit / GBIT_PER_BYTE / rps, index=groups.names)


def _of_tcp(places: _Places, sidecars: pd.DataFrame, names: list[str]) -> Floats:
    """Return the TCP bytes that the pods of each namespace accept, a sum over intervals."""
    groups = Groups.of(sidecars, ["namespace", "node"])
    rows = groups.sums({"inbound_gbit": sidecars["inbound_gbit"].to_numpy()}).reset_index()
    rows = rows[rows["inbound_gbit"] > 0]
    zone = pd.Index(places.zones).get_indexer(pd.Index(rows["node"].map(places.zone_of)))
    others = places.of_cluster(rows["namespace"])
    targets = np.where(zone[:, None] < 0, others, np.eye(len(places.zones))[zone])
    amounts = rows["inbound_gbit"].to_numpy(float) / GBIT_PER_BYTE
    place = pd.Index(names).get_indexer(pd.Index(rows["namespace"]))
    return _flows(place, len(names), others, targets, amounts)


def _flows(
    place: np.ndarray, count: int, sources: Floats, targets: Floats, amounts: Floats
) -> Floats:
    """Return the sums of amounts from zone to zone, shape (count, zones, zones).

    Each row belongs to the place of its number.
    """
    zones = sources.shape[1]
    flows = np.zeros((count, zones, zones))
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], np.arange(count + 1))
    for number in range(count):
        rows = order[ends[number] : ends[number + 1]]
        flows[number] = (sources[rows] * amounts[rows, None]).T @ targets[rows]
    return flows
