"""Native sidecars: init containers with restartPolicy Always, which not every tool counts."""

from collections.abc import Iterator

import pandas as pd

from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.rightsizing.autoscaled import changed
from analyzer.projection.rightsizing.naming import names_of
from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.units import Role, counted


def all_native(usage: MeshUsage) -> set[tuple[str, str]]:
    """Return the workloads whose sidecars are all known to be native: namespace, workload."""
    shares = _native_shares(usage)
    return set(shares.index[shares == 1])


def native_sidecars(found: Rightsizing, usage: MeshUsage) -> Iterator[Finding]:
    """Yield what is different for workloads with native sidecars whose requests change."""
    shares = _native_shares(usage)
    some_native = set(shares.index[shares > 0])
    changing = {(item.namespace, item.workload) for item in found.workloads if changed(item)}
    names = names_of(changing & some_native)
    if not names:
        return
    yield Finding(
        name="native_sidecar_requests",
        severity=Severity.INFO,
        text=f"Native sidecars run in {counted(len(names), 'workload')} whose requests change. "
        "They are init containers, and their requests add to those of the pod all the time. "
        "VerticalPodAutoscalers and some cost tools leave them out.",
        affected=names,
    )


def _native_shares(usage: MeshUsage) -> pd.Series:
    """Return the share of each workload's sidecars that are known to be native."""
    sidecars = usage.proxies[usage.proxies["role"] == Role.SIDECAR]
    known = usage.is_native.reindex(sidecars.index).astype("boolean").fillna(value=False)
    return known.astype(float).groupby([sidecars["namespace"], sidecars["workload"]]).mean()
