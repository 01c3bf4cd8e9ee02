"""The chart of the sidecars over time, read off its axes."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection

from analyzer.report.answer import Answer
from analyzer.report.charts.style import ShownFigure, figure_bytes
from analyzer.report.charts.timeline import draw as timeline_chart
from analyzer.units import Refusal
from tests.report.answers import (
    calibration_only,
    constants_only,
    fitted_calibration,
    naughty,
    refused,
    sized,
    timeline,
)
from tests.report.charts.reading import assert_readable, detail, legend

MEASURED = "measured, total"
PREDICTED = "predicted by the fit"


def answered(table: pd.DataFrame) -> Answer:
    return calibration_only(replace(fitted_calibration(), timeline=table))


def drawn(answer: Answer) -> tuple[ShownFigure, Axes, Axes]:
    figure = timeline_chart(answer)
    assert isinstance(figure, ShownFigure)
    above, below = figure.axes
    return figure, above, below


def values(axes: Axes, label: str) -> list[float]:
    """Return a line's values; the last of a run is there twice, at its step's two ends."""
    (found,) = (line for line in axes.lines if line.get_label() == label)
    return [float(value) for value in np.asarray(found.get_ydata(), dtype=float)]


def areas(axes: Axes) -> dict[str, FillBetweenPolyCollection]:
    found = [item for item in axes.collections if isinstance(item, FillBetweenPolyCollection)]
    return {str(item.get_label()): item for item in found}


def heights(area: FillBetweenPolyCollection) -> tuple[float, float]:
    """Return the lowest and the highest point of an area."""
    points = np.concatenate([path.vertices for path in area.get_paths()])
    return float(points[:, 1].min()), float(points[:, 1].max())


def times(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def ends(axes: Axes) -> list[str]:
    """Return where the time begins and ends, in UTC."""
    return [f"{pd.Timestamp(day, unit='D').round('s'):%Y-%m-%d %H:%M}" for day in axes.get_xlim()]


def test_the_lines_are_the_table() -> None:
    table = timeline(40)
    _, above, below = drawn(answered(table))

    assert values(above, MEASURED) == pytest.approx(
        [*table["measured_vcpu"], 2.0, math.nan], nan_ok=True
    )
    predicted = [*table["predicted_vcpu"], 1.9, math.nan]
    assert values(above, PREDICTED) == pytest.approx(predicted, nan_ok=True)
    (rps,) = below.lines
    assert rps.get_ydata() == pytest.approx([*table["proxy_rps"], 1100, math.nan], nan_ok=True)


def test_what_took_no_part_is_stacked_on_what_was_fitted() -> None:
    table = timeline(4).assign(throttled_vcpu=0.2, fitted_vcpu=1.6)
    _, above, _ = drawn(answered(table))

    # 1.6 fitted, 0.15 without a fit, 0.2 throttled and 0.05 left out, of 2.
    found = areas(above)
    assert [heights(area) for area in found.values()] == [
        pytest.approx((0, 1.6)),
        pytest.approx((1.6, 1.75)),
        pytest.approx((1.75, 1.95)),
        pytest.approx((1.95, 2.0)),
    ]
    shares = [name.rpartition(" (")[2] for name in found]
    assert shares == ["80 %)", "7.5 %)", "10 %)", "2.5 %)"]
    assert "throttled" in list(found)[2]


def test_the_parts_are_told_apart_without_any_colour() -> None:
    _, above, _ = drawn(answered(timeline(40)))

    hatches = [area.get_hatch() for area in areas(above).values()]
    assert len(hatches) == len(set(hatches)) == 4


def test_a_part_that_is_not_there_is_not_in_the_legend() -> None:
    figure, _, _ = drawn(answered(timeline(2)))

    # The first throttled step is the fourth.
    told = legend(figure)
    assert not [text for text in told if "throttled" in text]
    assert {MEASURED, PREDICTED} <= set(told)


def test_a_small_part_is_not_told_as_none() -> None:
    _, above, _ = drawn(answered(timeline(4).assign(left_out_vcpu=0.0001)))

    assert any(name.endswith("(under 0.1 %)") for name in areas(above))


def test_a_gap_in_the_data_is_a_gap_in_the_lines() -> None:
    table = timeline(40).drop(index=range(10, 20))
    _, above, _ = drawn(answered(table))

    # Ten steps and the end of the last, nothing, twenty and an end.
    found = values(above, MEASURED)
    assert [place for place, value in enumerate(found) if math.isnan(value)] == [11, 33]
    assert len(found) == 34


@pytest.mark.parametrize(("steps", "end"), [(1, "00:01"), (3, "00:15")])
def test_without_a_manifest_a_step_is_as_long_as_the_time_to_the_next(steps: int, end: str) -> None:
    answer = Answer(calibration=answered(timeline(steps)).calibration)

    assert ends(drawn(answer)[1]) == ["2024-05-14 00:00", f"2024-05-14 {end}"]


def test_time_is_written_in_hours_of_a_day() -> None:
    figure, _, below = drawn(answered(timeline(288)))
    figure.draw_without_rendering()

    assert times(below) == [
        *("05-14", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "05-15")
    ]
    assert below.get_xlabel().startswith("time, UTC, 2024-05-14 00:00")
    assert below.get_xlabel().endswith("2024-05-15 00:00")


def test_time_is_written_in_days_of_weeks() -> None:
    figure, _, below = drawn(answered(timeline(288 * 14)))
    figure.draw_without_rendering()

    assert "05-19" in times(below)
    assert not [text for text in times(below) if ":" in text]


def test_another_time_zone_is_drawn_in_utc() -> None:
    table = timeline(288)
    _, above, _ = drawn(answered(table.assign(start=table["start"].dt.tz_convert("Asia/Tokyo"))))

    assert ends(above) == ["2024-05-14 00:00", "2024-05-15 00:00"]


def test_both_panels_show_the_same_time_from_the_first_step_to_the_end_of_the_last() -> None:
    _, above, below = drawn(answered(timeline(288)))

    assert ends(above) == ["2024-05-14 00:00", "2024-05-15 00:00"]
    assert above.get_xlim() == below.get_xlim()


def test_the_axes_say_their_units_and_begin_at_zero() -> None:
    _, above, below = drawn(answered(timeline(40)))

    assert above.get_ylabel() == "vCPU of all sidecars"
    assert below.get_ylabel() == "proxy\nrequests/s"
    assert (above.get_ylim()[0], below.get_ylim()[0]) == (0, 0)
    assert above.get_ylim()[1] > 2
    assert below.get_ylim()[1] > 1100


def test_a_prediction_above_all_that_was_measured_is_inside_the_axes() -> None:
    _, above, _ = drawn(answered(timeline(40).assign(predicted_vcpu=5.0)))

    assert above.get_ylim()[1] > 5


def test_the_finding_is_what_was_used_and_how_far_the_fit_is_off() -> None:
    # Predicted is 1.9 of 2 in all, and 1.8 of it was fitted.
    table = timeline(2).assign(measured_vcpu=[2.0, 3.0])

    description = drawn(answered(table))[0].description
    for figures in ("used 2-3 vCPU", "5.6 % too high", "average 2.5 vCPU", "1,000 proxy"):
        assert figures in description
    low = table.assign(predicted_vcpu=1.62)
    assert "10 % too low" in drawn(answered(low))[0].description


def test_without_a_fit_what_was_measured_is_drawn() -> None:
    table = timeline(40).assign(predicted_vcpu=0.0, fitted_vcpu=0.0, unfitted_vcpu=1.95)
    figure, above, _ = drawn(answered(table))

    assert [line.get_label() for line in above.lines] == [MEASURED]
    assert "none of it was fitted" in figure.description


@pytest.mark.parametrize("steps", [1, 2, 288, 12_000])
def test_one_step_and_thousands_are_readable(steps: int) -> None:
    figure, above, _ = drawn(answered(timeline(steps)))

    assert_readable(figure)
    assert np.isfinite(values(above, MEASURED)).sum() == steps + 1
    assert detail(above).startswith(f"{steps:,} step")


@pytest.mark.parametrize("pods", [1, 20, 15_000])
def test_meshes_of_any_size_are_readable(pods: int) -> None:
    assert_readable(drawn(sized(pods))[0])


def test_a_mesh_of_many_millions_of_requests_is_readable() -> None:
    assert_readable(drawn(answered(timeline(40).assign(proxy_rps=3e7)))[0])


def test_lines_of_many_steps_are_thin() -> None:
    _, few, _ = drawn(answered(timeline(40)))
    _, many, _ = drawn(answered(timeline(6000)))

    assert many.lines[0].get_linewidth() < few.lines[0].get_linewidth()


def test_sidecars_that_did_nothing_are_drawn() -> None:
    table = timeline(40)
    nothing = table.assign(**dict.fromkeys(table.columns.drop("start"), 0.0))

    assert_readable(drawn(answered(nothing))[0])


def test_names_that_mean_harm_take_no_part() -> None:
    assert_readable(drawn(naughty())[0])


@pytest.mark.parametrize("make", [refused, constants_only, Answer])
def test_without_observed_sidecars_there_is_no_chart(make: Callable[[], Answer]) -> None:
    assert isinstance(timeline_chart(make()), Refusal)


def test_the_same_answer_gives_the_same_picture() -> None:
    first, second = (figure_bytes(drawn(answered(timeline(288)))[0]) for _ in range(2))

    assert first == second
