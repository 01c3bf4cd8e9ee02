"""What `Sidecar` resources would save that keep only the called services in each sidecar.

istiod sends each sidecar the configuration of every service, unless a `Sidecar` resource limits it.
Where memory follows the number of Envoy clusters, what is not called costs memory for nothing.
"""

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.calibration.result import Calibration, MemoryCalibration, RoleCalibration
from analyzer.measurement.columns import elementwise
from analyzer.measurement.groups import Groups
from analyzer.measurement.lived import mean_counts
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.rightsizing.result import ScopedConfiguration
from analyzer.projection.scenario import Scenario
from analyzer.units import Interval, Role

PER_SERVICE = "scope_clusters_per_called_workload"
FIXED = "scope_fixed_clusters"
"""Assumptions: Envoy clusters for each called workload, and those that every sidecar has."""

UPDATES = "configuration_updates_per_second"
COST_OF_UPDATE = "vcpu_seconds_per_configuration_update"

_NAME = ["namespace", "workload"]
_SOURCE = ["source_workload_namespace", "source_workload"]
_CALLED = ["destination_workload_namespace", "destination_workload"]

_HAIR = 1e-6
"""Relative difference of two sums of bytes that is rounding."""


def scoped(
    usage: MeshUsage, calibration: Calibration, scenario: Scenario
) -> ScopedConfiguration | None:
    """Return what limiting the configuration saves; None where that is nothing, or not known.

    Workloads that open TCP connections, or may do so, are left out: Istio's metrics do not count
    whom they call, and a service that is left out of a `Sidecar` resource cannot be reached.
    """
    memory = calibration.memory
    if not isinstance(memory, MemoryCalibration) or memory.gib_per_1000_clusters is None:
        return None
    workloads = _workloads(usage)
    known = workloads[~workloads["may_open_tcp"]]
    needs = needs_of(known["called"], scenario[PER_SERVICE], scenario[FIXED])
    # Most is saved where fewest clusters are needed.
    surplus = {end: (known["configured"] - need).clip(lower=0.0) for end, need in needs.items()}
    unneeded = {end: float((known["count"] * each).sum()) for end, each in surplus.items()}
    slope = memory.gib_per_1000_clusters
    if unneeded["mid"] * slope.mid == 0:
        return None
    return ScopedConfiguration(
        sidecar_count=float(known["count"].sum()),
        left_out_count=float(workloads["count"].sum() - known["count"].sum()),
        configured_clusters=_mean(known["configured"], known["count"]),
        needed_clusters=Interval(
            **{
                end: _mean(need.clip(upper=known["configured"]), known["count"])
                for end, need in needs.items()
            }
        ),
        saved_memory_gib=Interval(
            low=unneeded["high"] * slope.low / 1000,
            mid=unneeded["mid"] * slope.mid / 1000,
            high=unneeded["low"] * slope.high / 1000,
        ),
        saved_vcpu=_saved_vcpu(known, surplus, calibration),
    )


def needs_of(called: pd.Series, per_service: Interval, fixed: Interval) -> dict[str, pd.Series]:
    """Return the Envoy clusters that sidecars need which call so many workloads, by end."""
    return {
        end: getattr(fixed, end) + getattr(per_service, end) * called
        for end in ("low", "mid", "high")
    }


def _workloads(usage: MeshUsage) -> pd.DataFrame:
    """Return workloads with known clusters.

    Columns: count (sidecars at a time), configured (clusters of one), called (workloads that it
    calls; all outside the mesh are one), may_open_tcp, and updates_per_second of all its sidecars.
    """
    rows = usage.of_role(Role.SIDECAR)
    tcp, received, configured, updates = (
        rows[name].to_numpy()
        for name in (
            "tcp_bytes_per_second",
            "inbound_tcp_bytes_per_second",
            "configured_clusters",
            UPDATES,
        )
    )
    groups, points = Groups.of(rows, _NAME), len(usage.observed_points)
    opens = elementwise(_opens, tcp, received)
    found = pd.DataFrame(
        {
            "count": mean_counts(groups, rows, points),
            "configured": groups.mean(configured),
            "may_open_tcp": (groups.sum(opens) > 0) | (groups.known(tcp) == 0),
            "updates_per_second": groups.sum(updates, min_count=1) / points,
        },
        index=groups.names,
    ).dropna(subset=["configured"])
    calls = usage.calls[usage.calls["rps"] > 0][[*_SOURCE, *_CALLED]].drop_duplicates()
    called = calls.groupby(_SOURCE).size().rename_axis(_NAME)
    return found.assign(called=called.reindex(found.index).fillna(0.0))


def _opens(tcp: Floats, received: Floats) -> Floats:
    """Return 1 for samples with TCP bytes of connections that were not accepted; else 0."""
    return (tcp - np.nan_to_num(received) > _HAIR * tcp).astype(float)


def _mean(values: pd.Series, count: pd.Series) -> float:
    return float((count * values).sum() / count.sum())


def _saved_vcpu(
    known: pd.DataFrame, surplus: dict[str, pd.Series], calibration: Calibration
) -> Interval | None:
    """Return the CPU of configuration updates that is saved, where both are measured.

    istiod does not send a sidecar what its `Sidecar` resource leaves out. Which services change is
    not known: the updates that are saved are between none and the share of the clusters.
    """
    sidecar = calibration.sidecar
    if not isinstance(sidecar, RoleCalibration) or known["updates_per_second"].isna().all():
        return None
    cost = sidecar.cost_of_each.get(COST_OF_UPDATE)
    if cost is None:
        return None
    saved = {
        end: float((known["updates_per_second"] * each / known["configured"]).sum())
        for end, each in surplus.items()
    }
    mid = max(cost.mid * saved["mid"] / 2, 0.0)
    return Interval(low=0.0, mid=mid, high=max(cost.high * saved["low"], mid))
