"""What each mode of the mesh needs for the same traffic: the formulas, on draws.

Every quantity is an array over draws (see `draws`), or a number where it is exact.

    ztunnel of a node   idle + requests/s of its pods' proxies x cost of a pass + Gbit/s x cost
                        + new TCP connections/s x cost; istio-cni with it where it is not there yet
    waypoint            replicas x what one uses at its share of the namespace's requests/s
    billed              the larger of used and reserved, ztunnel by ztunnel, replica by replica
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from analyzer.calibration.fit.segments import Floats
from analyzer.projection.choices import OBSERVED, Basis, Placement
from analyzer.projection.demand import MeshLoad
from analyzer.projection.prices import NodePrices, mean_price
from analyzer.units import Interval, Provenance, Role

__all__ = [
    "COMPONENTS",
    "ComponentKind",
    "Need",
    "Parameters",
    "Units",
    "prices_by_basis",
    "waypoint_need",
    "waypoint_replicas",
    "ztunnel_need",
    "ztunnel_vcpu",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentKind:
    """One kind of proxy that a mode is made of, as charts and tables show it.

    Attributes:
        plural: what several of them are called.
        colour: of its bars, as #rrggbb; from the palette of Okabe and Ito.
        hatch: matplotlib's pattern over that colour, for whoever cannot tell colours apart.
    """

    role: Role
    plural: str
    colour: str
    hatch: str


COMPONENTS: Final[Mapping[Role, ComponentKind]] = {
    kind.role: kind
    for kind in (
        ComponentKind(role=Role.SIDECAR, plural="sidecars", colour="#0072b2", hatch=""),
        ComponentKind(role=Role.ZTUNNEL, plural="ztunnels", colour="#e69f00", hatch="////"),
        ComponentKind(role=Role.WAYPOINT, plural="waypoints", colour="#009e73", hatch="...."),
    )
}
"""Every kind of component that a mode may have, by role."""

_MOST_REPLICAS = 1000
"""Replicas that a single waypoint is scaled out to, at most: beyond, something else is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """What a component is made of, at the best estimates: one element a node or a namespace.

    Attributes:
        unit_count: how many ztunnels or waypoint replicas each stands for.
        used_vcpu: by one of these.
        reserved_vcpu: by each one, anywhere.
        used_memory_gib: likewise.
        reserved_memory_gib: likewise.
    """

    names: pd.Series
    unit_count: Floats
    used_vcpu: Floats
    reserved_vcpu: float
    used_memory_gib: float
    reserved_memory_gib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one component needs, by basis; a basis that is not known is absent.

    Attributes:
        vcpu: arrays over draws.
        memory_gib: arrays over draws.
        month_usd: prices of a vCPU and of a GiB where it runs, by basis, over draws; None: the
            scenario's flat ones.
        hottest_vcpu: what the busiest single unit uses, array over draws.
        units: what it adds up from; None where it was measured.
    """

    role: Role
    count: float
    provenance: Provenance
    vcpu: Mapping[Basis, Floats]
    memory_gib: Mapping[Basis, Floats]
    month_usd: Mapping[Basis, tuple[Floats, Floats]] | None = None
    hottest_vcpu: Floats | None = None
    units: Units | None = None


def _unchanged(rps: Floats) -> Floats:
    return rps


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Everything uncertain, drawn once, so that all modes of one draw share it.

    Attributes:
        values: the scenario's assumptions, arrays over draws.
        waypoint_idle_vcpu: of one waypoint replica, array over draws.
        waypoint_vcpu_per_1000_rps: array over draws.
        waypoint_effective_rps: what makes a rate one that a straight line of that slope fits.
        waypoint_fit: ranges of the idle and of the slope that these two come from, by name.
        waypoint_follows_sidecar: whether these two are the sidecars' times the scenario's ratio,
            for want of a waypoint to measure.
        ztunnel_provenance: published, or derived where ztunnels were measured in part.
        placement: which namespaces get waypoints in the mode `ambient-waypoint`.
        istio_cni_installed: whether ambient need not bring istio-cni with it.
    """

    values: Mapping[str, Floats]
    waypoint_idle_vcpu: Floats
    waypoint_vcpu_per_1000_rps: Floats
    waypoint_follows_sidecar: bool
    waypoint_effective_rps: Callable[[Floats], Floats] = _unchanged
    waypoint_fit: Mapping[str, Interval] = field(default_factory=dict)
    ztunnel_provenance: Provenance = Provenance.PUBLISHED
    placement: Placement = OBSERVED
    istio_cni_installed: bool = False

    def __getitem__(self, name: str) -> Floats:
        """Return an assumption over draws."""
        return self.values[name]

    def waypoint_vcpu(self, rps: Floats) -> Floats:
        """Return what one replica uses at each of these rates, shape (rates, draws)."""
        effective = self.waypoint_effective_rps(rps)[:, None]
        return self.waypoint_idle_vcpu + effective / 1000 * self.waypoint_vcpu_per_1000_rps

    def likely_waypoint_vcpu(self, rps: Floats) -> Floats:
        """Return the best estimate of that alone, shape (rates,): the draws are thousands."""
        effective = self.waypoint_effective_rps(rps)
        return np.asarray(
            self.waypoint_idle_vcpu[0] + effective / 1000 * self.waypoint_vcpu_per_1000_rps[0]
        )


