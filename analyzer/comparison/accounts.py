"""The predicted CPU of each kind of proxy after a migration, by the unit costs of BEFORE.

    sidecars that stayed  CPU measured before + slope x added requests + idle x added proxies:
                          each workload is compared with itself
    waypoint              replicas x CPU of one at its share of the namespace's requests/s
    ztunnel               idle on every node + the traffic of the pods that moved

Waypoints and ztunnels that ran before count with their measured CPU; the formulas give the CPU
added to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.calibration.fit.student import SEED
from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.comparison.attribution import Account, Fitted
from analyzer.comparison.match import Migration, Passes, by_namespace
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import Placement, Shared
from analyzer.projection.components import ztunnel_vcpu
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.passing import of_more_passes
from analyzer.projection.places import WAYPOINT_LOADS
from analyzer.projection.uncertainty import Parameters, draw_curve
from analyzer.projection.waypoints import counts_of, placed, replicas_of
from analyzer.units import GBIT_PER_BYTE, Interval, Provenance, Refusal, Role

_WORKLOAD: Final = ["namespace", "workload"]
_COSTS: Final = ("idle", "traffic", "marginal")
"""Unit costs of a sidecar: vcpu per proxy; vcpu per rps, on average and at the margin."""

_NO_TCP: Final = np.zeros(2)
"""Connections and bytes of waypoints whose TCP is in their measured CPU."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sidecars:
    """The workloads with sidecars in either mesh, and their unit costs.

    Attributes:
        workloads: rows of `Migration.workloads` with known CPU, by namespace and workload, with
            what stayed (kept_count, kept_rps, kept_vcpu), the unit costs `_COSTS` of BEFORE, and of
            AFTER if fitted in both (idle_before, idle_after).
        moved_vcpu_per_rps: marginal cost of a request in BEFORE, of all workloads.
        idle_share: draws relative to the best estimate of the mesh; slope_share: the same.
    """

    workloads: pd.DataFrame
    moved_vcpu_per_rps: pd.Series
    idle_share: Floats
    slope_share: Floats

    def added_vcpu(self, passes: Passes) -> pd.Series:
        """Return the CPU that the traffic after would add in sidecar mode, by workload."""
        rows = self.workloads
        moved = self.moved_vcpu_per_rps * passes.by_workload.reindex(rows.index).fillna(0.0)
        return self.added_to_kept_vcpu.where(rows["stays"], moved)

    @property
    def added_to_kept_vcpu(self) -> pd.Series:
        """The CPU that the traffic after adds to the sidecars that stayed, by workload."""
        rows = self.workloads
        return rows["marginal_before"] * _added_rps(rows)


def costed_sidecars(
    moved: Migration, before: Calibration, after: Calibration, role: RoleCalibration
) -> Sidecars:
    """Return the sidecars of both meshes with the unit costs of each workload."""
    # The relative error of the mesh's fit is used for all workloads: their own is not drawn.
    idle, slope = (
        part / part[0] if part[0] > 0 else np.ones_like(part)
        for part in draw_curve(role, np.random.default_rng(SEED))
    )
    idle_mean, marginal = role.idle_vcpu_per_proxy.mid, role.vcpu_per_1000_rps.mid / 1000
    mean = {"idle": idle_mean, "marginal": marginal, "traffic": marginal / _marginal_share(role)}
    own = _own_costs(before)
    rows = _costed(moved, own, mean, _own_costs(after))
    return Sidecars(
        workloads=rows,
        moved_vcpu_per_rps=own["marginal"].reindex(rows.index).fillna(marginal),
        idle_share=idle,
        slope_share=slope,
    )


def sidecar_accounts(sidecars: Sidecars) -> dict[str, Account]:
    """Return an account per namespace with sidecars that stayed or are new."""
    return {
        str(namespace): _sidecar_account(group, sidecars.idle_share, sidecars.slope_share)
        for namespace, group in sidecars.workloads.groupby("namespace")
        if (group["kept_count"] > 0).any() or (group["after_count"] > 0).any()
    }


def _added_rps(rows: pd.DataFrame) -> pd.Series:
    """Return the requests added to the sidecars that stayed; 0 for the others."""
    return (rows["after_rps"] - rows["kept_rps"]).where(rows["stays"], 0.0)


def _marginal_share(role: RoleCalibration | Refusal) -> float:
    return role.curve.marginal_share if isinstance(role, RoleCalibration) else 1.0


def _own_costs(calibration: Calibration) -> pd.DataFrame:
    """Return the measured costs of each workload: columns `_COSTS`, by namespace and workload."""
    found = [
        (item.namespace, item.workload, item.idle_vcpu_per_proxy.mid, slope.mid / 1000)
        for item in calibration.workloads
        for slope in [item.vcpu_per_1000_rps]
        if slope and item.idle_vcpu_per_proxy and item.provenance == Provenance.MEASURED
    ]
    table = pd.DataFrame(found, columns=[*_WORKLOAD, "idle", "marginal"])
    table = table.set_index(_WORKLOAD).astype(float)
    return table.assign(traffic=table["marginal"] / _marginal_share(calibration.sidecar))


