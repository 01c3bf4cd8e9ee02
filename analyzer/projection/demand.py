"""What has to be carried, in any mode: the traffic, and what carries it today."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from analyzer.errors import UsageError
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.sidecars import SidecarFootprint, footprint_of, gib_of
from analyzer.projection.tally import SidecarTally, tally
from analyzer.units import BITS_PER_GBIT, BYTES_PER_GIB, Role

__all__ = ["Demand", "MeshLoad", "mesh_load", "mesh_rps_of", "stated_load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshLoad:
    """What has to be carried.

    Attributes:
        sidecar_count: sidecars at a time.
        proxy_rps: requests per second through sidecars; a call between two counts twice.
        mesh_rps: calls per second, each once.
        nodes: one row a node: node, passes_rps (proxy requests per second of its sidecars: each
            becomes one pass through its ztunnel), gbit_per_second (their TCP payload),
            new_connections_per_second (of TCP). None where the nodes are not known.
        namespaces: one row a namespace with sidecars: namespace, sidecar_count, sidecar_vcpu,
            sidecar_reserved_vcpu, sidecar_billed_vcpu, sidecar_memory_gib (NaN: not known),
            proxy_rps, gbit_per_second, new_connections_per_second, waypoint_rps (requests into it
            that a waypoint would handle), waypoint_peak_rps (in the busiest step), has_http.
        placement: where each namespace's sidecars run: namespace, node, and of each basis what
            they need there, such as usage_vcpu and billed_memory_gib (0: nothing, or not known);
            one row a pair.
        sidecars: what they use; None where only counts were stated.
        tally: how that adds up; likewise.
        allocatable_vcpu_per_node: mean over the nodes; None where not known.
        allocatable_memory_gib_per_node: likewise.
    """

    sidecar_count: int
    proxy_rps: float
    mesh_rps: float
    nodes: pd.DataFrame | None
    namespaces: pd.DataFrame
    sidecars: SidecarFootprint | None
    tally: SidecarTally | None = None
    placement: pd.DataFrame = field(default_factory=pd.DataFrame)
    allocatable_vcpu_per_node: float | None = None
    allocatable_memory_gib_per_node: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is to be carried, where it is not simply what was measured.

    Attributes:
        growth_factor: times the traffic measured.
        sidecar_vcpu_per_rps: what a sidecar would use for each request per second of the growth.
        ingress_through_waypoint: whether what comes from ingress gateways passes waypoints too.
    """

    growth_factor: float = 1.0
    sidecar_vcpu_per_rps: float = 0.0
    ingress_through_waypoint: bool = False


AS_MEASURED: Final = Demand()


def mesh_load(
    usage: MeshUsage, *, node_count: int | None = None, demand: Demand = AS_MEASURED
) -> MeshLoad:
    """Read the load off a measured mesh.

    Args:
        usage: the mesh.
        node_count: number of nodes where the user knows better, or Prometheus does not know.
        demand: what is to be carried.
    """
    points = len(usage.observed_points)
    sidecars = _grown_sidecars(usage, demand)
    allocatable = usage.nodes.reindex(columns=["allocatable_vcpu", "allocatable_memory_bytes"])
    vcpu, memory_bytes = allocatable.mean()
    return MeshLoad(
        sidecar_count=usage.count(Role.SIDECAR),
        proxy_rps=float(sidecars["proxy_rps"].sum()) / points,
        mesh_rps=mesh_rps_of(usage) * demand.growth_factor,
        nodes=_nodes(usage, sidecars, node_count),
        namespaces=_namespaces(usage, sidecars, demand),
        sidecars=footprint_of(usage, sidecars),
        tally=tally(
            usage.of_role(Role.SIDECAR), sidecars, _added_vcpu(usage, demand), step_count=points
        ),
        placement=_placement(usage, sidecars),
        allocatable_vcpu_per_node=None if np.isnan(vcpu) else float(vcpu),
        allocatable_memory_gib_per_node=gib_of(None if np.isnan(memory_bytes) else memory_bytes),
    )


