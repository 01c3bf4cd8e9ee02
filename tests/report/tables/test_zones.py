"""The table of traffic between zones, by replicas and preference."""

from analyzer.report.render.terminal import Screen, render
from analyzer.report.sections import AnswerReport
from analyzer.report.table import View
from analyzer.report.tables.costs import zones
from tests.projection.builders import shop_mesh
from tests.projection.zoned import projected, spread_mesh
from tests.report.answers import full


def test_each_choice_has_a_row_with_traffic_and_waypoints_together() -> None:
    table = zones(projected(spread_mesh(), waypoint_replicas=2))
    rows = [row[:4] for row in table.texts_in(View.TERMINAL)]

    assert rows == [
        ["2", "yes", "1,794", "$431"],
        ["2", "no", "3,588", "$861"],
        ["3 (one a zone)", "no", "3,588", "$861"],
        ["3 (one a zone)", "yes", "0", "$0"],
    ]
    assert "$0.02 per GB" in table.notes[View.PAGE]


def test_without_zones_or_waypoints_or_with_one_zone_there_is_none() -> None:
    for projection in (
        projected(shop_mesh()),
        projected(spread_mesh(), waypoint_placement="none"),
        projected(spread_mesh(("a", "a", "a"))),
    ):
        assert not zones(projection).rows


def test_it_fits_a_terminal() -> None:
    text = render(AnswerReport(answer=full(usage=spread_mesh())), Screen(width=80))
    (start,) = [
        number for number, line in enumerate(text.splitlines()) if line.startswith("replicas  ")
    ]

    assert text.splitlines()[start].split()[1:3] == ["PreferClose", "a"]
