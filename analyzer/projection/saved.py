"""The saving of a mode with one figure at another value, the others at their best estimates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from analyzer.arrays import Floats
from analyzer.projection.choices import Basis
from analyzer.projection.components import Part
from analyzer.projection.modes import MODES, SIDECAR, mode_of
from analyzer.projection.needs import Case, Need
from analyzer.projection.uncertainty import Parameters
from analyzer.projection.zones import Transfer

_BESIDE_VALUES = ("waypoint_idle_vcpu", "waypoint_vcpu_per_1000_rps", "unseen_time")
"""What `Parameters.with_one_at` may change apart from `values`: all components may read it."""


class _Noting(Mapping[str, Floats]):
    """Assumptions over draws that note which of them were read."""

    def __init__(self, values: Mapping[str, Floats]) -> None:
        self.read: set[str] = set()
        self._values = values

    def __getitem__(self, name: str) -> Floats:
        self.read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evaluated:
    """A component at the best estimates, and the names of the assumptions that it read."""

    need: Need
    transfer: Transfer | None
    read: frozenset[str]


class SavedWithOne:
    """What modes save a year with one figure moved.

    A component that did not read a figure is the same at each of its values: it is evaluated once.
    """

    def __init__(self, case: Case, basis: Basis) -> None:
        self._case, self._basis = case, basis
        self._evaluated: dict[Part, _Evaluated] = {}

    @cached_property
    def _best(self) -> Parameters:
        return self._case.parameters.best()

    def usd_per_year(self, mode: str, name: str, value: float) -> float:
        """Return the saving of a mode with an assumption or fitted figure at a value."""
        moved = self._case.parameters.with_one_at(name, value)
        before, after = (self._cost_usd(each, moved) for each in (SIDECAR, mode))
        return before - after

    def _cost_usd(self, mode: str, moved: Parameters) -> float:
        changed = self._changed(moved)
        found = [self._of(part, moved, changed) for part in MODES[mode].parts]
        return float(mode_of(mode, found).usd_per_year(self._basis, moved)[0])

    def _changed(self, moved: Parameters) -> frozenset[str] | None:
        """Return which assumptions differ from the best estimates; None if other figures do."""
        if any(getattr(moved, name)[0] != getattr(self._best, name)[0] for name in _BESIDE_VALUES):
            return None
        best = self._best.values
        return frozenset(name for name, value in moved.values.items() if value[0] != best[name][0])

    def _of(
        self, part: Part, moved: Parameters, changed: frozenset[str] | None
    ) -> tuple[Need, Transfer | None]:
        if changed is not None:
            best = self._at_best(part)
            if best.read.isdisjoint(changed):
                return best.need, best.transfer
        case = replace(self._case, parameters=moved)
        return part.need(case), part.transfer(case)

    def _at_best(self, part: Part) -> _Evaluated:
        if part not in self._evaluated:
            noting = _Noting(self._best.values)
            case = replace(self._case, parameters=replace(self._best, values=noting))
            need, transfer = part.need(case), part.transfer(case)
            self._evaluated[part] = _Evaluated(
                need=need, transfer=transfer, read=frozenset(noting.read)
            )
        return self._evaluated[part]
