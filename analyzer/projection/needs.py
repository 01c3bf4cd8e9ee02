"""What a component needs, and how that adds up from its units and is priced, on draws."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.projection.choices import Basis
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.prices import NodePrices, mean_price
from analyzer.projection.sidecars import by_basis
from analyzer.projection.uncertainty import Parameters
from analyzer.units import MONTHS_PER_YEAR, Provenance, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is evaluated: the traffic, what things cost, and where nodes differ in price, that."""

    load: MeasuredLoad
    parameters: Parameters
    prices: NodePrices | None = None

    @property
    def has_ambient(self) -> bool:
        """Whether ambient can be evaluated: its nodes and the cost of its waypoints are known."""
        return self.load.nodes is not None and self.parameters.waypoint_provenance is not None

    @property
    def nodes(self) -> pd.DataFrame:
        """The nodes with their load, where ambient can be evaluated."""
        return pd.DataFrame() if self.load.nodes is None else self.load.nodes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """What a component is made of, at the best estimates: one element a node or a namespace.

    Attributes:
        unit_count: how many ztunnels or waypoint replicas each stands for.
        whole_count: how many it would be where a whole waypoint is needed.
        used_vcpu: by one of these; the other amounts are of each one, anywhere.
        month_usd: of a vCPU and of a GiB where each runs, shape (units, 2); None: the scenario's.
    """

    names: pd.Series
    unit_count: Floats
    whole_count: Floats
    used_vcpu: Floats
    reserved_vcpu: float
    used_memory_gib: float
    reserved_memory_gib: float
    month_usd: Floats | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one component needs over draws, by basis; a basis that is not known is absent.

    Attributes:
        month_usd: prices of a vCPU and of a GiB where it runs, by basis; None: the scenario's
            flat ones.
        hottest_vcpu: what the busiest single unit uses.
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Each:
    """What one proxy of a component uses and requests, at each node or in each namespace.

    Attributes:
        used: vCPU of one at each place, shape (places, draws), and GiB of one anywhere, (draws,).
        requested: vCPU and GiB of one anywhere, (draws,).
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

    def usd_per_year(self, counts: Floats, basis: Basis, parameters: Parameters) -> Floats:
        """Return what so many at each place cost, shape (places, draws)."""
        vcpu, memory_gib = self.amounts(counts)
        vcpu_usd, memory_gib_usd = parameters.flat_month_usd
        if self.prices is not None:
            vcpu_usd, memory_gib_usd = self.prices.T[..., None]
        month_usd = vcpu[basis] * vcpu_usd + memory_gib[basis] * memory_gib_usd
        return np.asarray(month_usd * MONTHS_PER_YEAR)


def added_up(
    each: Each,
    *,
    role: Role,
    provenance: Provenance,
    units: pd.DataFrame,
    hottest_vcpu: Floats | None,
) -> Need:
    """Return the need of all units together.

    Units are, by the name of a node or a namespace, how many ztunnels or replicas there are
    (`count`), and would be where a whole waypoint is needed (`whole_count`).
    """
    counts = units["count"].to_numpy(float)
    (vcpu, memory_gib), used, requested = each.amounts(counts), each.used, each.requested
    prices = each.prices
    return Need(
        role=role,
        count=units["count"].to_numpy().sum().item(),
        provenance=provenance,
        vcpu={basis: np.asarray(of_all.sum(axis=0)) for basis, of_all in vcpu.items()},
        memory_gib={basis: np.asarray(of_all.sum(axis=0)) for basis, of_all in memory_gib.items()},
        month_usd=None if prices is None else prices_by_basis(prices, vcpu, memory_gib),
        hottest_vcpu=hottest_vcpu,
        units=Units(
            names=units.index.to_series(),
            unit_count=counts,
            whole_count=units["whole_count"].to_numpy(float),
            used_vcpu=used[0][:, 0],
            reserved_vcpu=float(requested[0][0]),
            used_memory_gib=float(used[1][0]),
            reserved_memory_gib=float(requested[1][0]),
            month_usd=prices,
        ),
    )


def prices_by_basis(
    unit_prices: Floats, vcpu: Mapping[Basis, Floats], memory_gib: Mapping[Basis, Floats]
) -> Mapping[Basis, tuple[Floats, Floats]]:
    """Return the mean prices of a vCPU and of a GiB on each basis.

    Prices are those where each unit runs, shape (units, 2); amounts have shape (units, draws).
    """
    of_vcpu, of_memory_gib = unit_prices.T
    return {
        basis: (mean_price(of_vcpu, amounts), mean_price(of_memory_gib, memory_gib[basis]))
        for basis, amounts in vcpu.items()
    }
