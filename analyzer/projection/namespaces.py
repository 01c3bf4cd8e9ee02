"""What moving each namespace changes: dollars on draws, and the best estimates of its vCPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.result import Calibration
from analyzer.projection.choices import Basis, is_settled
from analyzer.projection.components import each_ztunnel, ztunnels_that_use
from analyzer.projection.modes import SIDECAR, needs_of
from analyzer.projection.needs import Case
from analyzer.projection.passing import carried, vcpu_of
from analyzer.projection.places import at_a_time
from analyzer.projection.uncertainty import Parameters
from analyzer.projection.waypoints import (
    counts_of,
    each_waypoint,
    placed,
    replicas_of,
    transfer_of_waypoints,
    while_present,
    whole_if_all,
)
from analyzer.units import MONTHS_PER_YEAR, Refusal

_HELD: Final = [
    f"{name}{end}"
    for name in ("open_connections", "uncounted_sidecars")
    for end in ("", "_low", "_high")
]
"""What holds connections in a ztunnel, with the ends of unseen time."""

_VALUES_AT_ONCE: Final = 1_000_000
"""Draws of places that are held at a time: those of 15,000 sidecars would take 240 MB."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stakes:
    """What each namespace costs in a year on one basis, in dollars, shape (namespaces, draws).

    Added up, these are the modes' costs: nothing is counted twice and nothing is left over.

    Attributes:
        names: the namespaces, in the order of the rows.
        is_known: whether the CPU of a namespace's sidecars was measured.
        needs_waypoint: whether the scenario gives it a waypoint.
        sidecar_usd: its sidecars, which moving saves.
        passed_usd: what ztunnels cost more with its traffic than without.
        waypoint_usd: its waypoint, as much of one as the scenario gives it, with the bytes that
            cross zones because of it.
        shared_usd: the ztunnels before any namespace has moved, shape (draws,).
        is_settled: whether the scenario states which namespaces need a waypoint.
        rightsized_usd: its sidecars with recommended requests; None where these are not known.
    """

    names: tuple[str, ...]
    is_known: Bools
    needs_waypoint: Bools
    sidecar_usd: Floats
    passed_usd: Floats
    waypoint_usd: Floats
    shared_usd: Floats
    is_settled: bool = False
    rightsized_usd: Floats | None = None

    @property
    def after_rightsizing(self) -> Stakes | None:
        """The same for sidecars with recommended requests; None where these are not known."""
        if self.rightsized_usd is None:
            return None
        return replace(self, sidecar_usd=self.rightsized_usd, rightsized_usd=None)

    @property
    def l4_usd(self) -> Floats:
        """What moving each namespace saves without a waypoint, before `shared_usd`."""
        return self.sidecar_usd - self.passed_usd

    @property
    def saved_usd(self) -> Floats:
        """What moving each namespace saves with its waypoint, before `shared_usd`."""
        return self.l4_usd - self.waypoint_usd


def stakes(case: Case, basis: Basis) -> Stakes:
    """Return what each namespace costs with sidecars and in ambient, on draws."""
    namespaces, parameters = case.load.namespaces, case.parameters
    waypoints = placed(case.load, parameters.placement)
    replicas = replicas_of(waypoints, parameters)
    shared_usd, passed_usd = _ztunnel_usd(case, basis)
    carried_vcpu = carried_by_ztunnels(namespaces, parameters)
    total_vcpu = carried_vcpu.sum(axis=0)
    share = np.divide(
        carried_vcpu, total_vcpu, out=np.zeros(carried_vcpu.shape), where=total_vcpu > 0
    )
    waypoint_usd = each_waypoint(case, waypoints, replicas).usd_per_year(
        counts_of(waypoints, replicas), basis, parameters
    )
    waypoint_usd = waypoint_usd[waypoints.row] * waypoints.part_share[:, None]
    transfer = transfer_of_waypoints(case, parameters.placement, replicas=replicas)
    if transfer:
        waypoint_usd = waypoint_usd + transfer.by_namespace_usd_per_year
    return Stakes(
        names=tuple(map(str, namespaces["namespace"])),
        is_known=namespaces["sidecar_vcpu"].notna().to_numpy(bool),
        needs_waypoint=waypoints.weights[waypoints.row] > 0,
        sidecar_usd=_sidecar_usd(case, basis, case.load.placement, case.placed),
        rightsized_usd=(
            _sidecar_usd(case, basis, case.load.rightsized.placement, case.placed_rightsized)
            if case.load.rightsized is not None and case.has_rightsized
            else None
        ),
        passed_usd=share * passed_usd,
        waypoint_usd=waypoint_usd,
        shared_usd=shared_usd,
        is_settled=is_settled(parameters.placement),
    )


def _ztunnel_usd(case: Case, basis: Basis) -> Iterator[Floats]:
    """Yield what the ztunnels cost without traffic, and what the traffic adds, shape (draws,)."""
    busy, counts = each_ztunnel(case), case.nodes["present_share"].to_numpy(float)
    idle_vcpu = case.parameters["ztunnel_idle_vcpu_per_node"]
    unused = case.nodes.assign(**dict.fromkeys(_HELD, 0.0))
    idle = ztunnels_that_use(np.broadcast_to(idle_vcpu, busy.used[0].shape), case, unused)
    at_rest, at_work = (
        each.usd_per_year(counts, basis, case.parameters).sum(axis=0) for each in (idle, busy)
    )
    yield at_rest
    yield at_work - at_rest


