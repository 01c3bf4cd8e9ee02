"""The chart of the namespaces, read off its axes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from analyzer.projection.modes import AMBIENT_WAYPOINT
from analyzer.report.answer import Answer
from analyzer.report.charts.namespaces import draw as namespaces_chart
from analyzer.report.charts.namespaces import finding
from analyzer.report.charts.style import figure_bytes
from analyzer.report.format import ranged
from analyzer.units import Interval, Refusal
from tests.projection.builders import Proxy, mesh
from tests.report.answers import constants_only, full, naughty, refused, sized
from tests.report.charts.reading import assert_readable, detail, labels, text_of, title
from tests.report.rendered import as_document


def table(answer: Answer) -> pd.DataFrame:
    assert answer.projection is not None
    return answer.projection.namespaces


def changed(answer: Answer, **columns: Sequence[float | bool | str]) -> Answer:
    assert answer.projection is not None
    rows = table(answer).assign(**columns)
    return replace(answer, projection=replace(answer.projection, namespaces=rows))


def drawn(answer: Answer) -> tuple[Figure, Axes, Axes]:
    figure = namespaces_chart(answer)
    assert isinstance(figure, Figure)
    bars, curve = figure.axes
    return figure, bars, curve


def bars(axes: Axes) -> dict[str, dict[int, float]]:
    """Return the lengths of the bars by their row, by what they stand for."""
    return {
        str(group.get_label()): {
            round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in group
        }
        for group in axes.containers
        if isinstance(group, BarContainer)
    }


def dots(axes: Axes) -> dict[str, list[list[float]]]:
    return {
        str(line.get_label()): np.asarray(line.get_xydata()).tolist()
        for line in axes.lines
        if line.get_linestyle() == "None"
    }


def test_bars_and_dots_are_the_savings_of_the_table() -> None:
    _, axes, _ = drawn(full())

    # 0.4 and 0.04 vCPU of sidecars; 0.219 and 0.0032 of ztunnels; 0.03125 and 0.02 of waypoints.
    assert bars(axes) == {"saving with ambient L4": pytest.approx({0: 0.181, 1: 0.0368})}
    (points,) = dots(axes).values()
    assert points == [pytest.approx([0.14975, 0]), pytest.approx([0.0168, 1])]
    assert labels(axes) == ["shop", "data"]
    assert axes.yaxis.get_inverted()


def test_extrapolated_waypoints_have_a_mark_of_their_own() -> None:
    _, axes, _ = drawn(changed(full(), waypoint_extrapolated=[True, False]))

    marked = dots(axes)
    assert marked.pop("with a waypoint") == [pytest.approx([0.0168, 1])]
    ((label, points),) = marked.items()
    assert "extrapolated" in label
    assert points == [pytest.approx([0.14975, 0])]
    markers = {line.get_marker() for line in axes.lines if line.get_linestyle() == "None"}
    assert len(markers) == 2


def test_what_loses_is_told_apart_from_what_saves() -> None:
    answer = changed(
        full(),
        saving_l4_vcpu=[0.2, -0.1],
        saving_waypoint_vcpu=[0.1, -0.3],
        waypoint_costs_more=[False, True],
    )
    figure, axes, _ = drawn(answer)

    assert bars(axes) == {
        "saving with ambient L4": {0: 0.2},
        "extra cost with ambient L4": {1: -0.1},
    }
    saved, lost = (group for group in axes.containers if isinstance(group, BarContainer))
    assert saved[0].get_hatch() != lost[0].get_hatch()
    assert axes.get_xlim()[0] < -0.3
    assert "1 of 2 namespaces needs more" in detail(axes)
    assert_readable(figure)


def test_the_curve_is_the_cumulative_saving_in_the_order_of_migration() -> None:
    _, _, curve = drawn(full())

    points = np.asarray(curve.lines[0].get_xydata()).tolist()
    # The idle of two ztunnels is spent with the first: 0.003 each, of which 0.004 is its own.
    assert points == [pytest.approx([1, 0.14775]), pytest.approx([2, 0.16655])]


def test_of_many_namespaces_the_first_are_named_and_the_others_told() -> None:
    answer = sized(15_000)
    _, axes, curve = drawn(answer)
    rows = table(answer)

    assert labels(axes) == [*rows["namespace"].head(25), "and 975 more"]
    together = rows["cumulative_saving_vcpu"].iloc[-1] - rows["cumulative_saving_vcpu"].iloc[24]
    assert text_of(axes.texts[0]) == f"together save {together:.0f} vCPU"
    assert len(np.asarray(curve.lines[0].get_xdata())) == 1000


def test_the_title_says_what_all_save_together() -> None:
    answer = full()
    _, axes, _ = drawn(answer)
    assert answer.projection is not None
    together = {item.mode: item.vcpu for item in answer.projection.savings}[AMBIENT_WAYPOINT]

    assert title(axes).startswith("Moving all 2 namespaces")
    assert together.low > 0
    assert f"saves {ranged(together)} vCPU" in title(axes)


def test_where_the_last_ones_lose_the_title_says_after_how_many() -> None:
    _, axes, _ = drawn(changed(full(), cumulative_saving_vcpu=[0.5, 0.25]))

    assert title(axes).endswith("the first saves 0.5 vCPU")


def test_a_mesh_that_loses_altogether_is_said_to_cost_more() -> None:
    _, axes, _ = drawn(changed(full(), cumulative_saving_vcpu=[-0.5, -0.75]))

    assert "costs another 0.75 vCPU" in title(axes)


def test_the_axes_say_their_units() -> None:
    _, axes, curve = drawn(full())

    assert axes.get_xlabel().startswith("saving of each namespace")
    assert curve.get_xlabel() == "namespaces in order of migration"
    assert curve.get_ylabel() == "saving so far\nin vCPU"


def names_below(curve: Axes) -> list[str]:
    return [label.get_text() for label in curve.get_xticklabels()]


def test_the_curve_names_the_namespaces_on_its_lower_axis() -> None:
    few = drawn(full())[2]
    some = drawn(sized(300))[2]
    many = drawn(sized(15_000))[2]

    assert names_below(few) == ["shop", "data"]
    assert {label.get_rotation() for label in few.get_xticklabels()} == {0}
    # Twenty names would touch side by side.
    assert names_below(some) == [f"namespace-{number:04}" for number in range(19, -1, -1)]
    assert {label.get_rotation() for label in some.get_xticklabels()} == {90}
    assert not [name for name in names_below(many) if name.startswith("namespace")]
    assert many.get_xlabel().startswith("number of namespaces")


def test_long_names_on_the_lower_axis_are_cut() -> None:
    figure, _, curve = drawn(changed(full(), namespace=["a" * 300, "$x$ $y$"]))

    assert len(names_below(curve)[0]) == 20
    assert names_below(curve)[1] == "$x$ $y$"
    assert_readable(figure)


@pytest.mark.parametrize(
    ("low", "mid", "high", "told"),
    [
        (0.1, 0.2, 0.3, "saves 0.2 [0.1-0.3]"),
        (-0.3, -0.2, -0.1, "costs another 0.2"),
        (-0.1, 0.2, 0.3, "Cannot tell"),
    ],
)
def test_the_title_compares_the_range_of_what_all_save(
    low: float, mid: float, high: float, told: str
) -> None:
    rows = pd.DataFrame({"cumulative_saving_vcpu": [0.5, mid]})

    found = finding(rows, Interval(low=low, mid=mid, high=high))
    assert told in found
    assert found.endswith("best estimate: the first saves 0.5 vCPU")


def test_a_saving_of_other_namespaces_is_no_range_of_these() -> None:
    _, axes, _ = drawn(changed(full(), cumulative_saving_vcpu=[0.25, 0.5]))

    assert "0.5 vCPU (best estimate)" in title(axes)


def test_long_names_and_dollars_fit() -> None:
    answer = changed(
        full(),
        namespace=["a" * 300 + "$x$" + "b" * 300, "$x$ $y$"],
        cumulative_saving_vcpu=[0.5, 0.25],
        waypoint_costs_more=[False, True],
    )
    figure, axes, _ = drawn(answer)

    assert labels(axes)[0].startswith("aaa")
    assert labels(axes)[0].endswith("bbb")
    assert_readable(figure)


@pytest.mark.parametrize(
    "make",
    [full, naughty, *(lambda pods=pods: sized(pods) for pods in (1, 20, 15_000))],
    ids=["full", "naughty", "1", "20", "15000"],
)
def test_every_text_can_be_read(make: Callable[[], Answer]) -> None:
    figure, _, _ = drawn(make())

    assert_readable(figure)


def test_letters_that_the_font_lacks_are_replaced() -> None:
    _, axes, _ = drawn(naughty())

    assert "���" in labels(axes)
    assert "<img src=x onerror=alert(1)>" in labels(axes)


@pytest.mark.parametrize("make", [refused, constants_only, Answer])
def test_without_savings_there_is_no_chart(make: Callable[[], Answer]) -> None:
    assert isinstance(namespaces_chart(make()), Refusal)


def test_without_namespaces_there_is_no_chart() -> None:
    answer = full()
    assert answer.projection is not None
    none = replace(answer.projection, namespaces=table(answer).iloc[:0])

    assert isinstance(namespaces_chart(replace(answer, projection=none)), Refusal)


def test_the_same_answer_gives_the_same_picture() -> None:
    first, second = (figure_bytes(drawn(sized(20))[0]) for _ in range(2))

    assert first == second


def test_a_namespace_whose_cpu_is_not_known_is_counted_and_not_drawn() -> None:
    usage = mesh(
        Proxy(workload="shop/front"),
        Proxy(workload="dark/app", cpu_vcpu=(math.nan, math.nan)),
    )
    answer = full(usage=usage)
    _, axes, _ = drawn(answer)

    assert labels(axes) == ["shop"]
    assert "; 1 more with unknown CPU" in detail(axes)
    assert "nan" not in title(axes)
    rows = as_document(answer)["projection"]["namespaces"]
    assert ["saving_l4_vcpu" in row for row in rows] == [True, False]
