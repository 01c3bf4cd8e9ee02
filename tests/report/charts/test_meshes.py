"""The chart of several meshes: a bar a mesh and mode, with its range, and the sum."""

import pytest
from matplotlib.patches import Rectangle

from analyzer.data import published_constants
from analyzer.projection.demand import stated_load
from analyzer.projection.meshes import Meshes, together
from analyzer.projection.published import project_constants
from analyzer.report.charts.meshes import MOST, draw
from tests.projection.builders import scenario


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
