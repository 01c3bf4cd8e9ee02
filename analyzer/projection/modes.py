"""All modes for one set of parameters: needs, dollars and savings, on draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.projection.components import (
    Need,
    Parameters,
    prices_by_basis,
    waypoint_need,
    ztunnel_need,
)
from analyzer.projection.demand import MeshLoad
from analyzer.projection.prices import NodePrices
from analyzer.projection.scenario import Basis
from analyzer.projection.sidecars import SidecarFootprint
from analyzer.units import MONTHS_PER_YEAR, Provenance, Role

__all__ = [
    "AMBIENT_L4",
    "AMBIENT_WAYPOINT",
    "AMBIENT_WAYPOINT_ALL",
    "MODES",
    "SIDECAR",
    "ModeKind",
    "ModeNeeds",
    "evaluate",
]

SIDECAR: Final = "sidecar"
AMBIENT_L4: Final = "ambient-l4"
AMBIENT_WAYPOINT: Final = "ambient-waypoint"
AMBIENT_WAYPOINT_ALL: Final = "ambient-waypoint-all"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeKind:
    """One way to run the mesh: its name, the same in words, and what it is made of."""

    name: str
    title: str
    roles: tuple[Role, ...]


MODES: Final[Mapping[str, ModeKind]] = {
    kind.name: kind
    for kind in (
        ModeKind(name=SIDECAR, title="sidecars", roles=(Role.SIDECAR,)),
        ModeKind(name=AMBIENT_L4, title="ambient, L4 only", roles=(Role.ZTUNNEL,)),
        ModeKind(
            name=AMBIENT_WAYPOINT,
            title="ambient, waypoints where HTTP is",
            roles=(Role.ZTUNNEL, Role.WAYPOINT),
        ),
        ModeKind(
            name=AMBIENT_WAYPOINT_ALL,
            title="ambient, waypoints everywhere",
            roles=(Role.ZTUNNEL, Role.WAYPOINT),
        ),
    )
}
"""Every mode by name, sidecars first; the order is that of tables and charts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeNeeds:
    """What a mode's components need, on draws."""

    name: str
    needs: tuple[Need, ...]

    @property
    def bases(self) -> tuple[Basis, ...]:
        """The bases that every component knows."""
        return tuple(basis for basis in Basis if all(basis in need.vcpu for need in self.needs))

    def vcpu(self, basis: Basis) -> Floats:
        """Return the CPU of all components together."""
        return np.asarray(np.vstack([need.vcpu[basis] for need in self.needs]).sum(axis=0))

    def memory_gib(self, basis: Basis) -> Floats | None:
        """Return the memory of all components together; None where one does not know it."""
        if not all(basis in need.memory_gib for need in self.needs):
            return None
        return np.asarray(np.vstack([need.memory_gib[basis] for need in self.needs]).sum(axis=0))

    def usd_per_year(self, basis: Basis, parameters: Parameters) -> Floats:
        """Return what that costs; without the memory where it is not known."""
        has_memory = self.memory_gib(basis) is not None
        flat = (parameters["vcpu_month_usd"], parameters["memory_gib_month_usd"])
        months = []
        for need in self.needs:
            vcpu_usd, memory_gib_usd = need.month_usd[basis] if need.month_usd else flat
            months.append(need.vcpu[basis] * vcpu_usd)
            if has_memory:
                months.append(need.memory_gib[basis] * memory_gib_usd)
        return np.asarray(np.vstack(months).sum(axis=0) * MONTHS_PER_YEAR)


def evaluate(
    load: MeshLoad,
    sidecars: SidecarFootprint,
    parameters: Parameters | None,
    draws: int,
    prices: NodePrices | None = None,
) -> Mapping[str, ModeNeeds]:
    """Return every mode that can be evaluated, sidecars first.

    Args:
        load: the traffic.
        sidecars: what carries it today.
        parameters: None where a waypoint's cost is not known; then there is only `sidecar`.
        draws: length of the arrays.
        prices: of the nodes, where they differ.
    """
    sidecar = _sidecar_need(load, sidecars, parameters, draws)
    if prices:
        sidecar = replace(sidecar, month_usd=_sidecar_prices(load, prices))
    modes = [ModeNeeds(name=SIDECAR, needs=(sidecar,))]
    if parameters is not None and load.nodes is not None:
        ztunnel = ztunnel_need(load.nodes, parameters, prices)
        placed = parameters.placement.weights(load.namespaces)
        seen = waypoint_need(load, parameters, placed, prices)
        everywhere = waypoint_need(load, parameters, np.ones(len(load.namespaces)), prices)
        modes += [
            ModeNeeds(name=AMBIENT_L4, needs=(ztunnel,)),
            ModeNeeds(name=AMBIENT_WAYPOINT, needs=(ztunnel, seen)),
            ModeNeeds(name=AMBIENT_WAYPOINT_ALL, needs=(ztunnel, everywhere)),
        ]
    return {mode.name: mode for mode in modes}


def _sidecar_prices(load: MeshLoad, prices: NodePrices) -> Mapping[Basis, tuple[Floats, Floats]]:
    placed = load.placement
    vcpu, memory_gib = (
        {basis: placed[[f"{basis}_{unit}"]].to_numpy(float) for basis in Basis}
        for unit in ("vcpu", "memory_gib")
    )
    return prices_by_basis(prices.of(placed["node"]), vcpu, memory_gib)


def _sidecar_need(
    load: MeshLoad, sidecars: SidecarFootprint, parameters: Parameters | None, draws: int
) -> Need:
    """Sidecars are not modelled: they need what was measured, whatever the draw.

    Only memory that was not measured is assumed: beside modes that pay for theirs, sidecars
    without any would look cheap.
    """

    def known(figures: Mapping[Basis, float | None]) -> dict[Basis, Floats]:
        return {
            basis: np.full(draws, value) for basis, value in figures.items() if value is not None
        }

    memory_gib = known(
        {
            Basis.USAGE: sidecars.memory_gib,
            Basis.RESERVED: sidecars.reserved_memory_gib,
            Basis.BILLED: sidecars.billed_memory_gib,
        }
    )
    if parameters is not None and Basis.USAGE not in memory_gib:
        each_gib = parameters["sidecar_memory_gib_per_proxy"]
        memory_gib[Basis.USAGE] = load.sidecar_count * each_gib
    return Need(
        role=Role.SIDECAR,
        count=load.sidecar_count,
        provenance=Provenance.MEASURED,
        vcpu=known(
            {
                Basis.USAGE: sidecars.vcpu,
                Basis.RESERVED: sidecars.reserved_vcpu,
                Basis.BILLED: sidecars.billed_vcpu,
            }
        ),
        memory_gib=memory_gib,
    )
