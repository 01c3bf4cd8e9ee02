"""What the projection found, in sentences."""

from dataclasses import replace

import pandas as pd
import pytest

from analyzer.projection import Projection, project_usage
from analyzer.projection.result import Sweep, SweepPoint
from analyzer.report.answer import Answer
from analyzer.report.sentences.projection import headline, projection_lines, why_different
from analyzer.units import Interval
from tests.projection.builders import scenario, shop_mesh
from tests.projection.fits import calibration
from tests.report.answers import constants_only, full, refused
from tests.report.rendered import as_markdown


def projection(**changes: object) -> Projection:
    return project_usage(shop_mesh(), calibration(), scenario(**changes))


def sweep(name: str, mids: list[float], break_even: float | None) -> Sweep:
    points = tuple(
        SweepPoint(choice=float(step), usd_per_year=Interval.exactly(mid))
        for step, mid in enumerate(mids)
    )
    return Sweep(name=name, points=points, break_even=break_even)


def lines(found: Projection) -> str:
    return "\n".join(projection_lines(found))


def of(answer: Answer) -> Projection:
    assert answer.projection is not None
    return answer.projection


def test_the_headline_goes_from_l4_to_waypoints_wherever_http_is() -> None:
    told = headline(projection())

    # Sidecars use 0.44 vCPU, ztunnels 0.2222, and two waypoints 2 x 0.0125 + 70 x 0.375 / 1000.
    assert told is not None
    assert told.startswith("For the same traffic ambient would save 50 % [")
    assert "where L4 is enough, and 38 % [" in told
    assert "wherever HTTP was seen, which is the most that policy can need" in told


def test_the_headline_says_when_the_scenario_places_the_waypoints() -> None:
    told = headline(projection(waypoint_placement=["shop"]))

    assert told is not None
    assert "with a waypoint where the scenario puts one" in told


def test_the_headline_says_how_sure_it_is_that_ambient_is_cheaper() -> None:
    found = projection()
    savings = tuple(replace(item, probability_cheaper=0.625) for item in found.savings)

    assert "; with 62% probability it is cheaper at all." in str(
        headline(replace(found, savings=savings))
    )


def test_without_both_ambient_modes_there_is_no_headline() -> None:
    assert headline(of(refused())) is None
    assert headline(of(constants_only())) is None


def test_the_break_even_is_told() -> None:
    turning = sweep("l7_share", [10, -10], 0.4)
    replicas = sweep("waypoint_replicas", [10, -10], 2.5)
    told = lines(replace(projection(), sweeps=(turning, replicas)))

    assert "Ambient costs what sidecars do when 40% of the namespaces with HTTP need" in told
    assert "With more than 2.5 replicas of each waypoint ambient costs more than sidecars" in told


def test_where_there_is_no_break_even_it_is_said_which_is_cheaper() -> None:
    cheaper = replace(projection(), sweeps=(sweep("l7_share", [10, 5], None),))
    dearer = replace(projection(), sweeps=(sweep("l7_share", [-5, -10], None),))

    assert "Ambient is cheaper than sidecars whatever share" in lines(cheaper)
    assert "Ambient is dearer than sidecars whatever share" in lines(dearer)


def test_the_busiest_ztunnel_is_told_beside_the_mean_one() -> None:
    assert "The busiest of 2 ztunnels would use 0." in lines(projection())


def test_namespaces_that_lose_by_a_waypoint_are_named_and_harmless() -> None:
    found = projection()
    namespaces = found.namespaces.assign(
        namespace=["sh\x1bop", "data"],
        waypoint_costs_more=True,
        saving_waypoint_vcpu=pd.Series([-0.5, -0.25]),
    )
    told = lines(replace(found, namespaces=namespaces))

    assert "more than the sidecars it replaces in sh�op, data: 0.75 vCPU together" in told


def test_only_three_losers_are_named() -> None:
    found = projection()
    row = found.namespaces.iloc[[0]]
    many = pd.concat([row.assign(namespace=f"n{number}") for number in range(5)])
    many = many.assign(waypoint_costs_more=True, saving_waypoint_vcpu=-1.0)

    assert "in n0, n1, n2 and 2 more: 5 vCPU" in lines(replace(found, namespaces=many))


def test_the_posts_constants_differ_because_they_do_not_know_the_traffic() -> None:
    found = projection()
    post = next(item for item in found.references if item.name == "blog")

    # 270 requests/s through 3 sidecars.
    assert "a figure per pod whatever its traffic; a sidecar here carries 90 requests/s" in (
        why_different(post, found.load)
    )


def test_a_releases_figures_differ_because_they_have_no_idle() -> None:
    found = projection()
    release = next(item for item in found.references if item.name == "istio-1.24")

    # 0.44 vCPU measured, and 270 requests/s at 0.20 for 1000 are 0.054.
    assert "and no idle; the sidecars here use 8.15 times that" in (
        why_different(release, found.load)
    )


def test_markdown_has_bases_sweeps_namespaces_and_references() -> None:
    text = as_markdown(full())

    for title in ("Used, reserved, billed", "What matters", "Namespaces", "What others' constants"):
        assert f"## {title}" in text
    assert "| namespaces that need L7 | saved a year |" in text
    assert text.count("| shop |") == 1


@pytest.mark.parametrize(
    ("l4", "waypoint", "told"),
    [
        (3, 1, "Reservations that fall away would fill 1 (with waypoints) to 3 (L4 only) whole"),
        (0, -1, "L4 only would free 0 whole nodes, and waypoints would need 1 more node;"),
        (-1, -2, "L4 only would need 1 more node, and waypoints would need 2 more nodes;"),
    ],
)
def test_nodes_are_freed_or_needed(l4: int, waypoint: int, told: str) -> None:
    found = of(full())
    counts = {"ambient-l4": l4, "ambient-waypoint": waypoint}
    savings = tuple(replace(item, freed_node_count=counts.get(item.mode)) for item in found.savings)

    (line,) = (
        line
        for line in projection_lines(replace(found, savings=savings))
        if "money is saved when" in line
    )
    assert told in line


def test_a_mode_that_costs_more_is_not_said_to_save_less_than_nothing() -> None:
    found = of(full())
    percents = {"ambient-l4": 20.0, "ambient-waypoint": -11.0}
    savings = tuple(
        replace(item, percent=Interval.exactly(percents.get(item.mode, 0.0)))
        for item in found.savings
    )

    told = headline(replace(found, savings=savings))
    assert told is not None
    assert "would save 20.0 % where L4 is enough, and cost 11.0 % more with a waypoint" in told
