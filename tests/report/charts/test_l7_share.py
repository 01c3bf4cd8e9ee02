"""The chart of the sweeps, read off its axes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, LineCollection
from matplotlib.figure import Figure

from analyzer.projection.choices import Basis
from analyzer.projection.result import Sweep, SweepPoint
from analyzer.report.answer import Answer
from analyzer.report.charts.l7_share import draw as l7_share_chart
from analyzer.report.charts.style import figure_bytes
from analyzer.report.sentences.projection import turning
from analyzer.report.spacing import NO_BREAK
from analyzer.units import Interval, Refusal
from tests.projection.builders import scenario
from tests.report.answers import constants_only, full, refused, sized
from tests.report.charts.reading import assert_readable, details, legend, notes, text_of, title
from tests.support.examples import examples

SHARES = (0.0, 0.5, 1.0)
OPEN = "cannot tell: interval includes zero"


def sweep(
    name: str, at: Sequence[float], mids: Sequence[float], break_even: float | None = None
) -> Sweep:
    """Return a sweep of these savings, +- 100 dollars."""
    points = tuple(
        SweepPoint(choice=choice, usd_per_year=Interval(low=mid - 100, mid=mid, high=mid + 100))
        for choice, mid in zip(at, mids, strict=True)
    )
    return Sweep(name=name, points=points, break_even=break_even)


def swept(*sweeps: Sweep, basis: Basis = Basis.USAGE) -> Answer:
    answer = full()
    assert answer.projection is not None
    return replace(answer, projection=replace(answer.projection, sweeps=sweeps, basis=basis))


def crossing() -> Answer:
    return swept(
        sweep("l7_share", SHARES, (1000, 250, -500), 2 / 3),
        sweep("waypoint_replicas", (1, 2, 3), (400, -400, -1200), 1.5),
    )


def bands(axes: Axes, label: str) -> list[FillBetweenPolyCollection]:
    found = [item for item in axes.collections if isinstance(item, FillBetweenPolyCollection)]
    return [item for item in found if str(item.get_label()).replace(NO_BREAK, " ") == label]


def drawn(answer: Answer) -> tuple[Figure, list[Axes]]:
    figure = l7_share_chart(answer)
    assert isinstance(figure, Figure)
    return figure, figure.axes


def test_the_line_and_its_band_are_the_sweeps() -> None:
    _, (axes, _) = drawn(crossing())
    line = next(item for item in axes.lines if item.get_label() == "saving, best estimate")
    (band,) = bands(axes, "90 % interval")
    edge = np.asarray(band.get_paths()[0].vertices)
    half = edge[edge[:, 0] == 0.5, 1]

    assert np.asarray(line.get_xydata()).tolist() == [[0, 1000], [0.5, 250], [1, -500]]
    assert (half.min(), half.max()) == (150, 350)


def test_replicas_are_points_with_their_interval_on_the_same_scale() -> None:
    _, (axes, replicas) = drawn(crossing())
    (whiskers,) = (item for item in replicas.collections if isinstance(item, LineCollection))
    ends = [segment[:, 1].tolist() for segment in whiskers.get_segments()]

    assert ends == [[300, 500], [-500, -300], [-1300, -1100]]
    assert replicas.get_ylim() == axes.get_ylim()
    assert replicas.get_xlabel() == "waypoint replicas"


def test_break_even_is_marked_and_named() -> None:
    figure, (axes, replicas) = drawn(crossing())
    marks, others = (
        [np.asarray(line.get_xydata()).tolist() for line in panel.lines if line.get_marker() == "X"]
        for panel in (axes, replicas)
    )

    assert marks == [[[pytest.approx(2 / 3), 0]]]
    # Replicas are whole: a mark between two of them would cover one.
    assert not others
    assert [text_of(text) for text in notes(axes)] == ["67 %"]
    assert_readable(figure)


def test_shares_at_which_the_band_includes_zero_are_grey() -> None:
    _, (axes, _) = drawn(crossing())
    (grey,) = bands(axes, OPEN)
    at = np.asarray(grey.get_paths()[0].vertices)[:, 0]

    # From 150 down to -600 is -100 after a third; 350 down to -400 is zero after 0.467 of it.
    assert (at.min(), at.max()) == pytest.approx((0.6, 0.733), abs=0.002)


def test_where_nothing_is_open_the_legend_has_no_grey() -> None:
    figure, (axes,) = drawn(swept(sweep("l7_share", SHARES, (900, 800, 700))))

    assert not bands(axes, OPEN)
    assert OPEN not in legend(figure)


def test_replicas_that_cannot_tell_are_hollow() -> None:
    figure, (_, replicas) = drawn(
        swept(
            sweep("l7_share", SHARES, (900, 800, 700)),
            sweep("waypoint_replicas", (1, 2, 3), (400, 50, -400)),
        )
    )
    squares = {
        str(line.get_markerfacecolor()): np.asarray(line.get_xdata()).tolist()
        for line in replicas.lines
        if line.get_marker() == "s"
    }

    assert squares.pop("white") == [2]
    assert [*squares.values()] == [[1, 3]]
    assert sum("replicas" in name for name in legend(figure)) == 2


@pytest.mark.parametrize("mids", [(300, 200, 150), (-150, -200, -300), (-50, 0, 50)])
def test_without_break_even_there_is_no_mark(mids: tuple[int, ...]) -> None:
    figure, (axes,) = drawn(swept(sweep("l7_share", SHARES, mids)))

    told = turning(sweep("l7_share", SHARES, mids), Basis.USAGE)
    assert " ".join(title(axes).split()) == told.rstrip(".")
    assert not [line for line in axes.lines if line.get_marker() == "X"]
    assert_readable(figure)


def test_where_replicas_turn_the_saving_it_is_remarked() -> None:
    shares = sweep("l7_share", SHARES, (900, 800, 700))
    turns = sweep("waypoint_replicas", (1, 2, 3), (400, 50, -400))
    saves = sweep("waypoint_replicas", (1, 2, 3), (400, 300, 200))

    assert len(details(drawn(swept(shares, turns))[1][0])) == 2
    assert len(details(drawn(swept(shares, saves))[1][0])) == 1


def test_a_band_that_the_line_hides_is_not_in_the_legend() -> None:
    figure, (axes,) = drawn(swept(sweep("l7_share", SHARES, (9e5, 8e5, 7e5))))

    assert not bands(axes, "90 % interval")
    assert "90 % interval" not in legend(figure)


FALLING = st.tuples(
    *(
        st.lists(st.floats(-1000, 1000), min_size=5, max_size=5).map(
            lambda ends: sorted(ends, reverse=True)
        )
        for _ in range(2)
    )
)
"""Both ends of a saving that falls with each waypoint, as every draw of it does."""


@examples(2)
@given(FALLING)
def test_no_title_contradicts_the_band_that_is_drawn(
    ends: tuple[list[float], list[float]],
) -> None:
    points = tuple(
        SweepPoint(
            choice=choice,
            usd_per_year=Interval(low=min(pair), mid=sum(pair) / 2, high=max(pair)),
        )
        for choice, pair in zip((0, 0.25, 0.5, 0.75, 1), zip(*ends, strict=True), strict=True)
    )
    found = Sweep(name="l7_share", points=points, break_even=None)
    figure = l7_share_chart(swept(found))
    assert isinstance(figure, Figure)
    told = " ".join(title(figure.axes[0]).split())
    low, high = (
        np.array([getattr(point.usd_per_year, end) for point in points]) for end in ("low", "high")
    )

    up_to = re.search(r"up to (\d+(?:\.\d)?) %", told)
    shares = np.array([100 * point.choice for point in points])
    is_sure = np.ones(len(shares), dtype=bool)
    if up_to:
        is_sure = shares <= float(up_to[1])
    elif "if no namespace needs" in told:
        is_sure = shares == 0
    if "cannot tell whether" in told:
        assert not (low > 0).all()
        assert not (high < 0).all()
    elif " less " in told:
        assert (low[is_sure] > 0).all()
    elif "at least" not in told:
        assert (high < 0).all()
    if more := re.search(r"(?:at least|more from) (\d+(?:\.\d)?) %", told):
        assert (high[shares >= float(more[1])] < 0).all()


def test_zero_is_on_the_axes_and_drawn() -> None:
    _, (axes,) = drawn(swept(sweep("l7_share", SHARES, (3000, 2900, 2800))))
    low, high = axes.get_ylim()

    assert low < 0 < high
    assert any(np.asarray(line.get_ydata()).tolist() == [0, 0] for line in axes.lines)


def test_the_axes_say_their_units() -> None:
    _, (axes, _) = drawn(crossing())

    assert axes.get_xlabel().startswith("share of namespaces")
    assert axes.get_ylabel().startswith("saving in USD per year")
    assert axes.get_ylabel().endswith("as used")
    assert axes.get_xlim() == (0, 1)
    assert axes.xaxis.get_major_formatter()(0.4) == "40 %"
    assert axes.yaxis.get_major_formatter()(-1500.0) == "-$1.5k"


def test_another_basis_is_told() -> None:
    _, (axes,) = drawn(swept(sweep("l7_share", SHARES, (3, 2, 1)), basis=Basis.BILLED))

    assert axes.get_ylabel().endswith("as billed")


@pytest.mark.parametrize("break_even", [0.001, 0.3, 0.5, 0.999])
def test_the_name_of_any_break_even_can_be_read(break_even: float) -> None:
    answer = swept(
        sweep("l7_share", SHARES, (1000, 250, -500), break_even),
        sweep("waypoint_replicas", (1, 2, 3, 4, 5), (4, 2, 0, -2, -4), 1 + 4 * break_even),
    )

    assert_readable(drawn(answer)[0])


def test_large_savings_do_not_squeeze_the_panels() -> None:
    answer = swept(
        sweep("l7_share", SHARES, (24_937_437, 2_000_000, -12_345_678), 0.55),
        sweep("waypoint_replicas", (1, 2, 3), (12_345_678, -2e7, -3e7), 1.5),
    )
    figure, (axes, replicas) = drawn(answer)
    assert_readable(figure)

    gap = replicas.get_window_extent().x0 - axes.get_window_extent().x1
    assert gap < 0.1 * figure.bbox.width


@pytest.mark.parametrize("pods", [1, 20, 15_000])
def test_meshes_of_any_size_can_be_read(pods: int) -> None:
    assert_readable(drawn(sized(pods))[0])


@pytest.mark.parametrize("make", [refused, constants_only, Answer])
def test_without_sweeps_there_is_no_chart(make: Callable[[], Answer]) -> None:
    assert isinstance(l7_share_chart(make()), Refusal)


def test_where_nothing_costs_anything_there_is_no_chart() -> None:
    found = l7_share_chart(full(assumed=scenario(vcpu_month_usd=0)))

    assert isinstance(found, Refusal)
    assert "nothing to save" in found.detail


def test_the_same_answer_gives_the_same_picture() -> None:
    first, second = (figure_bytes(drawn(crossing())[0]) for _ in range(2))

    assert first == second
