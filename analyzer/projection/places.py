"""The nodes and the namespaces of a load: what each carries, and for how much of the time."""

from typing import Final

import numpy as np
import pandas as pd

from analyzer.measurement.usage import MeshUsage
from analyzer.units import BYTES_PER_GIB

CARRIED: Final = ["proxy_rps", "gbit_per_second", "new_connections_per_second"]
"""What ztunnels carry, as columns of samples and of namespaces."""


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
    loads = sidecars.groupby("node")[CARRIED].sum()
    placed = loads.reindex(shares.index).fillna(0.0)
    elsewhere = (loads.sum() - placed.sum()) / shares.sum()
    totals = (placed.div(shares, axis=0) + elsewhere) / points
    frame = totals.rename(columns={"proxy_rps": "passes_rps"}).rename_axis("node")
    return frame.assign(present_share=shares).reset_index()


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
    usage: MeshUsage, sidecars: pd.DataFrame, through_waypoints: pd.DataFrame
) -> pd.DataFrame:
    """Return `MeshLoad.namespaces`; `through_waypoints` are the calls that waypoints handle."""
    points = len(usage.observed_points)
    grouped = sidecars.groupby("namespace")
    # Loads that few installations scrape are 0 if no proxy has them; CPU is then not known.
    totals = {
        "sidecar_vcpu": "cpu_vcpu",
        "sidecar_reserved_vcpu": "reserved_vcpu",
        "sidecar_billed_vcpu": "billed_vcpu",
        **{name: name for name in CARRIED},
        "sidecar_memory_gib": "memory_bytes",
    }
    shares = grouped["point"].nunique() / points
    frame = pd.DataFrame({"present_share": shares, "sidecar_count": grouped.size() / points})
    for name, column in totals.items():
        frame[name] = grouped[column].sum(min_count=0 if name in CARRIED else 1) / points
    frame["sidecar_memory_gib"] /= BYTES_PER_GIB
    frame.loc[frame["sidecar_reserved_vcpu"].isna(), "sidecar_billed_vcpu"] = np.nan
    by_step = through_waypoints.groupby(["destination_workload_namespace", "point"])["rps"].sum()
    into = usage.calls.groupby("destination_workload_namespace")["rps"].sum()
    return frame.assign(
        waypoint_rps=by_step.groupby(level=0).sum().reindex(frame.index).fillna(0.0) / points,
        waypoint_peak_rps=by_step.groupby(level=0).max().reindex(frame.index).fillna(0.0),
        has_http=into.reindex(frame.index).fillna(0.0) > 0,
    ).reset_index()
