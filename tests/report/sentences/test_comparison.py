"""What a comparison found, in a sentence."""

from dataclasses import replace

import pytest

from analyzer.comparison.result import Cause, Compared, Comparison, Difference, Whole
from analyzer.report.sentences.comparison import outcome
from analyzer.units import Interval, Role
from tests.comparison.migrations import Costs, Migrated
from tests.report.comparisons import compared


def of(
    parts: dict[Cause, float], *, predicted: float = 1.0, role: Role = Role.WAYPOINT
) -> Comparison:
    """Return a comparison of one component with these parts."""
    exact = Interval.exactly
    item = Compared(
        role=role,
        predicted_vcpu=exact(predicted),
        predicted_at_after_vcpu=exact(predicted),
        measured_vcpu=predicted + sum(parts.values()),
        bias_percent=None,
        bias_at_after_percent=None,
        parts_vcpu=parts,
        predicted_count=2,
        measured_count=6,
        before_rps=800,
        after_rps=1200,
    )
    total = Difference(
        role=Whole.TOTAL,
        predicted_vcpu=item.predicted_vcpu,
        predicted_at_after_vcpu=item.predicted_at_after_vcpu,
        measured_vcpu=item.measured_vcpu,
        bias_percent=None,
        bias_at_after_percent=None,
        parts_vcpu=parts,
    )
    return replace(compared(Migrated()), components=(item,), total=total)


@pytest.mark.parametrize(
    ("parts", "predicted", "sentence"),
    [
        (
            {Cause.TRAFFIC: 0.5, Cause.COUNT: 0.1},
            1.0,
            (
                "Waypoints use 60 % more than predicted: 1,200 requests/s pass them, 800 before "
                "(+0.5 of +0.6 vCPU)."
            ),
        ),
        (
            {Cause.TRAFFIC: 0.1, Cause.COUNT: 0.4},
            1.0,
            "Waypoints use 50 % more than predicted: there are 6, predicted 2 (+0.4 of +0.5 vCPU).",
        ),
        (
            {Cause.TRAFFIC: -0.5, Cause.COUNT: 0.2},
            1.0,
            (
                "Waypoints use 30 % less than predicted: 1,200 requests/s pass them, 800 before "
                "(-0.5 of -0.3 vCPU)."
            ),
        ),
        (
            {Cause.TRAFFIC: 0.3, Cause.COUNT: -0.2, Cause.UNEXPLAINED: -0.2},
            1.0,
            (
                "Waypoints use 10 % less than predicted; the largest part of the difference points "
                "the other way: 1,200 requests/s pass them, 800 before (+0.3 of -0.1 vCPU)."
            ),
        ),
        (
            {Cause.COUNT: 0.4},
            0.0,
            (
                "Waypoints use 0.4 vCPU where none was predicted: there are 6, predicted 2 "
                "(+0.4 of +0.4 vCPU)."
            ),
        ),
        (
            {Cause.TRAFFIC: 0.1, Cause.UNEXPLAINED: 0.9},
            1.0,
            (
                "Waypoints use 100 % more than predicted: neither traffic nor their number "
                "explains it, and AFTER tells no more of them (+0.9 of +1 vCPU)."
            ),
        ),
        (
            {Cause.TRAFFIC: 0.005},
            1.0,
            "The prediction holds: 1 vCPU predicted, 1 measured.",
        ),
    ],
)
def test_the_largest_part_is_named_in_a_sentence(
    parts: dict[Cause, float], predicted: float, sentence: str
) -> None:
    assert outcome(of(parts, predicted=predicted)) == sentence


def test_what_idle_and_slope_take_from_each_other_is_not_named() -> None:
    found = of({Cause.TRAFFIC: 0.05, Cause.IDLE: 0.3, Cause.UNIT_COST: -0.29})

    assert found.largest is not None
    assert found.largest[1] == Cause.TRAFFIC


def test_the_planted_waypoint_error_is_named_as_a_person_would() -> None:
    dear = Costs(waypoint_idle_vcpu=1.3 * 0.0125, waypoint_vcpu_per_1000_rps=1.3 * 0.4375)

    assert outcome(compared(Migrated(costs=dear))).startswith(
        "Waypoints use 30 % more than predicted: a request through one costs 0.57 vCPU per 1000 "
        "requests/s, predicted 0.437 ("
    )
