"""Tables written by hand and led back to pods."""

from pathlib import Path

import pandas as pd

from analyzer.measurement.tables import Tables
from analyzer.prometheus.label_mapping import Attribution, LabelMapping
from analyzer.prometheus.promql import Scope
from tests.measurement.snapshots import Rows, make_snapshot, steady

CPU, CALLS, PLACEMENT = "proxy_cpu_vcpu", "mesh_requests_rps", "pod_placement"

BY_ADDRESS = LabelMapping(attribution=Attribution.ADDRESS)
BY_WORKLOAD = LabelMapping(attribution=Attribution.WORKLOAD)


def tables_of(
    folder: Path,
    tables: dict[str, Rows],
    label_mapping: LabelMapping | None = None,
    *,
    scope: Scope | None = None,
) -> Tables:
    return Tables(make_snapshot(folder / "snap", tables, label_mapping=label_mapping, scope=scope))


def placed(
    pod: str,
    address: str,
    *,
    namespace: str = "shop",
    creator: tuple[str, str] = ("ReplicaSet", "web-6c9f"),
    points: tuple[int, ...] = (0, 1, 2, 3),
    cluster: str = "",
) -> Rows:
    rows = steady(PLACEMENT, (namespace, pod, "node-1", address, *creator), 1.0, cluster=cluster)
    return [row for row in rows if row[-2] in points]


def values(frame: pd.DataFrame, name: str, *by: str) -> dict[object, list[float]]:
    """Return the values of each pod, or of whatever else, in the order of time."""
    ordered = frame.sort_values("time")
    groups = ordered.groupby(list(by) or ["namespace", "pod"])[name]
    return {key: group.tolist() for key, group in groups}
