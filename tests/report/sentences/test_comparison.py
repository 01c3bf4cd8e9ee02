"""The outcome of a comparison, in sentences."""

import re
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.comparison.cost_result import (
    CostsCompared,
    NodesCompared,
    NodeTime,
    PricesCompared,
    SavingCompared,
)
from analyzer.comparison.result import Cause, Compared, Comparison, Difference, Whole
from analyzer.projection.choices import Basis
from analyzer.projection.result import Price
from analyzer.report.sentences.comparison import nodes, outcome, price, saving
from analyzer.report.table import Words
from analyzer.report.tables.comparison import components
from analyzer.units import Interval, Role
from tests.comparison.migrations import Costs, Migrated
from tests.report.comparisons import compared


@cache
def as_predicted() -> Comparison:
    return compared(Migrated())


def of(
    parts: dict[Cause, float],
    *,
    predicted: float = 1.0,
    at_after: Interval | None = None,
    role: Role = Role.WAYPOINT,
) -> Comparison:
    """Return a comparison of one component with these parts."""
    before = Interval.exactly(predicted)
    item = Compared(
        role=role,
        predicted_vcpu=before,
        predicted_at_after_vcpu=at_after or before,
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
    return replace(as_predicted(), components=(item,), total=total)


def _sentences(why: str, part: str, whole: str) -> str:
    return (
        f"{why}. That makes {part} vCPU. Their whole difference from the prediction for the "
        f"traffic before is {whole} vCPU."
    )


@pytest.mark.parametrize(
    ("parts", "predicted", "sentences"),
    [
        (
            {Cause.TRAFFIC: 0.5, Cause.COUNT: 0.1},
            1.0,
            _sentences("they carry 1,200 requests/s, and carried 800 before", "+0.5", "+0.6"),
        ),
        (
            {Cause.TRAFFIC: 0.3, Cause.COUNT: -0.2, Cause.UNEXPLAINED: -0.2},
            1.0,
            _sentences("they carry 1,200 requests/s, and carried 800 before", "+0.3", "-0.1"),
        ),
        (
            {Cause.COUNT: 0.4},
            0.0,
            _sentences("their number is 6, and 2 were predicted", "+0.4", "+0.4"),
        ),
        (
            {Cause.TRAFFIC: 0.1, Cause.UNEXPLAINED: 0.9},
            1.0,
            _sentences("traffic and number of proxies do not explain their CPU", "+0.9", "+1"),
        ),
    ],
)
def test_the_largest_part_is_named_with_its_size(
    parts: dict[Cause, float], predicted: float, sentences: str
) -> None:
    assert outcome(of(parts, predicted=predicted)).endswith(f" Waypoints differ most: {sentences}")


@pytest.mark.parametrize(
    ("high", "verdict"),
    [(1.2, "holds: 1.1 vCPU measured, 1 (0.9-1.2)"), (1.05, "is too low: 1.1 vCPU measured, 1")],
)
def test_the_prediction_is_judged_by_its_range(high: float, verdict: str) -> None:
    found = of({Cause.TRAFFIC: 0.1}, at_after=Interval(low=0.9, mid=1, high=high))

    assert outcome(found).startswith(f"In total the prediction {verdict}")


def test_a_small_difference_has_no_cause() -> None:
    found = of({Cause.TRAFFIC: 0.005}, at_after=Interval(low=0.9, mid=1, high=1.1))

    assert outcome(found) == (
        "In total the prediction holds: 1 vCPU measured, 1 (0.9-1.1) predicted for the traffic "
        "after. The difference has no large cause."
    )


_PARTS = st.dictionaries(
    st.sampled_from([Cause.TRAFFIC, Cause.COUNT, Cause.UNEXPLAINED]),
    st.floats(-0.3, 1),
    min_size=1,
)
_ENDS = st.lists(st.floats(0, 3), min_size=3, max_size=3).map(sorted)


@given(parts=_PARTS, ends=_ENDS, role=st.sampled_from([Role.SIDECAR, Role.ZTUNNEL]))
def test_the_outcome_agrees_with_its_ranges_and_with_the_table(
    parts: dict[Cause, float], ends: list[float], role: Role
) -> None:
    at_after = Interval(low=ends[0], mid=ends[1], high=ends[2])
    found = of(parts, at_after=at_after, role=role)

    sentence = outcome(found)

    verdict = re.search("holds|is too low|is too high", sentence)
    assert verdict is not None
    measured = found.total.measured_vcpu
    assert verdict[0] == (
        "is too low"
        if measured > at_after.high
        else "is too high"
        if measured < at_after.low
        else "holds"
    )
    total = components(found).rows[-1]
    is_within = [cell.text for cell in total if isinstance(cell, Words)][-1]
    assert is_within == ("yes" if verdict[0] == "holds" else "no")
    assert ("differ most" in sentence) == (found.largest is not None)


def test_what_idle_and_slope_take_from_each_other_is_not_named() -> None:
    found = of({Cause.TRAFFIC: 0.05, Cause.IDLE: 0.3, Cause.UNIT_COST: -0.29})

    assert found.largest is not None
    assert found.largest[1] == Cause.TRAFFIC


def test_the_planted_waypoint_error_is_named_as_a_person_would() -> None:
    dear = Costs(waypoint_idle_vcpu=2 * 0.0115, waypoint_vcpu_per_1000_rps=2 * 0.4025)

    sentence = outcome(compared(Migrated(costs=dear)))

    assert sentence.startswith("In total the prediction is too low: 1.97 vCPU measured, 1.21 (")
    assert "Waypoints differ most: cost per request is 0.807 (" in sentence
    assert "vCPU per 1000 requests/s, and 0.402 (" in sentence


def costing(
    realised: float, predicted: Interval, *, is_within: bool = True, after_usd: float = 22.0
) -> Comparison:
    """Return a comparison with this saving as billed."""
    exact = Interval.exactly(realised)
    found = SavingCompared(
        before_usd_per_year=Interval.exactly(5000),
        before_at_after_usd_per_year=Interval.exactly(5000),
        predicted_usd_per_year=predicted,
        predicted_at_after_usd_per_year=predicted,
        realised_usd_per_year=exact,
        realised_at_after_usd_per_year=exact,
        difference_usd_per_year=exact,
        difference_at_after_usd_per_year=exact,
        is_within=is_within,
        is_within_at_after=is_within,
    )
    before, after = (
        Price(vcpu_month_usd=usd, memory_gib_month_usd=0, source="a test")
        for usd in (22.0, after_usd)
    )
    costs = CostsCompared(
        basis=Basis.BILLED,
        bases_with_memory=(Basis.USAGE,),
        prices=PricesCompared(before=before, after=after),
        savings={Basis.BILLED: found},
    )
    return replace(as_predicted(), costs=costs)


def test_the_saving_has_what_was_realised_and_what_was_predicted() -> None:
    found = costing(1210, Interval(low=900, mid=1180, high=1400))

    assert list(saving(found)) == [
        (
            "Saving a year as billed, for the traffic after: $1,210 realised, $1,180 ($900-$1,400) "
            "predicted. The realised saving is inside the predicted range."
        )
    ]
    assert price(found) == "Dollars are as billed, without memory, at $22 per vCPU-month."


def test_a_saving_below_zero_is_an_extra_cost() -> None:
    found = costing(-50, Interval(low=-40, mid=-30, high=-20), is_within=False)

    assert list(saving(found)) == [
        (
            "Extra cost a year as billed, for the traffic after: $50 realised, $30 ($20-$40) "
            "predicted. The realised extra cost is outside the predicted range."
        )
    ]


def test_prices_that_changed_are_named() -> None:
    found = costing(-50, Interval(low=-40, mid=30, high=80), after_usd=31.5)

    first, second = saving(found)
    assert first.startswith("Saving a year as billed, for the traffic after: -$50 realised")
    assert second == (
        "Prices changed. BEFORE and the prediction: $22 per vCPU-month. AFTER: $31.5 per "
        "vCPU-month. The realised saving includes that."
    )
    assert price(found) == (
        "Dollars are as billed, without memory, at $22 per vCPU-month in BEFORE and in the "
        "prediction, and at $31.5 per vCPU-month in AFTER."
    )


def test_without_prices_nothing_is_stated_of_dollars() -> None:
    found = as_predicted()
    found = replace(found, costs=replace(found.costs, prices=None, savings={}))

    assert list(saving(found)) == []
    assert price(found) == ""


@pytest.mark.parametrize(
    ("freed", "sentences"),
    [
        (None, []),
        (0, ["The CPU and memory requests of the prediction free no whole node."]),
        (2, ["The CPU and memory requests of the prediction free at most 2 whole nodes."]),
        (-1, ["The CPU and memory requests of the prediction need 1 more node."]),
    ],
)
def test_the_nodes_are_stated_and_not_put_down_to_the_mesh(
    freed: int | None, sentences: list[str]
) -> None:
    before, after = (
        NodeTime(
            node_count=count,
            node_hours_per_week=168 * count,
            node_hours_per_month=730 * count,
            allocatable_vcpu=4 * count,
            allocatable_memory_gib=None,
        )
        for count in (12.0, 10.25)
    )
    compared_nodes = NodesCompared(
        before=before, after=after, removed_node_count=1.75, predicted_freed_node_count=freed
    )

    assert list(nodes(replace(as_predicted(), nodes=compared_nodes))) == [
        "The cluster had 12 nodes before and 10.2 after.",
        *sentences,
        (
            "The mesh is not the only cause of a change: other workloads and autoscaling change "
            "nodes too."
        ),
    ]
