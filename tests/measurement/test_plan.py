"""A collection is decided once, and read back as it was decided."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analyzer.errors import InsufficientData, UsageError
from analyzer.measurement.plan import DEFAULT_DAYS, Ask, Plan, make_plan, measured_queries
from analyzer.measurement.survey import MENDING
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.prometheus.window import SAMPLE_BUDGET
from tests.measurement.sources import ALL_METRICS, Surveyed

NOW = datetime(2024, 5, 14, 12, 3, 21, tzinfo=UTC)
URL = "http://prometheus:9090"
RARE = ("node_cpu_hourly_cost", "node_ram_hourly_cost", "istio_tcp_sent_bytes_total")


def plan_of(source: Surveyed | None = None, ask: Ask | None = None) -> Plan:
    return make_plan(source or Surveyed(), ask or Ask(source=URL, days=1), now=NOW)


# --- times ---


def test_without_times_it_is_the_last_week() -> None:
    assert Ask(source=URL).times(NOW) == (NOW - timedelta(days=DEFAULT_DAYS), NOW)


def test_given_times_are_taken_and_told_in_utc() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    ask = Ask(
        source=URL,
        start=datetime(2024, 5, 14, 8, tzinfo=berlin),
        end=datetime(2024, 5, 14, 10, tzinfo=berlin),
    )

    start, end = ask.times(NOW)
    assert (start.isoformat(), end.isoformat()) == (
        "2024-05-14T06:00:00+00:00",
        "2024-05-14T08:00:00+00:00",
    )


def test_a_day_is_24_hours_where_the_clocks_change() -> None:
    after_the_change = datetime(2024, 3, 31, 20, tzinfo=ZoneInfo("Europe/Berlin"))
    start, end = Ask(source=URL, days=1, end=after_the_change).times(NOW)

    assert end - start == timedelta(hours=24)


def test_an_end_before_the_start_is_wrong_usage() -> None:
    ask = Ask(source=URL, start=NOW + timedelta(hours=1))

    with pytest.raises(UsageError, match="--start 2024-05-14T13:03:21Z is not before --end"):
        ask.times(NOW)


@pytest.mark.parametrize("name", ["start", "end"])
def test_a_time_without_a_zone_is_refused(name: str) -> None:
    naive = {name: NOW.replace(tzinfo=None)}

    with pytest.raises(ValueError, match="without a zone"):
        Ask(source=URL, **naive)  # type: ignore[arg-type]


# --- what is asked ---


def test_the_window_is_on_the_grid_within_the_time_asked_for() -> None:
    window = plan_of().window

    assert window.step_seconds == 600
    assert window.end == datetime(2024, 5, 14, 12, tzinfo=UTC)
    assert window.start == datetime(2024, 5, 13, 12, 10, tzinfo=UTC)


def test_finer_scrapes_give_finer_steps() -> None:
    every_15 = tuple(range(0, 3600, 15))

    assert plan_of(Surveyed(cpu_times=every_15)).window.step_seconds == 600
    finer = plan_of(Surveyed(cpu_times=every_15, request_times=every_15))
    assert finer.window.step_seconds == 300


def test_an_asked_step_is_taken_or_refused() -> None:
    assert plan_of(ask=Ask(source=URL, step_seconds=900)).window.step_seconds == 900
    with pytest.raises(UsageError, match="use --step 600s or longer"):
        plan_of(ask=Ask(source=URL, step_seconds=300))


def test_every_measured_quantity_is_asked_for_once_at_every_point() -> None:
    plan = plan_of()

    assert list(plan.promql) == list(measured_queries())
    assert not any(name.startswith("survey_") for name in plan.promql)
    jobs = plan.jobs()
    assert len(jobs) == len(plan.promql)
    for job in jobs:
        assert (job.chunk.first_point, job.chunk.point_count) == (0, plan.window.point_count)
        assert job.promql == plan.promql[job.query.name]
    assert "[600s]" in plan.promql["proxy_cpu_vcpu"]


def test_what_nobody_scrapes_is_not_asked_for_but_told() -> None:
    counts = {name: count for name, count in ALL_METRICS.items() if name not in RARE}
    plan = plan_of(Surveyed(series_counts=counts))

    unasked = measured_queries().keys() - plan.promql.keys()
    assert {load_query(name).reads for name in unasked} == set(RARE)
    assert set(plan.warnings()) == {f"no {name}: {MENDING[name]}" for name in RARE}


def test_a_large_mesh_is_asked_for_in_pieces_under_the_budget() -> None:
    series = 100_000
    plan = plan_of(Surveyed(series_counts={**ALL_METRICS, "istio_requests_total": series}))

    assert len(plan.chunks["proxy_cpu_vcpu"]) == 1
    pieces = plan.chunks["mesh_requests_rps"]
    assert len(pieces) > 1
    assert sum(piece.point_count for piece in pieces) == plan.window.point_count
    scrapes = plan.window.step_seconds / 60
    assert all(piece.point_count * series * scrapes <= SAMPLE_BUDGET for piece in pieces)


def test_the_scope_is_in_every_query() -> None:
    plan = plan_of(ask=Ask(source=URL, scope=Scope(namespaces=("shop",), cluster="eu-1")))

    assert all('cluster="eu-1"' in promql for promql in plan.promql.values())
    assert 'namespace=~"(?:shop)"' in plan.promql["proxy_cpu_vcpu"]


def test_too_few_steps_are_refused_with_what_to_do() -> None:
    with pytest.raises(InsufficientData, match=r"holds 2 step\(s\) of 600 s, .* at least 4: ask"):
        plan_of(ask=Ask(source=URL, days=0.5 / 24))


# --- reading it back ---


@pytest.mark.parametrize(
    "ask",
    [
        Ask(source=URL),
        Ask(
            source=URL,
            scope=Scope(namespaces=("shop", "pay.*"), cluster='a"b'),
            start=datetime(2024, 5, 14, 6, tzinfo=ZoneInfo("Europe/Berlin")),
            end=NOW,
            step_seconds=900,
            note="on a Tuesday",
        ),
    ],
    ids=["defaults", "everything"],
)
def test_a_plan_is_read_back_as_it_was_made(ask: Ask) -> None:
    plan = plan_of(ask=ask)
    read = Plan.from_json(json.loads(json.dumps(plan.to_json())))

    assert read == plan
    assert read.jobs() == plan.jobs()
