"""What the projection found, in sentences."""

from dataclasses import replace

import pytest

from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.result import Sweep, SweepPoint
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.sentences.dependence import dependence_lines
from analyzer.report.sentences.projection import (
    assumption_title,
    break_even_line,
    busiest_line,
    component_lines,
    daemonset_line,
    headline,
    mesh_lines,
    projection_lines,
    side_by_side,
    turning,
    why_different,
)
from analyzer.units import Interval
from tests.projection.builders import as_published, scenario, shop_mesh
from tests.projection.fits import calibration
from tests.report.answers import constants_only, full, refused
from tests.report.rendered import as_markdown

SAVES, COSTS = Interval(low=5, mid=10, high=15), Interval(low=-15, mid=-10, high=-5)
UNSURE = Interval(low=-5, mid=5, high=15)


def projection(**changes: object) -> Projection:
    return project_usage(shop_mesh(), calibration(), as_published(**changes))


def sweep(name: str, *savings: Interval) -> Sweep:
    """Return a sweep of these savings: of shares from 0 to 1, or of 1 replica and more."""
    last = len(savings) - 1
    choices = [at / last if name == "l7_share" else at + 1 for at in range(len(savings))]
    points = tuple(
        SweepPoint(choice=float(choice), usd_per_year=saved)
        for choice, saved in zip(choices, savings, strict=True)
    )
    return Sweep(name=name, points=points, break_even=None)


def lines(found: Projection) -> str:
    return "\n".join(projection_lines(found))


def of(answer: Answer) -> Projection:
    assert answer.projection is not None
    return answer.projection


def with_percent(found: Projection, **percents: Interval) -> Projection:
    """Return a projection with other savings, by mode with underscores."""
    savings = tuple(
        replace(item, percent=percents.get(item.mode.replace("-", "_"), item.percent))
        for item in found.savings
    )
    return replace(found, savings=savings)


def test_the_headline_goes_from_l4_to_waypoints_in_every_namespace_with_http() -> None:
    text = headline(projection())

    # Sidecars use 0.44 vCPU, ztunnels 0.1872, and two waypoints 2 x 0.0125 + 70 x 0.375 / 1000.
    assert text is not None
    assert text.startswith("For the same traffic, ambient L4 would save 57 % (")
    assert "as used. With waypoints in every namespace with HTTP, ambient would save 46 % (" in text


def test_the_headline_is_on_the_basis_of_the_scenario() -> None:
    # 0.54 vCPU are billed now; two ztunnels with istio-cni request 0.6 and two waypoints 0.2. At
    # the high end the busiest ztunnel uses 0.207, so the two request 0.614.
    assert headline(projection(basis="billed")) == (
        "For the same traffic, ambient L4 would cost 11 % (11-14 %) more as billed. With waypoints "
        "in every namespace with HTTP, ambient would cost 48 % (48-51 %) more."
    )


def test_the_headline_names_the_scenario_where_it_places_the_waypoints() -> None:
    text = headline(projection(waypoint_placement=["shop"]))

    assert text is not None
    assert "With waypoints where the scenario places them, ambient would save" in text


def test_the_headline_has_a_probability_only_where_the_range_has_both_signs() -> None:
    found = projection()
    savings = tuple(replace(item, probability_cheaper=0.625) for item in found.savings)
    found = replace(found, savings=savings)

    unsure = str(headline(with_percent(found, ambient_waypoint=UNSURE)))
    assert "cost between 15 % less and 5.0 % more (62 % likely to cost less, if " in unsure
    for sure in (SAVES, COSTS):
        assert "likely" not in str(headline(with_percent(found, ambient_waypoint=sure)))


def test_a_mode_that_costs_more_is_not_a_negative_saving() -> None:
    percents = {"ambient_l4": 20.0, "ambient_waypoint": -11.0}
    exact = {name: Interval.exactly(percent) for name, percent in percents.items()}
    text = headline(with_percent(of(full()), **exact))

    assert text is not None
    assert "ambient L4 would save 20 % as used. " in text
    assert text.endswith("ambient would cost 11 % more.")


