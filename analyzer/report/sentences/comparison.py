"""The outcome of a comparison, in sentences a person can repeat."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from analyzer.comparison.result import Cause, Compared, Comparison, Difference
from analyzer.report import format as fmt
from analyzer.units import Refusal

CAUSE_TITLES = {
    Cause.TRAFFIC: "traffic",
    Cause.COUNT: "proxies",
    Cause.IDLE: "idle",
    Cause.UNIT_COST: "cost per request",
    Cause.UNEXPLAINED: "unexplained",
}

_WHO = {"sidecar": "Remaining sidecars", "ztunnel": "Ztunnels", "waypoint": "Waypoints"}


def outcome(comparison: Comparison) -> str:
    """Return whether the prediction holds, and the largest part of the difference.

    It holds if the measured CPU is inside the range predicted for the traffic after.
    """
    total = comparison.total
    verdict = (
        f"In total the prediction {_verdict(total)}: {fmt.number(total.measured_vcpu)} vCPU "
        f"measured, {fmt.ranged(total.predicted_at_after_vcpu)} predicted for the traffic after."
    )
    if comparison.largest is None:
        return f"{verdict} The difference has no large cause."
    component, cause = comparison.largest
    part, difference = component.parts_vcpu[cause], component.difference_vcpu
    return (
        f"{verdict} {_WHO[component.role]} differ most: {_why(component, cause)}. That makes "
        f"{signed(part)} vCPU. Their whole difference from the prediction for the traffic before "
        f"is {signed(difference)} vCPU."
    )


def _verdict(total: Difference) -> str:
    if total.is_within_at_after:
        return "holds"
    is_low = total.measured_vcpu > total.predicted_at_after_vcpu.high
    return f"is too {'low' if is_low else 'high'}"


def moved(comparison: Comparison) -> str:
    """Return how many namespaces have each status."""
    counts = Counter(item.status for item in comparison.namespaces)
    return f"Namespaces: {', '.join(f'{count} {status}' for status, count in counts.items())}"


def signed(value: float) -> str:
    """Return a number with its sign.

    >>> [signed(value) for value in (0.312, -12.34, 0.0)]
    ['+0.312', '-12.3', '0']
    """
    return f"+{fmt.number(value)}" if value > 0 else fmt.number(value + 0.0)


def _why(component: Compared, cause: Cause) -> str:
    predicted, measured = component.predicted_cost, component.measured_cost
    if cause == Cause.TRAFFIC:
        return (
            f"they carry {fmt.number(component.after_rps)} requests/s, and carried "
            f"{fmt.number(component.before_rps)} before"
        )
    if cause == Cause.COUNT:
        return (
            f"their number is {fmt.number(component.measured_count)}, and "
            f"{fmt.number(component.predicted_count)} were predicted"
        )
    if cause == Cause.UNEXPLAINED or predicted is None or measured is None:
        more = "" if measured is None else ", idle CPU, cost per request"
        return f"traffic{more} and number of proxies do not explain their CPU"
    if cause == Cause.IDLE:
        return (
            f"idle CPU is {fmt.number(measured.idle_vcpu_per_proxy.mid)} vCPU each, and "
            f"{fmt.ranged(predicted.idle_vcpu_per_proxy)} was predicted"
        )
    if measured.vcpu_per_1000_rps is None or predicted.vcpu_per_1000_rps is None:
        return "the CPU of their TCP traffic is not as predicted"
    return (
        f"cost per request is {fmt.ranged(measured.vcpu_per_1000_rps)} vCPU per 1000 requests/s, "
        f"and {fmt.ranged(predicted.vcpu_per_1000_rps)} was predicted"
    )


def saving(comparison: Comparison) -> Iterator[str]:
    """Yield what the migration saves: predicted against realised, at both traffics."""
    costs = comparison.costs
    found = costs.savings.get(costs.basis)
    if found is None:
        return
    both = found.realised_at_after_usd_per_year, found.predicted_at_after_usd_per_year
    is_extra = max(usd.mid for usd in both) < 0
    realised, predicted = (fmt.usd(usd.negated() if is_extra else usd) for usd in both)
    what = "extra cost" if is_extra else "saving"
    yield (
        f"{fmt.capital(what)} a year {fmt.AS_BASIS[costs.basis]}, for the traffic after: "
        f"{realised} realised, {predicted} predicted. The realised {what} is "
        f"{_WHERE[found.is_within_at_after]} the predicted range."
    )
    if costs.prices and costs.prices.differ:
        yield (
            f"Prices changed. BEFORE and the prediction: {fmt.price(costs.prices.before)}. AFTER: "
            f"{fmt.price(costs.prices.after)}. The realised saving includes that."
        )


_WHERE: Final = {True: "inside", False: "outside"}


def nodes(comparison: Comparison) -> Iterator[str]:
    """Yield how the number of nodes changed, and what that does not show."""
    found = comparison.nodes
    if isinstance(found, Refusal):
        return
    before, after = (fmt.count(round(time.node_count, 2)) for time in (found.before, found.after))
    yield f"The cluster had {before} nodes before and {after} after."
    if found.predicted_freed_node_count is not None:
        yield _predicted_nodes(found.predicted_freed_node_count)
    yield (
        "The mesh is not the only cause of a change: other workloads and autoscaling change nodes "
        "too."
    )


def _predicted_nodes(freed: int) -> str:
    requests = "The CPU and memory requests of the prediction"
    if freed < 0:
        return f"{requests} need {fmt.counted(-freed, 'more node')}."
    if freed == 0:
        return f"{requests} free no whole node."
    return f"{requests} free at most {fmt.counted(freed, 'whole node')}."


def price(comparison: Comparison) -> str:
    """Return what the dollars are at."""
    costs = comparison.costs
    if costs.prices is None:
        return ""
    before, after = costs.prices.before, costs.prices.after
    memory = "with" if costs.basis in costs.bases_with_memory else "without"
    at = f"Dollars are {fmt.AS_BASIS[costs.basis]}, {memory} memory, at {fmt.price(before)}"
    if costs.prices.differ:
        return f"{at} in BEFORE and in the prediction, and at {fmt.price(after)} in AFTER."
    return f"{at}."
