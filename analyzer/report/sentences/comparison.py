"""The outcome of a comparison, in sentences a person can repeat."""

from collections import Counter

from analyzer.comparison.result import Cause, Compared, Comparison, Difference
from analyzer.report import format as fmt

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
