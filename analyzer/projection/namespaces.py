"""Which namespaces gain most by moving, and which lose."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats
from analyzer.calibration.result import Calibration
from analyzer.projection.choices import waypoint_weights
from analyzer.projection.components import waypoint_replicas
from analyzer.projection.needs import Case
from analyzer.projection.uncertainty import Parameters
from analyzer.units import Refusal


def rank_namespaces(case: Case, calibration: Calibration) -> pd.DataFrame:
    """Divide the best estimates among the namespaces, and order them by what moving saves.

    What a ztunnel uses for traffic follows the traffic; what it uses at rest follows the sidecars
    it replaces, but in the cumulative saving, where it is spent before the first namespace moves.
    """
    load, parameters = case.load, case.parameters
    namespaces = load.namespaces
    frame = namespaces[["namespace", "sidecar_count", "proxy_rps", "sidecar_vcpu"]]
    if not case.has_ambient:
        return frame
    idle_vcpu = parameters["ztunnel_idle_vcpu_per_node"][0] * len(case.nodes)
    share = namespaces["sidecar_count"] / namespaces["sidecar_count"].sum()
    carried = _carried_by_ztunnels(namespaces, parameters)
    replicas = waypoint_replicas(load, parameters)
    rps = namespaces["waypoint_rps"].to_numpy(float) / replicas
    frame = frame.assign(
        ambient_l4_vcpu=idle_vcpu * share + carried,
        waypoint_vcpu=parameters.likely_waypoint_vcpu(rps) * replicas,
        waypoint_replicas=replicas.astype(int),
        waypoint_extrapolated=is_extrapolated(rps, calibration),
    )
    needed = waypoint_weights(parameters.placement, namespaces)
    frame = frame.assign(
        saving_l4_vcpu=frame["sidecar_vcpu"] - frame["ambient_l4_vcpu"],
        saving_waypoint_vcpu=frame["sidecar_vcpu"]
        - frame["ambient_l4_vcpu"]
        - frame["waypoint_vcpu"],
        gained_vcpu=frame["sidecar_vcpu"] - carried - needed * frame["waypoint_vcpu"],
    )
    frame = frame.assign(waypoint_costs_more=frame["saving_waypoint_vcpu"] < 0)
    ordered = frame.sort_values(["gained_vcpu", "namespace"], ascending=[False, True])
    cumulative = ordered["gained_vcpu"].cumsum() - idle_vcpu
    return (
        ordered.assign(cumulative_saving_vcpu=cumulative)
        .drop(columns="gained_vcpu")
        .reset_index(drop=True)
    )


def _carried_by_ztunnels(namespaces: pd.DataFrame, parameters: Parameters) -> pd.Series:
    per_unit = {
        "proxy_rps": parameters["ztunnel_vcpu_per_1000_rps"][0] / 1000,
        "gbit_per_second": parameters["ztunnel_vcpu_per_gbit_per_second"][0],
        "new_connections_per_second": parameters[
            "ztunnel_vcpu_per_1000_new_connections_per_second"
        ][0]
        / 1000,
    }
    return namespaces[list(per_unit)].mul(pd.Series(per_unit)).sum(axis=1)


def is_extrapolated(rps: Floats, calibration: Calibration) -> Bools:
    """Tell the waypoint replicas at whose rate no proxy was seen; one at rest only idles."""
    waypoint = calibration.waypoint
    if isinstance(waypoint, Refusal):
        return np.zeros(rps.shape, dtype=bool)
    return waypoint.extrapolates(rps) & (rps > 0)
