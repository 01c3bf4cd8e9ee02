"""The nodes of both snapshots: their number, node-hours and size, as measured."""

import pandas as pd

from analyzer.comparison.cost_result import NodesCompared, NodeTime
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BYTES_PER_GIB, HOURS_PER_MONTH, HOURS_PER_WEEK, Reason, Refusal


def nodes_compared(
    before: MeshUsage, after: MeshUsage, predicted_freed: int | None
) -> NodesCompared | Refusal:
    """Return the nodes of both meshes, or why they are not known.

    A node that only a proxy is known to run on does not count: after the move other proxies run on
    other nodes, and the number would change with them.
    """
    times = [node_time(usage) for usage in (before, after)]
    first, second = times
    if first is None or second is None:
        lacking = [
            name for name, time in zip(("BEFORE", "AFTER"), times, strict=True) if time is None
        ]
        return Refusal(
            subject="node-hours",
            reason=Reason.NO_DATA,
            detail=f"{' and '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} no metrics "
            "of nodes. Scrape kube-state-metrics with the nodes resource.",
        )
    return NodesCompared(
        before=first,
        after=second,
        removed_node_count=first.node_count - second.node_count,
        predicted_freed_node_count=predicted_freed,
    )


def node_time(usage: MeshUsage) -> NodeTime | None:
    """Return the nodes of a mesh that run DaemonSets; None if none is reported."""
    nodes = usage.nodes[usage.nodes["runs_daemonsets"].astype(bool)]
    count = float(nodes["present_share"].sum())
    if count == 0:
        return None
    memory_bytes = _total(nodes, "allocatable_memory_bytes")
    return NodeTime(
        node_count=count,
        node_hours_per_week=count * HOURS_PER_WEEK,
        node_hours_per_month=count * HOURS_PER_MONTH,
        allocatable_vcpu=_total(nodes, "allocatable_vcpu"),
        allocatable_memory_gib=None if memory_bytes is None else memory_bytes / BYTES_PER_GIB,
    )


def _total(nodes: pd.DataFrame, column: str) -> float | None:
    """Return the size of all nodes by the share of the time each existed; None if one lacks it."""
    present = nodes[nodes["present_share"] > 0]
    sizes = present[column].astype(float)
    return None if sizes.isna().any() else float((sizes * present["present_share"]).sum())
