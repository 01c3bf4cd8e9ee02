"""The modes, each a list of components, and what they need and cost, on draws."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.projection import components
from analyzer.projection.choices import Basis
from analyzer.projection.needs import Case, Need
from analyzer.projection.uncertainty import Parameters
from analyzer.projection.zones import Transfer
from analyzer.units import MONTHS_PER_YEAR

SIDECAR: Final = "sidecar"
RIGHTSIZED: Final = "sidecar-rightsized"
AMBIENT_L4: Final = "ambient-l4"
AMBIENT_WAYPOINT: Final = "ambient-waypoint"
AMBIENT_WAYPOINT_ALL: Final = "ambient-waypoint-all"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeKind:
    """One way to run the mesh: its name, its title in text, and its components.

    Attributes:
        is_ambient: whether it has no sidecars.
        is_hypothetical: whether published constants can have it too: others need what each workload
            used.
    """

    name: str
    title: str
    parts: tuple[components.Part, ...]
    is_ambient: bool = True
    is_hypothetical: bool = True


MODES: Final[Mapping[str, ModeKind]] = {
    kind.name: kind
    for kind in (
        ModeKind(
            name=SIDECAR, title="sidecar mode", parts=(components.SIDECARS,), is_ambient=False
        ),
        ModeKind(
            name=RIGHTSIZED,
            title="right-sized sidecar mode",
            parts=(components.RIGHTSIZED_SIDECARS,),
            is_ambient=False,
            is_hypothetical=False,
        ),
        ModeKind(name=AMBIENT_L4, title="ambient L4", parts=(components.ZTUNNELS,)),
        ModeKind(
            name=AMBIENT_WAYPOINT,
            title="ambient with waypoints",
            parts=(components.ZTUNNELS, components.WAYPOINTS_PLACED),
        ),
        ModeKind(
            name=AMBIENT_WAYPOINT_ALL,
            title="ambient, waypoints everywhere",
            parts=(components.ZTUNNELS, components.WAYPOINTS_EVERYWHERE),
        ),
    )
}
"""Every mode by name, sidecars first; the order is that of tables and charts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeNeeds:
    """What a mode's components need, on draws.

    Attributes:
        transfer: its extra traffic between zones; None if it has none, or if it is not known.
    """

    name: str
    needs: tuple[Need, ...]
    transfer: Transfer | None = None

    @property
    def bases(self) -> tuple[Basis, ...]:
        """The bases that every component knows."""
        return tuple(basis for basis in Basis if all(basis in need.vcpu for need in self.needs))

    def vcpu(self, basis: Basis) -> Floats:
        """Return the CPU of all components together."""
        return _sum([need.vcpu[basis] for need in self.needs])

    def memory_gib(self, basis: Basis) -> Floats | None:
        """Return the memory of all components together; None where one does not know it."""
        if not all(basis in need.memory_gib for need in self.needs):
            return None
        return _sum([need.memory_gib[basis] for need in self.needs])

    def usd_per_year(self, basis: Basis, parameters: Parameters) -> Floats:
        """Return what that costs; without the memory where it is not known.

        Bytes between zones cost the same on every basis.
        """
        has_memory = self.memory_gib(basis) is not None
        flat = parameters.flat_month_usd
        months = []
        for need in self.needs:
            vcpu_usd, memory_gib_usd = need.month_usd[basis] if need.month_usd else flat
            months.append(need.vcpu[basis] * vcpu_usd)
            if has_memory:
                months.append(need.memory_gib[basis] * memory_gib_usd)
        year_usd = _sum(months) * MONTHS_PER_YEAR
        return year_usd if self.transfer is None else year_usd + self.transfer.usd_per_year


def _sum(parts: list[Floats]) -> Floats:
    return np.asarray(np.vstack(parts).sum(axis=0))


def evaluate(case: Case) -> Mapping[str, ModeNeeds]:
    """Return every mode that can be evaluated, sidecars first."""
    return {
        kind.name: needs_of(kind.name, case)
        for kind in MODES.values()
        if (case.has_ambient if kind.is_ambient else kind.name == SIDECAR or case.has_rightsized)
    }


def needs_of(name: str, case: Case) -> ModeNeeds:
    """Return what one mode needs."""
    return mode_of(name, [(part.need(case), part.transfer(case)) for part in MODES[name].parts])


def mode_of(name: str, parts: Iterable[tuple[Need, Transfer | None]]) -> ModeNeeds:
    """Return a mode from what each of its components needs, and transfers between zones."""
    needs, transfers = zip(*parts, strict=True)
    return ModeNeeds(
        name=name,
        needs=needs,
        transfer=next((transfer for transfer in transfers if transfer), None),
    )
