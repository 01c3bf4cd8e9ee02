"""The calibration chart, read off its axes."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from analyzer.calibration.models import Power
from analyzer.report.answer import Answer
from analyzer.report.charts.calibration import draw as calibration_chart
from analyzer.report.charts.style import figure_bytes
from analyzer.units import Interval, Refusal
from tests.projection.fits import fit
from tests.report.answers import (
    calibration_only,
    constants_only,
    fitted_calibration,
    naughty,
    observed,
    refused,
    scattered,
    sized,
)
from tests.report.charts.reading import assert_readable, detail, details, legend, title

LABELS = {
    "band": "90 % interval of the mesh's mean",
    "fit": "fit (affine): 0.01 idle + 0.3 per 1000 rps",
    "post": "Solo.io post: 0.6 per 1000 rps",
    "ratio": "dashboard ratio: 0.4, includes idle CPU",
    "range": "fitted rates: 10-500 rps",
}


def drawn(answer: Answer) -> tuple[Figure, Axes]:
    figure = calibration_chart(answer)
    assert isinstance(figure, Figure)
    return figure, figure.axes[0]


def line(axes: Axes, name: str) -> tuple[list[float], list[float]]:
    """Return where a line begins and ends: its two x and its two y."""
    found = next(item for item in axes.lines if item.get_label() == LABELS[name])
    points = np.asarray(found.get_xydata(), dtype=float)
    return points[[0, -1], 0].tolist(), points[[0, -1], 1].tolist()


def test_the_line_is_the_fit_over_the_rates_that_were_fitted() -> None:
    _, axes = drawn(scattered(3, 40))
    rps, vcpu = line(axes, "fit")

    # 0.01 at rest and 0.3 for 1000, fitted from 10 to 500 requests per second.
    assert rps == [10, 500]
    assert vcpu == pytest.approx([0.013, 0.16])


def test_the_posts_line_has_no_idle_and_a_slope_of_six_tenths() -> None:
    _, axes = drawn(scattered(3, 40))
    rps, vcpu = line(axes, "post")

    assert rps == [10, 500]
    assert vcpu == pytest.approx([0.006, 0.3])


def test_the_dashboards_ratio_is_a_line_through_the_origin() -> None:
    _, axes = drawn(scattered(3, 40))
    rps, vcpu = line(axes, "ratio")

    assert rps == [10, 500]
    assert vcpu == pytest.approx([0.004, 0.2])


def test_without_a_ratio_there_is_no_such_line() -> None:
    sidecar = replace(fit(), ratio_vcpu_per_1000_rps=None)
    _, axes = drawn(calibration_only(replace(fitted_calibration(), sidecar=sidecar)))

    assert not [line for line in axes.lines if "ratio" in str(line.get_label())]


def test_the_band_is_the_range_of_idle_and_slope_drawn_together() -> None:
    _, axes = drawn(scattered(3, 40))
    (band,) = (item for item in axes.collections if isinstance(item, FillBetweenPolyCollection))
    points = np.asarray(band.get_paths()[0].vertices)

    # Idle +- 0.002 and slope +- 0.05 per 1000, independent: at 10 rps the one, at 500 the other.
    at = {rps: points[points[:, 0] == rps, 1] for rps in (10.0, 500.0)}
    assert (at[10.0].min(), at[10.0].max()) == pytest.approx((0.01094, 0.01506), rel=0.02)
    assert (at[500.0].min(), at[500.0].max()) == pytest.approx((0.1349, 0.1851), rel=0.02)
    assert band.get_label() == LABELS["band"]


def test_a_concave_fit_is_drawn_as_a_curve() -> None:
    curve = Power(idle_vcpu=0.01, vcpu_per_rps_power=0.002, exponent=0.75)
    answer = scattered(3, 40)
    assert answer.calibration is not None
    assert answer.sidecar is not None
    sidecar = replace(answer.sidecar, curve=curve, model="power 0.75")
    _, axes = drawn(replace(answer, calibration=replace(answer.calibration, sidecar=sidecar)))
    label = "fit (power 0.75): 0.01 idle + 0.3 per 1000 rps"
    (found,) = (item for item in axes.lines if item.get_label() == label)
    rps, vcpu = np.asarray(found.get_xydata(), dtype=float).T

    assert vcpu == pytest.approx(0.01 + 0.002 * rps**0.75)


def test_the_legend_names_every_line_and_hides_no_data() -> None:
    figure, axes = drawn(scattered(3, 40))
    (box,) = figure.legends

    assert set(legend(figure)) == set(LABELS.values())
    figure.draw_without_rendering()
    assert not box.get_window_extent().overlaps(axes.get_window_extent())


def test_the_axes_say_what_they_count() -> None:
    figure, axes = drawn(scattered(3, 40))

    assert axes.get_xlabel().startswith("requests per second through one")
    assert axes.get_ylabel() == "vCPU of one proxy"
    assert figure.axes[1].get_ylabel() == "number of proxy steps"


def test_the_axes_begin_at_zero_and_hold_the_data() -> None:
    _, axes = drawn(scattered(3, 40))

    assert (axes.get_xlim()[0], axes.get_ylim()[0]) == (0, 0)
    assert axes.get_xlim()[1] > 500
    # The highest step: 0.16 and a tenth more.
    assert axes.get_ylim()[1] > 0.176


def test_the_title_is_the_finding_and_its_base() -> None:
    _, axes = drawn(scattered(3, 40))

    assert "cost 0.3 (0.25-0.35) vCPU" in title(axes)
    assert "overstates yours 1.7-2.4 times" in title(axes)
    assert detail(axes) == "120 steps of 3 sidecars"


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ((0.9, 1.2, 1.5), "understates yours 1.5-2.5 times"),
        ((0.5, 0.55, 0.7), "is within this range"),
        ((-0.2, 0.0, 0.1), "overstates yours at least 6.0 times"),
    ],
)
def test_the_title_compares_with_the_post(ends: tuple[float, float, float], told: str) -> None:
    low, mid, high = ends
    slope = Interval(low=low, mid=mid, high=high)
    sidecar = replace(fit(), vcpu_per_1000_rps=slope)
    _, axes = drawn(
        calibration_only(
            replace(
                fitted_calibration(),
                sidecar=sidecar,
                observations=observed(np.linspace(10, 500, 9), noise=0.1),
            )
        )
    )

    assert title(axes).splitlines()[1].endswith(told)


def test_the_rates_that_were_fitted_are_marked_along_the_bottom() -> None:
    _, axes = drawn(scattered(3, 40))

    assert line(axes, "range") == ([10, 500], [0, 0])


def test_without_draws_there_is_no_band() -> None:
    figure, axes = drawn(sized(1))

    assert not [item for item in axes.collections if isinstance(item, FillBetweenPolyCollection)]
    assert LABELS["band"] not in legend(figure)


def test_steps_above_the_axis_are_told() -> None:
    answer = scattered(100, 100)
    assert answer.calibration is not None
    rows = answer.calibration.observations
    wild = rows["cpu_vcpu"].where(rows.index != 7, 50.0)
    both = replace(answer.calibration, observations=rows.assign(cpu_vcpu=wild))
    _, axes = drawn(replace(answer, calibration=both))

    assert axes.get_ylim()[1] < 1
    assert detail(axes).startswith("10,000 steps of 100 sidecars")
    assert detail(axes).partition("above the axis: ")[2][0] == "1"


def test_without_steps_with_requests_there_is_no_chart() -> None:
    answer = scattered(3, 40)
    assert answer.calibration is not None
    rows = answer.calibration.observations.assign(rps=0.0)
    idle = replace(answer.calibration, observations=rows)

    assert isinstance(calibration_chart(replace(answer, calibration=idle)), Refusal)


def steeper(factor: float, from_rps: float) -> Answer:
    """Return an answer whose steps use so many times the line's CPU from a rate on."""
    answer = scattered(3, 400)
    assert answer.calibration is not None
    rows = answer.calibration.observations
    changed = rows["cpu_vcpu"].where(rows["rps"] < from_rps, rows["cpu_vcpu"] * factor)
    return replace(
        answer,
        calibration=replace(answer.calibration, observations=rows.assign(cpu_vcpu=changed)),
    )


