"""The cost chart, read off its axes."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analyzer.projection.choices import Basis
from analyzer.projection.modes import (
    AMBIENT_L4,
    AMBIENT_WAYPOINT,
    AMBIENT_WAYPOINT_ALL,
    RIGHTSIZED,
    SIDECAR,
)
from analyzer.projection.result import Projection
from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.report.charts.cost import cut_at
from analyzer.report.charts.cost import draw as cost_chart
from analyzer.report.charts.style import BETWEEN_ZONES, figure_bytes
from analyzer.report.format import MODE_TITLES
from analyzer.report.format import usd as usd_text
from analyzer.units import Refusal
from tests.projection.builders import Node, Proxy, mesh, scenario
from tests.projection.randomly import Drawn, projections
from tests.projection.zoned import spread_mesh
from tests.report.answers import calibration_only, constants_only, full, naughty, refused, sized
from tests.report.charts.reading import (
    assert_readable,
    detail,
    labels,
    legend,
    notes,
    text_of,
    title,
)
from tests.report.several import POSTS_PRICE
from tests.support.examples import examples

ANSWERS = [
    pytest.param(full, id="full"),
    pytest.param(lambda: full(assumed=scenario(memory_gib_month_usd=4)), id="with memory"),
    pytest.param(lambda: full(assumed=scenario(vcpu_month_usd=0)), id="free"),
    pytest.param(lambda: full(assumed=scenario(vcpu_month_usd=POSTS_PRICE)), id="price range"),
    pytest.param(constants_only, id="post"),
    pytest.param(lambda: constants_only("istio-1.24", proxy_rps=15e6), id="istio-1.24"),
    pytest.param(lambda: constants_only("istio-1.1", proxy_rps=15e6), id="sidecars alone"),
    pytest.param(refused, id="refused"),
    pytest.param(lambda: full(usage=spread_mesh()), id="zones"),
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
    assert "$22 per vCPU-month" in axes.get_xlabel()
    assert "$4 per GiB-month" in axes.get_xlabel()


def test_every_mode_has_its_row_from_the_top() -> None:
    _, axes, projection = drawn(full())

    titles = [MODE_TITLES[mode.name] for mode in projection.modes]
    assert [" ".join(label.split()) for label in labels(axes)] == titles
    # Right-sizing needs a day of data.
    assert {*MODE_TITLES.values()} - {*titles} == {MODE_TITLES[RIGHTSIZED]}
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

    assert axes.get_xlabel().startswith("cost in USD per year")
    assert axes.get_xlabel().endswith("$22 per vCPU-month")
    assert axes.xaxis.get_major_formatter()(1_234_567.0) == "$1,234,567"


def test_every_bar_tells_its_dollars_and_vcpu() -> None:
    _, axes, _ = drawn(constants_only())

    told = [text_of(text).strip() for text in notes(axes)]
    assert told == ["$2,376,000  (9,000 vCPU)", "$15,840  (60 vCPU)", "$174,240  (660 vCPU)"]


def test_the_legend_names_each_component_once_and_hides_no_bar() -> None:
    figure, axes, _ = drawn(full())
    (box,) = figure.legends

    names = ("sidecar", "ztunnel", "waypoint", "$116")
    assert [name.split()[-1] for name in legend(figure)] == [*names]
    assert axes.get_legend() is None
    figure.draw_without_rendering()
    assert not box.get_window_extent().overlaps(axes.get_window_extent())


def test_the_finding_is_the_saving() -> None:
    _, axes, _ = drawn(constants_only())

    without, with_them = title(axes).splitlines()
    assert "saves 99 %" in without
    assert with_them.endswith("saves 93 %, as used")


def test_a_mode_that_costs_more_is_said_to_cost_more() -> None:
    usage = mesh(Proxy(cpu_vcpu=(0.001, 0.001), proxy_rps=(1, 1)))
    mids = {name: item.value.mid for name, item in scenario().assumptions.items()}
    dear = scenario(**mids | {"ztunnel_idle_vcpu_per_node": 0.002, "ztunnel_vcpu_per_1000_rps": 0})
    _, axes, _ = drawn(full(usage=usage, assumed=dear))

    # 0.002 vCPU of one ztunnel, for 0.001 of one sidecar.
    assert title(axes).partition(" costs ")[2].startswith("100 % more")


def test_bars_and_axis_are_on_the_basis_of_the_title() -> None:
    _, usual, _ = drawn(full())
    figure, billed, projection = drawn(full(assumed=scenario(basis="billed")))

    assert "as used" in usual.get_xlabel()
    assert "as billed" in billed.get_xlabel()
    assert projection.basis == Basis.BILLED
    for row, mode in enumerate(projection.modes):
        usd = mode.bases[Basis.BILLED].usd_per_year.mid
        assert sum(widths(billed)[row]) == pytest.approx(usd)
    assert_readable(figure)


def test_the_posts_dollars_for_this_mesh_are_told() -> None:
    _, axes, _ = drawn(full())

    # 1.8 vCPU of sidecars; 0.6 of ztunnels and 1.2 of waypoints.
    assert detail(axes).endswith("$475")


def test_of_a_mesh_with_unknown_nodes_the_post_gives_the_sidecars_alone() -> None:
    _, axes, _ = drawn(refused())

    # One sidecar of 0.6 vCPU.
    assert detail(axes).endswith(" $158")
    assert ";" not in detail(axes)
    # 0.1 vCPU of one sidecar.
    assert title(axes).endswith("$26 per year")


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
        f"Solo.io post: {MODE_TITLES[mode].replace(', ', f',{chr(10)}')}"
        for mode in (SIDECAR, AMBIENT_L4, AMBIENT_WAYPOINT_ALL)
    ]
    bars = widths(lower)
    ends = [
        reference.usd_per_year[mode]
        for reference in projection.references
        for mode in reference.component_vcpu
    ]
    assert ends[:3] == pytest.approx([1.8 * 264, 0.6 * 264, 1.8 * 264])
    # The others are at most 0.6 vCPU: longer bars are cut there, and the first is all sidecars.
    limit = 1.15 * 0.6 * 264
    assert bars[0] == pytest.approx([limit])
    assert bars[1] == pytest.approx([0.6 * 264])
    assert bars[2] == pytest.approx([0.6 * 264, limit - 0.6 * 264])
    assert [sum(bars[row]) for row in sorted(bars)] == pytest.approx(
        [min(end, limit) for end in ends]
    )
    assert upper.get_xlim()[1] != lower.get_xlim()[1]


def test_a_line_tells_the_measured_sidecars_in_the_published_panel() -> None:
    figure, _, _ = drawn(full())
    line = next(line for line in figure.axes[1].lines if line.get_linestyle() == "--")

    # 0.44 vCPU of three sidecars.
    assert np.asarray(line.get_xdata()).tolist() == pytest.approx([0.44 * 264] * 2)
    assert str(line.get_label()).endswith(": $116")


def test_published_bars_tell_their_dollars_and_vcpu() -> None:
    figure, _, _ = drawn(full())

    told = [text_of(text) for text in figure.axes[1].texts]
    assert told[:3] == ["$475  (1.8 vCPU)", "$158  (0.6 vCPU)", "$475  (1.8 vCPU)"]


def test_of_unknown_nodes_only_published_sidecars_are_drawn() -> None:
    figure, _, _ = drawn(refused())

    assert all(label.endswith(f": {MODE_TITLES[SIDECAR]}") for label in labels(figure.axes[1]))


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
    order = "cost calibration workloads rightsizing timeline namespaces sensitivity l7_share"

    assert list(CHARTS) == [*order.split(), "backtest", "ztunnels"]


def test_at_prices_of_nodes_each_component_costs_what_its_nodes_do() -> None:
    usage = mesh(
        Proxy(node="dear", memory_bytes=0.0),
        nodes=(
            # A price of 0 would be an unknown one.
            Node(name="dear", vcpu_usd_per_hour=0.1, memory_usd_per_gib_hour=1e-12),
            Node(name="cheap", vcpu_usd_per_hour=0.01, memory_usd_per_gib_hour=1e-12),
        ),
    )
    _, axes, projection = drawn(full(usage=usage, assumed=scenario(prices="opencost")))

    for row, mode in enumerate(projection.modes):
        assert sum(widths(axes)[row]) == pytest.approx(mode.bases[Basis.USAGE].usd_per_year.mid)
    # One sidecar on the dear node; a ztunnel on each: none of the difference is memory.
    assert [len(widths(axes)[row]) for row in range(2)] == [1, 1]


@pytest.mark.parametrize(
    ("costs", "measured", "end"),
    [
        # The lab's: both figures of the post are beyond a gap.
        ((2059, 158, 1109, 324, 270, 189, 270, 108, 32, 96), 106, 324),
        ((24_869, 950, 3960, 1791, 1493, 1045, 1493, 597, 179, 412), 1390, 3960),
        # No gap; too small a gap; the measured line is the longest; nothing costs anything.
        ((100, 150, 200), 120, 200),
        ((100, 199, 100, 100), 100, 199),
        ((10, 20, 30, 90), 1000, 1000),
        ((0, 0), 0, 0),
        # Most bars would be cut.
        ((1, 100, 100, 100), 1, 100),
    ],
)
def test_the_axis_is_cut_at_the_widest_gap_above_what_was_measured(
    costs: tuple[float, ...], measured: float, end: float
) -> None:
    assert cut_at(costs, measured) == pytest.approx(1.15 * end)


def test_a_bar_beyond_the_cut_ends_at_the_axis_and_is_marked() -> None:
    figure, _, projection = drawn(sized(20))
    lower = figure.axes[1]
    limit = lower.get_xlim()[1]
    rows = [
        reference.usd_per_year[mode]
        for reference in projection.references
        for mode in reference.component_vcpu
    ]
    marked = [line.get_ydata()[0] for line in lower.lines if not isinstance(line.get_marker(), str)]  # type: ignore[index]
    cut = [row for row, usd in enumerate(rows) if usd > limit]

    assert cut
    assert marked == cut
    bars = widths(lower)
    for row, usd in enumerate(rows):
        assert sum(bars[row]) == pytest.approx(min(usd, limit))
    assert f"({len(cut)} bar" in lower.get_title(loc="left")


def test_no_line_passes_through_the_figures_of_the_lower_panel() -> None:
    figure, _, _ = drawn(full())
    lower = figure.axes[1]
    figure.draw_without_rendering()

    right = lower.get_window_extent().x1
    assert all(text.get_window_extent().x0 >= right for text in lower.texts)


@examples(4)
@given(projections())
def test_no_title_contradicts_the_ranges(drawn: Drawn) -> None:
    projection = drawn.projection
    figure = cost_chart(Answer(projection=projection))
    assert isinstance(figure, Figure)
    found = {item.mode: item.percent for item in projection.savings}
    claims = title(figure.axes[0]).splitlines()

    if not {AMBIENT_L4, AMBIENT_WAYPOINT} <= found.keys():
        assert len(claims) == 1
        return
    for name, claim in zip((AMBIENT_L4, AMBIENT_WAYPOINT), claims, strict=True):
        share = found[name]
        assert claim.lower().startswith(MODE_TITLES[name].lower())
        assert (" saves " in claim) == (share.low >= 0)
        assert (" more" in claim and "between" not in claim) == (share.high <= 0 and share.low < 0)
        assert ("between" in claim) == (share.low < 0 < share.high)


def test_published_figures_have_the_range_of_the_price() -> None:
    figure, _, projection = drawn(full(assumed=scenario(vcpu_month_usd=POSTS_PRICE)))
    lower = figure.axes[1]
    limit = lower.get_xlim()[1]
    usd = [
        reference.usd_per_year_range[mode]
        for reference in projection.references
        for mode in reference.component_vcpu
    ]
    ends = [
        item.get_segments()[0] for item in lower.collections if isinstance(item, LineCollection)
    ]
    expected = [(row, item) for row, item in enumerate(usd) if item.high <= limit]

    assert expected
    assert len(ends) == len(expected)
    for segment, (row, item) in zip(ends, expected, strict=True):
        assert segment[:, 0] == pytest.approx([item.low, item.high])
        assert segment[:, 1] == pytest.approx([row, row])
    post = next(item for item in projection.references if item.name == "blog")
    for mode in (SIDECAR, AMBIENT_WAYPOINT_ALL):
        assert usd_text(post.usd_interval(mode)) in detail(figure.axes[0])
    exact = drawn(full())[0].axes[1]
    assert not [item for item in exact.collections if isinstance(item, LineCollection)]


def test_traffic_between_zones_is_a_part_of_the_bars_with_waypoints() -> None:
    figure, axes, projection = drawn(full(usage=spread_mesh()))
    (placed,) = [mode for mode in projection.modes if mode.name == AMBIENT_WAYPOINT]
    rows = widths(axes)

    assert placed.transfer is not None
    assert [len(rows[row]) for row in range(4)] == [1, 1, 3, 3]
    assert rows[2][-1] == pytest.approx(placed.transfer.usd_per_year.mid)
    assert BETWEEN_ZONES in legend(figure)
    figure, axes, _ = drawn(full(usage=spread_mesh(("a", "a", "a"))))
    assert BETWEEN_ZONES not in legend(figure)