def _sidecar_usd(
    case: Case,
    basis: Basis,
    placed: pd.DataFrame,
    at_places: Callable[[Basis, str, Ints], Floats],
) -> Floats:
    """Return what sidecars of each namespace cost, shape (namespaces, draws).

    `placed` has their places, and `at_places` their vCPU or GiB at some of these.
    """
    load = case.load
    (need,) = needs_of(SIDECAR, case).needs
    names = load.namespaces["namespace"]
    found = np.zeros((len(names), len(case.parameters.waypoint_idle_vcpu)))
    number = pd.Index(names).get_indexer(pd.Index(placed["namespace"]))
    for rows in _some_at_once(number, found.shape[1]):
        month_usd = pd.DataFrame(_month_usd(case, basis, placed.iloc[rows], rows, at_places))
        summed = month_usd.groupby(number[rows]).sum()
        found[summed.index] = summed.to_numpy(float)
    if basis in need.memory_gib and basis not in load.sidecars.memory_gib_by_basis:
        # Assumed: the same for each sidecar, at the mean price of all.
        share = (load.namespaces["sidecar_count"] / load.sidecar_count).to_numpy(float)
        price = need.month_usd[basis] if need.month_usd else case.parameters.flat_month_usd
        found = found + share[:, None] * need.memory_gib[basis] * price[1]
    return np.asarray(found * MONTHS_PER_YEAR)


def _some_at_once(number: Ints, draw_count: int) -> Iterator[Ints]:
    """Yield the rows of some whole namespaces, whose draws take little memory."""
    order = np.argsort(number, kind="stable")
    order = order[number[order] >= 0]
    firsts = np.flatnonzero(np.diff(number[order], prepend=-1))
    most = max(_VALUES_AT_ONCE // draw_count, 1)
    begins = firsts[np.flatnonzero(np.diff(firsts // most, prepend=-1))]
    yield from np.split(order, begins[1:])


def _month_usd(
    case: Case,
    basis: Basis,
    placed: pd.DataFrame,
    rows: Ints,
    at_places: Callable[[Basis, str, Ints], Floats],
) -> Floats:
    """Return what the sidecars at some places cost in a month, shape (places, draws)."""
    shape = (len(placed), len(case.parameters.waypoint_idle_vcpu))
    vcpu_usd, memory_gib_usd = case.parameters.flat_month_usd
    if case.prices:
        vcpu_usd, memory_gib_usd = case.prices.of(placed["node"]).T[..., None]
    month_usd = at_places(basis, "vcpu", rows) * np.broadcast_to(vcpu_usd, shape)
    if basis in case.load.sidecars.memory_gib_by_basis:
        month_usd = month_usd + at_places(basis, "memory_gib", rows) * memory_gib_usd
    return np.asarray(month_usd)


def carried_by_ztunnels(namespaces: pd.DataFrame, parameters: Parameters) -> Floats:
    """Return the vCPU that ztunnels use for each namespace's traffic, shape (namespaces, draws)."""
    amounts = carried(namespaces, "proxy_rps", parameters.values, parameters.unseen_time)
    return vcpu_of(amounts, parameters.values)


def vcpu_of_namespaces(case: Case, calibration: Calibration) -> pd.DataFrame:
    """Divide the best estimates of usage among the namespaces, in their order in the load.

    What a ztunnel uses for traffic follows the traffic; what it uses when idle follows the number
    of sidecars that it replaces. `gained_vcpu` is what moving saves before that idle.
    """
    load, parameters = case.load, case.parameters
    namespaces = load.namespaces
    frame = namespaces[["namespace", "sidecar_count", "proxy_rps", "sidecar_vcpu"]]
    if not case.has_ambient:
        return frame
    carried = carried_by_ztunnels(namespaces, parameters)[:, 0]
    share = namespaces["sidecar_count"] / namespaces["sidecar_count"].sum()
    waypoints = placed(load, parameters.placement)
    row, weights = waypoints.row, waypoints.weights[waypoints.row]
    replicas = replicas_of(waypoints, parameters)
    rps, gbit = (loads / replicas for loads in while_present(waypoints))
    whole = replicas * waypoints.shares
    waypoint_vcpu = whole * parameters.likely_waypoint_vcpu(rps, waypoints.names, gbit)
    frame = frame.assign(
        ambient_l4_vcpu=ztunnel_idle_vcpu(case) * share + carried,
        waypoint_vcpu=waypoint_vcpu[row] * waypoints.part_share,
        waypoint_replicas=whole_if_all(replicas)[row],
        waypoint_extrapolated=is_extrapolated(rps, calibration)[row],
    )
    saving = frame["sidecar_vcpu"] - frame["ambient_l4_vcpu"]
    with_waypoint = saving - frame["waypoint_vcpu"]
    return frame.assign(
        saving_l4_vcpu=saving,
        saving_waypoint_vcpu=with_waypoint,
        # A waypoint that it would not have, or that a loss does not come from, is not blamed.
        waypoint_costs_more=(weights > 0) & (saving >= 0) & (with_waypoint < 0),
        gained_vcpu=frame["sidecar_vcpu"] - carried - weights * frame["waypoint_vcpu"],
    )


def ztunnel_idle_vcpu(case: Case) -> float:
    """Return the best estimate of what all ztunnels use without traffic."""
    return float(case.parameters["ztunnel_idle_vcpu_per_node"][0] * at_a_time(case.nodes))


def is_extrapolated(rps: Floats, calibration: Calibration) -> Bools:
    """Return which waypoint replicas run at a rate that no proxy was seen at; idle ones do not."""
    waypoint = calibration.waypoint
    if isinstance(waypoint, Refusal):
        return np.zeros(rps.shape, dtype=bool)
    return waypoint.extrapolates(rps) & (rps > 0)
