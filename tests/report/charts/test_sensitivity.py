"""The tornado, read off its axes."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from analyzer.data import assumptions
from analyzer.projection.choices import Basis
from analyzer.projection.result import Sensitivity
from analyzer.report.answer import Answer
from analyzer.report.charts.sensitivity import draw as sensitivity_chart
from analyzer.report.charts.style import figure_bytes
from analyzer.units import Interval, Refusal
from tests.report.answers import constants_only, full, refused, sized
from tests.report.charts.reading import assert_readable, detail, labels, legend, notes, title

BEST_USD = 100.0


def moved(*rows: tuple[str, float, float], basis: Basis = Basis.USAGE) -> Answer:
    """Return an answer that saves 100 dollars, or as much as each row says at its two ends."""
    answer = full()
    assert answer.projection is not None
    savings = tuple(
        replace(item, usd_per_year=Interval.exactly(BEST_USD)) for item in answer.projection.savings
    )
    found = tuple(
        Sensitivity(
            mode="ambient-waypoint",
            assumption=name,
            low_usd_per_year=low,
            high_usd_per_year=high,
        )
        for name, low, high in rows
    )
    projection = replace(answer.projection, savings=savings, sensitivity=found, basis=basis)
    return replace(answer, projection=projection)


def drawn(answer: Answer) -> tuple[Figure, Axes]:
    figure = sensitivity_chart(answer)
    assert isinstance(figure, Figure)
    return figure, figure.axes[0]


def bars(axes: Axes) -> list[tuple[str, float, float]]:
    """Return what each bar stands for, where it begins and where it ends."""
    return [
        (str(group.get_label()), bar.get_x(), bar.get_x() + bar.get_width())
        for group in axes.containers
        if isinstance(group, BarContainer)
        for bar in group
    ]


def ends(axes: Axes) -> list[str]:
    return [text.get_text() for text in notes(axes)]


def test_bars_go_from_the_best_estimate_to_the_saving_at_each_end() -> None:
    _, axes = drawn(moved(("ztunnel_vcpu_per_1000_rps", 130, 80)))

    assert bars(axes) == [("at its low end", 100, 130), ("at its high end", 100, 80)]


def test_the_two_ends_differ_in_colour_and_in_hatch() -> None:
    _, axes = drawn(moved(("ztunnel_vcpu_per_1000_rps", 130, 80)))
    low, high = axes.patches

    assert low.get_facecolor() != high.get_facecolor()
    assert low.get_hatch() != high.get_hatch()


def test_the_line_is_the_saving_at_best_estimates() -> None:
    figure, axes = drawn(moved(("ztunnel_vcpu_per_1000_rps", 130, 80)))
    (line,) = axes.lines

    assert np.asarray(line.get_xdata()).tolist() == [100, 100]
    assert legend(figure) == ["at best estimates, $100", "at its low end", "at its high end"]


def test_the_ends_of_the_range_are_written_at_the_bars() -> None:
    rows = (("ztunnel_vcpu_per_1000_rps", 130, 80), ("sidecar_vcpu_per_1000_rps", 90, 110))
    _, axes = drawn(moved(*rows))

    # Of data/assumptions.toml; and 0.3 [0.25-0.35] as fitted.
    assert ends(axes) == ["0.048", "0.07", "0.25", "0.35"]


def test_what_has_no_known_range_has_none_written() -> None:
    _, axes = drawn(moved(("made_up_by_nobody", 130, 80)))

    assert ends(axes) == []
    assert labels(axes) == ["made up by nobody"]


def test_ends_that_move_the_same_way_do_not_hide_each_other() -> None:
    figure, axes = drawn(moved(("ztunnel_vcpu_per_1000_rps", 130, 120)))
    low, high = (bar.get_window_extent() for bar in axes.patches)

    assert not low.overlaps(high)
    assert_readable(figure)


def test_an_end_that_changes_nothing_is_written_on_the_free_side() -> None:
    figure, axes = drawn(moved(("ztunnel_vcpu_per_gbit_per_second", 130, 100)))

    assert ends(axes) == ["0.13", "0.2"]
    assert_readable(figure)


def test_a_name_without_a_unit_has_it_in_brackets() -> None:
    name = "waypoint_to_sidecar_ratio"
    _, axes = drawn(moved((name, 130, 80)))

    label = " ".join(labels(axes)[0].split())
    assert label == f"waypoint to sidecar ratio ({assumptions()[name].unit})"


def test_at_most_twelve_rows_are_drawn_and_the_rest_counted() -> None:
    rows = [(f"figure_{number}", 100 + 30 - number, 80 + number) for number in range(15)]
    figure, axes = drawn(moved(*rows))

    assert labels(axes) == [f"figure {number}" for number in range(12)]
    assert axes.yaxis.get_inverted()
    assert re.findall(r"\d+", detail(axes)) == ["3"]
    assert_readable(figure)


def test_rows_that_move_nothing_to_be_seen_are_left_out_and_counted() -> None:
    rows = (("wide", 130.0, 80.0), ("narrow", 101.0, 100.0), ("tiny", 100.4, 99.6))
    figure, axes = drawn(moved(*rows))

    # The widest bars span 50 dollars, of which a hundredth is half a dollar.
    assert labels(axes) == ["wide", "narrow"]
    assert re.findall(r"\d+", detail(axes)) == ["1"]
    assert_readable(figure)


def test_where_all_rows_are_drawn_none_is_counted() -> None:
    _, axes = drawn(moved(("wide", 130, 80), ("narrow", 110, 95)))

    assert "not shown" not in detail(axes)


def test_the_title_names_what_moves_most_and_how_far() -> None:
    _, axes = drawn(moved(("ztunnel_vcpu_per_1000_rps", 130, 80)))

    first, ends = title(axes).splitlines()
    assert first.endswith("ztunnel vCPU per 1000 RPS:")
    assert ends.startswith("$80-$130")


def test_where_an_end_loses_the_line_of_no_saving_is_drawn() -> None:
    _, loses = drawn(moved(("ztunnel_vcpu_per_1000_rps", 130, -80)))
    _, saves = drawn(moved(("ztunnel_vcpu_per_1000_rps", 130, 80)))

    assert [line.get_label() for line in loses.lines][1:] == ["no saving"]
    assert len(saves.lines) == 1


def test_the_axis_says_its_unit_and_holds_the_bars() -> None:
    _, axes = drawn(moved(("ztunnel_vcpu_per_1000_rps", 130, 80), basis=Basis.BILLED))

    assert axes.get_xlabel().startswith("saving in USD per year")
    assert axes.get_xlabel().endswith("as billed")
    assert axes.xaxis.get_major_formatter()(1_500_000.0) == "$1.5M"
    left, right = axes.get_xlim()
    assert left < 80
    assert right > 130


@pytest.mark.parametrize(
    "make",
    [full, *(lambda pods=pods: sized(pods) for pods in (1, 20, 15_000))],
    ids=["full", "1", "20", "15000"],
)
def test_every_text_can_be_read(make: Callable[[], Answer]) -> None:
    assert_readable(drawn(make())[0])


@pytest.mark.parametrize("make", [refused, constants_only, Answer, moved])
def test_without_ranges_there_is_no_chart(make: Callable[[], Answer]) -> None:
    assert isinstance(sensitivity_chart(make()), Refusal)


def test_without_the_saving_there_is_no_chart() -> None:
    answer = moved(("ztunnel_vcpu_per_1000_rps", 130, 80))
    assert answer.projection is not None
    without = replace(answer, projection=replace(answer.projection, savings=()))

    assert isinstance(sensitivity_chart(without), Refusal)


def test_the_same_answer_gives_the_same_picture() -> None:
    first, second = (figure_bytes(drawn(full())[0]) for _ in range(2))

    assert first == second
