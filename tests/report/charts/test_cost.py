"""The cost chart, read off its axes."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analyzer.projection.choices import Basis
from analyzer.projection.result import Projection
from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.report.charts.cost import draw as cost_chart
from analyzer.report.charts.style import figure_bytes
from analyzer.units import Refusal
from tests.projection.builders import Node, Proxy, mesh, scenario
from tests.report.answers import calibration_only, constants_only, full, naughty, refused, sized
from tests.report.charts.reading import assert_readable, labels

ANSWERS = [
    pytest.param(full, id="full"),
    pytest.param(lambda: full(assumed=scenario(memory_gib_month_usd=4)), id="with memory"),
    pytest.param(lambda: full(assumed=scenario(vcpu_month_usd=0)), id="free"),
    pytest.param(constants_only, id="post"),
    pytest.param(lambda: constants_only("istio-1.24", proxy_rps=15e6), id="istio-1.24"),
    pytest.param(lambda: constants_only("istio-1.1", proxy_rps=15e6), id="sidecars alone"),
    pytest.param(refused, id="refused"),
]


def drawn(answer: Answer) -> tuple[Figure, Axes, Projection]:
    figure = cost_chart(answer)
    assert isinstance(figure, Figure)
    assert answer.projection is not None
    return figure, figure.axes[0], answer.projection


def widths(axes: Axes) -> dict[int, list[float]]:
    """Return the widths of the bars of each row, from left to right."""
    rows: dict[int, list[float]] = {}
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    for bar in sorted(bars, key=lambda bar: bar.get_x()):
        rows.setdefault(round(bar.get_y() + bar.get_height() / 2), []).append(bar.get_width())
    return rows


def test_a_bar_is_as_long_as_its_dollars() -> None:
    _, axes, _ = drawn(constants_only())

    # 9000; 60; and 60 + 600 vCPU at 22 dollars for 12 months.
    assert widths(axes) == {
        0: pytest.approx([2_376_000]),
        1: pytest.approx([15_840]),
        2: pytest.approx([15_840, 158_400]),
    }


@pytest.mark.parametrize("make", ANSWERS)
def test_the_parts_of_a_bar_add_up_to_its_mode(make: Callable[[], Answer]) -> None:
    _, axes, projection = drawn(make())

    for row, mode in enumerate(projection.modes):
        usd = mode.bases[Basis.USAGE].usd_per_year.mid
        assert sum(widths(axes)[row]) == pytest.approx(usd)


def test_memory_is_a_part_of_its_own_where_it_is_paid() -> None:
    _, axes, projection = drawn(full(assumed=scenario(memory_gib_month_usd=4)))
    memory_gib = projection.modes[0].bases[Basis.USAGE].memory_gib

    assert memory_gib is not None
    # 288 MiB of three sidecars.
    assert widths(axes)[0] == pytest.approx([0.44 * 264, 288 / 1024 * 48])
    assert "$22 a vCPU-month" in axes.get_xlabel()
    assert "$4 a GiB-month" in axes.get_xlabel()


def test_every_mode_has_its_row_from_the_top() -> None:
    _, axes, _ = drawn(full())

    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "sidecars",
        "ambient,\nL4 only",
        "ambient,\nwaypoints where HTTP is",
        "ambient,\nwaypoints everywhere",
    ]
    assert axes.yaxis.get_inverted()


def test_the_whiskers_are_the_interval() -> None:
    _, axes, projection = drawn(full())
    whiskers = [item for item in axes.collections if isinstance(item, LineCollection)]
    ends = [tuple(whisker.get_segments()[0][:, 0]) for whisker in whiskers]

    expected = [mode.bases[Basis.USAGE].usd_per_year for mode in projection.modes[1:]]
    # What was measured has no range, and no whisker.
    assert ends == [pytest.approx((item.low, item.high)) for item in expected]


def test_exact_figures_have_no_whiskers() -> None:
    _, axes, _ = drawn(constants_only())

    assert not axes.collections


@pytest.mark.parametrize("make", ANSWERS)
def test_every_bar_and_whisker_is_inside_the_axes(make: Callable[[], Answer]) -> None:
    _, axes, projection = drawn(make())
    left, right = axes.get_xlim()

    assert left == 0
    for mode in projection.modes:
        assert mode.bases[Basis.USAGE].usd_per_year.high < right
    assert right > 0


def test_the_axes_say_their_unit_and_price() -> None:
    _, axes, _ = drawn(full())

    assert axes.get_xlabel().startswith("USD a year, as used")
    assert axes.get_xlabel().endswith("$22 a vCPU-month")
    assert axes.xaxis.get_major_formatter()(1_234_567.0) == "$1,234,567"


def test_every_bar_tells_its_dollars_and_vcpu() -> None:
    _, axes, _ = drawn(constants_only())

    told = [text.get_text().strip() for text in axes.texts if "vCPU" in text.get_text()]
    assert told == ["$2,376,000  (9,000 vCPU)", "$15,840  (60 vCPU)", "$174,240  (660 vCPU)"]


def test_the_legend_names_each_component_once_and_hides_no_bar() -> None:
    figure, axes, _ = drawn(full())
    (legend,) = figure.legends

    assert [text.get_text() for text in legend.get_texts()] == [
        "sidecar",
        "ztunnel",
        "waypoint",
        "sidecars of this mesh, $116",
    ]
    assert axes.get_legend() is None
    figure.draw_without_rendering()
    assert not legend.get_window_extent().overlaps(axes.get_window_extent())


def test_the_finding_is_the_saving() -> None:
    _, axes, _ = drawn(constants_only())

    without, with_them = axes.get_title(loc="left").strip().splitlines()
    assert "saves 99.3 %" in without
    assert with_them.endswith("saves 92.7 %")


def test_a_mode_that_costs_more_is_said_to_cost_more() -> None:
    usage = mesh(Proxy(cpu_vcpu=(0.001, 0.001), proxy_rps=(1, 1)))
    mids = {name: item.value.mid for name, item in scenario().assumptions.items()}
    dear = scenario(**mids | {"ztunnel_idle_vcpu_per_node": 0.002, "ztunnel_vcpu_per_1000_rps": 0})
    _, axes, _ = drawn(full(usage=usage, assumed=dear))

    # 0.002 vCPU of one ztunnel, for 0.001 of one sidecar.
    assert axes.get_title(loc="left").startswith("Ambient costs 100.0 % more")


def test_a_finding_on_another_basis_says_so() -> None:
    _, usual, _ = drawn(full())
    _, billed, _ = drawn(full(assumed=scenario(basis="billed")))

    assert "billed" not in usual.get_title(loc="left")
    assert "billed" in billed.get_title(loc="left")


def test_the_posts_dollars_for_this_mesh_are_told() -> None:
    _, axes, _ = drawn(full())

    # 1.8 vCPU of sidecars; 0.6 of ztunnels and 1.2 of waypoints.
    assert axes.texts[-1].get_text().endswith("$475 and $475")


def test_of_a_mesh_with_unknown_nodes_the_post_gives_the_sidecars_alone() -> None:
    _, axes, _ = drawn(refused())

    # One sidecar of 0.6 vCPU.
    assert axes.texts[-1].get_text().endswith(" $158")
    assert "and" not in axes.texts[-1].get_text()
    assert axes.get_title(loc="left").strip() == "What the sidecars cost"


@pytest.mark.parametrize(
    "make",
    [
        *ANSWERS,
        naughty,
        *(pytest.param(lambda pods=pods: sized(pods), id=str(pods)) for pods in (1, 20, 15_000)),
    ],
)
def test_every_text_can_be_read(make: Callable[[], Answer]) -> None:
    assert_readable(drawn(make())[0])


def test_published_figures_have_a_panel_and_a_scale_of_their_own() -> None:
    figure, upper, projection = drawn(full())
    lower = figure.axes[1]

    # The post: three sidecars of 0.6; two ztunnels of 0.3; and two waypoints of 0.6.
    assert labels(lower)[:3] == [
        "the post: sidecars",
        "the post: ambient,\nL4 only",
        "the post: ambient,\nwaypoints everywhere",
    ]
    bars = widths(lower)
    assert bars[0] == pytest.approx([1.8 * 264])
    assert bars[1] == pytest.approx([0.6 * 264])
    assert bars[2] == pytest.approx([0.6 * 264, 1.2 * 264])
    assert upper.get_xlim()[1] < lower.get_xlim()[1]
    rows = [
        reference.usd_per_year[mode]
        for reference in projection.references
        for mode in reference.component_vcpu
    ]
    assert [sum(bars[row]) for row in sorted(bars)] == pytest.approx(rows)


def test_a_line_tells_the_measured_sidecars_in_the_published_panel() -> None:
    figure, _, _ = drawn(full())
    (line,) = figure.axes[1].lines

    # 0.44 vCPU of three sidecars.
    assert np.asarray(line.get_xdata()).tolist() == pytest.approx([0.44 * 264] * 2)
    assert line.get_label() == "sidecars of this mesh, $116"


def test_published_bars_tell_their_dollars_and_vcpu() -> None:
    figure, _, _ = drawn(full())

    told = [text.get_text() for text in figure.axes[1].texts]
    assert told[:3] == ["$475  (1.8 vCPU)", "$158  (0.6 vCPU)", "$475  (1.8 vCPU)"]


def test_of_unknown_nodes_only_published_sidecars_are_drawn() -> None:
    figure, _, _ = drawn(refused())

    assert all(label.endswith(": sidecars") for label in labels(figure.axes[1]))


def test_without_references_there_is_no_second_panel() -> None:
    figure, _, _ = drawn(constants_only())

    assert len(figure.axes) == 1


def test_components_are_told_apart_without_colours() -> None:
    _, axes, _ = drawn(full(assumed=scenario(memory_gib_month_usd=4)))
    hatches = {patch.get_facecolor(): patch.get_hatch() for patch in axes.patches}

    assert len(hatches) == len(set(hatches.values())) == 4


def test_without_a_projection_there_is_no_chart() -> None:
    assert isinstance(cost_chart(calibration_only()), Refusal)
    assert isinstance(cost_chart(Answer()), Refusal)


def test_the_same_answer_gives_the_same_picture() -> None:
    first, second = (figure_bytes(drawn(constants_only())[0]) for _ in range(2))

    assert first == second


def test_every_chart_has_a_name() -> None:
    order = "cost calibration workloads timeline namespaces sensitivity l7_share backtest ztunnels"

    assert list(CHARTS) == [name for name in order.split() if name in CHARTS]
    assert {"cost", "calibration", "namespaces", "sensitivity", "l7_share", "ztunnels"} <= set(
        CHARTS
    )


def test_at_prices_of_nodes_each_component_costs_what_its_nodes_do() -> None:
    usage = mesh(
        Proxy(node="dear", memory_bytes=0.0),
        nodes=(
            Node(name="dear", vcpu_usd_per_hour=0.1, memory_usd_per_gib_hour=0.0),
            Node(name="cheap", vcpu_usd_per_hour=0.01, memory_usd_per_gib_hour=0.0),
        ),
    )
    _, axes, projection = drawn(full(usage=usage, assumed=scenario(prices="opencost")))

    for row, mode in enumerate(projection.modes):
        assert sum(widths(axes)[row]) == pytest.approx(mode.bases[Basis.USAGE].usd_per_year.mid)
    # One sidecar on the dear node; a ztunnel on each: none of the difference is memory.
    assert [len(widths(axes)[row]) for row in range(2)] == [1, 1]