def mesh_rps_of(usage: MeshUsage) -> float:
    """Return calls per second, each counted once, averaged over the window."""
    return float(usage.calls["rps"].sum()) / len(usage.observed_points)


def _grown_sidecars(usage: MeshUsage, demand: Demand) -> pd.DataFrame:
    """Return the sidecars' steps as they would be under this demand."""
    rows, grown = usage.of_role(Role.SIDECAR), demand.growth_factor
    cpu = (rows["cpu_vcpu"] + _added_vcpu(usage, demand)).clip(lower=0.0)
    return rows.assign(
        cpu_vcpu=cpu,
        # A proxy without a known request counts with what it uses.
        billed_vcpu=np.fmax(cpu, rows["reserved_vcpu"]),
        billed_memory_bytes=np.fmax(rows["memory_bytes"], rows["reserved_memory_bytes"]),
        proxy_rps=rows["proxy_rps"] * grown,
        gbit_per_second=rows["tcp_bytes_per_second"] * grown * 8 / BITS_PER_GBIT,
        new_connections_per_second=rows["new_connections_per_second"] * grown,
    )


def _added_vcpu(usage: MeshUsage, demand: Demand) -> pd.Series:
    """Return what the growth costs in each of the sidecars' steps."""
    added_rps = (demand.growth_factor - 1) * usage.of_role(Role.SIDECAR)["proxy_rps"].fillna(0.0)
    return demand.sidecar_vcpu_per_rps * added_rps


def _placement(usage: MeshUsage, sidecars: pd.DataFrame) -> pd.DataFrame:
    sums = sidecars.groupby(["namespace", "node"])[
        [
            *("cpu_vcpu", "reserved_vcpu", "billed_vcpu"),
            *("memory_bytes", "reserved_memory_bytes", "billed_memory_bytes"),
        ]
    ].sum()
    means = sums / len(usage.observed_points)
    return pd.DataFrame(
        {
            "usage_vcpu": means["cpu_vcpu"],
            "reserved_vcpu": means["reserved_vcpu"],
            "billed_vcpu": means["billed_vcpu"],
            "usage_memory_gib": means["memory_bytes"] / BYTES_PER_GIB,
            "reserved_memory_gib": means["reserved_memory_bytes"] / BYTES_PER_GIB,
            "billed_memory_gib": means["billed_memory_bytes"] / BYTES_PER_GIB,
        }
    ).reset_index()


def stated_load(
    *, pod_count: int, node_count: int, namespace_count: int, proxy_rps: float
) -> MeshLoad:
    """Return a load of stated size, spread evenly; each call passes two sidecars.

    Raises:
        UsageError: if there is nothing to spread it over.
    """
    for name, count in (
        ("pods", pod_count),
        ("nodes", node_count),
        ("namespaces", namespace_count),
    ):
        if count < 1:
            raise UsageError(f"--{name} must be at least 1")
    each_node, each_namespace = 1 / node_count, 1 / namespace_count
    namespaces = pd.DataFrame(
        {
            "namespace": [f"namespace-{number + 1}" for number in range(namespace_count)],
            "sidecar_count": pod_count * each_namespace,
            "proxy_rps": proxy_rps * each_namespace,
            "gbit_per_second": 0.0,
            "new_connections_per_second": 0.0,
            "waypoint_rps": proxy_rps / 2 * each_namespace,
            "waypoint_peak_rps": proxy_rps / 2 * each_namespace,
            "has_http": proxy_rps > 0,
        }
    )
    nodes = pd.DataFrame(
        {
            "node": [f"node-{number + 1}" for number in range(node_count)],
            "passes_rps": proxy_rps * each_node,
            "gbit_per_second": 0.0,
            "new_connections_per_second": 0.0,
        }
    )
    return MeshLoad(
        sidecar_count=pod_count,
        proxy_rps=proxy_rps,
        mesh_rps=proxy_rps / 2,
        nodes=nodes,
        namespaces=namespaces,
        sidecars=None,
    )


