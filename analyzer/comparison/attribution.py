"""One account of predicted and measured CPU: it adds up, and it is divided among causes.

difference  measured - predicted at the traffic before
traffic     predicted at the traffic after - predicted at the traffic before
count       as many proxies as there are - predicted at the traffic after
idle        idle as fitted after - idle as predicted, both of the proxies that there are
unit cost   traffic as fitted after - traffic as predicted, likewise
unexplained the rest: the parts add up to the difference, by construction
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

from analyzer.arrays import Floats
from analyzer.comparison.result import Cause, Compared, Difference, UnitCost, Whole
from analyzer.projection.uncertainty import to_interval
from analyzer.units import Interval, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Proxies whose idle and traffic AFTER could be fitted for; arrays are over draws.

    Attributes:
        count: how many.
        rps: requests per second through them.
        predicted_idle_vcpu: of all of them, by the unit costs of BEFORE.
        predicted_traffic_vcpu: likewise, beyond idle.
        measured_idle_vcpu: of all of them, by the fit of AFTER.
        measured_traffic_vcpu: likewise.
    """

    count: float
    rps: float
    predicted_idle_vcpu: Floats
    predicted_traffic_vcpu: Floats
    measured_idle_vcpu: Interval
    measured_traffic_vcpu: Interval

    def __add__(self, other: Fitted) -> Fitted:
        """Return the same of both together."""
        return Fitted(
            count=self.count + other.count,
            rps=self.rps + other.rps,
            predicted_idle_vcpu=self.predicted_idle_vcpu + other.predicted_idle_vcpu,
            predicted_traffic_vcpu=self.predicted_traffic_vcpu + other.predicted_traffic_vcpu,
            measured_idle_vcpu=together((self.measured_idle_vcpu, other.measured_idle_vcpu)),
            measured_traffic_vcpu=together(
                (self.measured_traffic_vcpu, other.measured_traffic_vcpu)
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What some proxies were predicted to use, and what they use; arrays are over draws.

    Attributes:
        predicted_vcpu: at the traffic before, with the predicted number of proxies.
        at_after_vcpu: at the traffic after.
        with_count_vcpu: at the traffic after, with as many proxies as there are.
        measured_vcpu: after.
        fitted: the proxies that AFTER's fit covers; None where it has none.
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
        """Whether nothing was predicted and nothing is there."""
        return not (self.predicted_vcpu.any() or self.predicted_count or self.measured_count)

    def __add__(self, other: Account) -> Account:
        """Return the account of both together."""
        both = self.fitted and other.fitted and self.fitted + other.fitted
        return Account(
            predicted_vcpu=self.predicted_vcpu + other.predicted_vcpu,
            at_after_vcpu=self.at_after_vcpu + other.at_after_vcpu,
            with_count_vcpu=self.with_count_vcpu + other.with_count_vcpu,
            measured_vcpu=self.measured_vcpu + other.measured_vcpu,
            predicted_count=self.predicted_count + other.predicted_count,
            measured_count=self.measured_count + other.measured_count,
            before_rps=self.before_rps + other.before_rps,
            after_rps=self.after_rps + other.after_rps,
            fitted=both or self.fitted or other.fitted,
        )


def added_up(accounts: Iterable[Account]) -> Account:
    """Return the account of all of these proxies together; there must be one at least."""
    return reduce(add, accounts)


def together(items: Iterable[Interval]) -> Interval:
    """Add intervals end to end: what one fit has of all of them errs the same way."""
    low, mid, high = (
        sum(ends) for ends in zip(*((i.low, i.mid, i.high) for i in items), strict=True)
    )
    return Interval(low=low, mid=mid, high=high)


def settled(role: Role, account: Account) -> Compared:
    """Divide the difference of one role's proxies among its causes."""
    whole, predicted_cost, measured_cost = difference(role, account), None, None
    if account.fitted is not None and account.fitted.count > 0:
        fitted = account.fitted
        predicted_cost = _unit_cost(
            fitted,
            to_interval(fitted.predicted_idle_vcpu),
            to_interval(fitted.predicted_traffic_vcpu),
        )
        measured_cost = _unit_cost(fitted, fitted.measured_idle_vcpu, fitted.measured_traffic_vcpu)
    return Compared(
        role=role,
        predicted_vcpu=whole.predicted_vcpu,
        predicted_at_after_vcpu=whole.predicted_at_after_vcpu,
        measured_vcpu=whole.measured_vcpu,
        bias_percent=whole.bias_percent,
        bias_at_after_percent=whole.bias_at_after_percent,
        parts_vcpu=whole.parts_vcpu,
        predicted_count=account.predicted_count,
        measured_count=account.measured_count,
        before_rps=account.before_rps,
        after_rps=account.after_rps,
        predicted_cost=predicted_cost,
        measured_cost=measured_cost,
    )


def difference(role: Role | Whole, account: Account) -> Difference:
    """Divide the difference of any proxies among its causes."""
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
    return Difference(
        role=role,
        predicted_vcpu=to_interval(account.predicted_vcpu),
        predicted_at_after_vcpu=to_interval(account.at_after_vcpu),
        measured_vcpu=account.measured_vcpu,
        bias_percent=_bias_percent(account.predicted_vcpu, account.measured_vcpu),
        bias_at_after_percent=_bias_percent(account.at_after_vcpu, account.measured_vcpu),
        parts_vcpu=parts,
    )


def _bias_percent(predicted_vcpu: Floats, measured_vcpu: float) -> Interval | None:
    if measured_vcpu <= 0:
        return None
    return to_interval(100 * (predicted_vcpu / measured_vcpu - 1))


def _unit_cost(fitted: Fitted, idle: Interval, traffic: Interval) -> UnitCost:
    return UnitCost(
        idle_vcpu_per_proxy=idle.scaled(1 / fitted.count),
        vcpu_per_1000_rps=traffic.scaled(1000 / fitted.rps) if fitted.rps > 0 else None,
    )
