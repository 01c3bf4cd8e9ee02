"""The chart of the backtest, read off its axes."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from analyzer.calibration.result import Backtest, RoleCalibration
from analyzer.report.answer import Answer
from analyzer.report.charts.backtest import draw as backtest_chart
from analyzer.report.charts.style import ALARM, ShownFigure, figure_bytes
from analyzer.units import Refusal
from tests.projection.fits import fit
from tests.report.answers import (
    NAUGHTY_NAMES,
    calibration_only,
    constants_only,
    fitted_calibration,
    naughty,
    refused,
    sized,
)
from tests.report.charts.reading import assert_readable, details, legend, notes


def foretold(*rows: tuple[str, float, float, float, float]) -> Answer:
    """Return an answer with workloads: name, measured, predicted, and the interval's two ends."""
    columns = "workload measured_vcpu predicted_vcpu predicted_low_vcpu predicted_high_vcpu"
    table = pd.DataFrame(rows, columns=columns.split()).assign(namespace="shop")
    test = Backtest(
        bias_share=-0.012,
        error_share=0.034,
        covered_share=0.75,
        workload_count=len(table),
        workloads=table,
    )
    return calibration_only(replace(fitted_calibration(), sidecar=replace(fit(), backtest=test)))


RIGHT = ("right", 1.0, 1.1, 0.9, 1.2)
TOO_HIGH = ("too-high", 1.0, 1.5, 1.3, 1.7)
TOO_LOW = ("too-low", 2.0, 1.0, 0.5, 1.5)


def drawn(answer: Answer) -> tuple[ShownFigure, Axes]:
    figure = backtest_chart(answer)
    assert isinstance(figure, ShownFigure)
    return figure, figure.axes[0]


def dots(axes: Axes, marker: str) -> list[list[float]]:
    found = (line for line in axes.lines if line.get_marker() == marker)
    return [point for line in found for point in np.asarray(line.get_xydata()).tolist()]


def whiskers(axes: Axes) -> list[list[list[float]]]:
    groups = [item for item in axes.collections if isinstance(item, LineCollection)]
    return [np.asarray(one).tolist() for group in groups for one in group.get_segments()]


def names(axes: Axes) -> list[str]:
    return [text.get_text() for text in notes(axes)]


def many(count: int, lowest: float = 0.1) -> Sequence[tuple[str, float, float, float, float]]:
    """Return workloads with twice the CPU that was predicted, each more than the last."""
    vcpus = np.linspace(lowest, 1, count)
    return [(f"w{rank}", 2 * x, x, 0.9 * x, 1.1 * x) for rank, x in enumerate(vcpus.tolist())]


def test_dots_and_whiskers_are_the_table() -> None:
    _, axes = drawn(foretold(RIGHT))

    assert dots(axes, "o") == [[1.0, 1.1]]
    assert whiskers(axes) == [[[1.0, 0.9], [1.0, 1.2]]]


def test_what_lies_outside_its_interval_has_another_colour_and_marker_and_a_name() -> None:
    figure, axes = drawn(foretold(RIGHT, TOO_HIGH, TOO_LOW))

    assert dots(axes, "o") == [[1.0, 1.1]]
    assert dots(axes, "X") == [[1.0, 1.5], [2.0, 1.0]]
    assert len({line.get_color() for line in axes.lines if line.get_marker() in {"o", "X"}}) == 2
    assert names(axes) == ["shop/too-low", "shop/too-high"]
    same, inside, outside = legend(figure)
    assert same == "predicted equals measured"
    assert "inside" in inside
    assert inside.endswith("(1)")
    assert "outside" in outside
    assert outside.endswith("(2)")


def test_each_name_is_led_to_its_own_dot() -> None:
    _, axes = drawn(foretold(RIGHT, TOO_HIGH, TOO_LOW))

    places = {text.get_text(): text.xy for text in notes(axes)}  # type: ignore[attr-defined]
    assert places == {"shop/too-low": (2.0, 1.0), "shop/too-high": (1.0, 1.5)}


def test_at_most_five_are_named_those_that_are_furthest_off() -> None:
    figure, axes = drawn(foretold(*many(20)))

    assert names(axes) == [f"shop/w{rank}" for rank in range(15, 20)]
    assert_readable(figure)


def test_names_of_dots_that_lie_together_do_not_touch() -> None:
    together = [(f"w{rank}", 1.0, 0.5, 0.4, 0.6) for rank in range(5)]
    at_the_top = [(f"w{rank}", 0.1, 1.0, 0.9, 1.1) for rank in range(5)]

    for rows in (together, at_the_top):
        figure, axes = drawn(foretold(*rows))
        assert len(names(axes)) == 5
        assert_readable(figure)


def test_the_identity_goes_from_corner_to_corner() -> None:
    _, axes = drawn(foretold(RIGHT, TOO_LOW))
    line = axes.lines[0]

    assert line.get_label() == "predicted equals measured"
    assert axes.get_xlim() == axes.get_ylim()
    low, high = axes.get_xlim()
    assert np.asarray(line.get_xydata()).tolist() == [[low, low], [high, high]]