def test_without_both_ambient_modes_there_is_no_headline() -> None:
    assert headline(of(refused())) is None
    assert headline(of(constants_only())) is None


def test_the_last_sure_saving_and_the_first_sure_loss_of_a_sweep() -> None:
    found = sweep("l7_share", SAVES, SAVES, UNSURE, COSTS, COSTS)

    assert (found.first, found.last) == (0, 1)
    assert (found.saves_until, found.loses_from) == (0.25, 0.75)
    assert sweep("l7_share", UNSURE, SAVES).saves_until is None
    assert sweep("l7_share", COSTS, UNSURE).loses_from is None
    assert sweep("waypoint_replicas", SAVES, SAVES, SAVES).saves_until == 3
    assert sweep("waypoint_replicas", COSTS, COSTS).loses_from == 1
    # Nothing is sure of a saving of exactly nothing.
    nothing = sweep("l7_share", Interval.exactly(0), Interval.exactly(0))
    assert (nothing.saves_until, nothing.loses_from) == (None, None)
    # After a point that is not sure, a later sure one does not count.
    mixed = sweep("l7_share", SAVES, UNSURE, SAVES, COSTS, UNSURE)
    assert (mixed.saves_until, mixed.loses_from) == (0, None)


@pytest.mark.parametrize(
    ("savings", "text"),
    [
        (
            (SAVES, SAVES, SAVES),
            (
                "With the assumed replicas, ambient costs less than sidecars as used, however "
                "many namespaces with HTTP need a waypoint."
            ),
        ),
        (
            (COSTS, COSTS, COSTS),
            (
                "With the assumed replicas, ambient costs more than sidecars as used, however "
                "many namespaces with HTTP need a waypoint."
            ),
        ),
        (
            (UNSURE, UNSURE, UNSURE),
            (
                "The ranges cannot tell whether ambient costs less as used, however many "
                "namespaces with HTTP need a waypoint."
            ),
        ),
        (
            (SAVES, UNSURE, COSTS),
            (
                "With the assumed replicas, ambient costs less as used if no namespace needs a "
                "waypoint, and more from 100 % on."
            ),
        ),
        (
            (SAVES, SAVES, UNSURE),
            (
                "With the assumed replicas, ambient costs less as used if up to 50 % of the "
                "namespaces with HTTP need a waypoint; beyond, the ranges cannot tell."
            ),
        ),
        (
            (UNSURE, COSTS, COSTS),
            (
                "With the assumed replicas, ambient costs more as used if at least 50 % of the "
                "namespaces with HTTP need a waypoint; below, the ranges cannot tell."
            ),
        ),
    ],
)
def test_where_the_share_of_namespaces_turns_the_answer(
    savings: tuple[Interval, ...], text: str
) -> None:
    found = sweep("l7_share", *savings)

    assert turning(found, Basis.USAGE) == text
    assert text in lines(replace(projection(), sweeps=(found,)))


@pytest.mark.parametrize(
    ("savings", "text"),
    [
        ((SAVES, COSTS), "as billed with 1 replica per waypoint, and more from 2 replicas"),
        ((SAVES, SAVES, UNSURE), "as billed with up to 2 replicas per waypoint; beyond, the"),
        ((UNSURE, COSTS), "as billed with at least 2 replicas per waypoint; below, the"),
        ((COSTS, COSTS), "than sidecars as billed, however many replicas each waypoint has"),
    ],
)
def test_where_the_number_of_replicas_turns_the_answer(
    savings: tuple[Interval, ...], text: str
) -> None:
    found = sweep("waypoint_replicas", *savings)

    assert text in lines(replace(projection(basis="billed"), sweeps=(found,)))


def test_replicas_that_change_nothing_are_left_out() -> None:
    found = replace(projection(), sweeps=(sweep("waypoint_replicas", SAVES, SAVES),))

    assert "replica" not in lines(found)


