"""What each kind of proxy was predicted to use after a migration, by the unit costs of BEFORE.

    sidecars that stayed  as measured before, the slope for each request added, the idle for each
                          proxy added: each workload is compared with itself
    waypoint              replicas x what one uses at its share of the namespace's requests/s
    ztunnel               idle on every node, and what passes the pods that moved

What of waypoints and ztunnels was there before counts as measured then; the formulas above are of
what comes on top of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.calibration.models import Power
from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.comparison.attribution import Account, Fitted, together
from analyzer.comparison.match import Migration, Passes, by_namespace
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import waypoint_weights
from analyzer.projection.components import waypoint_replicas, ztunnel_vcpu
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.uncertainty import Parameters, draw_curve, generator
from analyzer.units import BITS_PER_GBIT, Interval, Provenance, Refusal, Role

_WORKLOAD: Final = ["namespace", "workload"]
_COSTS: Final = ("idle", "traffic", "marginal")
"""Of a sidecar: vcpu per proxy; vcpu per rps, on average and at the margin."""

Relative = tuple[Floats, Floats]
"""Idle and slope over draws, as shares of their best estimates."""


def sidecar_accounts(
    moved: Migration, before: Calibration, after: Calibration, role: RoleCalibration
) -> dict[str, Account]:
    """Return one account a namespace in which sidecars stayed, or are new.

    Args:
        moved: who has moved.
        before: what BEFORE found of each workload.
        after: what AFTER did.
        role: what BEFORE found of sidecars in general.
    """
    # All workloads err as the mesh does: their own errors are not drawn.
    idle, slope = (
        part / part[0] if part[0] > 0 else np.ones_like(part)
        for part in draw_curve(role, generator())
    )
    marginal = role.vcpu_per_1000_rps.mid / 1000
    mean = {
        "idle": role.idle_vcpu_per_proxy.mid,
        "marginal": marginal,
        "traffic": marginal / _exponent(role),
    }
    rows = _costed(moved, _own_costs(before), mean, _own_costs(after))
    return {
        str(namespace): _sidecar_account(group, (idle, slope))
        for namespace, group in rows.groupby("namespace")
        if (group["kept_count"] > 0).any() or (group["after_count"] > 0).any()
    }


def _exponent(role: RoleCalibration | Refusal) -> float:
    if isinstance(role, RoleCalibration) and isinstance(role.curve, Power):
        return role.curve.exponent
    return 1.0


def _own_costs(calibration: Calibration) -> pd.DataFrame:
    """Return what was measured of each workload itself: columns `_COSTS`, by its names."""
    found = {
        (item.namespace, item.workload): (item.idle_vcpu_per_proxy.mid, slope.mid / 1000)
        for item in calibration.workloads
        for slope in [item.vcpu_per_1000_rps]
        if slope and item.idle_vcpu_per_proxy and item.provenance == Provenance.MEASURED
    }
    table = pd.DataFrame(
        list(found.values()),
        columns=["idle", "marginal"],
        index=pd.MultiIndex.from_tuples(found, names=_WORKLOAD),
        dtype=float,
    )
    return table.assign(traffic=table["marginal"] / _exponent(calibration.sidecar))


def _costed(
    moved: Migration, before: pd.DataFrame, mean: Mapping[str, float], after: pd.DataFrame
) -> pd.DataFrame:
    """Return the workloads with what each costs: `_before`, and `_after` where fitted in both.

    A workload that stayed and has no fit of its own is taken as it was; one that is new costs as
    the mean of the mesh.
    """
    known = moved.workloads.dropna(subset=["before_vcpu", "after_vcpu"])
    rows = known.set_index(_WORKLOAD)
    stays = (rows["before_count"] > 0) & ~rows["has_moved"]
    for name in _COSTS:
        own = before[name].reindex(rows.index).where(stays, mean[name])
        later = after[name].reindex(rows.index).where(stays & own.notna())
        rows = rows.assign(**{f"{name}_before": own.fillna(0.0), f"{name}_after": later})
    kept = rows[["before_count", "before_rps", "before_vcpu"]].where(stays, 0.0)
    return rows.assign(
        stays=stays,
        kept_count=kept["before_count"],
        kept_rps=kept["before_rps"],
        kept_vcpu=kept["before_vcpu"],
    )


def _sidecar_account(rows: pd.DataFrame, relative: Relative) -> Account:
    idle_share, slope_share = relative
    added_rps = (rows["after_rps"] - rows["kept_rps"]).where(rows["stays"], 0.0)
    idle, idle_after = (
        _total(rows, "idle_before", amount) for amount in ("kept_count", "after_count")
    )
    traffic = _total(rows, "traffic_before", "kept_rps")
    added = float((rows["marginal_before"] * added_rps).sum())
    new_traffic = _total(rows[~rows["stays"]], "traffic_before", "after_rps")
    # What the fit leaves of what was measured stays as it was.
    own = float(rows["kept_vcpu"].sum()) - idle - traffic
    return Account(
        predicted_vcpu=own + idle_share * idle + slope_share * traffic,
        at_after_vcpu=own + idle_share * idle + slope_share * (traffic + added),
        with_count_vcpu=(
            own + idle_share * idle_after + slope_share * (traffic + added + new_traffic)
        ),
        measured_vcpu=float(rows["after_vcpu"].sum()),
        predicted_count=float(rows["kept_count"].sum()),
        measured_count=float(rows["after_count"].sum()),
        before_rps=float(rows["kept_rps"].sum()),
        after_rps=float(rows["after_rps"].sum()),
        fitted=_fitted_sidecars(rows[rows["idle_after"].notna()], relative),
    )


def _fitted_sidecars(rows: pd.DataFrame, relative: Relative) -> Fitted | None:
    if rows.empty:
        return None
    return Fitted(
        count=float(rows["after_count"].sum()),
        rps=float(rows["after_rps"].sum()),
        predicted_idle_vcpu=relative[0] * _total(rows, "idle_before", "after_count"),
        predicted_traffic_vcpu=relative[1] * _total(rows, "traffic_before", "after_rps"),
        measured_idle_vcpu=Interval.exactly(_total(rows, "idle_after", "after_count")),
        measured_traffic_vcpu=Interval.exactly(_total(rows, "traffic_after", "after_rps")),
    )


def _total(rows: pd.DataFrame, cost: str, amount: str) -> float:
    return float((rows[cost] * rows[amount]).sum())


def waypoint_accounts(
    moved: Migration, load: MeasuredLoad, parameters: Parameters, after: RoleCalibration | None
) -> dict[str, Account]:
    """Return one account a namespace that was to have a waypoint, or has one.

    Args:
        moved: who has moved.
        load: what those sidecars carried before.
        parameters: the unit costs of the projection.
        after: what AFTER found that a waypoint costs; None where it found nothing.
    """
    there, now = (by_namespace(usage, Role.WAYPOINT) for usage in (moved.before, moved.after))
    weights = waypoint_weights(parameters.placement, load.namespaces)
    namespaces = load.namespaces.set_index("namespace")
    planned = pd.Series(weights * waypoint_replicas(load, parameters), index=namespaces.index)
    rates = namespaces["waypoint_rps"]
    accounts = {}
    for name in sorted({*there.index, *now.index, *planned[planned > 0].index}):
        count, rps, vcpu = _row(there, name)
        count_after, rps_after, vcpu_after = _row(now, name)
        if np.isnan(vcpu) or np.isnan(vcpu_after):
            continue
        replicas = count or float(planned.get(name, 0.0))
        before_rps = np.nan_to_num(rps) + float(rates.get(name, 0.0))
        # Without a waypoint nothing counts its requests.
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
    moved: Migration,
    nodes: pd.DataFrame,
    passes: Passes,
    parameters: Parameters,
    after: RoleCalibration,
) -> Account:
    """Return the account of all ztunnels together: they serve nodes, not namespaces.

    Their TCP is taken to be as before: after, it cannot be told from the requests in it.

    Args:
        moved: who has moved.
        nodes: with what those sidecars carried before, as in `MeshLoad.nodes`.
        passes: what passes the ztunnels of the pods that moved.
        parameters: the unit costs of the projection.
        after: what AFTER found that a ztunnel costs.
    """
    there, now = (by_namespace(usage, Role.ZTUNNEL).sum() for usage in (moved.before, moved.after))
    each = parameters["ztunnel_idle_vcpu_per_node"]
    # Those that run already are on the nodes that they run on.
    planned, count = float(there["count"]) or float(len(nodes)), float(now["count"])
    idle = planned * each
    # What those of before used beyond idle, they go on using.
    own = float(there["vcpu"] - there["count"] * each[0])
    traffic = own + ztunnel_vcpu(nodes, parameters).sum(axis=0) - len(nodes) * each
    added = passes.added_rps / 1000 * parameters["ztunnel_vcpu_per_1000_rps"]
    before_rps = float(nodes["passes_rps"].sum())
    after_rps = max(before_rps + passes.added_rps, 0.0)
    fitted = None
    if after.provenance == Provenance.MEASURED:
        fitted = Fitted(
            count=count,
            rps=after_rps,
            predicted_idle_vcpu=count * each,
            predicted_traffic_vcpu=traffic + added,
            measured_idle_vcpu=after.idle_vcpu_per_proxy.scaled(count),
            measured_traffic_vcpu=_fitted_tcp(moved.after, after),
        )
    return Account(
        predicted_vcpu=idle + traffic,
        at_after_vcpu=idle + traffic + added,
        with_count_vcpu=count * each + traffic + added,
        measured_vcpu=float(now["vcpu"]),
        predicted_count=planned,
        measured_count=count,
        before_rps=before_rps,
        after_rps=after_rps,
        fitted=fitted,
    )


def _fitted_tcp(usage: MeshUsage, after: RoleCalibration) -> Interval:
    """Return the CPU of all ztunnels beyond idle, by what was fitted of their TCP."""
    loads = {
        "tcp_bytes_per_second": (after.vcpu_per_gbit_per_second, 8 / BITS_PER_GBIT),
        "new_connections_per_second": (after.vcpu_per_1000_new_connections_per_second, 1 / 1000),
    }
    parts = [
        cost.scaled(unit * (usage.mean_total(Role.ZTUNNEL, name) or 0.0))
        for name, (cost, unit) in loads.items()
        if cost is not None
    ]
    return together([Interval.exactly(0.0), *parts])