def _costed(
    moved: Migration, before: pd.DataFrame, mean: Mapping[str, float], after: pd.DataFrame
) -> pd.DataFrame:
    """Return the workloads with their unit costs: `_before`, and `_after` if fitted in both.

    A workload that stayed without an own fit is assumed unchanged; a new one has the mesh's mean
    costs.
    """
    rows = moved.workloads.dropna(subset=["before_vcpu", "after_vcpu"]).set_index(_WORKLOAD)
    stays = (rows["before_count"] > 0) & ~rows["has_moved"]
    for name in _COSTS:
        own = before[name].reindex(rows.index).where(stays, mean[name])
        later = after[name].reindex(rows.index).where(stays & own.notna())
        rows = rows.assign(**{f"{name}_before": own.fillna(0.0), f"{name}_after": later})
    for amount in ("count", "rps", "vcpu"):
        rows[f"kept_{amount}"] = rows[f"before_{amount}"].where(stays, 0.0)
    return rows.assign(stays=stays)


def _sidecar_account(rows: pd.DataFrame, idle_share: Floats, slope_share: Floats) -> Account:
    """Return the account of workloads; idle and slope are draws relative to the best estimate."""
    added_rps = _added_rps(rows)
    idle = _total(rows, "idle_before", "kept_count")
    idle_after = _total(rows, "idle_before", "after_count")
    traffic = _total(rows, "traffic_before", "kept_rps")
    added = float((rows["marginal_before"] * added_rps).sum())
    new = _total(rows[~rows["stays"]], "traffic_before", "after_rps")
    traffic_after = traffic + added + new
    # Measured CPU that the fit does not explain is assumed unchanged.
    own = float(rows["kept_vcpu"].sum()) - idle - traffic
    fitted, both = None, rows[rows["idle_after"].notna()]
    if not both.empty:
        measured_idle = _total(both, "idle_after", "after_count")
        measured_traffic = _total(both, "traffic_after", "after_rps")
        fitted = Fitted(
            count=float(both["after_count"].sum()),
            rps=float(both["after_rps"].sum()),
            predicted_idle_vcpu=idle_share * _total(both, "idle_before", "after_count"),
            predicted_traffic_vcpu=slope_share * _total(both, "traffic_before", "after_rps"),
            measured_idle_vcpu=Interval.exactly(measured_idle),
            measured_traffic_vcpu=Interval.exactly(measured_traffic),
        )
    return Account(
        predicted_vcpu=own + idle_share * idle + slope_share * traffic,
        at_after_vcpu=own + idle_share * idle + slope_share * (traffic + added),
        with_count_vcpu=own + idle_share * idle_after + slope_share * traffic_after,
        measured_vcpu=float(rows["after_vcpu"].sum()),
        predicted_count=float(rows["kept_count"].sum()),
        measured_count=float(rows["after_count"].sum()),
        before_rps=float(rows["kept_rps"].sum()),
        after_rps=float(rows["after_rps"].sum()),
        fitted=fitted,
    )


def _total(rows: pd.DataFrame, cost: str, amount: str) -> float:
    return float((rows[cost] * rows[amount]).sum())


def homes_of_shared(moved: Migration, load: MeasuredLoad, placement: Placement) -> dict[str, str]:
    """Return where each shared waypoint runs, by its name and by the namespaces that it serves.

    That is the first of these with a waypoint, today or in AFTER; else the first.
    """
    if not isinstance(placement, Shared):
        return {}
    usages = moved.after, moved.before
    running = {name for usage in usages for name in by_namespace(usage, Role.WAYPOINT).index}
    found: dict[str, str] = {}
    names = placement.waypoint_of(set(load.namespaces["namespace"]))
    for waypoint in dict.fromkeys(names.values()):
        members = [name for name, serving in names.items() if serving == waypoint]
        home = min(members, key=lambda member: member not in running)
        found |= dict.fromkeys((*members, waypoint), home)
    return found


def _at_home(table: pd.DataFrame, homes: Mapping[str, str]) -> pd.DataFrame:
    """Return the waypoints of namespaces that share one together, where that one is predicted."""
    if not homes:
        return table
    names = [homes.get(str(name), str(name)) for name in table.index]
    grouped = table.groupby(names)
    # What is not known of one is not known of all.
    return grouped.sum().where(grouped.count().eq(grouped.size(), axis=0))