def test_the_busiest_ztunnel_is_beside_the_average() -> None:
    # Two nodes; the sum is that of the mode.
    (line,) = busiest_line(projection())

    assert line == "Busiest ztunnel of 2: 0.172 vCPU. Average: 0.0936."


def test_the_busiest_ztunnel_sets_the_request_of_every_node() -> None:
    (line,) = daemonset_line(projection(ztunnel_reserved_vcpu_per_node=0.1))

    assert line == (
        "The busiest ztunnel would use 0.172 vCPU, more than its request of 0.1. A DaemonSet has "
        "one request, so every node's ztunnel requests 0.172 vCPU."
    )
    assert line in lines(projection(ztunnel_reserved_vcpu_per_node=0.1))


def test_a_request_above_the_busiest_ztunnel_is_not_raised() -> None:
    assert not [*daemonset_line(projection(ztunnel_reserved_vcpu_per_node=0.3))]


def test_a_namespace_that_loses_is_in_the_table_and_in_no_sentence() -> None:
    found = projection()
    losing = found.namespaces.assign(waypoint_costs_more=True)

    assert lines(replace(found, namespaces=losing)) == lines(found)


def test_the_posts_constants_differ_because_they_are_per_pod() -> None:
    found = projection()
    post = next(item for item in found.references if item.name == "blog")

    # 270 requests/s through 3 sidecars.
    assert why_different(post, found.load).startswith(
        "One figure per pod at any traffic. A sidecar here handles 90 proxy requests/s."
    )


def test_a_releases_figures_differ_because_they_have_no_idle_cpu() -> None:
    found = projection()
    release = next(item for item in found.references if item.name == "istio-1.24")

    # 0.44 vCPU measured, and 270 requests/s at 0.20 for 1000 are 0.054.
    assert "without idle CPU. The sidecars here use 8.15 times that." in (
        why_different(release, found.load)
    )


def test_markdown_has_bases_sweeps_namespaces_and_references() -> None:
    text = as_markdown(full())

    for title in (
        "Decision",
        "Summary",
        "What the saving depends on",
        "Measured and assumed",
        "Used, requested, billed",
        "Saving at the ends of each assumption",
        "Namespaces",
        "The same mesh by published constants",
    ):
        assert f"\n## {title}" in text
    assert "| namespaces with HTTP that need a waypoint | saved a year |" in text
    assert text.count("| shop |") == 1


@pytest.mark.parametrize(
    ("l4", "waypoint", "text"),
    [
        (3, 1, "ambient L4 frees 3 whole nodes and ambient with waypoints frees 1 whole node."),
        (0, -1, "ambient L4 frees no whole node and ambient with waypoints needs 1 more node."),
        (-1, -2, "ambient L4 needs 1 more node and ambient with waypoints needs 2 more nodes."),
        (0, 0, "no ambient mode frees a whole node."),
    ],
)
def test_whole_nodes_are_freed_or_needed(l4: int, waypoint: int, text: str) -> None:
    found = of(full())
    counts = {"ambient-l4": l4, "ambient-waypoint": waypoint}
    savings = tuple(replace(item, freed_node_count=counts.get(item.mode)) for item in found.savings)
    *_, line = projection_lines(replace(found, savings=savings))

    assert line == f"By CPU and memory requests, {text}"


def test_without_the_size_of_the_nodes_none_is_freed() -> None:
    found = of(full())
    savings = tuple(replace(item, freed_node_count=None) for item in found.savings)

    assert "whole node" not in lines(replace(found, savings=savings))


def test_used_and_billed_are_side_by_side_with_the_one_that_is_the_invoice() -> None:
    (line,) = side_by_side(of(full()))

    assert line == (
        "The billed figure is your bill if that charges per CPU: per proxy, the larger of CPU "
        "used and requested. The used figure is only what the proxies consume."
    )