def ztunnel_vcpu(nodes: pd.DataFrame, parameters: Parameters) -> Floats:
    """Return what the ztunnel of each node uses, shape (nodes, draws)."""
    passes, gbit, connections = (
        nodes[column].to_numpy(float)[:, None]
        for column in ("passes_rps", "gbit_per_second", "new_connections_per_second")
    )
    return np.asarray(
        parameters["ztunnel_idle_vcpu_per_node"]
        + passes / 1000 * parameters["ztunnel_vcpu_per_1000_rps"]
        + gbit * parameters["ztunnel_vcpu_per_gbit_per_second"]
        + connections / 1000 * parameters["ztunnel_vcpu_per_1000_new_connections_per_second"]
    )


def ztunnel_need(
    nodes: pd.DataFrame, parameters: Parameters, prices: NodePrices | None = None
) -> Need:
    """Return what the ztunnels need, one on each of `nodes` (as in `MeshLoad.nodes`).

    The published idle is of a ztunnel with istio-cni, so that the two are one unit: where
    istio-cni has to come with it, its reservation does too.
    """
    used = ztunnel_vcpu(nodes, parameters)
    reserved = parameters["ztunnel_reserved_vcpu_per_node"]
    reserved_memory = parameters["ztunnel_reserved_memory_gib_per_node"]
    if not parameters.istio_cni_installed:
        reserved = reserved + parameters["istio_cni_reserved_vcpu_per_node"]
        reserved_memory = reserved_memory + parameters["istio_cni_reserved_memory_gib_per_node"]
    vcpu = _by_basis(used, reserved)
    memory = _by_basis(parameters["ztunnel_memory_gib_per_node"], reserved_memory, like=used)
    return Need(
        role=Role.ZTUNNEL,
        count=len(nodes),
        provenance=parameters.ztunnel_provenance,
        vcpu=_totals(vcpu),
        memory_gib=_totals(memory),
        month_usd=prices_by_basis(prices.of(nodes["node"]), vcpu, memory) if prices else None,
        hottest_vcpu=used[int(used[:, 0].argmax())],
        units=Units(
            names=nodes["node"],
            unit_count=np.ones(len(nodes)),
            used_vcpu=used[:, 0],
            reserved_vcpu=float(reserved[0]),
            used_memory_gib=float(parameters["ztunnel_memory_gib_per_node"][0]),
            reserved_memory_gib=float(reserved_memory[0]),
        ),
    )


