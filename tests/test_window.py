"""Windows are cut so that each step is asked for once, in requests a server will take."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.defaults import DEFAULT_MAX_ANSWER_MIB
from analyzer.errors import InsufficientData, UsageError
from analyzer.settings import Setting
from analyzer.window import (
    MAX_POINTS_PER_SERIES,
    Chunk,
    TimeWindow,
    choose_step_seconds,
)

START = datetime(2024, 5, 14, 10, tzinfo=UTC)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds


def window_of(points: int, step_seconds: int = 600) -> TimeWindow:
    end = START + timedelta(seconds=points * step_seconds)
    return TimeWindow(start=START, end=end, step_seconds=step_seconds)


@given(
    points=st.integers(1, 40_000),
    samples_per_point=st.floats(0, 1e6),
    sample_budget=st.integers(1, 100_000_000),
)
def test_chunks_cover_each_point_once_and_stay_under_the_limits(
    points: int, samples_per_point: float, sample_budget: int
) -> None:
    # So few chunks that a hundred examples are made in a moment.
    sample_budget = max(sample_budget, int(samples_per_point * points / 500), 1)
    chunks = window_of(points).chunks(
        samples_per_point=samples_per_point, sample_budget=sample_budget
    )

    next_point = 0
    for chunk in chunks:
        assert chunk.first_point == next_point
        assert 1 <= chunk.point_count <= MAX_POINTS_PER_SERIES
        if chunk.point_count > 1:
            assert chunk.point_count * samples_per_point <= sample_budget
        next_point += chunk.point_count
    assert next_point == points


def test_chunks_are_as_large_as_the_budget_allows() -> None:
    chunks = window_of(100).chunks(samples_per_point=1000, sample_budget=30_000)

    assert [chunk.point_count for chunk in chunks] == [30, 30, 30, 10]


@pytest.mark.parametrize("series", [1, 300, 20_000, 900_000])
def test_an_answer_is_planned_to_be_smaller_than_the_largest_that_is_read(series: int) -> None:
    """A sample is up to 38 bytes: `[1715680800,"4.5312345678901234e-05"],`."""
    (longest, *_) = window_of(10_000).chunks(series_count=series)

    assert longest.point_count * series * 38 < DEFAULT_MAX_ANSWER_MIB * 1024 * 1024
    assert longest.point_count == min(10_000, max(1, 1_000_000 // series))


@pytest.mark.parametrize(
    ("series", "step_seconds", "stride", "points"),
    [(999, 3000, 1, 201), (1000, 3000, 1, 86), (1500, 600, 6, 72), (15_000, 3000, 4, 21)],
)
def test_last_samples_of_many_series_are_asked_for_three_days_at_a_time(
    series: int, step_seconds: int, stride: int, points: int
) -> None:
    window = window_of(7 * 86_400 // step_seconds, step_seconds)
    chunks = window.chunks(series_count=series, is_ranged=False, stride=stride)
    of_rates = window.chunks(series_count=series, stride=stride)

    assert chunks[0].point_count == points
    assert len(of_rates) <= len(chunks)
    assert chunks[-1].last_point == of_rates[-1].last_point == window.point_count - 1


@given(first=st.integers(0, 10_000), count=st.integers(2, 11_000))
def test_halves_together_ask_the_same(first: int, count: int) -> None:
    left, right = Chunk(first_point=first, point_count=count).halves()

    assert left.first_point == first
    assert right.first_point == first + left.point_count
    assert left.point_count + right.point_count == count
    assert abs(left.point_count - right.point_count) <= 1


def test_a_single_point_has_no_halves() -> None:
    with pytest.raises(ValueError, match="no halves"):
        Chunk(first_point=3, point_count=1).halves()


@pytest.mark.parametrize("naive", ["start", "end"])
def test_a_time_without_a_zone_is_refused(naive: str) -> None:
    times = {"start": START, "end": START + timedelta(hours=1)}
    times[naive] = times[naive].replace(tzinfo=None)

    with pytest.raises(ValueError, match="without a zone"):
        TimeWindow(start=times["start"], end=times["end"], step_seconds=600)


@pytest.mark.parametrize(("seconds", "step"), [(3601, 600), (0, 600), (-600, 600), (600, 0)])
def test_a_window_is_a_whole_number_of_steps(seconds: int, step: int) -> None:
    with pytest.raises(ValueError, match="whole number"):
        TimeWindow(start=START, end=START + timedelta(seconds=seconds), step_seconds=step)


def test_a_point_is_evaluated_at_the_end_of_its_step() -> None:
    window = window_of(12)

    assert window.point_count == 12
    assert window.time_of(0) == START + timedelta(minutes=10)
    assert window.time_of(11) == window.end


@given(start=moments, seconds=st.integers(1200, 1_000_000), step=st.integers(1, 600))
def test_a_window_within_two_times_is_the_longest_on_the_grid(
    start: datetime, seconds: int, step: int
) -> None:
    end = start + timedelta(seconds=seconds)
    window = TimeWindow.within(start, end, step)

    assert start <= window.start < start + timedelta(seconds=step)
    assert end - timedelta(seconds=step) < window.end <= end
    for point in (0, window.point_count - 1):
        assert window.evaluated_at(point).timestamp() % step == 0


@pytest.mark.parametrize(
    ("step", "offset"), [(30, 15), (45, 22), (299, 149), (300, 150), (600, 150), (3000, 150)]
)
def test_steps_end_half_a_step_before_a_multiple_but_never_at_full_five_minutes(
    step: int, offset: int
) -> None:
    window = TimeWindow.within(START, START + timedelta(hours=2), step)

    assert window.offset_seconds == offset
    assert window.evaluated_at(3) - window.time_of(3) == timedelta(seconds=offset)
    if step % 300 == 0:
        assert {window.time_of(n).timestamp() % 300 for n in range(window.point_count)} == {150}


def test_a_window_keeps_the_grid_that_it_is_given() -> None:
    end = START + timedelta(hours=1)
    window = TimeWindow.within(START, end, 600, 0)

    assert (window.start, window.end, window.evaluated_at(0)) == (START, end, window.time_of(0))


def test_the_same_hour_is_cut_alike_in_every_zone() -> None:
    end = START + timedelta(hours=1)
    east = timezone(timedelta(hours=5, minutes=30))

    there = TimeWindow.within(START.astimezone(east), end.astimezone(east), 600)
    assert there == TimeWindow.within(START, end, 600)


def test_a_time_shorter_than_a_step_is_refused_with_what_to_do() -> None:
    with pytest.raises(InsufficientData, match=r"step of 600 s\. ") as caught:
        TimeWindow.within(START + timedelta(seconds=451), START + timedelta(seconds=1649), 600)
    assert caught.value.settings == (Setting.DAYS, Setting.START, Setting.END)


@pytest.mark.parametrize(
    ("scrape_seconds", "asked", "step"),
    [
        (60, None, 600),
        (15, None, 300),
        (30, None, 300),
        (3, 30, 30),
        (60, 900, 900),
        (15, 150, 150),
    ],
)
def test_the_step_holds_ten_scrapes_and_five_minutes_unless_asked(
    scrape_seconds: float, asked: int | None, step: int
) -> None:
    assert choose_step_seconds(scrape_seconds, asked) == step


@pytest.mark.parametrize(("scrape_seconds", "asked", "shortest"), [(60, 599, 600), (3, 29, 30)])
def test_a_shorter_step_is_refused_with_the_shortest_that_would_do(
    scrape_seconds: float, asked: int, shortest: int
) -> None:
    with pytest.raises(UsageError, match=rf" 10 scrapes.* {shortest}s ") as caught:
        choose_step_seconds(scrape_seconds, asked)
    assert caught.value.settings == (Setting.STEP,)