@pytest.mark.parametrize(("factor", "told"), [(1.3, "more"), (0.7, "less"), (1.05, ""), (0.95, "")])
def test_a_line_that_misses_the_top_is_remarked(factor: float, told: str) -> None:
    figure, axes = drawn(steeper(factor, 400))

    warnings = details(axes)[1:]
    assert len(warnings) == bool(told)
    assert all(told in item for item in warnings)
    assert_readable(figure)


def test_a_line_that_misses_the_bottom_alone_is_not_remarked() -> None:
    answer = steeper(1.3, 0)
    assert answer.calibration is not None
    rows = answer.calibration.observations
    low = rows["cpu_vcpu"].where(rows["rps"] < 300, rows["cpu_vcpu"] / 1.3)
    both = replace(answer.calibration, observations=rows.assign(cpu_vcpu=low))

    assert len(details(drawn(replace(answer, calibration=both))[1])) == 1


def test_a_band_that_the_line_hides_is_not_in_the_legend() -> None:
    answer = scattered(3, 40)
    assert answer.calibration is not None
    sure = fit(covariance=np.diag([0.0002, 0.001]) ** 2)
    figure, axes = drawn(replace(answer, calibration=replace(answer.calibration, sidecar=sure)))

    assert not [item for item in axes.collections if isinstance(item, FillBetweenPolyCollection)]
    assert LABELS["band"] not in legend(figure)


