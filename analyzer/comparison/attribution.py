"""Accounts of predicted and measured CPU, which can be added up and divided among causes.

difference  measured - predicted at the traffic before
traffic     predicted at the traffic after - predicted at the traffic before
count       predicted with the measured number of proxies - predicted at the traffic after
idle        fitted idle - predicted idle, both of the measured number of proxies
unit cost   fitted CPU of traffic - predicted CPU of traffic, of the same proxies
unexplained the rest: the parts add up to the difference, by construction
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from analyzer.arrays import Floats
from analyzer.comparison.result import Cause, Compared, Difference, UnitCost, Whole
from analyzer.projection.uncertainty import to_interval
from analyzer.units import Interval, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class _Summed:
    """A value that is added up field by field; None adds nothing."""

    def __add__(self, other: Self) -> Self:
        sums = {}
        for name in (item.name for item in fields(self)):
            mine, theirs = getattr(self, name), getattr(other, name)
            is_sum = mine is not None and theirs is not None
            sums[name] = mine + theirs if is_sum else mine or theirs
        return type(self)(**sums)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted(_Summed):
    """Idle and traffic CPU of the proxies with a fit in AFTER; arrays are over draws.

    Predicted: by the unit costs of BEFORE; measured: by the fit of AFTER. Traffic is CPU beyond
    idle.
    """

    count: float
    rps: float
    predicted_idle_vcpu: Floats
    predicted_traffic_vcpu: Floats
    measured_idle_vcpu: Interval
    measured_traffic_vcpu: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(_Summed):
    """Predicted and measured CPU of a set of proxies; arrays are over draws.

    Attributes:
        predicted_vcpu: at the traffic before, with the predicted number of proxies.
        at_after_vcpu: at the traffic after.
        with_count_vcpu: at the traffic after, with the measured number of proxies.
        fitted: the proxies with a fit in AFTER; None without one.
    """

    predicted_vcpu: Floats
    at_after_vcpu: Floats
    with_count_vcpu: Floats
    measured_vcpu: float
    predicted_count: float
    measured_count: float
    before_rps: float
    after_rps: float
    fitted: Fitted | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no proxy was predicted or measured."""
        return not (self.predicted_vcpu.any() or self.predicted_count or self.measured_count)


def settled(role: Role, account: Account) -> Compared:
    """Divide the difference of one role's proxies among its causes."""
    predicted_cost = measured_cost = None
    fitted = account.fitted
    if fitted is not None and fitted.count > 0:
        idle, traffic = fitted.predicted_idle_vcpu, fitted.predicted_traffic_vcpu
        predicted_cost = _unit_cost(fitted, to_interval(idle), to_interval(traffic))
        measured_cost = _unit_cost(fitted, fitted.measured_idle_vcpu, fitted.measured_traffic_vcpu)
    return Compared(
        role=role,
        predicted_count=account.predicted_count,
        measured_count=account.measured_count,
        before_rps=account.before_rps,
        after_rps=account.after_rps,
        predicted_cost=predicted_cost,
        measured_cost=measured_cost,
        **_divided(account),
    )


def difference(role: Role | Whole, account: Account) -> Difference:
    """Divide the difference of any proxies among its causes."""
    return Difference(role=role, **_divided(account))


def _divided(account: Account) -> dict[str, Any]:
    fitted = account.fitted
    predicted, at_after = account.predicted_vcpu[0], account.at_after_vcpu[0]
    parts = {
        Cause.TRAFFIC: float(at_after - predicted),
        Cause.COUNT: float(account.with_count_vcpu[0] - at_after),
    }
    if fitted is not None:
        idle, traffic = fitted.measured_idle_vcpu.mid, fitted.measured_traffic_vcpu.mid
        parts[Cause.IDLE] = float(idle - fitted.predicted_idle_vcpu[0])
        parts[Cause.UNIT_COST] = float(traffic - fitted.predicted_traffic_vcpu[0])
    parts[Cause.UNEXPLAINED] = float(account.measured_vcpu - predicted) - sum(parts.values())
    return {
        "predicted_vcpu": to_interval(account.predicted_vcpu),
        "predicted_at_after_vcpu": to_interval(account.at_after_vcpu),
        "measured_vcpu": account.measured_vcpu,
        "bias_percent": _bias_percent(account.predicted_vcpu, account.measured_vcpu),
        "bias_at_after_percent": _bias_percent(account.at_after_vcpu, account.measured_vcpu),
        "parts_vcpu": parts,
    }


def _bias_percent(predicted_vcpu: Floats, measured_vcpu: float) -> Interval | None:
    if measured_vcpu <= 0:
        return None
    return to_interval(100 * (predicted_vcpu / measured_vcpu - 1))


def _unit_cost(fitted: Fitted, idle: Interval, traffic: Interval) -> UnitCost:
    return UnitCost(
        idle_vcpu_per_proxy=idle.scaled(1 / fitted.count),
        vcpu_per_1000_rps=traffic.scaled(1000 / fitted.rps) if fitted.rps > 0 else None,
    )
