"""One account of predicted and measured CPU: it adds up, and it is divided among causes.

difference  measured - predicted at the traffic before
traffic     predicted at the traffic after - predicted at the traffic before
count       as many proxies as there are - predicted at the traffic after
idle        idle as fitted after - idle as predicted, both of the proxies that there are
unit cost   traffic as fitted after - traffic as predicted, likewise
unexplained the rest: the parts add up to the difference, by construction
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.calibration.fit.segments import Floats
from analyzer.comparison.result import Cause, Compared, Difference, UnitCost, Whole
from analyzer.projection.draws import to_interval
from analyzer.units import Interval, Role

__all__ = ["Account", "Fitted", "added_up", "difference", "settled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Proxies of which AFTER tells idle and traffic apart; arrays are over draws.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What some proxies were predicted to use, and what they use; arrays are over draws.

    Attributes:
        predicted_vcpu: at the traffic before, with the predicted number of proxies.
        at_after_vcpu: at the traffic after.
        with_count_vcpu: at the traffic after, with as many proxies as there are.
        measured_vcpu: after.
        fitted: the proxies that AFTER's fit speaks for; None where it has none.
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


def added_up(accounts: Sequence[Account]) -> Account:
    """Return the account of all of these proxies together; there must be one at least."""
    return Account(
        predicted_vcpu=_sum([item.predicted_vcpu for item in accounts]),
        at_after_vcpu=_sum([item.at_after_vcpu for item in accounts]),
        with_count_vcpu=_sum([item.with_count_vcpu for item in accounts]),
        measured_vcpu=sum(item.measured_vcpu for item in accounts),
        predicted_count=sum(item.predicted_count for item in accounts),
        measured_count=sum(item.measured_count for item in accounts),
        before_rps=sum(item.before_rps for item in accounts),
        after_rps=sum(item.after_rps for item in accounts),
        fitted=_all_fitted([item.fitted for item in accounts if item.fitted is not None]),
    )


def settled(role: Role, account: Account) -> Compared:
    """Divide the difference of one role's proxies among its causes."""
    whole, fitted = difference(role, account), account.fitted
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
        predicted_cost=_predicted_cost(fitted),
        measured_cost=_measured_cost(fitted),
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


def _predicted_cost(fitted: Fitted | None) -> UnitCost | None:
    if fitted is None or fitted.count <= 0:
        return None
    traffic = fitted.predicted_traffic_vcpu
    return UnitCost(
        idle_vcpu_per_proxy=to_interval(fitted.predicted_idle_vcpu / fitted.count),
        vcpu_per_1000_rps=to_interval(traffic / fitted.rps * 1000) if fitted.rps > 0 else None,
    )


def _measured_cost(fitted: Fitted | None) -> UnitCost | None:
    if fitted is None or fitted.count <= 0:
        return None
    traffic = fitted.measured_traffic_vcpu
    return UnitCost(
        idle_vcpu_per_proxy=fitted.measured_idle_vcpu.scaled(1 / fitted.count),
        vcpu_per_1000_rps=traffic.scaled(1000 / fitted.rps) if fitted.rps > 0 else None,
    )


def _all_fitted(items: Sequence[Fitted]) -> Fitted | None:
    if not items:
        return None
    return Fitted(
        count=sum(item.count for item in items),
        rps=sum(item.rps for item in items),
        predicted_idle_vcpu=_sum([item.predicted_idle_vcpu for item in items]),
        predicted_traffic_vcpu=_sum([item.predicted_traffic_vcpu for item in items]),
        measured_idle_vcpu=_together([item.measured_idle_vcpu for item in items]),
        measured_traffic_vcpu=_together([item.measured_traffic_vcpu for item in items]),
    )


def _together(items: Sequence[Interval]) -> Interval:
    """Add intervals end to end: what one fit says of all of them errs the same way."""
    return Interval(
        low=sum(item.low for item in items),
        mid=sum(item.mid for item in items),
        high=sum(item.high for item in items),
    )


def _sum(arrays: Sequence[Floats]) -> Floats:
    return np.asarray(np.sum(np.vstack(arrays), axis=0))
