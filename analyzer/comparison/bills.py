"""The needs of each role before a migration, as predicted and after, and what they cost."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from analyzer.arrays import Floats
from analyzer.comparison.cost_result import (
    BasisCompared,
    CostsCompared,
    PerProxy,
    PricesCompared,
    SavingCompared,
    Versus,
)
from analyzer.projection.choices import Basis
from analyzer.projection.modes import ModeNeeds
from analyzer.projection.needs import Need
from analyzer.projection.uncertainty import Parameters, to_interval
from analyzer.units import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The needs of one role.

    Attributes:
        before: as measured in BEFORE; `at_after` in a name: at the traffic after. Ztunnels and
            waypoints that ran before are the same at both.
        predicted: after the move.
        measured: in AFTER.
    """

    before: Need
    before_at_after: Need
    predicted: Need
    predicted_at_after: Need
    measured: Need

    @property
    def needs(self) -> tuple[Need, ...]:
        """All of them."""
        return (
            self.before,
            self.before_at_after,
            self.predicted,
            self.predicted_at_after,
            self.measured,
        )

    @property
    def compared(self) -> tuple[Need, Need, Need]:
        """What is compared: predicted, the same at the traffic after, and measured."""
        return self.predicted, self.predicted_at_after, self.measured

    @property
    def of_snapshots(self) -> Mapping[str, tuple[Need, ...]]:
        """The same by the snapshot that the measured amounts in them come from."""
        *from_before, from_after = self.needs
        return {"BEFORE": tuple(from_before), "AFTER": (from_after,)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bills:
    """The bills of all roles, and how they are priced.

    Attributes:
        prices: None if a snapshot has no price for any node.
        freed_node_count: whole nodes that the predicted requests free, with those of istio-cni.
    """

    by_role: Mapping[Role, Bill]
    parameters: Parameters
    prices: PricesCompared | None
    freed_node_count: int | None

    def known(self, basis: Basis) -> bool:
        """Return whether CPU on a basis is known of every role, before and after."""
        return all(basis in need.vcpu for bill in self.by_role.values() for need in bill.needs)

    @property
    def with_memory(self) -> tuple[Basis, ...]:
        """The bases on which memory is known of every role, before and after."""
        needs = [need for bill in self.by_role.values() for need in bill.needs]
        return tuple(basis for basis in Basis if all(basis in need.memory_gib for need in needs))

    def of_role(self, role: Role) -> Mapping[Basis, BasisCompared]:
        """Return one role on each basis that is known."""
        return self._compared(*((need,) for need in self.by_role[role].compared))

    @property
    def total(self) -> Mapping[Basis, BasisCompared]:
        """All roles together, on each basis that is known of all."""
        return self._compared(*zip(*(bill.compared for bill in self.by_role.values()), strict=True))

    def _compared(self, *sides: tuple[Need, ...]) -> Mapping[Basis, BasisCompared]:
        modes = [ModeNeeds(name="", needs=needs) for needs in sides]
        found = {}
        for basis in Basis:
            if not all(basis in mode.bases for mode in modes):
                continue
            memory = [amount for mode in modes if (amount := mode.memory_gib(basis)) is not None]
            usd = self._usd(basis, *sides) if self.prices else []
            found[basis] = BasisCompared(
                vcpu=Versus.of(*(mode.vcpu(basis) for mode in modes)),
                memory_gib=Versus.of(*memory) if len(memory) == len(modes) else None,
                usd_per_year=Versus.of(*usd) if usd else None,
            )
        return found

    def _usd(self, basis: Basis, *sides: tuple[Need, ...]) -> list[Floats]:
        """Return the dollars a year of these needs: with memory if it is known of all."""
        has_memory = basis in self.with_memory
        return [
            ModeNeeds(
                name="",
                needs=tuple(need if has_memory else replace(need, memory_gib={}) for need in needs),
            ).usd_per_year(basis, self.parameters)
            for needs in sides
        ]

    @property
    def savings(self) -> Mapping[Basis, SavingCompared]:
        """What the migration saves, on each basis that is known of all."""
        known = [basis for basis in Basis if self.prices and self.known(basis)]
        return {basis: self._saving(basis) for basis in known}

    def _saving(self, basis: Basis) -> SavingCompared:
        sides = zip(*(bill.needs for bill in self.by_role.values()), strict=True)
        before, before_at_after, predicted, at_after, measured = self._usd(basis, *sides)
        # The cost before is on both sides: the saving is off by what the cost after is off.
        cost = Versus.of(predicted, at_after, measured)
        return SavingCompared(
            before_usd_per_year=to_interval(before),
            before_at_after_usd_per_year=to_interval(before_at_after),
            predicted_usd_per_year=to_interval(before - predicted),
            predicted_at_after_usd_per_year=to_interval(before_at_after - at_after),
            realised_usd_per_year=to_interval(before - measured),
            realised_at_after_usd_per_year=to_interval(before_at_after - measured),
            difference_usd_per_year=cost.difference.negated(),
            difference_at_after_usd_per_year=cost.difference_at_after.negated(),
            is_within=cost.is_within,
            is_within_at_after=cost.is_within_at_after,
        )

    def costs(self, wanted: Basis) -> CostsCompared:
        """Return the costs; the headline's basis is the wanted one, if it is known."""
        return CostsCompared(
            basis=wanted if self.known(wanted) else Basis.USAGE,
            bases_with_memory=self.with_memory,
            prices=self.prices,
            savings=self.savings,
        )

    def memory_of_one(self, role: Role) -> PerProxy | None:
        """Return the memory that one proxy of a role uses; None if a side does not have it."""
        predicted, _, measured = self.by_role[role].compared
        if not (predicted.count and measured.count):
            return None
        both = [need.memory_gib.get(Basis.USAGE) for need in (predicted, measured)]
        if both[0] is None or both[1] is None:
            return None
        return PerProxy(
            predicted=to_interval(both[0] / predicted.count),
            measured=float(both[1][0]) / measured.count,
        )