def waypoint_accounts(
    moved: Migration, load: MeasuredLoad, parameters: Parameters, after: RoleCalibration | Refusal
) -> dict[str, Account]:
    """Return an account per namespace with a waypoint, predicted or running."""
    waypoints = placed(load, parameters.placement)
    homes = homes_of_shared(moved, load, parameters.placement)
    there, now = (
        _at_home(by_namespace(usage, Role.WAYPOINT), homes) for usage in (moved.before, moved.after)
    )
    handled = waypoints.table.set_axis([homes.get(name, name) for name in waypoints.names])
    counts = counts_of(waypoints, replicas_of(waypoints, parameters))
    planned = pd.Series(counts, index=handled.index)
    joining = moved.joining_rps.groupby(lambda name: homes.get(name, name)).sum()
    rates = handled["waypoint_rps"].add(joining, fill_value=0.0)
    tcp = handled[WAYPOINT_LOADS[1:]]
    accounts = {}
    for name in map(str, sorted({*there.index, *now.index, *planned[planned > 0].index})):
        (count, rps, vcpu), (count_after, rps_after, vcpu_after) = (
            table.reindex([name], fill_value=0.0).to_numpy(float)[0].tolist()
            for table in (there, now)
        )
        if np.isnan(vcpu) or np.isnan(vcpu_after):
            continue
        replicas = count or float(planned.get(name, 0.0))
        before_rps = np.nan_to_num(rps) + float(rates.get(name, 0.0))
        # Without a waypoint no proxy counts its requests.
        after_rps = before_rps if np.isnan(rps_after) or not count_after else rps_after
        own = vcpu - sum(
            part[0] for part in _waypoints(parameters, name, count, np.nan_to_num(rps), _NO_TCP)
        )
        added = tcp.loc[name].to_numpy(float) if name in tcp.index else _NO_TCP
        idle, traffic = _waypoints(parameters, name, count_after, after_rps, added)
        kept = own if count_after else 0.0
        accounts[name] = Account(
            predicted_vcpu=own + sum(_waypoints(parameters, name, replicas, before_rps, added)),
            at_after_vcpu=own + sum(_waypoints(parameters, name, replicas, after_rps, added)),
            with_count_vcpu=kept + idle + traffic,
            measured_vcpu=vcpu_after,
            predicted_count=replicas,
            measured_count=count_after,
            before_rps=before_rps if replicas else 0.0,
            after_rps=float(after_rps) if count_after else 0.0,
            fitted=_fitted_waypoints(after, count_after, after_rps, idle, kept + traffic),
        )
    return accounts


def _waypoints(
    parameters: Parameters, namespace: str, replicas: float, rps: float, tcp: Floats
) -> tuple[Floats, Floats]:
    """Return idle and traffic CPU of a namespace's replicas, arrays over draws.

    `tcp` are the new connections a second and the Gbit/s that it had before.
    """
    idle = replicas * parameters.waypoint_vcpu(np.zeros(1), [namespace], np.zeros(1))[0]
    if replicas == 0:
        return idle, np.zeros_like(idle)
    connections, gbit = tcp / replicas
    streams = np.array([rps / replicas + connections])
    each = parameters.waypoint_vcpu(streams, [namespace], np.array([gbit]))[0]
    return idle, replicas * each - idle


def _fitted_waypoints(
    after: RoleCalibration | Refusal, count: float, rps: float, idle: Floats, traffic: Floats
) -> Fitted | None:
    if isinstance(after, Refusal) or after.provenance != Provenance.MEASURED or count == 0:
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

    Their TCP traffic is assumed unchanged: in AFTER it includes the requests and cannot be
    separated from them. `nodes` is `MeshLoad.nodes` with the traffic that the moved sidecars
    carried before.
    """
    there, now = (by_namespace(usage, Role.ZTUNNEL).sum() for usage in (moved.before, moved.after))
    each = parameters["ztunnel_idle_vcpu_per_node"]
    # Ztunnels that ran before fix the number of nodes.
    shares = nodes["present_share"].to_numpy(float)[:, None]
    planned, count = float(there["count"]) or float(shares.sum()), float(now["count"])
    idle = planned * each
    # Ztunnels that ran before keep their CPU beyond idle.
    own = float(there["vcpu"] - there["count"] * each[0])
    traffic = own + (shares * ztunnel_vcpu(nodes, parameters)).sum(axis=0) - shares.sum() * each
    added = of_more_passes(passes.added_rps, nodes, parameters.values)
    before_rps = float((nodes["passes_rps"] * nodes["present_share"]).sum())
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
    """Return the CPU of all ztunnels beyond idle, by the fitted costs of their TCP."""
    costs = (
        ("tcp_bytes_per_second", GBIT_PER_BYTE, after.vcpu_per_gbit_per_second),
        ("new_connections_per_second", 0.001, after.vcpu_per_1000_new_connections_per_second),
    )
    total = Interval.exactly(0.0)
    for name, unit, cost in costs:
        if cost is not None:
            total += cost.scaled(unit * (usage.mean_total(Role.ZTUNNEL, name) or 0.0))
    return total