def _nodes(usage: MeshUsage, sidecars: pd.DataFrame, node_count: int | None) -> pd.DataFrame | None:
    """Return the nodes with their load; what runs on an unknown node is spread over all."""
    names = sorted({*usage.nodes["node"], *usage.proxies["node"]} - {""})
    if node_count is not None:
        # The user's number wins: surplus names go, lacking ones are made up. Many clusters call
        # a node `node-1` themselves; one name twice would carry its load twice.
        made_up = (f"node-{number + 1}" for number in range(len(names) + node_count))
        names = [*names, *(name for name in made_up if name not in names)][:node_count]
    if not names:
        return None
    columns = ["proxy_rps", "gbit_per_second", "new_connections_per_second"]
    loads = sidecars.groupby("node")[columns].sum()
    placed = loads.reindex(names).fillna(0.0)
    elsewhere = (loads.sum() - placed.sum()) / len(names)
    totals = (placed + elsewhere) / len(usage.observed_points)
    return totals.rename(columns={"proxy_rps": "passes_rps"}).rename_axis("node").reset_index()


def _namespaces(usage: MeshUsage, sidecars: pd.DataFrame, demand: Demand) -> pd.DataFrame:
    points = len(usage.observed_points)
    grouped = sidecars.groupby("namespace")
    totals = {
        "sidecar_vcpu": "cpu_vcpu",
        "sidecar_reserved_vcpu": "reserved_vcpu",
        "sidecar_billed_vcpu": "billed_vcpu",
        "proxy_rps": "proxy_rps",
        "gbit_per_second": "gbit_per_second",
        "new_connections_per_second": "new_connections_per_second",
    }
    frame = pd.DataFrame({"sidecar_count": grouped.size() / points})
    for name, column in totals.items():
        # What nobody knows is not nothing, but for loads that few installations tell.
        known = 0 if column.endswith("_per_second") or column == "proxy_rps" else 1
        frame[name] = grouped[column].sum(min_count=known) / points
    frame.loc[frame["sidecar_reserved_vcpu"].isna(), "sidecar_billed_vcpu"] = np.nan
    frame["sidecar_memory_gib"] = grouped["memory_bytes"].sum(min_count=1) / points / BYTES_PER_GIB
    handled = usage.calls[_would_pass_waypoint(usage, demand)]
    by_step = handled.groupby(["destination_workload_namespace", "point"])["rps"].sum()
    by_step = by_step * demand.growth_factor
    into = usage.calls.groupby("destination_workload_namespace")["rps"].sum()
    return frame.assign(
        waypoint_rps=by_step.groupby(level=0).sum().reindex(frame.index).fillna(0.0) / points,
        waypoint_peak_rps=by_step.groupby(level=0).max().reindex(frame.index).fillna(0.0),
        has_http=into.reindex(frame.index).fillna(0.0) > 0,
    ).reset_index()


def _would_pass_waypoint(usage: MeshUsage, demand: Demand) -> pd.Series:
    """Tell the calls that a waypoint at their destination would handle.

    Callers inside the mesh are sent through it. Ingress gateways, unless told otherwise, and
    callers outside the mesh go straight to the workload.
    """
    calls = usage.calls
    if demand.ingress_through_waypoint:
        return calls["source_workload"] != "unknown"
    gateways = usage.proxies[usage.proxies["role"] == Role.GATEWAY]
    callers = pd.MultiIndex.from_frame(calls[["source_workload_namespace", "source_workload"]])
    is_gateway = callers.isin(pd.MultiIndex.from_frame(gateways[["namespace", "workload"]]))
    return ~(pd.Series(is_gateway, index=calls.index) | (calls["source_workload"] == "unknown"))