def waypoint_replicas(load: MeshLoad, parameters: Parameters) -> Floats:
    """Return how many replicas each namespace's waypoint has, shape (namespaces,).

    Enough for each to stay below the target share of its limit in the busiest step, at the best
    estimates; not fewer than the least; and the spare ones.
    """
    peak_rps = load.namespaces["waypoint_peak_rps"].to_numpy(float)
    most_vcpu = (
        parameters["waypoint_limit_vcpu_per_replica"][0]
        * parameters["waypoint_target_utilisation_share"][0]
    )
    replicas = np.full(len(peak_rps), parameters["waypoint_replicas"][0])
    for _ in range(_MOST_REPLICAS):
        used = parameters.likely_waypoint_vcpu(peak_rps / replicas)
        # A replica that idles above the target gains nothing from company.
        busy = (used > most_vcpu) & (parameters.waypoint_idle_vcpu[0] < most_vcpu)
        if not busy.any():
            break
        replicas[busy] += 1
    return np.asarray(replicas + parameters["waypoint_spare_replicas"][0])


def waypoint_need(
    load: MeshLoad, parameters: Parameters, weights: Floats, prices: NodePrices | None = None
) -> Need:
    """Return what the waypoints need: one set of replicas in each chosen namespace.

    Args:
        load: the traffic.
        parameters: what things cost.
        weights: how much of a waypoint each of the load's namespaces gets, 0-1.
        prices: of the nodes, where they differ.
    """
    replicas = waypoint_replicas(load, parameters)
    used = parameters.waypoint_vcpu(load.namespaces["waypoint_rps"].to_numpy(float) / replicas)
    times = (weights * replicas)[:, None]
    vcpu = _by_basis(used, parameters["waypoint_reserved_vcpu_per_replica"], times=times)
    memory = _by_basis(
        parameters["waypoint_memory_gib_per_replica"],
        parameters["waypoint_reserved_memory_gib_per_replica"],
        times=times,
        like=used,
    )
    # They run among the sidecars that they replace.
    month_usd = prices_by_basis(prices.of_namespaces(load), vcpu, memory) if prices else None
    return Need(
        role=Role.WAYPOINT,
        count=float(times.sum()),
        provenance=Provenance.DERIVED,
        vcpu=_totals(vcpu),
        memory_gib=_totals(memory),
        month_usd=month_usd,
        hottest_vcpu=(used * (times > 0)).max(axis=0) if len(used) else None,
        units=Units(
            names=load.namespaces["namespace"],
            unit_count=times[:, 0],
            used_vcpu=used[:, 0],
            reserved_vcpu=float(parameters["waypoint_reserved_vcpu_per_replica"][0]),
            used_memory_gib=float(parameters["waypoint_memory_gib_per_replica"][0]),
            reserved_memory_gib=float(parameters["waypoint_reserved_memory_gib_per_replica"][0]),
        ),
    )


def prices_by_basis(
    unit_prices: Floats, vcpu: Mapping[Basis, Floats], memory_gib: Mapping[Basis, Floats]
) -> Mapping[Basis, tuple[Floats, Floats]]:
    """Return the mean prices of a vCPU and of a GiB on each basis.

    Args:
        unit_prices: of a vCPU and of a GiB where each unit runs, shape (units, 2).
        vcpu: of each unit, by basis, shape (units, draws).
        memory_gib: likewise.
    """
    of_vcpu, of_memory_gib = unit_prices.T
    return {
        basis: (mean_price(of_vcpu, amounts), mean_price(of_memory_gib, memory_gib[basis]))
        for basis, amounts in vcpu.items()
    }


def _by_basis(
    used: Floats, reserved: Floats, *, times: Floats | float = 1.0, like: Floats | None = None
) -> dict[Basis, Floats]:
    """Return what each row of units needs, shape (units, draws).

    Args:
        used: by one unit of each row.
        reserved: likewise.
        times: how many units each row stands for.
        like: what has the shape, where `used` has not.
    """
    shape = (used if like is None else like).shape
    each = {
        Basis.USAGE: used,
        Basis.RESERVED: reserved,
        Basis.BILLED: np.maximum(used, reserved),
    }
    return {basis: np.broadcast_to(values, shape) * times for basis, values in each.items()}


def _totals(units: Mapping[Basis, Floats]) -> dict[Basis, Floats]:
    return {basis: np.asarray(values.sum(axis=0)) for basis, values in units.items()}