@pytest.mark.parametrize("pods", [1, 20, 15_000])
def test_meshes_of_any_size_are_readable(pods: int) -> None:
    assert_readable(drawn(sized(pods))[0])


def test_names_that_mean_harm_take_no_part() -> None:
    assert_readable(drawn(naughty())[0])


def test_every_step_is_counted_in_the_density() -> None:
    _, axes = drawn(scattered(3, 40))
    density = next(item for item in axes.collections if type(item) is PolyCollection)

    assert np.asarray(density.get_array()).sum() == 120


def test_proxies_without_requests_are_not_on_the_axes() -> None:
    answer = scattered(3, 40)
    assert answer.calibration is not None
    rows = answer.calibration.observations
    idle = rows.assign(rps=0.0, cpu_vcpu=9.0)
    both = replace(answer.calibration, observations=type(rows)(rows).merge(idle, how="outer"))
    _, axes = drawn(replace(answer, calibration=both))

    assert axes.get_ylim()[1] < 1


@pytest.mark.parametrize(("proxies", "steps"), [(1, 1), (1, 40), (15_000, 12)])
def test_one_proxy_and_fifteen_thousand_are_drawn(proxies: int, steps: int) -> None:
    figure, axes = drawn(scattered(proxies, steps))

    assert figure_bytes(figure).startswith(b"\x89PNG")
    assert f"of {proxies:,} sidecar" in detail(axes)


def test_steps_that_are_all_alike_are_drawn() -> None:
    fitted = replace(fitted_calibration(), observations=observed(np.full(50, 100.0), noise=0))

    assert figure_bytes(drawn(calibration_only(fitted))[0])


def test_the_same_answer_gives_the_same_picture() -> None:
    first, second = (figure_bytes(drawn(scattered(3, 40))[0]) for _ in range(2))

    assert first == second


def test_no_text_is_set_as_a_formula() -> None:
    figure, _ = drawn(scattered(3, 40))

    for text in figure.findobj(Text):
        assert text.get_text().count("$") < 2 or not text.get_parse_math()


@pytest.mark.parametrize("make", [refused, constants_only, Answer])
def test_without_a_fit_there_is_no_chart(make: object) -> None:
    assert callable(make)

    assert isinstance(calibration_chart(make()), Refusal)


def test_a_fit_from_documents_has_no_steps_to_draw() -> None:
    sidecar = replace(fit(), fitted_rps=None)

    answer = calibration_only(replace(fitted_calibration(), sidecar=sidecar))
    assert isinstance(calibration_chart(answer), Refusal)


def test_a_model_with_a_long_name_is_told_under_the_title() -> None:
    answer = scattered(3, 40)
    assert answer.calibration is not None
    assert answer.sidecar is not None
    long_name = "affine in inbound, outbound and bytes"
    sidecar = replace(answer.sidecar, model=long_name)
    figure, axes = drawn(replace(answer, calibration=replace(answer.calibration, sidecar=sidecar)))

    assert_readable(figure)
    assert detail(axes).endswith(f"; {long_name}")
    (line,) = (text for text in legend(figure) if text.startswith("fit:"))
    assert "0.01 idle + 0.3" in line
    assert long_name not in line