def test_a_narrow_range_is_on_even_axes_that_begin_at_zero() -> None:
    # From 0.45 to 2.2 vCPU, whiskers included.
    _, axes = drawn(foretold(*many(20, lowest=0.5)))

    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "linear")
    assert axes.get_xlim()[0] == 0
    # Measured is 2 at the most.
    assert axes.get_xlim()[1] > 2


def test_a_wide_range_is_on_logarithmic_axes() -> None:
    figure, axes = drawn(foretold(*many(20, lowest=0.001)))
    low, high = axes.get_xlim()

    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert 0 < low < 0.001
    assert high > 2
    assert_readable(figure)


def test_what_a_logarithmic_axis_cannot_hold_stands_at_its_edge() -> None:
    _, axes = drawn(foretold(*many(20, lowest=0.001), ("none", 0.0, 0.0, -0.1, 0.1)))
    low, _ = axes.get_xlim()

    assert dots(axes, "o") == [[low, low]]
    assert min(end[1] for one in whiskers(axes) for end in one) == low


def test_the_axes_say_what_they_count() -> None:
    _, axes = drawn(foretold(RIGHT))

    assert axes.get_xlabel().startswith("measured vCPU of a workload")
    assert "last 30" in axes.get_xlabel()
    assert axes.get_ylabel().startswith("predicted vCPU")
    assert "first 70" in axes.get_ylabel()


def test_the_finding_is_the_bias_and_the_error() -> None:
    figure, _ = drawn(foretold(RIGHT, RIGHT, RIGHT, TOO_LOW))

    for figures in ("1.2 % too low", "is 3.4 %", "3 of 4 workloads (75 %)"):
        assert figures in figure.description


@pytest.mark.parametrize(("pods", "workloads"), [(1, 1), (20, 6), (15_000, 5000)])
def test_one_pod_and_fifteen_thousand_are_readable(pods: int, workloads: int) -> None:
    figure, axes = drawn(sized(pods))

    assert len(dots(axes, "o")) == workloads
    assert_readable(figure)


@pytest.mark.parametrize("first", [0, 5, 10])
def test_names_that_mean_harm_are_readable(first: int) -> None:
    harmful = (*NAUGHTY_NAMES, "$x$ and $y$", "long-" * 20)[first : first + 5]
    rows = [(name, 2.0 + rank, 1.0, 0.9, 1.1) for rank, name in enumerate(harmful)]
    figure, axes = drawn(foretold(*rows))

    assert len(names(axes)) == 5
    assert_readable(figure)
    assert figure_bytes(figure)


def test_a_name_with_dollars_is_no_formula_and_a_long_one_is_shortened() -> None:
    rows = [(name, 2.0, 1.0, 0.9, 1.1) for name in ("$x$ and $y$", "long-" * 20)]
    figure, axes = drawn(foretold(*rows))

    assert_readable(figure)
    assert "shop/$x$ and $y$" in names(axes)
    assert max(map(len, names(axes))) == 28


def test_of_a_mesh_with_harmful_names_the_backtest_is_readable() -> None:
    assert_readable(drawn(naughty())[0])


@pytest.mark.parametrize(("covered", "is_warned"), [(0.79, 1), (0.8, 0), (1.0, 0)])
def test_a_coverage_under_80_percent_is_a_warning(covered: float, is_warned: int) -> None:
    answer = foretold(*many(20))
    sidecar = answer.sidecar
    assert answer.calibration is not None
    assert sidecar is not None
    assert sidecar.backtest is not None
    changed = replace(sidecar, backtest=replace(sidecar.backtest, covered_share=covered))
    figure, axes = drawn(replace(answer, calibration=replace(answer.calibration, sidecar=changed)))

    assert ("Warning" in figure.description) == is_warned
    assert len(details(axes)) == 1 + is_warned
    colours = {text.get_color() for text in axes.texts if text not in notes(axes)}
    assert (ALARM in colours) == is_warned
    assert_readable(figure)


def test_between_powers_of_ten_a_logarithmic_axis_has_numbers() -> None:
    figure, axes = drawn(foretold(*many(20, lowest=0.05)))
    figure.draw_without_rendering()
    low, high = axes.get_xlim()

    shown = [tick.get_loc() for tick in axes.xaxis.get_major_ticks()]
    assert axes.get_xscale() == "log"
    assert sum(low <= at <= high for at in shown) >= 3


def test_workloads_that_did_nothing_are_drawn() -> None:
    assert_readable(drawn(foretold(("idle", 0.0, 0.0, 0.0, 0.0)))[0])


@pytest.mark.parametrize("make", [refused, constants_only, Answer])
def test_without_a_fit_there_is_no_chart(make: Callable[[], Answer]) -> None:
    assert isinstance(backtest_chart(make()), Refusal)


@pytest.mark.parametrize("sidecar", [replace(fit(), backtest=None), fit()])
def test_without_predicted_workloads_there_is_no_chart(sidecar: RoleCalibration) -> None:
    answer = calibration_only(replace(fitted_calibration(), sidecar=sidecar))

    assert isinstance(backtest_chart(answer), Refusal)


def test_the_same_answer_gives_the_same_picture() -> None:
    first, second = (figure_bytes(drawn(foretold(*many(20)))[0]) for _ in range(2))

    assert first == second
