"""The need of a component, added up from its units, and its prices, on draws."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats, Ints
from analyzer.projection.choices import Basis
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.own_costs import OwnCosts
from analyzer.projection.prices import NodePrices, mean_price
from analyzer.projection.sidecars import by_basis
from analyzer.projection.uncertainty import Parameters
from analyzer.projection.unseen import on_draws
from analyzer.units import MONTHS_PER_YEAR, Provenance, Role

_ALL: Final = slice(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The inputs of an evaluation: traffic, unit costs, and the prices of nodes if they differ.

    `own_costs` are those of the namespaces' called workloads, which `parameters` hold as draws.
    """

    load: MeasuredLoad
    parameters: Parameters
    prices: NodePrices | None = None
    own_costs: Mapping[str, OwnCosts] = field(default_factory=dict)

    @property
    def has_ambient(self) -> bool:
        """Whether ambient can be evaluated: nodes, sidecars and the cost of waypoints are known."""
        is_known = self.load.nodes is not None and len(self.load.namespaces) > 0
        return is_known and self.parameters.waypoint_provenance is not None

    @property
    def has_rightsized(self) -> bool:
        """Whether right-sized sidecars can be compared: their requests of today are known."""
        return self.load.rightsized is not None and self.load.sidecars.reserved_vcpu is not None

    @property
    def nodes(self) -> pd.DataFrame:
        """The nodes with their load; empty if they are not known."""
        return pd.DataFrame() if self.load.nodes is None else self.load.nodes

    def placed(self, basis: Basis, unit: str, rows: Ints | slice = _ALL) -> Floats:
        """Return the sidecars' need at these of their places, shape (places, draws)."""
        placement = self.load.placement.iloc[rows]
        return on_draws(placement, f"{basis}_{unit}", self.parameters.unseen_time)

    def placed_rightsized(self, basis: Basis, unit: str, rows: Ints | slice = _ALL) -> Floats:
        """Return the same with the recommended requests.

        Unseen time changes them in the proportion in which it changes all sidecars together.
        """
        return self._rightsized(self._rightsized_placement.iloc[rows], basis, unit)

    def rightsized_total(self, basis: Basis, unit: str) -> Floats:
        """Return the same of all places together, shape (draws,)."""
        # A sum is linear in its parts: they are not held for each draw.
        whole = self._rightsized_placement.sum(numeric_only=True, skipna=False)
        return np.asarray(self._rightsized(whole.to_frame().T, basis, unit)[0])

    def _rightsized(self, placement: pd.DataFrame, basis: Basis, unit: str) -> Floats:
        amounts = on_draws(placement, f"{basis}_{unit}", self.parameters.rightsizing)
        times = dict(zip(("vcpu", "memory_gib"), self.parameters.sidecar_times(basis), strict=True))
        return np.asarray(amounts * times[unit])

    @property
    def _rightsized_placement(self) -> pd.DataFrame:
        if self.load.rightsized is None:
            raise ValueError("no requests were recommended")
        return self.load.rightsized.placement


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """The units of a component, at the best estimates: one element per node or waypoint.

    Attributes:
        unit_count: number of ztunnels or waypoint replicas at a time, on average.
        whole_count: the number while its node or namespace exists, with a whole waypoint.
        present_share: the share of the time for which that is, 0-1.
        used_vcpu: by one at each place while it exists; used_memory_gib: the same. The other
            amounts are by one at any place.
        month_usd: prices of a vCPU and of a GiB at each place, shape (units, 2); None: the
            scenario's.
    """

    names: pd.Series
    unit_count: Floats
    whole_count: Floats
    present_share: Floats
    used_vcpu: Floats
    reserved_vcpu: float
    used_memory_gib: Floats
    reserved_memory_gib: float
    month_usd: Floats | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The need of one component over draws, by basis; an unknown basis is absent.

    Attributes:
        month_usd: its mean prices of a vCPU and of a GiB, by basis; None: the scenario's flat
            prices.
        hottest_vcpu: CPU of the busiest single unit.
        each_requested_vcpu: CPU request of one unit.
        units: the units it is the sum of; None if measured.
    """

    role: Role
    count: float
    provenance: Provenance
    vcpu: Mapping[Basis, Floats]
    memory_gib: Mapping[Basis, Floats]
    month_usd: Mapping[Basis, tuple[Floats, Floats]] | None = None
    hottest_vcpu: Floats | None = None
    each_requested_vcpu: Floats | None = None
    units: Units | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Each:
    """CPU and memory of one proxy of a component, on each node or in each namespace.

    Attributes:
        used: vCPU and GiB of one at each place, each of shape (places, draws).
        requested: vCPU and GiB of one at any place, (draws,).
        prices: of a vCPU-month and of a GiB-month at each place, shape (places, 2); None: the
            scenario's flat prices.
    """

    used: tuple[Floats, Floats]
    requested: tuple[Floats, Floats]
    prices: Floats | None

    def amounts(self, counts: Floats) -> tuple[Mapping[Basis, Floats], Mapping[Basis, Floats]]:
        """Return vCPU and GiB of so many at each place, by basis, shape (places, draws)."""
        shape, times = self.used[0].shape, counts[:, None]
        vcpu, memory_gib = (
            {
                basis: np.broadcast_to(each, shape) * times
                for basis, each in by_basis(self.used[amount], self.requested[amount]).items()
            }
            for amount in (0, 1)
        )
        return vcpu, memory_gib

    def totals(self, counts: Floats) -> tuple[Mapping[Basis, Floats], Mapping[Basis, Floats]]:
        """Return the sums of `amounts` over all places, shape (draws,); none is held for each."""
        shape = self.used[0].shape
        vcpu, memory_gib = (
            {
                basis: counts @ np.broadcast_to(each, shape)
                for basis, each in by_basis(self.used[amount], self.requested[amount]).items()
            }
            for amount in (0, 1)
        )
        return vcpu, memory_gib

    def usd_per_year(self, counts: Floats, basis: Basis, parameters: Parameters) -> Floats:
        """Return the cost of so many at each place, shape (places, draws)."""
        vcpu_usd, memory_gib_usd = parameters.flat_month_usd
        if self.prices is not None:
            vcpu_usd, memory_gib_usd = self.prices.T[..., None]
        vcpu, memory_gib = (
            by_basis(self.used[amount], self.requested[amount])[basis] for amount in (0, 1)
        )
        of_one = np.broadcast_to(vcpu, self.used[0].shape) * vcpu_usd + memory_gib * memory_gib_usd
        return np.asarray(of_one * (counts[:, None] * MONTHS_PER_YEAR))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counts:
    """How many units there are on each node or of each waypoint: attributes as of `Units`."""

    names: pd.Series
    unit_count: Floats | Ints
    whole_count: Floats
    present_share: Floats


def added_up(
    each: Each,
    *,
    role: Role,
    provenance: Provenance,
    units: Counts,
    hottest_vcpu: Floats | None,
) -> Need:
    """Return the need of all units together."""
    counts = units.unit_count.astype(float)
    (vcpu, memory_gib), used, requested = each.totals(counts), each.used, each.requested
    prices = each.prices
    return Need(
        role=role,
        count=units.unit_count.sum().item(),
        provenance=provenance,
        vcpu=vcpu,
        memory_gib=memory_gib,
        month_usd=None if prices is None else prices_by_basis(prices, *each.amounts(counts)),
        hottest_vcpu=hottest_vcpu,
        each_requested_vcpu=requested[0],
        units=Units(
            names=units.names,
            unit_count=counts,
            whole_count=units.whole_count,
            present_share=units.present_share,
            used_vcpu=used[0][:, 0],
            reserved_vcpu=float(requested[0][0]),
            used_memory_gib=np.broadcast_to(used[1], used[0].shape)[:, 0],
            reserved_memory_gib=float(requested[1][0]),
            month_usd=prices,
        ),
    )


def prices_by_basis(
    unit_prices: Floats, vcpu: Mapping[Basis, Floats], memory_gib: Mapping[Basis, Floats]
) -> Mapping[Basis, tuple[Floats, Floats]]:
    """Return the mean prices of a vCPU and of a GiB on each basis.

    `unit_prices` are those of each unit's place, shape (units, 2); amounts have shape (units,
    draws).
    """
    of_vcpu, of_memory_gib = unit_prices.T
    return {
        basis: (mean_price(of_vcpu, amounts), mean_price(of_memory_gib, memory_gib[basis]))
        for basis, amounts in vcpu.items()
    }
