"""Traffic between zones, in sentences."""

from dataclasses import replace

from analyzer.projection import Projection
from analyzer.report.sentences.moving import moving_lines
from analyzer.report.sentences.projection import component_lines
from analyzer.report.sentences.zones import is_leading, missing_line, zone_lines
from tests.projection.builders import shop_mesh
from tests.projection.zoned import projected, spread_mesh


def one_replica(**changes: object) -> Projection:
    return projected(spread_mesh(), **changes)


def test_what_costs_more_than_the_waypoints_is_in_the_summary() -> None:
    projection = one_replica(basis="billed")

    assert is_leading(projection)
    added, near = zone_lines(projection)
    assert added == (
        "Waypoints add 3,588 GB a month between zones, which costs $861 a year at $0.02 per GB. "
        "That is more than the waypoints themselves: $94 ($67-$130) a year as billed."
    )
    assert near == (
        "With PreferClose, one waypoint replica in each zone adds 0 GB. It saves: waypoints and "
        "traffic cost $100 a year together, instead of $955."
    )


def test_what_costs_less_is_a_part_of_the_waypoints_cost() -> None:
    projection = one_replica(zone_transfer_usd_per_gb=0.0001)
    first, _ = zone_lines(projection)

    assert first.endswith("% of the cost of the waypoints themselves as used.")
    assert not is_leading(projection)


def test_no_price_is_stated_with_its_reason() -> None:
    (only,) = zone_lines(projected(spread_mesh(provider="azure")))

    assert "No price is added (Azure: no charge, by " in only


def test_one_zone_and_one_replica_in_each_add_nothing() -> None:
    assert [*zone_lines(projected(spread_mesh(("a", "a", "a"))))] == [
        "All nodes are in one zone, so waypoints add no traffic between zones."
    ]
    assert [*zone_lines(one_replica(waypoint_replicas=3))] == [
        "Waypoints add no traffic between zones."
    ]


def test_without_a_waypoint_or_a_known_zone_nothing_is_written() -> None:
    assert [*zone_lines(one_replica(waypoint_placement="none"))] == []
    assert [*zone_lines(projected(shop_mesh()))] == []


def test_the_components_have_it() -> None:
    *_, placed, _ = component_lines(one_replica())

    assert "traffic between zones adds 3,588 " in placed
    assert placed.endswith(" a year (derived)")


def test_zones_that_were_asked_for_and_not_found_are_not_included() -> None:
    asked = replace(shop_mesh(), zones_were_asked=True)
    line = "Not priced either: traffic between zones, because no zone of a node is known."

    assert [*missing_line(projected(asked))] == [line]
    assert line in [*moving_lines(projected(asked))]
    assert [*missing_line(projected(shop_mesh()))] == []
    assert [*missing_line(projected(replace(spread_mesh(), zones_were_asked=True)))] == []
