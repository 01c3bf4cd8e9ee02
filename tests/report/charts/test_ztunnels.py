"""The chart of the ztunnels, read off its axes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analyzer.projection.result import NodeZtunnel
from analyzer.report.answer import Answer
from analyzer.report.charts.style import figure_bytes
from analyzer.report.charts.ztunnels import draw as ztunnels_chart
from analyzer.units import Interval, Refusal
from tests.report.answers import constants_only, full, refused, sized
from tests.report.charts.reading import assert_readable, detail, labels, title


def nodes(count: int, *, busiest_vcpu: float = 0.2, name: str = "node-{}") -> Answer:
    """Return an answer of nodes whose ztunnels fall evenly to half of the busiest, +- a tenth."""
    answer = full()
    assert answer.projection is not None
    used = np.linspace(busiest_vcpu, busiest_vcpu / 2, count)
    found = tuple(
        NodeZtunnel(
            node=name.format(number),
            passes_rps=0.0,
            gbit_per_second=0.0,
            ztunnel_vcpu=Interval(low=0.9 * vcpu, mid=vcpu, high=1.1 * vcpu),
        )
        for number, vcpu in enumerate(used)
    )
    return replace(answer, projection=replace(answer.projection, nodes=found))


def drawn(answer: Answer) -> tuple[Figure, Axes]:
    figure = ztunnels_chart(answer)
    assert isinstance(figure, Figure)
    return figure, figure.axes[0]


def widths(axes: Axes) -> list[float]:
    return [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]


def dashed(axes: Axes) -> list[str]:
    return [str(line.get_label()) for line in axes.lines if line.get_linestyle() == "--"]


def test_every_node_has_its_bar_and_its_interval_the_busiest_first() -> None:
    _, axes = drawn(nodes(3))
    (whiskers,) = (item for item in axes.collections if isinstance(item, LineCollection))

    assert labels(axes) == ["node-0", "node-1", "node-2"]
    assert axes.yaxis.get_inverted()
    assert widths(axes) == pytest.approx([0.2, 0.15, 0.1])
    ends = [segment[:, 0].tolist() for segment in whiskers.get_segments()]
    assert ends == [pytest.approx(pair) for pair in ([0.18, 0.22], [0.135, 0.165], [0.09, 0.11])]


def test_thirty_nodes_are_named_and_thirty_one_are_a_curve() -> None:
    _, named = drawn(nodes(30))
    _, ranked = drawn(nodes(31))

    assert len(labels(named)) == len(widths(named)) == 30
    assert not widths(ranked)
    assert ranked.get_xlabel() == "nodes, the busiest first"


def test_the_curve_and_its_band_are_the_tables() -> None:
    _, axes = drawn(nodes(101))
    (curve,) = (line for line in axes.lines if line.get_label() == "ztunnel")
    (band,) = (item for item in axes.collections if isinstance(item, FillBetweenPolyCollection))
    points = np.asarray(curve.get_xydata())
    edge = np.asarray(band.get_paths()[0].vertices)

    assert points[[0, 50, 100]].tolist() == [
        pytest.approx(pair) for pair in ([1, 0.2], [51, 0.15], [101, 0.1])
    ]
    at_51 = edge[edge[:, 0] == 51, 1]
    assert (at_51.min(), at_51.max()) == pytest.approx((0.135, 0.165))
    assert band.get_label() == "90 % interval"


@pytest.mark.parametrize("count", [5, 50])
def test_the_posts_figure_is_a_dashed_line_within_reach(count: int) -> None:
    _, axes = drawn(nodes(count))

    assert dashed(axes) == ["Solo.io post: 0.3 per node"]
    limits = axes.get_xlim() if count == 5 else axes.get_ylim()
    assert limits == pytest.approx((0, 0.315))
    assert "post" not in detail(axes)


@pytest.mark.parametrize("count", [5, 50])
def test_beyond_reach_the_posts_figure_is_told(count: int) -> None:
    _, axes = drawn(nodes(count, busiest_vcpu=0.01))

    assert not dashed(axes)
    assert "0.3 per node is beyond" in detail(axes)
    limits = axes.get_xlim() if count == 5 else axes.get_ylim()
    assert limits == pytest.approx((0, 0.011 * 1.05))


def test_the_title_states_the_busiest_and_the_mean() -> None:
    _, axes = drawn(nodes(3))

    assert title(axes).startswith("The busiest of 3 ztunnels")
    assert "0.2 (0.18-0.22) vCPU" in title(axes)
    assert title(axes).endswith("0.15 vCPU")


def test_the_mean_counts_each_node_for_its_time_and_the_title_how_many_at_a_time() -> None:
    answer = nodes(3)
    assert answer.projection is not None
    found = [
        replace(node, present_share=share)
        for node, share in zip(answer.projection.nodes, (0.25, 0.25, 1), strict=True)
    ]
    short = replace(answer, projection=replace(answer.projection, nodes=tuple(found)))
    figure, axes = drawn(short)

    assert "(1.5 at a time)" in title(axes)
    mean = (0.25 * 0.2 + 0.25 * 0.15 + 0.1) / 1.5
    assert title(axes).endswith(f"{mean:.3g} vCPU")
    assert_readable(figure)


def test_a_single_node_is_not_the_busiest_of_several() -> None:
    _, axes = drawn(nodes(1))

    assert title(axes).startswith("The ztunnel of the only")
    assert title(axes).endswith("0.2 (0.18-0.22) vCPU")


def test_the_axes_say_their_unit() -> None:
    assert drawn(nodes(3))[1].get_xlabel().endswith("one node in vCPU")
    assert drawn(nodes(300))[1].get_ylabel().endswith("one node in vCPU")


@pytest.mark.parametrize(
    "make",
    [
        full,
        *(lambda pods=pods: sized(pods) for pods in (1, 20, 15_000)),
        lambda: nodes(30, name="$x$ " + "long" * 50 + "\n{}"),
        lambda: nodes(30, busiest_vcpu=0.001, name="W" * 100 + "{}"),
        lambda: nodes(5000),
        lambda: nodes(3, busiest_vcpu=0.0),
    ],
    ids=["full", "1", "20", "15000", "long names", "wide names", "5000 nodes", "nothing used"],
)
def test_every_text_can_be_read(make: Callable[[], Answer]) -> None:
    assert_readable(drawn(make())[0])


@pytest.mark.parametrize("make", [refused, constants_only, Answer])
def test_without_nodes_there_is_no_chart(make: Callable[[], Answer]) -> None:
    assert isinstance(ztunnels_chart(make()), Refusal)


@pytest.mark.parametrize("count", [12, 120])
def test_the_same_answer_gives_the_same_picture(count: int) -> None:
    first, second = (figure_bytes(drawn(nodes(count))[0]) for _ in range(2))

    assert first == second
