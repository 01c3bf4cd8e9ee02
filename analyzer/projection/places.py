"""The nodes and the namespaces of a load: what each carries, and for how much of the time."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from analyzer.measurement.groups import Groups
from analyzer.measurement.lived import mean_counts
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BYTES_PER_GIB

CARRIED: Final = [
    "proxy_rps",
    "gbit_per_second",
    "http_gbit_per_second",
    "unsized_rps",
    "new_connections_per_second",
    "open_connections",
    "uncounted_sidecars",
]
"""What ztunnels carry, as columns of samples and of namespaces: see `demand`."""

CARRIED_BY_NODES: Final = ["passes_rps", *CARRIED[1:]]
"""The same as columns of nodes."""

WAYPOINT_LOADS: Final = [
    "waypoint_rps",
    "waypoint_connections_per_second",
    "waypoint_gbit_per_second",
]
"""What a waypoint handles, as columns of namespaces."""

PEAKS: Final = ["waypoint_peak_rps", "waypoint_peak_gbit_per_second"]
"""What a waypoint handles in its busiest interval, requests and new connections together."""


def at_a_time(rows: pd.DataFrame) -> float:
    """Return how many nodes or namespaces of a `MeshLoad` there were at a time, on average."""
    count = float(rows["present_share"].sum())
    return int(count) if count.is_integer() else count


def mean_of_nodes(sizes: pd.Series, shares: pd.Series) -> float | None:
    """Return the mean size of these nodes, by the share of the time that each existed."""
    known = sizes.astype(float).dropna()
    weights = shares.reindex(known.index).fillna(0.0)
    total = float(weights.sum())
    return float((known * weights).sum()) / total if total > 0 else None


def even_nodes(namespaces: pd.DataFrame, node_count: int) -> pd.DataFrame:
    """Return so many nodes with equal shares of the namespaces' load; columns: `MeshLoad.nodes`."""
    each = namespaces[CARRIED].sum().rename({"proxy_rps": "passes_rps"}) / node_count
    names = [f"node-{number + 1}" for number in range(node_count)]
    return pd.DataFrame({"node": names, **each.to_dict(), "present_share": 1.0})


def node_loads(
    sidecars: pd.DataFrame, shares: pd.Series, node_count: int | None, points: int
) -> pd.DataFrame | None:
    """Return `MeshLoad.nodes` from the nodes and the share of the time that each existed.

    The load of unknown nodes, and of those that run no DaemonSet, is spread over all the others, by
    the time that each existed.
    """
    if node_count is not None:
        shares = _with_count(shares, node_count)
    if shares.empty:
        return None
    loads = sums_by(sidecars, "node", CARRIED)
    placed = loads.reindex(shares.index).fillna(0.0)
    elsewhere = (loads.sum() - placed.sum()) / shares.sum()
    totals = (placed.div(shares, axis=0) + elsewhere) / points
    frame = totals.rename(columns={"proxy_rps": "passes_rps"}).rename_axis("node")
    return frame.assign(present_share=shares).reset_index()


def sums_by(samples: pd.DataFrame, key: str, columns: Sequence[str]) -> pd.DataFrame:
    """Return the sums of columns of samples by the names in `key`."""
    return Groups.of(samples, [key]).sums({name: samples[name].to_numpy() for name in columns})


def _with_count(shares: pd.Series, node_count: int) -> pd.Series:
    """Return so many nodes that exist all the time: the user's number takes precedence.

    Surplus names are dropped, those that existed longest last, and missing ones are generated.
    """
    names = [str(name) for name in shares.sort_values(ascending=False, kind="stable").index]
    # They must be new: many clusters have a `node-1`, and its load would count twice.
    made_up = (f"node-{number + 1}" for number in range(len(names) + node_count))
    names = [*names, *(name for name in made_up if name not in names)][:node_count]
    return pd.Series(1.0, index=names)


def namespace_loads(
    usage: MeshUsage, sidecars: pd.DataFrame, handled: pd.DataFrame
) -> pd.DataFrame:
    """Return `MeshLoad.namespaces`; `handled` is `into_waypoints`."""
    points = len(usage.observed_points)
    groups = Groups.of(sidecars, ["namespace"])
    # Loads that few installations scrape are 0 if no proxy has them; CPU is then not known.
    totals = {
        "sidecar_vcpu": "cpu_vcpu",
        "sidecar_reserved_vcpu": "reserved_vcpu",
        "sidecar_billed_vcpu": "billed_vcpu",
        **{name: name for name in CARRIED},
        "sidecar_memory_gib": "memory_bytes",
    }
    steps = groups.distinct(sidecars["point"].to_numpy(np.int64))
    counts = mean_counts(groups, sidecars, points)
    frame = pd.DataFrame(
        {"present_share": steps / points, "sidecar_count": counts}, index=groups.names
    )
    for name, column in totals.items():
        least = 0 if name in CARRIED else 1
        frame[name] = groups.sum(sidecars[column].to_numpy(), min_count=least) / points
    frame["sidecar_memory_gib"] /= BYTES_PER_GIB
    frame.loc[frame["sidecar_reserved_vcpu"].isna(), "sidecar_billed_vcpu"] = np.nan
    by_called = usage.calls.groupby("destination_workload_namespace")
    into, called = by_called["rps"].sum(), by_called["destination_workload"].nunique()
    by_namespace = handled.groupby(level=0)
    means, peaks = (
        found.reindex(frame.index).fillna(0.0)
        for found in (by_namespace.sum() / points, by_namespace.max())
    )
    return frame.assign(
        waypoint_rps=means["rps"],
        waypoint_connections_per_second=means["connections"],
        waypoint_gbit_per_second=means["gbit"],
        waypoint_peak_rps=peaks["streams"],
        waypoint_peak_gbit_per_second=peaks["gbit"],
        called_count=called.reindex(frame.index).fillna(0.0),
        has_http=into.reindex(frame.index).fillna(0.0) > 0,
    ).reset_index()


def into_waypoints(sidecars: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Return what waypoints handle in each namespace and interval, by those two.

    Columns: rps (of HTTP), connections (new ones of TCP a second), gbit (of TCP), and streams, the
    first two together; has_sidecars, whether the namespace has any then. How many connections were
    accepted is known by their share of the bytes.
    """
    rps = calls.groupby(["destination_workload_namespace", "point"])["rps"].sum()
    names = ["namespace", "point"]
    tcp = Groups.of(sidecars, names).sums(
        {name: sidecars[f"inbound_{name}"].to_numpy() for name in ("gbit", "connections")}
    )
    found = pd.concat([rps.rename_axis(names), tcp.rename_axis(names)], axis=1).fillna(0.0)
    return found.assign(
        streams=found["rps"] + found["connections"], has_sidecars=found.index.isin(tcp.index)
    )
