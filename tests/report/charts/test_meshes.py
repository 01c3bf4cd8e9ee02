"""The chart of several meshes: a bar a mesh and mode, with its range, and the sum."""

import pytest
from matplotlib.patches import Rectangle

from analyzer.data import published_constants
from analyzer.projection.demand import stated_load
from analyzer.projection.meshes import Meshes, together
from analyzer.projection.published import project_constants
from analyzer.report.charts.meshes import MOST, draw
from tests.projection.builders import scenario
from tests.report.charts.reading import assert_readable
from tests.report.several import hypothetical, report_of


def meshes(count: int, name: str = "mesh") -> Meshes:
    assumed = scenario(vcpu_month_usd={"low": 22, "mid": 26, "high": 30})
    found = {}
    for number in range(1, count + 1):
        load = stated_load(pod_count=100 * number, node_count=4, namespace_count=9, proxy_rps=0)
        found[f"{name}-{number}"] = project_constants(published_constants()["blog"], load, assumed)
    return together(found)


def test_a_bar_is_as_long_as_the_cost_of_its_mode() -> None:
    found = meshes(3)
    (axes,) = draw(found).axes
    widths = [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]

    shown = (*found.meshes, found.total)
    assert widths == pytest.approx([mode.usd_per_year.mid for one in shown for mode in one.modes])


def test_the_axis_has_room_for_every_range() -> None:
    found = meshes(3)
    (axes,) = draw(found).axes

    assert axes.get_xlim()[1] > found.total.modes[0].usd_per_year.high
    named = [label.get_text() for label in axes.get_yticklabels()]
    assert named[:3] == ["mesh-1", "mesh-2", "mesh-3"]
    assert "3" in named[3]


def test_of_many_meshes_the_most_expensive_are_drawn() -> None:
    found = meshes(MOST + 3)
    (axes,) = draw(found).axes
    named = [label.get_text() for label in axes.get_yticklabels()]

    assert len(named) == MOST + 1
    assert named[0] == "mesh-4"


def test_a_name_is_no_formula() -> None:
    figure = draw(meshes(2, name="a$b$c"))
    named = [label.get_text() for label in figure.axes[0].get_yticklabels()]

    assert named[0] == "a$b$c-1"
    assert figure.description


def test_one_mesh_has_no_sum_beside_it() -> None:
    (axes,) = draw(meshes(1)).axes

    assert [label.get_text() for label in axes.get_yticklabels()] == ["mesh-1"]


@pytest.mark.parametrize("count", [1, 2, 5, 12, MOST + 20])
@pytest.mark.parametrize(
    "name", ["mesh", "payments-production-in-a-region-with-a-long-name", "W" * 70]
)
def test_every_text_can_be_read(count: int, name: str) -> None:
    figure = draw(meshes(count, name))

    assert_readable(figure)
    named = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(set(named)) == len(named)


def test_a_saving_of_less_than_nothing_is_extra_cost() -> None:
    found = hypothetical(10, 10, 20)
    figure = draw(report_of({"a": found}).meshes)
    texts = " ".join(text.get_text() for text in figure.axes[0].texts)

    assert found.projection is not None
    assert min(saving.percent.mid for saving in found.projection.savings) < 0
    assert "more)" in texts
    assert_readable(figure)
