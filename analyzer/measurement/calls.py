"""Counting a call once, though both its ends report it."""

from __future__ import annotations

from typing import Final

import pandas as pd

__all__ = ["count_calls_once"]

_ENDS: Final = [
    "source_workload_namespace",
    "source_workload",
    "destination_workload_namespace",
    "destination_workload",
]
_DESTINATION: Final = _ENDS[2:]


def count_calls_once(
    reports: pd.DataFrame, *, meshed_namespaces: frozenset[str], whole_mesh: bool
) -> pd.DataFrame:
    """Return mesh requests, each call counted once.

    The destination's report or the waypoint's counts. The source's counts only where no proxy at
    the destination ever reports: an external service, or a workload outside the mesh.

    Args:
        reports: `reporter`, the four labels of the two ends, `point` and `mesh_requests_rps`.
        meshed_namespaces: namespaces in which proxies were measured.
        whole_mesh: False if only some namespaces were asked for. A destination elsewhere then has
            its reports out of sight, and says nothing about being outside the mesh.

    Returns:
        The four labels, `point` and `rps`.
    """
    at_destination = reports[reports["reporter"].isin(["destination", "waypoint"])]
    at_source = reports[reports["reporter"] == "source"]
    reporting = pd.MultiIndex.from_frame(at_destination[_DESTINATION].drop_duplicates())
    unreported = ~pd.MultiIndex.from_frame(at_source[_DESTINATION]).isin(reporting)
    if not whole_mesh:
        namespace = at_source["destination_workload_namespace"]
        unreported &= namespace.isin(meshed_namespaces | {"", "unknown"}).to_numpy()
    counted = pd.concat([at_destination, at_source[unreported]])
    totals = counted.groupby([*_ENDS, "point"])["mesh_requests_rps"].sum()
    return totals.rename("rps").reset_index()
