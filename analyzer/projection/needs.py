"""What a component needs, and how that adds up from its units and is priced, on draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.projection.choices import Basis
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.prices import NodePrices, mean_price
from analyzer.projection.sidecars import by_basis
from analyzer.projection.uncertainty import Parameters
from analyzer.units import Provenance, Role

_NO_NODES: Final = pd.DataFrame(
    {"node": [], "passes_rps": [], "gbit_per_second": [], "new_connections_per_second": []}
)


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
        """The nodes with their load; none where they are not known."""
        return _NO_NODES if self.load.nodes is None else self.load.nodes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """What a component is made of, at the best estimates: one element a node or a namespace.

    Attributes:
        unit_count: how many ztunnels or waypoint replicas each stands for.
        whole_count: how many it would be where a whole waypoint is needed.
        used_vcpu: by one of these.
        reserved_vcpu: by each one, anywhere.
        used_memory_gib: likewise.
        reserved_memory_gib: likewise.
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


def added_up(  # noqa: PLR0913 - each is a fact of the component, given by name
    *,
    role: Role,
    provenance: Provenance,
    units: pd.DataFrame,
    used: tuple[Floats, Floats],
    requested: tuple[Floats, Floats],
    prices: Floats | None,
    hottest_vcpu: Floats | None,
) -> Need:
    """Return the need of all units together.

    Args:
        role: of the component.
        provenance: of its CPU.
        units: by the name of a node or a namespace, how many ztunnels or replicas there are
            (`count`), and would be where a whole waypoint is needed (`whole_count`).
        used: vCPU by one of each, shape (units, draws), and GiB by one anywhere, over draws.
        requested: vCPU and GiB by one anywhere, over draws.
        prices: of a vCPU and of a GiB where each unit runs, shape (units, 2).
        hottest_vcpu: of the busiest one, over draws.
    """
    times, shape = units["count"].to_numpy(float)[:, None], used[0].shape
    vcpu, memory_gib = (
        {
            basis: np.broadcast_to(each, shape) * times
            for basis, each in by_basis(used[amount], requested[amount]).items()
        }
        for amount in (0, 1)
    )
    return Need(
        role=role,
        count=units["count"].to_numpy().sum().item(),
        provenance=provenance,
        vcpu={basis: np.asarray(each.sum(axis=0)) for basis, each in vcpu.items()},
        memory_gib={basis: np.asarray(each.sum(axis=0)) for basis, each in memory_gib.items()},
        month_usd=None if prices is None else prices_by_basis(prices, vcpu, memory_gib),
        hottest_vcpu=hottest_vcpu,
        units=Units(
            names=units.index.to_series(),
            unit_count=times[:, 0],
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
