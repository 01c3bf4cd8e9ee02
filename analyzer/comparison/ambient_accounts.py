"""The accounts of waypoints and ztunnels after a migration, by what BEFORE says they cost.

    waypoint  replicas x what one uses at its share of the namespace's requests/s
    ztunnel   idle on every node, and what passes the pods that moved

What of waypoints and ztunnels was there before counts as measured then; the formulas above are of
what comes on top of it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.comparison.attribution import Account, Fitted
from analyzer.comparison.match import Migration, Passes, by_namespace
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.components import Parameters, waypoint_replicas, ztunnel_need
from analyzer.projection.demand import MeshLoad
from analyzer.projection.scenario import Basis
from analyzer.units import BITS_PER_GBIT, Interval, Provenance, Role

__all__ = ["planned_replicas", "waypoint_accounts", "ztunnel_account"]


def planned_replicas(load: MeshLoad, parameters: Parameters) -> pd.Series:
    """Return how many waypoint replicas the projection gives each namespace; 0: no waypoint."""
    namespaces = load.namespaces
    replicas = parameters.placement.weights(namespaces) * waypoint_replicas(load, parameters)
    return pd.Series(replicas, index=namespaces["namespace"])


def waypoint_accounts(
    moved: Migration, load: MeshLoad, parameters: Parameters, after: RoleCalibration | None
) -> dict[str, Account]:
    """Return one account a namespace that was to have a waypoint, or has one.

    Args:
        moved: who has moved.
        load: what those sidecars carried before.
        parameters: the unit costs of the projection.
        after: what AFTER says a waypoint costs; None where it says nothing.
    """
    there, now = (by_namespace(usage, Role.WAYPOINT) for usage in (moved.before, moved.after))
    planned = planned_replicas(load, parameters)
    rates = load.namespaces.set_index("namespace")["waypoint_rps"]
    accounts = {}
    for name in sorted({*there.index, *now.index, *planned[planned > 0].index}):
        count, rps, vcpu = _row(there, name)
        count_after, rps_after, vcpu_after = _row(now, name)
        if np.isnan(vcpu) or np.isnan(vcpu_after):
            continue
        replicas = count or float(planned.get(name, 0.0))
        before_rps = np.nan_to_num(rps) + float(rates.get(name, 0.0))
        # Without a waypoint nobody counts its requests.
        after_rps = before_rps if np.isnan(rps_after) or not count_after else rps_after
        own = vcpu - sum(part[0] for part in _waypoints(parameters, count, np.nan_to_num(rps)))
        idle, traffic = _waypoints(parameters, count_after, after_rps)
        kept = own if count_after else 0.0
        accounts[str(name)] = Account(
            predicted_vcpu=own + sum(_waypoints(parameters, replicas, before_rps)),
            at_after_vcpu=own + sum(_waypoints(parameters, replicas, after_rps)),
            with_count_vcpu=kept + idle + traffic,
            measured_vcpu=vcpu_after,
            predicted_count=replicas,
            measured_count=count_after,
            before_rps=before_rps if replicas else 0.0,
            after_rps=float(after_rps) if count_after else 0.0,
            fitted=_fitted_waypoints(after, count_after, after_rps, idle, kept + traffic),
        )
    return accounts


def _row(table: pd.DataFrame, namespace: str) -> tuple[float, float, float]:
    """Return count, requests per second and vcpu; none where there are no such proxies."""
    if namespace not in table.index:
        return 0.0, 0.0, 0.0
    count, rps, vcpu = table.loc[[namespace], ["count", "rps", "vcpu"]].to_numpy(float)[0].tolist()
    return count, rps, vcpu


def _waypoints(parameters: Parameters, replicas: float, rps: float) -> tuple[Floats, Floats]:
    """Return idle and traffic of a namespace's replicas, arrays over draws."""
    idle = replicas * parameters.waypoint_idle_vcpu
    if replicas == 0:
        return idle, np.zeros_like(idle)
    each = parameters.waypoint_vcpu(np.array([rps / replicas]))[0]
    return idle, replicas * each - idle


def _fitted_waypoints(
    after: RoleCalibration | None, count: float, rps: float, idle: Floats, traffic: Floats
) -> Fitted | None:
    if after is None or count == 0:
        return None
    effective = count * float(after.effective_rps(np.array([rps / count]))[0])
    return Fitted(
        count=count,
        rps=rps,
        predicted_idle_vcpu=idle,
        predicted_traffic_vcpu=traffic,
        measured_idle_vcpu=after.idle_vcpu_per_proxy.scaled(count),
        measured_traffic_vcpu=after.vcpu_per_1000_rps.scaled(effective / 1000),
    )


def ztunnel_account(
    moved: Migration, load: MeshLoad, passes: Passes, parameters: Parameters, after: Calibration
) -> Account:
    """Return the account of all ztunnels together: they serve nodes, not namespaces.

    Their TCP is taken to be as before: after, it cannot be told from the requests in it.
    """
    assert load.nodes is not None  # noqa: S101 - `compare` has seen to it
    there, now = (by_namespace(usage, Role.ZTUNNEL).sum() for usage in (moved.before, moved.after))
    each = parameters["ztunnel_idle_vcpu_per_node"]
    # Those that run already are on the nodes that they run on.
    planned, count = float(there["count"]) or float(len(load.nodes)), float(now["count"])
    idle = planned * each
    # What those of before used beyond idle, they go on using.
    own = float(there["vcpu"] - there["count"] * each[0])
    needed = ztunnel_need(load.nodes, parameters).vcpu[Basis.USAGE]
    traffic = own + needed - len(load.nodes) * each
    added = passes.added_rps / 1000 * parameters["ztunnel_vcpu_per_1000_rps"]
    before_rps = float(load.nodes["passes_rps"].sum())
    after_rps = max(before_rps + passes.added_rps, 0.0)
    return Account(
        predicted_vcpu=idle + traffic,
        at_after_vcpu=idle + traffic + added,
        with_count_vcpu=count * each + traffic + added,
        measured_vcpu=float(now["vcpu"]),
        predicted_count=planned,
        measured_count=count,
        before_rps=before_rps,
        after_rps=after_rps,
        fitted=_fitted_ztunnels(
            moved.after, after.ztunnel, (count, after_rps), count * each, traffic + added
        ),
    )


def _fitted_ztunnels(
    usage: MeshUsage,
    after: RoleCalibration,
    count_and_rps: tuple[float, float],
    idle: Floats,
    traffic: Floats,
) -> Fitted | None:
    if after.provenance != Provenance.MEASURED:
        return None
    loads = {
        "tcp_bytes_per_second": (after.vcpu_per_gbit_per_second, 8 / BITS_PER_GBIT),
        "new_connections_per_second": (after.vcpu_per_1000_new_connections_per_second, 1 / 1000),
    }
    parts = [
        cost.scaled(unit * (usage.mean_total(Role.ZTUNNEL, name) or 0.0))
        for name, (cost, unit) in loads.items()
        if cost is not None
    ]
    return Fitted(
        count=count_and_rps[0],
        rps=count_and_rps[1],
        predicted_idle_vcpu=idle,
        predicted_traffic_vcpu=traffic,
        measured_idle_vcpu=after.idle_vcpu_per_proxy.scaled(count_and_rps[0]),
        measured_traffic_vcpu=Interval(
            low=sum(part.low for part in parts),
            mid=sum(part.mid for part in parts),
            high=sum(part.high for part in parts),
        ),
    )
