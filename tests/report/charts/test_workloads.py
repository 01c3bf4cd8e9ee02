"""The chart of the workloads' costs, read off its axes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyzer.calibration.result import WorkloadCalibration
from analyzer.report.answer import Answer
from analyzer.report.charts.style import ShownFigure, figure_bytes
from analyzer.report.charts.workloads import draw as workloads_chart
from analyzer.units import Interval, Provenance, Refusal
from tests.projection.fits import no_fit
from tests.report.answers import (
    calibration_only,
    constants_only,
    fitted_calibration,
    naughty,
    refused,
    sized,
    workload,
)
from tests.report.charts.reading import assert_readable, detail, labels, legend

BORROWED = "mostly the mesh-wide estimate"
OWN = "workload and 90 % interval"


def answered(*workloads: WorkloadCalibration) -> Answer:
    return calibration_only(fitted_calibration(workloads))


def drawn(answer: Answer) -> tuple[ShownFigure, Axes, Axes]:
    figure = workloads_chart(answer)
    assert isinstance(figure, ShownFigure)
    idle, slope = figure.axes
    return figure, idle, slope


def points(line: Line2D) -> list[list[float]]:
    return [[x, y] for x, y in np.asarray(line.get_xydata(), dtype=float).tolist()]


def dots(axes: Axes) -> list[list[float]]:
    """Return where the dots are, those of workloads that borrow last."""
    found = [line for line in axes.lines if line.get_marker() == "o"]
    return [point for line in found for point in points(line)]


def whiskers(axes: Axes) -> list[list[list[float]]]:
    """Return both ends of each whisker."""
    own = (line for line in axes.lines if str(line.get_label()).startswith("_child"))
    return [points(line) for line in own if len(points(line)) == 2 and line.get_marker() == "None"]


def arrows(axes: Axes) -> list[tuple[str, float]]:
    """Return which way the arrows point, and in which row."""
    found = [line for line in axes.lines if line.get_marker() in {"<", ">"}]
    return [(str(line.get_marker()), points(line)[0][1]) for line in found]


def sloped(low: float, mid: float, high: float, name: str = "shop/wild") -> WorkloadCalibration:
    return replace(workload(name), vcpu_per_1000_rps=Interval(low=low, mid=mid, high=high))


def test_dots_and_whiskers_are_the_workloads_figures() -> None:
    other = replace(
        sloped(0.4, 0.5, 0.55, "shop/back"),
        idle_vcpu_per_proxy=Interval(low=0.004, mid=0.005, high=0.006),
        mean_vcpu=0.01,
    )
    _, idle, slope = drawn(answered(workload(), other))

    assert dots(idle) == [[0.01, 0], [0.005, 1]]
    assert whiskers(idle) == [[[0.009, 0], [0.011, 0]], [[0.004, 1], [0.006, 1]]]
    assert dots(slope) == [[0.25, 0], [0.5, 1]]
    assert whiskers(slope) == [[[0.21, 0], [0.29, 0]], [[0.4, 1], [0.55, 1]]]


def test_the_workload_with_the_most_cpu_is_at_the_top() -> None:
    small = replace(workload("a/small"), mean_vcpu=0.1)
    large = replace(workload("b/large"), mean_vcpu=2.0)
    _, idle, slope = drawn(answered(small, large))

    assert labels(idle) == ["b/large", "a/small"]
    assert idle.yaxis.get_inverted()
    assert slope.get_ylim() == idle.get_ylim()


def test_the_mesh_and_the_post_are_lines_with_the_meshs_range_around() -> None:
    figure, idle, slope = drawn(answered(workload()))

    upright = {str(line.get_label()): line.get_xdata() for line in slope.lines}
    assert [at for label, at in upright.items() if "mean" in label] == [[0.3, 0.3]]
    assert upright["Solo.io post: 0.6"] == [0.6, 0.6]
    assert [line.get_xdata() for line in idle.lines if "mesh" in str(line.get_label())] == [
        [0.01, 0.01]
    ]
    for axes, ends in ((idle, (0.008, 0.012)), (slope, (0.25, 0.35))):
        (band,) = axes.patches
        box = band.get_extents().transformed(axes.transData.inverted())
        assert (box.x0, box.x1) == pytest.approx(ends)
    assert "Solo.io post: 0.6" in legend(figure)


def test_a_post_far_beyond_the_axis_is_told_and_does_not_stretch_it() -> None:
    mean = fitted_calibration().sidecar
    assert not isinstance(mean, Refusal)
    low = Interval(low=0.009, mid=0.01, high=0.011)
    cheap = replace(
        fitted_calibration([sloped(0.009, 0.01, 0.012)]),
        sidecar=replace(mean, vcpu_per_1000_rps=low),
    )
    figure, _, slope = drawn(calibration_only(cheap))

    assert slope.get_xlim()[1] < 0.02
    # Nothing of it is drawn.
    assert not [label for label in legend(figure) if "0.6" in label]
    assert "0.6 is beyond the axis" in figure.description


def test_a_workload_that_borrows_its_slope_has_a_hollow_dot_for_it() -> None:
    derived = replace(workload("b/derived"), provenance=Provenance.DERIVED, mean_vcpu=0.02)
    unsure = replace(workload("b/unsure"), own_share=0.2, mean_vcpu=0.01)
    figure, idle, slope = drawn(answered(workload(), derived, unsure))

    hollow = [
        line for line in slope.lines if line.get_markerfacecolor() == "white" and points(line)
    ]
    assert [points(line) for line in hollow] == [[[0.25, 1], [0.25, 2]]]
    # Idle is the workload's own.
    assert not [line for line in idle.lines if line.get_markerfacecolor() == "white"]
    assert {BORROWED, OWN} <= set(legend(figure))


def test_without_borrowed_slopes_the_legend_does_not_speak_of_them() -> None:
    assert BORROWED not in legend(drawn(answered(workload()))[0])


def test_a_wild_interval_ends_in_an_arrow_and_squeezes_nobody() -> None:
    wild = [workload(f"shop/w{number}") for number in range(5)]
    _, idle, slope = drawn(answered(*wild, sloped(-9, 0.26, 40)))

    low, high = slope.get_xlim()
    assert -0.5 < low < 0
    assert 0.6 < high < 1.5
    assert arrows(slope) == [("<", 5), (">", 5)]
    assert [0.26, 5] in dots(slope)
    assert not arrows(idle)


def test_a_wild_value_is_written_at_the_edge() -> None:
    calm = [workload(f"shop/w{number}") for number in range(5)]
    figure, _, slope = drawn(answered(*calm, sloped(10, 20, 30)))

    assert [text.get_text() for text in slope.texts] == ["20"]
    assert arrows(slope) == [(">", 5)]
    assert [20, 5] not in dots(slope)
    assert_readable(figure)


def test_workloads_without_a_fit_are_counted_and_not_drawn() -> None:
    _, idle, slope = drawn(answered(workload(), workload("cache/redis", fitted=False)))

    assert labels(idle) == ["shop/front"]
    assert len(dots(slope)) == 1
    assert detail(idle).endswith("1 more without a fit")


def test_an_idle_that_is_not_known_is_no_dot_at_zero() -> None:
    _, idle, slope = drawn(answered(replace(workload(), idle_vcpu_per_proxy=None)))

    assert not dots(idle)
    assert len(dots(slope)) == 1


def test_the_finding_is_the_range_of_the_workloads() -> None:
    figure, _, _ = drawn(answered(workload(), sloped(0.4, 0.5, 0.6)))

    assert "without a fit" not in figure.description
    for figures in ("cost 0.25-0.5 vCPU", "mean is 0.3 (0.25-0.35).", "2 workloads"):
        assert figures in figure.description


def test_the_axes_say_their_units() -> None:
    _, idle, slope = drawn(answered(workload()))

    assert idle.get_xlabel().startswith("idle CPU of one proxy")
    assert slope.get_xlabel().startswith("cost per request in vCPU")


@pytest.mark.parametrize(
    ("pods", "rows", "told"),
    [
        (1, 1, "1 workload,"),
        (20, 6, "6 workloads,"),
        (15_000, 24, "The 24 of 5,000 workloads"),
    ],
)
def test_one_pod_and_fifteen_thousand_are_readable(pods: int, rows: int, told: str) -> None:
    figure, idle, slope = drawn(sized(pods))

    assert (len(dots(idle)), len(dots(slope)), len(labels(idle))) == (rows, rows, rows)
    assert told in detail(idle)
    assert_readable(figure)


def test_names_that_mean_harm_are_readable() -> None:
    figure, idle, _ = drawn(naughty())

    assert_readable(figure)
    assert len(labels(idle)) == 16
    assert figure_bytes(figure)


def test_a_name_with_dollars_is_no_formula_and_a_long_one_is_shortened() -> None:
    long = f"{'namespace-' * 6}/{'workload-' * 6}v2"
    figure, idle, _ = drawn(answered(workload("$x$/$y$"), workload(long)))

    assert_readable(figure)
    assert "$x$/$y$" in labels(idle)
    assert max(map(len, labels(idle))) == 36
    assert any(name.startswith("namespace-") and name.endswith("-v2") for name in labels(idle))


def test_without_a_fit_of_the_mesh_its_workloads_are_drawn() -> None:
    figure, idle, slope = drawn(
        calibration_only(replace(fitted_calibration([workload()]), sidecar=no_fit()))
    )

    assert len(dots(slope)) == 1
    assert not [*idle.patches, *slope.patches]
    assert "the mesh" not in figure.description


@pytest.mark.parametrize("make", [refused, constants_only, Answer])
def test_without_workloads_there_is_no_chart(make: Callable[[], Answer]) -> None:
    assert isinstance(workloads_chart(make()), Refusal)


def test_of_refused_workloads_alone_there_is_no_chart() -> None:
    assert isinstance(workloads_chart(answered(workload(fitted=False))), Refusal)


@pytest.mark.parametrize("idle", [Interval.exactly(0), None])
def test_costs_that_are_zero_or_not_known_are_drawn(idle: Interval | None) -> None:
    nothing = replace(sloped(0, 0, 0), idle_vcpu_per_proxy=idle)
    figure, _, slope = drawn(
        calibration_only(replace(fitted_calibration([nothing]), sidecar=no_fit()))
    )

    assert dots(slope) == [[0, 0]]
    assert_readable(figure)


def test_the_same_answer_gives_the_same_picture() -> None:
    first, second = (figure_bytes(drawn(sized(20))[0]) for _ in range(2))

    assert first == second
