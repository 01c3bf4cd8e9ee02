"""A collection is decided once, and read back as it was decided."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analyzer.defaults import DEFAULT_DAYS
from analyzer.errors import InsufficientData, UsageError
from analyzer.measurement.metrics import CPU, REQUESTS
from analyzer.measurement.one_pass import asked
from analyzer.measurement.plan import Ask, Plan, make_plan, planned_on
from analyzer.measurement.proxy_counts import ProxyCounts
from analyzer.measurement.question import differences
from analyzer.measurement.ranges import Ranges
from analyzer.prometheus.label_mapping import CPU_RULES
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import Query, load_query, measured_queries
from analyzer.settings import Setting
from analyzer.typed import Part
from analyzer.window import SAMPLE_BUDGET
from tests.measurement.sources import ALL_METRICS, Surveyed, labels_of, usual_labels

NOW = datetime(2024, 5, 14, 12, 3, 21, tzinfo=UTC)
URL = "http://prometheus:9090"
STAND_INS = {
    "proxy_nodes", "proxy_pod_labels", "proxy_recorded_cpu_vcpu", "proxy_state_steps",
}  # fmt: skip
"""Asked for only where something better is missing."""
SURVEYED_BY_REGION = Surveyed(labels=usual_labels(region="eu-1"))
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

    with pytest.raises(UsageError, match="2024-05-14T13:03:21Z") as caught:
        ask.times(NOW)
    assert caught.value.settings == (Setting.START, Setting.END)


@pytest.mark.parametrize("name", ["start", "end"])
def test_a_time_without_a_zone_is_refused(name: str) -> None:
    naive = {name: NOW.replace(tzinfo=None)}

    with pytest.raises(ValueError, match="without a zone"):
        Ask(source=URL, **naive)  # type: ignore[arg-type]


# --- what is asked ---


def test_the_window_is_on_the_grid_within_the_time_asked_for() -> None:
    window = plan_of().window

    assert window.step_seconds == 600
    assert window.end == datetime(2024, 5, 14, 11, 57, 30, tzinfo=UTC)
    assert window.start == datetime(2024, 5, 13, 12, 7, 30, tzinfo=UTC)


def test_finer_scrapes_give_finer_steps() -> None:
    every_15 = tuple(range(0, 3600, 15))

    assert plan_of(Surveyed(cpu_times=every_15)).window.step_seconds == 600
    finer = plan_of(Surveyed(cpu_times=every_15, request_times=every_15))
    assert finer.window.step_seconds == 300


@pytest.mark.parametrize("has_cores", [True, False])
def test_cores_are_asked_for_where_a_proxy_may_have_counters_of_them(*, has_cores: bool) -> None:
    counts = {**ALL_METRICS, CPU: 1000}
    queries = plan_of(Surveyed(series_counts=counts, core_counters=has_cores)).queries

    for name in ("proxy_cpu_vcpu", "proxy_cpu_counter_seconds"):
        assert ("without (cpu)" in queries[name].promql) is has_cores
        assert ("without (cpu)" in queries[name].written_promql) is has_cores
    assert "without (cpu)" in queries["istiod_vcpu"].promql


@pytest.mark.parametrize(
    ("series", "builds", "proxies", "figures"),
    [
        (34_000, 34_000, 34_000, ()),
        (40_000, 40_000, 40_000, ("40,000 proxies", "143 intervals", "1.6 GiB")),
        # Several series of each proxy, or proxies that follow others, are no more proxies.
        (80_000, 40_000, 90_000, ("40,000 proxies",)),
        (80_000, 80_000, 30_000, ()),
    ],
)
def test_much_memory_is_said_before_anything_is_asked(
    series: int, builds: int, proxies: int, figures: tuple[str, ...]
) -> None:
    counts = {**ALL_METRICS, CPU: series, "istio_build": builds}
    notes: list[str] = []
    source = Surveyed(series_counts=counts, proxy_count=proxies)
    make_plan(source, Ask(source=URL, days=1), now=NOW, note=notes.append)

    assert len(notes) == bool(figures)
    assert all(figure in notes[0] for figure in figures)


def test_an_asked_step_is_taken_or_refused() -> None:
    assert plan_of(ask=Ask(source=URL, step_seconds=900)).window.step_seconds == 900
    with pytest.raises(UsageError, match="600s or longer") as caught:
        plan_of(ask=Ask(source=URL, step_seconds=300))
    assert caught.value.settings == (Setting.STEP,)


def test_every_measured_quantity_is_asked_for_once_at_every_point() -> None:
    plan = plan_of()

    assert list(plan.queries) == [name for name in measured_queries() if name not in STAND_INS]
    assert not any(name.startswith("survey_") for name in plan.queries)
    assert all(len(planned.chunks) == 1 for planned in plan.queries.values())
    assert len(asked(plan.jobs, plan.jobs)) == len(plan.queries)
    for job in plan.jobs:
        assert (job.chunk.first_point, job.chunk.point_count) == (0, plan.window.point_count)
        assert job.promql == plan.queries[job.query.name].promql
    assert "[659999ms] offset 150s" in plan.queries["proxy_cpu_vcpu"].promql
    assert plan.ranges == Ranges(cpu_seconds=660, request_seconds=660)


@pytest.mark.parametrize(("cpu_every", "request_every"), [(60, 15), (15, 60), (30, 30)])
def test_a_rate_reads_one_scrape_of_its_exporter_more_than_a_step(
    cpu_every: int, request_every: int
) -> None:
    plan = plan_of(
        Surveyed(
            cpu_times=tuple(range(0, 3600, cpu_every)),
            request_times=tuple(range(0, 3600, request_every)),
        )
    )
    step = plan.window.step_seconds

    assert plan.ranges == Ranges(cpu_seconds=step + cpu_every, request_seconds=step + request_every)
    for name, every in (("proxy_cpu_vcpu", cpu_every), ("mesh_requests_rps", request_every)):
        assert f"[{(step + every) * 1000 - 1}ms] offset 150s" in plan.queries[name].promql


def test_where_the_sample_before_a_range_counts_a_range_is_a_step() -> None:
    plan = plan_of(Surveyed(reads_sample_before=True))

    assert plan.survey.reads_sample_before
    assert plan.ranges == Ranges.of_steps(600)
    assert "[600s] offset 150s" in plan.queries["proxy_cpu_vcpu"].promql


def test_what_is_not_scraped_is_not_asked_for_but_reported() -> None:
    missing = ("istio_build", "container_memory_working_set_bytes")
    counts = {name: n for name, n in ALL_METRICS.items() if name not in (*RARE, *missing)}
    plan = plan_of(Surveyed(series_counts=counts))

    unasked = measured_queries().keys() - plan.queries.keys() - STAND_INS
    assert {load_query(name).reads for name in unasked} == {*RARE, *missing}
    assert set(plan.warnings()) == set(missing)


def test_without_kube_state_metrics_the_kubelet_is_asked_for_the_nodes() -> None:
    counts = {name: n for name, n in ALL_METRICS.items() if name != "kube_pod_info"}

    assert "proxy_nodes" in plan_of(Surveyed(series_counts=counts)).queries


@pytest.mark.parametrize("rule", CPU_RULES)
def test_where_only_a_rule_holds_the_cpu_it_is_asked_for(rule: str) -> None:
    told = [one for one in usual_labels() if one["exporter"] != "cadvisor"]
    recorded = labels_of("cadvisor", rule, namespace="shop", pod="a", container="istio-proxy")
    plan = plan_of(Surveyed(labels=[recorded, *told]))

    assert plan.unasked["proxy_cpu_vcpu"].startswith("proxy_recorded_cpu_vcpu replaces it")
    assert f"avg_over_time({rule}{{" in plan.queries["proxy_recorded_cpu_vcpu"].promql
    assert f"{rule}{{" in plan.queries["application_containers"].promql


@pytest.mark.parametrize(("cpu_seconds", "request_seconds"), [(60, 60), (60, 15), (15, 60)])
def test_a_large_mesh_is_asked_for_in_pieces_under_the_budget(
    cpu_seconds: int, request_seconds: int
) -> None:
    series = 100_000
    plan = plan_of(
        Surveyed(
            series_counts={**ALL_METRICS, "istio_requests_total": series},
            cpu_times=tuple(range(0, 3600, cpu_seconds)),
            request_times=tuple(range(0, 3600, request_seconds)),
        )
    )

    assert len(plan.queries["proxy_cpu_vcpu"].jobs) == 1
    pieces = [job.chunk for job in plan.queries["mesh_requests_rps"].jobs]
    assert len(pieces) > 1
    assert sum(piece.point_count for piece in pieces) == plan.window.point_count
    samples_per_point = series * plan.ranges.request_seconds / request_seconds
    assert all(piece.point_count * samples_per_point <= SAMPLE_BUDGET for piece in pieces)
    points = plan.window.point_count
    assert plan.queries["mesh_requests_rps"].sample_count == samples_per_point * points
    scrapes = plan.ranges.cpu_seconds / cpu_seconds
    assert plan.queries["proxy_cpu_vcpu"].sample_count == 10 * scrapes * points
    assert plan.queries["proxy_memory_bytes"].sample_count == 10 * points


def test_a_query_is_rendered_once_however_many_requests_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rendered: list[str] = []
    render = Query.render

    def counted(self: Query, *args: Any, **named: Any) -> str:  # noqa: ANN401 - as the method
        rendered.append(self.name)
        return render(self, *args, **named)

    monkeypatch.setattr(Query, "render", counted)
    plan = plan_of(Surveyed(series_counts=dict.fromkeys(ALL_METRICS, 10_000_000)))

    asked = [name for name in rendered if name in plan.queries]
    assert len(plan.jobs) > 100 * len(plan.queries)
    assert len(asked) <= 2 * len(plan.queries)
    assert list(dict.fromkeys(job.query.name for job in plan.jobs)) == list(plan.queries)


@pytest.mark.parametrize(("part_seconds", "mentions"), [(3600, 0), (7200, 1)])
def test_a_job_that_the_survey_may_not_have_seen_is_not_added_up(
    part_seconds: int, mentions: int
) -> None:
    plan = plan_of()
    found = replace(
        plan.survey,
        is_scraped_once=True,
        proxy_counts=ProxyCounts(start_seconds=0, part_seconds=part_seconds),
        # So many that the server groups them.
        series_counts={**plan.survey.series_counts, "istio_build": 10, REQUESTS: 1000},
    )
    planned = planned_on(plan.ask, found, plan.window, plan.anonymiser).queries

    assert not planned["inbound_requests_rps"].grouping
    assert planned["inbound_requests_rps"].promql.count(", job") == mentions
    # The names of jobs are in the answers where nothing is grouped.
    assert planned["proxy_cpu_vcpu"].grouping


def test_each_query_that_is_not_asked_has_a_reason() -> None:
    counts = {name: n for name, n in ALL_METRICS.items() if name not in {*RARE, "kube_pod_labels"}}
    plan = plan_of(Surveyed(series_counts=counts))

    assert plan.unasked.keys() == measured_queries().keys() - plan.queries.keys()
    for name, reason in plan.unasked.items():
        assert load_query(name).reads in reason or name in STAND_INS
    assert "kube_pod_labels" in plan.unasked["pod_labels"]
    assert "kube_pod_info" in plan.unasked["proxy_nodes"]
    assert plan.unasked["proxy_recorded_cpu_vcpu"].startswith("proxy_cpu_vcpu replaces it")


def test_the_scope_is_in_every_query() -> None:
    scope = Scope(namespaces=("shop",), cluster="eu-1")
    plan = plan_of(SURVEYED_BY_REGION, Ask(source=URL, scope=scope, cluster_label="region"))

    assert all('region="eu-1"' in plan.queries[name].promql for name in plan.queries)
    assert 'namespace=~"(?:shop)"' in plan.queries["proxy_cpu_vcpu"].promql


def test_too_few_steps_are_refused_with_what_to_do() -> None:
    with pytest.raises(InsufficientData, match=r"2 intervals of 600 s") as caught:
        plan_of(ask=Ask(source=URL, days=0.5 / 24))
    assert caught.value.settings == (Setting.DAYS, Setting.START, Setting.END)


# --- reading it back ---


@pytest.mark.parametrize(
    "ask",
    [
        Ask(source=URL),
        Ask(
            source=URL,
            scope=Scope(namespaces=("shop", "pay.*"), cluster='a"b'),
            cluster_label="region",
            start=datetime(2024, 5, 14, 6, tzinfo=ZoneInfo("Europe/Berlin")),
            end=NOW,
            step_seconds=900,
            hide_names=True,
            note="on a Tuesday",
        ),
    ],
    ids=["defaults", "everything"],
)
def test_a_plan_is_read_back_as_it_was_made(ask: Ask) -> None:
    plan = plan_of(SURVEYED_BY_REGION, ask)
    document = json.dumps(plan.to_json())
    read = Plan.resumed(Part.of_json(document), ask)

    assert read == plan
    assert read.jobs == plan.jobs
    assert ("pay.*" in document) == (bool(ask.scope.namespaces) and not ask.hide_names)


def test_a_collection_begun_by_version_0_1_is_resumed() -> None:
    names = {"namespace": "namespace", "pod": "pod", "container": "container"}
    begun: dict[str, Any] = {
        "ask": {
            "source": URL,
            "scope": {"namespaces": [], "cluster": ""},
            "days": 1,
            "start": None,
            "end": None,
            "step_seconds": None,
            "cluster_label": "region",
            "hide_names": False,
            "note": "",
        },
        "salt": "",
        "window": {
            "start": "2024-05-13T12:10:00Z",
            "end": "2024-05-14T12:00:00Z",
            "step_seconds": 600,
        },
        "survey": {
            "dialect": {
                "proxy": names,
                "cadvisor": names,
                "state": names,
                "cluster": "region",
                "cpu": "container_cpu_usage_seconds_total",
                "attribution": "pod",
            },
            "series_counts": dict(ALL_METRICS),
            "cpu_scrape_seconds": 60.0,
            "request_scrape_seconds": 60.0,
            "duplicate_scrapes": {},
        },
        "chunks": {name: [[0, 143]] for name in measured_queries() if name not in STAND_INS},
    }
    ask = Ask(source=URL, days=1, cluster_label="region")
    plan = Plan.resumed(Part(begun), ask)

    assert plan.window.time_of(0) == plan.window.evaluated_at(0)
    assert "[600s])" in plan.queries["proxy_cpu_vcpu"].promql
    assert "offset" not in plan.queries["mesh_requests_rps"].promql
    # What it will write has keys that it lacked, and no other value.
    document = json.loads(json.dumps(plan.to_json()))
    assert document["ask"].pop("tenant") == ""
    assert document["ask"].pop("replica_labels") == []
    assert not document["ask"].pop("no_rules")
    assert document["survey"].pop("rules") is None
    assert document.pop("rate_window_seconds") == {"cpu": 600, "requests": 600}
    assert not document["survey"].pop("reads_sample_before")
    assert not document["survey"].pop("is_scraped_once")
    assert document["survey"].pop("has_core_counters")
    assert document["survey"].pop("proxy_counts") is None
    assert document["survey"].pop("copied_proxies") == 0
    assert document["survey"].pop("alike_proxies") == 0
    mapping = document["survey"]["dialect"]
    assert mapping.pop("replica_labels") == []
    assert (mapping.pop("node"), mapping.pop("spelling")) == ("node", "left_out")
    for exporter in ("proxy", "cadvisor", "state"):
        lacked = [mapping[exporter].pop(name) for name in ("node", "also", "has_copies")]
        assert lacked == ["node", [], False]
    assert mapping.pop("state_cluster") is None
    assert document == begun
    assert differences(begun["ask"], plan.window, ask, plan.anonymiser, NOW) == ()
