"""What a comparison found, in a sentence a person can repeat."""

from collections import Counter

from analyzer.comparison.result import Cause, Compared, Comparison
from analyzer.report import format as fmt

CAUSE_TITLES = {
    Cause.TRAFFIC: "traffic",
    Cause.COUNT: "proxies",
    Cause.IDLE: "idle",
    Cause.UNIT_COST: "cost of a request",
    Cause.UNEXPLAINED: "unexplained",
}

_WHO = {"sidecar": "The sidecars that stayed", "ztunnel": "Ztunnels", "waypoint": "Waypoints"}


def outcome(comparison: Comparison) -> str:
    """Return what the prediction got most wrong, or that it holds."""
    largest, total = comparison.largest, comparison.total
    if largest is None:
        return (
            f"The prediction holds: {fmt.ranged(total.predicted_vcpu)} vCPU predicted, "
            f"{fmt.number(total.measured_vcpu)} measured."
        )
    component, cause = largest
    part, difference = component.parts_vcpu[cause], component.difference_vcpu
    against = "; the largest part of the difference points the other way"
    return (
        f"{_WHO[component.role]} {_how_much(component)}"
        f"{'' if part * difference > 0 else against}: {_why(component, cause)} "
        f"({signed(part)} of {signed(difference)} vCPU)."
    )


def moved(comparison: Comparison) -> str:
    """Return how many namespaces have moved."""
    counts = Counter(item.status for item in comparison.namespaces)
    return f"Namespaces: {', '.join(f'{count} {status}' for status, count in counts.items())}"


def signed(value: float) -> str:
    """Return a number with its sign.

    >>> [signed(value) for value in (0.312, -12.34, 0.0)]
    ['+0.312', '-12.3', '0']
    """
    return f"+{fmt.number(value)}" if value > 0 else fmt.number(value + 0.0)


def _how_much(component: Compared) -> str:
    predicted, measured = component.predicted_vcpu.mid, component.measured_vcpu
    if predicted <= 0:
        return f"use {fmt.number(measured)} vCPU where none was predicted"
    share = measured / predicted - 1
    if abs(share) < 0.005:  # noqa: PLR2004 - rounds to 0 %
        return "use as much as predicted"
    return f"use {100 * abs(share):,.0f} % {'more' if share > 0 else 'less'} than predicted"


def _why(component: Compared, cause: Cause) -> str:
    predicted, measured = component.predicted_cost, component.measured_cost
    if cause == Cause.TRAFFIC:
        return (
            f"{fmt.number(component.after_rps)} requests/s pass them, "
            f"{fmt.number(component.before_rps)} before"
        )
    if cause == Cause.COUNT:
        return (
            f"there are {fmt.number(component.measured_count)}, "
            f"predicted {fmt.number(component.predicted_count)}"
        )
    if cause == Cause.UNEXPLAINED or predicted is None or measured is None:
        return (
            "neither traffic nor their number explains it, and AFTER tells no more of them"
            if measured is None
            else "neither traffic, their number, idle nor the cost of a request explains it"
        )
    if cause == Cause.IDLE:
        return (
            f"one at rest uses {fmt.number(measured.idle_vcpu_per_proxy.mid)} vCPU, "
            f"predicted {fmt.number(predicted.idle_vcpu_per_proxy.mid)}"
        )
    if measured.vcpu_per_1000_rps is None or predicted.vcpu_per_1000_rps is None:
        return "what passes them costs them more or less than predicted"
    return (
        f"a request through one costs {fmt.number(measured.vcpu_per_1000_rps.mid)} vCPU per 1000 "
        f"requests/s, predicted {fmt.number(predicted.vcpu_per_1000_rps.mid)}"
    )