def test_where_requests_are_not_known_the_bill_is_not_known() -> None:
    (line,) = side_by_side(of(constants_only()))

    assert line.endswith("CPU requests are not known, so what is billed is not known.")
    # Without ambient there is nothing to put side by side.
    assert list(side_by_side(of(refused()))) == []


def test_rates_that_were_never_given_are_left_out() -> None:
    silent, given = constants_only(), constants_only("istio-1.24", proxy_rps=15e6)

    assert "requests/s" not in " ".join(mesh_lines(of(silent).load, silent.projection))
    # Each mesh request passes two sidecars.
    assert "7,500,000 requests/s, which make 15,000,000 proxy requests/s" in (
        " ".join(mesh_lines(of(given).load, given.projection))
    )


def test_a_mesh_without_calls_has_only_its_proxy_requests() -> None:
    first, _ = mesh_lines(of(refused()).load, refused().projection)

    assert first == "1 sidecar in 1 namespace; 100 proxy requests/s"


def test_what_the_sidecars_use_is_measured_unless_traffic_grows() -> None:
    _, measured = mesh_lines(projection().load, projection())
    grown = projection(traffic_growth_factor=1.5)
    _, after = mesh_lines(grown.load, grown)

    assert measured.startswith("Sidecars, measured: 0.44 vCPU used, 0.3 vCPU requested, 0.281 GiB")
    # Half of 270 requests/s more, at 0.3 vCPU for 1000.
    assert after.startswith("Sidecars, at 1.5 times the traffic: 0.481 vCPU used")


def test_each_component_line_begins_with_its_mode_and_agrees_in_number() -> None:
    sidecar, l4, waypoint, _ = component_lines(projection())

    assert sidecar == "sidecar mode: 3 sidecars use 0.44 vCPU (measured)"
    assert l4.startswith("ambient L4: 2 ztunnels use 0.187 (")
    assert waypoint.startswith("ambient with waypoints: 2 ztunnels use ")
    (single,) = component_lines(of(refused()))
    assert single == "sidecar mode: 1 sidecar uses 0.1 vCPU (measured)"


# --- up to which cost of a pass ambient saves ---


def break_even(found: Projection, vcpu: float | None) -> str:
    savings = tuple(
        replace(item, break_even_ztunnel_vcpu_per_1000_rps=vcpu) for item in found.savings
    )
    return " ".join(break_even_line(replace(found, savings=savings)))


def test_the_break_even_of_a_pass_is_beside_what_sources_give() -> None:
    found = project_usage(shop_mesh(), calibration(), scenario())
    assert found.ztunnel_vcpu_per_1000_rps is not None
    low, high = (fmt.number(end) for end in ends_of(found.ztunnel_vcpu_per_1000_rps))

    text = break_even(found, 0.1234)
    assert "under 0.123 vCPU per 1000 requests/s" in text
    assert text.endswith(f"sources give {low} to {high}.")


def ends_of(value: Interval) -> tuple[float, float]:
    return value.low, value.high


def test_a_stated_cost_of_a_pass_is_not_that_of_sources() -> None:
    found = project_usage(shop_mesh(), calibration(), scenario(ztunnel_vcpu_per_1000_rps=0.05))

    assert break_even(found, 0.1).endswith("the scenario states 0.05.")


def test_where_no_cost_of_a_pass_decides_there_is_no_or_another_sentence() -> None:
    found = project_usage(shop_mesh(), calibration(), scenario())

    assert break_even(found, None) == ""
    assert break_even(found, 0.0).endswith("a ztunnel cost nothing.")


def test_the_three_assumptions_that_matter_most_are_named() -> None:
    found = project_usage(shop_mesh(), calibration(), scenario())
    (line,) = (line for line in dependence_lines(found) if line.startswith("Assumptions"))

    names = [assumption_title(item.assumption) for item in found.sensitivity[:3]]
    assert len(set(names)) == 3
    assert line.endswith(f": {fmt.listed(names)}.")
