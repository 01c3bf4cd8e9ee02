"""What `Sidecar` resources would save that keep only the called services in each sidecar.

istiod sends each sidecar the configuration of every service, unless a `Sidecar` resource limits it.
Where memory follows the number of Envoy clusters, what is not called costs memory for nothing.
"""

import numpy as np
import pandas as pd

from analyzer.calibration.result import Calibration, MemoryCalibration, RoleCalibration
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.rightsizing.result import ScopedConfiguration
from analyzer.projection.scenario import Scenario
from analyzer.units import Interval, Role

PER_SERVICE = "scope_clusters_per_called_workload"
FIXED = "scope_fixed_clusters"
"""Assumptions: Envoy clusters for each called workload, and those that every sidecar has."""

_NAME = ["namespace", "workload"]
_SOURCE = ["source_workload_namespace", "source_workload"]
_CALLED = ["destination_workload_namespace", "destination_workload"]


def scoped(
    usage: MeshUsage, calibration: Calibration, scenario: Scenario
) -> ScopedConfiguration | None:
    """Return what limiting the configuration saves; None where that is nothing, or not known.

    Workloads that open TCP connections are left out: Istio's metrics name no callee of them by
    request, and a service that is left out of a `Sidecar` resource cannot be reached.
    """
    memory = calibration.memory
    if not isinstance(memory, MemoryCalibration) or memory.gib_per_1000_clusters is None:
        return None
    workloads = _workloads(usage)
    if workloads.empty:
        return None
    known = workloads[~workloads["opens_tcp"]]
    per_service, fixed = scenario[PER_SERVICE], scenario[FIXED]
    needed = per_service_needs(known["called"].to_numpy(float), per_service, fixed)
    count, configured = (known[name].to_numpy(float) for name in ("count", "configured"))
    # Few clusters are needed at the low end of the needs: most is saved there.
    surplus = {end: np.maximum(configured - needed[end], 0.0) for end in needed}
    slope = memory.gib_per_1000_clusters
    saved_gib = Interval(
        low=float((count * surplus["high"]).sum()) * slope.low / 1000,
        mid=float((count * surplus["mid"]).sum()) * slope.mid / 1000,
        high=float((count * surplus["low"]).sum()) * slope.high / 1000,
    )
    if saved_gib.high == 0:
        return None
    share = _share(count, configured, surplus)
    return ScopedConfiguration(
        sidecar_count=float(count.sum()),
        left_out_count=float(workloads["count"].sum() - count.sum()),
        configured_clusters=float((count * configured).sum() / count.sum()) if len(known) else 0.0,
        needed_clusters=_mean(count, needed),
        saved_memory_gib=saved_gib,
        saved_vcpu=_pushes_vcpu(usage, calibration, share),
    )


def per_service_needs(
    called: np.ndarray, per_service: Interval, fixed: Interval
) -> dict[str, np.ndarray]:
    """Return the Envoy clusters that sidecars need which call so many workloads, by end."""
    return {
        end: getattr(fixed, end) + getattr(per_service, end) * called
        for end in ("low", "mid", "high")
    }


def _workloads(usage: MeshUsage) -> pd.DataFrame:
    """Return workloads with known clusters: count, configured, called (others), opens_tcp."""
    rows = usage.of_role(Role.SIDECAR)
    tcp = rows["tcp_bytes_per_second"].fillna(0.0)
    opened = tcp - rows["inbound_tcp_bytes_per_second"].fillna(0.0)
    groups = rows.assign(opened=opened).groupby(_NAME)
    found = pd.DataFrame(
        {
            "count": groups.size() / len(usage.observed_points),
            "configured": groups["configured_clusters"].mean(),
            "opens_tcp": groups["opened"].max() > 0,
        }
    ).dropna(subset=["configured"])
    calls = usage.calls[usage.calls["rps"] > 0][[*_SOURCE, *_CALLED]].drop_duplicates()
    called = calls.groupby(_SOURCE).size().rename_axis(_NAME)
    return found.assign(called=called.reindex(found.index).fillna(0.0))


def _mean(count: np.ndarray, needed: dict[str, np.ndarray]) -> Interval:
    if not count.sum():
        return Interval.exactly(0.0)
    return Interval(
        **{end: float((count * each).sum() / count.sum()) for end, each in needed.items()}
    )


def _share(
    count: np.ndarray, configured: np.ndarray, surplus: dict[str, np.ndarray]
) -> dict[str, float]:
    """Return which share of all configured clusters is not needed, by the end of the needs."""
    whole = float((count * configured).sum())
    return {
        end: float((count * each).sum()) / whole if whole else 0.0 for end, each in surplus.items()
    }


def _pushes_vcpu(
    usage: MeshUsage, calibration: Calibration, share: dict[str, float]
) -> Interval | None:
    """Return the CPU of configuration updates that is saved, where both are measured.

    From nothing, if the updates that come are of called services, to the share of the clusters.
    """
    sidecar = calibration.sidecar
    cost = (
        sidecar.cost_of_each.get("vcpu_seconds_per_configuration_update")
        if isinstance(sidecar, RoleCalibration)
        else None
    )
    updates = usage.mean_total(Role.SIDECAR, "configuration_updates_per_second")
    if cost is None or updates is None:
        return None
    return Interval(
        low=0.0,
        mid=updates * cost.mid * share["mid"] / 2,
        high=max(updates * cost.high * share["low"], updates * cost.mid * share["mid"] / 2),
    )
