"""Only the part of the week that counts: which steps lie in it, on the clock of its zone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from analyzer.errors import InsufficientData
from analyzer.measurement.usage import MeshUsage
from analyzer.projection import project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.demand import within
from analyzer.settings import Setting
from analyzer.window import TimeWindow
from tests.projection.builders import STEP_SECONDS, Call, Proxy, mesh, scenario
from tests.projection.fits import calibration

TUESDAY = datetime(2024, 5, 14, tzinfo=UTC)
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def idle_mesh(start: datetime, hours: float) -> MeshUsage:
    """Return a mesh of steps of five minutes from this moment on."""
    steps = round(hours * 3600 / STEP_SECONDS)
    proxy = Proxy(cpu_vcpu=(0.1,) * steps, proxy_rps=(1.0,) * steps)
    return mesh(proxy, steps=steps, start=start)


def kept(
    start: datetime,
    hours: float,
    *,
    days: list[str],
    clock: tuple[str, str],
    zone: str = "UTC",
) -> tuple[datetime, datetime, int]:
    """Return when the first kept step begins, when the last ends, and how many there are."""
    chosen = scenario(
        working_hours={"days": days, "start": clock[0], "end": clock[1], "time_zone": zone}
    ).working_hours
    usage = idle_mesh(start, hours)
    points = within(usage, chosen).observed_points
    step = timedelta(seconds=STEP_SECONDS)
    first, last = (usage.window.time_of(int(points[at])) for at in (0, -1))
    return first - step, last, len(points)


def test_without_working_hours_every_step_counts() -> None:
    usage = idle_mesh(TUESDAY, 24)

    assert within(usage, None) is usage


def test_steps_from_the_first_minute_to_the_last_are_kept() -> None:
    assert kept(TUESDAY, 48, days=["tue"], clock=("08:00", "18:00")) == (
        datetime(2024, 5, 14, 8, tzinfo=UTC),
        datetime(2024, 5, 14, 18, tzinfo=UTC),
        120,
    )


def test_a_step_that_straddles_an_edge_is_left_out() -> None:
    # Steps are of five minutes on the five minutes: 08:02 and 17:58 cut one each.
    assert kept(TUESDAY, 24, days=["tue"], clock=("08:02", "17:58")) == (
        datetime(2024, 5, 14, 8, 5, tzinfo=UTC),
        datetime(2024, 5, 14, 17, 55, tzinfo=UTC),
        118,
    )


def test_a_day_until_midnight_has_all_its_steps() -> None:
    assert kept(TUESDAY, 72, days=["wed"], clock=("00:00", "24:00")) == (
        datetime(2024, 5, 15, tzinfo=UTC),
        datetime(2024, 5, 16, tzinfo=UTC),
        288,
    )


def test_a_step_across_midnight_is_of_neither_day() -> None:
    # Steps begin two minutes past the five minutes: 23:57-00:02 is left out, on both sides.
    assert kept(TUESDAY + timedelta(minutes=2), 72, days=["wed"], clock=("00:00", "24:00")) == (
        datetime(2024, 5, 15, 0, 2, tzinfo=UTC),
        datetime(2024, 5, 15, 23, 57, tzinfo=UTC),
        287,
    )


def test_the_clock_is_that_of_the_zone() -> None:
    # In May Berlin is two hours ahead.
    assert kept(TUESDAY, 24, days=["tue"], clock=("08:00", "18:00"), zone="Europe/Berlin") == (
        datetime(2024, 5, 14, 6, tzinfo=UTC),
        datetime(2024, 5, 14, 16, tzinfo=UTC),
        120,
    )


def test_the_day_is_that_of_the_zone_too() -> None:
    # Wednesday begins in Auckland at 12:00 UTC of Tuesday.
    assert kept(TUESDAY, 24, days=["wed"], clock=("00:00", "09:00"), zone="Pacific/Auckland") == (
        datetime(2024, 5, 14, 12, tzinfo=UTC),
        datetime(2024, 5, 14, 21, tzinfo=UTC),
        108,
    )


def test_a_zone_of_half_an_hour_is_heeded() -> None:
    assert kept(TUESDAY, 24, days=["tue"], clock=("10:00", "11:00"), zone="Asia/Kolkata") == (
        datetime(2024, 5, 14, 4, 30, tzinfo=UTC),
        datetime(2024, 5, 14, 5, 30, tzinfo=UTC),
        12,
    )


def test_on_the_two_sides_of_a_change_of_clocks_the_hours_are_others_in_utc() -> None:
    # Berlin put its clocks back on 2024-10-27: nine o'clock is 07:00 UTC before, 08:00 after.
    saturday = datetime(2024, 10, 26, tzinfo=UTC)
    found = [
        kept(saturday, 72, days=[day], clock=("09:00", "10:00"), zone="Europe/Berlin")[0]
        for day in ("sat", "mon")
    ]

    assert found == [
        datetime(2024, 10, 26, 7, tzinfo=UTC),
        datetime(2024, 10, 28, 8, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("sunday", "minutes"),
    [
        pytest.param(datetime(2024, 10, 26, 22, tzinfo=UTC), 25 * 60, id="put back"),
        pytest.param(datetime(2024, 3, 30, 23, tzinfo=UTC), 23 * 60, id="put forward"),
        pytest.param(datetime(2024, 5, 11, 22, tzinfo=UTC), 24 * 60, id="as always"),
    ],
)
def test_a_day_has_as_many_hours_as_its_clocks_gave_it(sunday: datetime, minutes: int) -> None:
    found = kept(
        sunday - timedelta(hours=6),
        48,
        days=["sun"],
        clock=("00:00", "24:00"),
        zone="Europe/Berlin",
    )

    assert found == (sunday, sunday + timedelta(minutes=minutes), minutes // 5)


def test_the_hour_that_comes_twice_counts_twice_and_not_what_lies_beyond_the_edge() -> None:
    # 01:00-02:30 where 02:00-03:00 comes twice: 90 minutes, and 30 more; not 02:30-03:00 of either.
    first, last, count = kept(
        datetime(2024, 10, 26, 20, tzinfo=UTC),
        12,
        days=["sun"],
        clock=("01:00", "02:30"),
        zone="Europe/Berlin",
    )

    assert count == (90 + 30) // 5
    assert first == datetime(2024, 10, 26, 23, tzinfo=UTC)
    assert last == datetime(2024, 10, 27, 1, 30, tzinfo=UTC)


def test_an_hour_that_the_clocks_skip_has_no_step() -> None:
    with pytest.raises(InsufficientData):
        kept(
            datetime(2024, 3, 31, tzinfo=UTC),
            12,
            days=["sun"],
            clock=("02:00", "03:00"),
            zone="Europe/Berlin",
        )


def test_a_window_without_such_an_hour_is_refused_in_one_line() -> None:
    with pytest.raises(InsufficientData) as caught:
        kept(TUESDAY, 24, days=["sun"], clock=("08:00", "18:00"))

    assert "no complete interval" in str(caught.value)
    assert "working_hours" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_step_longer_than_the_hours_never_fits() -> None:
    with pytest.raises(InsufficientData):
        kept(TUESDAY, 24, days=WEEK, clock=("08:01", "08:09"))


@pytest.mark.parametrize(
    ("days", "clock", "wanted", "unwanted"),
    [
        (["sun"], ("08:00", "18:00"), "longer window", str(Setting.STEP)),
        (["sun"], ("00:00", "24:00"), "longer window", str(Setting.STEP)),
        (WEEK, ("08:00", "08:04"), str(Setting.STEP), "longer window"),
    ],
)
def test_a_longer_window_is_advised_only_where_it_helps(
    days: list[str], clock: tuple[str, str], wanted: str, unwanted: str
) -> None:
    with pytest.raises(InsufficientData) as caught:
        kept(TUESDAY, 24, days=days, clock=clock)

    assert wanted in str(caught.value)
    assert unwanted not in str(caught.value)


@pytest.mark.parametrize(("minutes", "count"), [(5, 96), (30, 16), (60, 8)])
def test_steps_that_end_just_before_an_hour_fill_the_hours(minutes: int, count: int) -> None:
    """As those of the tool: 150 seconds before, so that no burst at a full hour is cut."""
    step, offset = timedelta(minutes=minutes), timedelta(seconds=150)
    usage = idle_mesh(TUESDAY, 24 * STEP_SECONDS / step.total_seconds())
    window = TimeWindow(
        start=TUESDAY - offset,
        end=TUESDAY - offset + timedelta(days=1),
        step_seconds=minutes * 60,
        offset_seconds=150,
    )
    chosen = scenario(
        working_hours={"days": ["tue"], "start": "09:00", "end": "17:00", "time_zone": "UTC"}
    ).working_hours
    points = within(replace(usage, window=window), chosen).observed_points
    first, last = (window.time_of(int(points[at])) + offset for at in (0, -1))

    assert len(points) == count
    assert first - step == TUESDAY.replace(hour=9)
    assert last == TUESDAY.replace(hour=17)


def test_what_is_projected_is_the_traffic_of_these_hours_alone() -> None:
    # Busy in the second hour of two, and only that counts.
    hour = 3600 // STEP_SECONDS
    usage = mesh(
        Proxy(cpu_vcpu=(0.1,) * hour + (0.5,) * hour, proxy_rps=(10.0,) * hour + (400.0,) * hour),
        calls=[
            Call(
                source="shop/front",
                destination="shop/front",
                rps=(5.0,) * hour + (200.0,) * hour,
            )
        ],
        steps=2 * hour,
        start=TUESDAY,
    )
    hours = {"days": ["tue"], "start": "01:00", "end": "02:00", "time_zone": "UTC"}
    projection = project_usage(usage, calibration(), scenario(working_hours=hours))

    assert projection.load.proxy_rps == pytest.approx(400)
    assert projection.load.mesh_rps == pytest.approx(200)
    assert projection.load.namespaces["waypoint_rps"].tolist() == pytest.approx([200])
    assert projection.modes[0].bases[Basis.USAGE].vcpu.mid == pytest.approx(0.5)
