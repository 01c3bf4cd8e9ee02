"""Predicted and measured cost after a migration, as reports read it.

Names and order of the fields are those of the JSON keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.projection.choices import Basis
from analyzer.projection.result import Price
from analyzer.projection.uncertainty import to_interval
from analyzer.units import Interval

EXACT_WITHIN_SHARE: Final = 0.01
"""How far a prediction without a range may be off, as a share of what is measured."""

_HAIR: Final = 1e-9
"""A sum in another order differs by less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versus:
    """One quantity as predicted and as measured; the key that holds it names the unit.

    Attributes:
        predicted: at the traffic before; `at_after` in a name: at the traffic after.
        measured: exact, unless its price has a range.
        difference: measured minus predicted, draw by draw.
        is_within: whether the range of the difference holds 0. A prediction without a range holds
            if it is `EXACT_WITHIN_SHARE` from the measured value at most.
    """

    predicted: Interval
    predicted_at_after: Interval
    measured: Interval
    difference: Interval
    difference_at_after: Interval
    is_within: bool
    is_within_at_after: bool

    @classmethod
    def of(cls, predicted: Floats, at_after: Floats, measured: Floats) -> Versus:
        """Return the quantity from its draws, which all three share."""
        return cls(
            predicted=to_interval(predicted),
            predicted_at_after=to_interval(at_after),
            measured=to_interval(measured),
            difference=to_interval(measured - predicted),
            difference_at_after=to_interval(measured - at_after),
            is_within=_is_within(predicted, measured),
            is_within_at_after=_is_within(at_after, measured),
        )


def _is_within(predicted: Floats, measured: Floats) -> bool:
    difference, largest = to_interval(measured - predicted), max(abs(measured[0]), _HAIR)
    # A range of prices alone is in both: the amount is exact.
    is_exact = bool(np.ptp(predicted * measured[0] - measured * predicted[0]) <= _HAIR * largest)
    allowed = (EXACT_WITHIN_SHARE if is_exact else _HAIR) * largest
    return bool(difference.low <= allowed and difference.high >= -allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisCompared:
    """CPU, memory and cost on one basis.

    Attributes:
        memory_gib: None if it is not known in BEFORE or in AFTER.
        usd_per_year: of CPU alone if the memory of some role is not known; None without prices.
    """

    vcpu: Versus
    memory_gib: Versus | None
    usd_per_year: Versus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PerProxy:
    """The memory of one proxy in GiB: as predicted, and the measured mean."""

    predicted: Interval
    measured: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingCompared:
    """The saving of the migration on one basis, in USD a year; negative: it costs more.

    Attributes:
        before_usd_per_year: all compared proxies of BEFORE; `at_after` in a name: at the traffic
            after.
        predicted_usd_per_year: before minus predicted.
        realised_usd_per_year: before minus measured in AFTER.
        difference_usd_per_year: realised minus predicted.
        is_within: whether the range of the difference holds 0.
    """

    before_usd_per_year: Interval
    before_at_after_usd_per_year: Interval
    predicted_usd_per_year: Interval
    predicted_at_after_usd_per_year: Interval
    realised_usd_per_year: Interval
    realised_at_after_usd_per_year: Interval
    difference_usd_per_year: Interval
    difference_at_after_usd_per_year: Interval
    is_within: bool
    is_within_at_after: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesCompared:
    """The mean prices in both snapshots: the prediction has those of BEFORE."""

    before: Price
    after: Price

    @property
    def differ(self) -> bool:
        """Whether a vCPU or a GiB has another price in AFTER."""
        first, second = (
            (price.vcpu_month_usd, price.memory_gib_month_usd)
            for price in (self.before, self.after)
        )
        return first != second


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTime:
    """The nodes of one snapshot that run DaemonSets, by the share of the time each existed.

    Attributes:
        node_count: at a time, on average.
        node_hours_per_week: of a week with as many nodes; per month: of 730 hours.
        allocatable_vcpu: of all of them, on average; None if not known of each.
    """

    node_count: float
    node_hours_per_week: float
    node_hours_per_month: float
    allocatable_vcpu: float | None
    allocatable_memory_gib: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesCompared:
    """The nodes before and after. The mesh is one cause of a change, other workloads are others.

    Attributes:
        removed_node_count: before minus after; negative: added.
        predicted_freed_node_count: whole nodes that the predicted CPU and memory requests free: an
            upper bound; negative: that they need; None if requests or sizes are not known.
    """

    before: NodeTime
    after: NodeTime
    removed_node_count: float
    predicted_freed_node_count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostsCompared:
    """What the proxies cost, before and after.

    Attributes:
        basis: of the headline: the scenario's, or usage if requests are not known in both.
        bases_with_memory: those whose dollars include memory.
        prices: None if a snapshot has no price for any node.
        savings: by basis; empty without prices.
    """

    basis: Basis
    bases_with_memory: tuple[Basis, ...]
    prices: PricesCompared | None
    savings: Mapping[Basis, SavingCompared]
