"""What is missing is found before anything is measured, and named with what would mend it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from analyzer.errors import InsufficientData, PrometheusError, QueryRejected, QueryTooHeavy
from analyzer.measurement import survey
from analyzer.measurement.detect import NO_CLUSTER
from analyzer.measurement.first_look import look, looks_at
from analyzer.measurement.metrics import CORE_COUNTERS, ESSENTIAL, NORMALLY_ABSENT, OPTIONAL
from analyzer.measurement.survey import Survey, examine
from analyzer.prometheus.connection import Connection, Source
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.label_mapping import CPU_RULES, LabelMapping, Names
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_queries, load_query
from analyzer.prometheus.response import Response
from analyzer.settings import Setting
from analyzer.window import Chunk, TimeWindow
from tests.measurement.sources import (
    ALL_METRICS,
    OF_CORES,
    Surveyed,
    labels_of,
    usual_labels,
)
from tests.support import SMALL_MESH, MeshCache, PrometheusServer, Series, build_mesh, remote_write

CPU = "container_cpu_usage_seconds_total"
REQUESTS = "istio_requests_total"
HOUR = replace(SMALL_MESH, hours=1)


def surveyed(source: Source, scope: Scope, cluster_label: str | None = None) -> Survey:
    seen = look(source, scope, HOUR.start, HOUR.end, cluster_label=cluster_label)
    return examine(source, seen)


def found_by(url: str, scope: Scope | None = None, cluster_label: str | None = None) -> Survey:
    with Connection(Access(url=url)) as source:
        return surveyed(source, scope or Scope(), cluster_label)


def refusal(
    url: str, scope: Scope | None = None, cluster_label: str | None = None
) -> InsufficientData:
    with pytest.raises(InsufficientData) as caught:
        found_by(url, scope, cluster_label)
    assert "\n" not in str(caught.value)
    return caught.value


@contextmanager
def holding(folder: Path, series: Sequence[Series]) -> Iterator[str]:
    """Give the address of a server that holds these series and no others."""
    with PrometheusServer(folder) as server:
        remote_write.write(f"{server.url}/api/v1/write", series)
        yield server.url


def changed(name: str, change: Callable[[Series], Series | None]) -> list[Series]:
    """Return the series of the small mesh, those of one metric changed or left out."""
    kept = [change(one) if one.name == name else one for one in build_mesh(HOUR).series]
    return [one for one in kept if one is not None]


# --- a real Prometheus ---


@pytest.mark.live
def test_a_whole_mesh_is_counted(small_server: PrometheusServer) -> None:
    found = found_by(small_server.url)

    assert found.series_counts == {
        CPU: 10,
        "container_memory_working_set_bytes": 10,
        REQUESTS: 14,
        "kube_pod_info": 10,
        "kube_pod_container_resource_requests": 20,
        # Requests of native sidecars are read with it.
        "kube_pod_container_status_restarts_total": 6,
        "kube_node_status_allocatable": 16,
        "kube_node_info": 8,
    }
    assert found.missing == ("istio_build",)
    assert found.label_mapping == LabelMapping(cluster=NO_CLUSTER)
    assert found.duplicate_scrapes == {}


@pytest.mark.live
@pytest.mark.parametrize(("envoy", "cadvisor"), [(15, 30), (30, 15), (60, 15)])
def test_scrape_intervals_are_found(
    envoy: int, cadvisor: int, mesh_cache: MeshCache, tmp_path: Path
) -> None:
    spec = replace(HOUR, envoy_scrape_seconds=envoy, cadvisor_scrape_seconds=cadvisor)
    with mesh_cache.filled(spec).serve(tmp_path / "server") as server:
        found = found_by(server.url)

    assert (found.request_scrape_seconds, found.cpu_scrape_seconds) == (envoy, cadvisor)
    assert found.slower_scrape_seconds == max(envoy, cadvisor)


@pytest.mark.live
def test_a_prometheus_without_istio_says_what_to_scrape(tmp_path: Path) -> None:
    with PrometheusServer(tmp_path) as server:
        error = refusal(server.url)
    assert str(error).endswith(f". {ESSENTIAL[REQUESTS].fix}")
    assert error.settings == ()


@pytest.mark.live
@pytest.mark.parametrize(
    ("name", "words"),
    [(REQUESTS, f"no {REQUESTS}"), (CPU, f"no {CPU} of a container istio-proxy")],
)
def test_half_of_the_question_missing_comes_with_its_fix(
    name: str, words: str, tmp_path: Path
) -> None:
    with holding(tmp_path, changed(name, lambda _: None)) as url:
        assert str(refusal(url)).endswith(f" {words}. {ESSENTIAL[name].fix}")


@pytest.mark.live
def test_a_mesh_without_traffic_is_told(tmp_path: Path) -> None:
    def at_rest(series: Series) -> Series:
        return replace(series, values=np.full_like(series.values, 5000.0))

    with holding(tmp_path, changed(REQUESTS, at_rest)) as url:
        error = refusal(url)
    assert str(error).startswith(f"{REQUESTS} ")
    assert "did not grow" in str(error)
    assert "2024-05-14 10:57 UTC" in str(error)
    assert error.settings == (Setting.START, Setting.END, Setting.DAYS)


def relabelled(**labels: Callable[[str], tuple[str, str]]) -> Callable[[Series], Series]:
    """Return what changes the name and the value of some labels."""

    def change(series: Series) -> Series:
        told = (
            labels[name](value) if name in labels else (name, value)
            for name, value in series.labels
        )
        return replace(series, labels=tuple(sorted(told)))

    return change


@pytest.mark.live
def test_another_name_of_the_pod_is_found_and_joined_by(tmp_path: Path) -> None:
    renamed = relabelled(pod=lambda value: ("kubernetes_pod_name", value))
    with holding(tmp_path, changed(REQUESTS, renamed)) as url:
        assert found_by(url).label_mapping.proxy == Names(pod="kubernetes_pod_name")


@pytest.mark.live
def test_labels_that_do_not_join_are_told(tmp_path: Path) -> None:
    misled = relabelled(pod=lambda value: ("pod_name", f"node-of-{value}"))
    with holding(tmp_path, changed(REQUESTS, misled)) as url:
        message = str(refusal(url))
    assert " namespace/pod of " in message
    assert " namespace/pod_name of " in message
    assert "relabelling" in message


@pytest.mark.live
def test_only_what_is_in_scope_is_counted(small_server: PrometheusServer) -> None:
    assert found_by(small_server.url, Scope(namespaces=("sh.p",))) == found_by(small_server.url)
    elsewhere = refusal(small_server.url, Scope(namespaces=("elsewhere",)))
    assert elsewhere.settings == (Setting.NAMESPACES,)


@pytest.mark.live
def test_a_cluster_that_no_label_tells_apart_is_told(small_server: PrometheusServer) -> None:
    by_cluster = refusal(small_server.url, Scope(cluster="eu-1"))
    assert str(by_cluster).startswith(f"{Setting.CLUSTER} eu-1 ")
    assert by_cluster.settings == (Setting.CLUSTER, Setting.CLUSTER_LABEL)
    by_label = refusal(small_server.url, cluster_label="region")
    assert "'region'" in str(by_label)
    assert by_label.settings == (Setting.CLUSTER_LABEL,)


@pytest.mark.live
def test_a_mesh_whose_kubelet_names_no_container_is_told(tmp_path: Path) -> None:
    """What remains are the cgroups of pods, which every kubelet tells of."""
    series = build_mesh(HOUR).series
    cgroups = [one for one in series if one.name != CPU or "container" not in dict(one.labels)]
    assert len(cgroups) < len(series)
    with holding(tmp_path, cgroups) as url:
        assert f"{CPU} have no container name" in str(refusal(url))


@pytest.mark.live
def test_containers_of_others_are_no_missing_container_labels(tmp_path: Path) -> None:
    other = relabelled(
        container=lambda _: ("container", "app"), image=lambda _: ("image", "example/app")
    )
    with holding(tmp_path, changed(CPU, other)) as url:
        assert f" no {CPU} of a container istio-proxy" in str(refusal(url))


@pytest.mark.live
def test_a_mesh_that_is_gone_at_the_end_is_still_seen(small_server: PrometheusServer) -> None:
    with Connection(Access(url=small_server.url)) as source:
        later = SMALL_MESH.end + timedelta(hours=2)
        found = examine(source, look(source, Scope(), SMALL_MESH.start, later))

    assert replace(found, proxy_counts=None) == replace(
        found_by(small_server.url), proxy_counts=None
    )


def cpu_of_proxies(url: str, mapping: LabelMapping, *, has_core_counters: bool) -> dict[str, float]:
    """Return the CPU of each pod 21 minutes after the beginning."""
    promql = load_query("proxy_cpu_vcpu").render(
        Scope(), mapping, window_seconds=300, has_core_counters=has_core_counters
    )
    with Connection(Access(url=url)) as source:
        answer = source.instant(promql, HOUR.start + timedelta(minutes=21))
    return {one.labels["pod"]: float(one.samples[0]) for one in answer.series}


@pytest.mark.live
def test_counters_of_cores_are_found_whenever_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One pod has counters of two cores: for minutes between two looks, or for good.

    Without them half of the pods have no label for it. What both cores add up to is the rate of the
    whole counter.
    """
    monkeypatch.setattr(survey, "_MANY_CONTAINERS", 1)
    mesh = build_mesh(HOUR).series
    of_cpu = [one for one in mesh if one.name == CPU]
    total = [
        replace(one, labels=tuple(pair for pair in one.labels if at % 2 or pair[0] != "cpu"))
        for at, one in enumerate(of_cpu)
    ]
    others = [one for one in mesh if one.name != CPU]
    with holding(tmp_path / "whole", [*others, *total]) as url:
        found = found_by(url)
        assert not found.has_core_counters
        whole, short = (
            cpu_of_proxies(url, found.label_mapping, has_core_counters=has) for has in (True, False)
        )
    assert short == whole
    assert len(whole) == found.series_counts[CPU]

    first = next(one for one in total if "istio-proxy" in dict(one.labels).values())
    minutes = (first.times_ms - int(HOUR.start.timestamp() * 1000)) / 60_000
    for name, last in (("brief", 22), ("lasting", 60)):
        inside = (minutes > 13) & (minutes < last)
        cores = [
            replace(
                first,
                labels=tuple(sorted({**dict(first.labels), "cpu": core}.items())),
                times_ms=first.times_ms[inside],
                values=first.values[inside] / 2,
            )
            for core in ("cpu00", "cpu01")
        ]
        rest = [one for one in total if one is not first]
        with holding(tmp_path / name, [*others, *rest, *cores]) as url:
            assert found_by(url).has_core_counters
            added = cpu_of_proxies(url, found.label_mapping, has_core_counters=True)
        assert added == pytest.approx(whole, rel=1e-3)


# --- odd cases ---


def test_rules_beside_the_counter_do_not_decide_how_often_it_is_scraped() -> None:
    rule = labels_of("cadvisor", CPU_RULES[0], namespace="shop", pod="a", container="istio-proxy")
    every_30 = tuple(range(0, 3600, 30))
    beside = Surveyed(labels=[rule, *usual_labels()], rule_times=every_30)
    instead = Surveyed(
        labels=[rule, *(one for one in usual_labels() if one["__name__"] != CPU)],
        rule_times=every_30,
        request_times=every_30,
    )

    assert looked(beside).cpu_scrape_seconds == 60
    assert looked(beside).label_mapping.cpu == CPU
    assert looked(instead).cpu_scrape_seconds == 30
    assert looked(instead).label_mapping.cpu == CPU_RULES[0]


def test_recorded_cpu_is_no_finer_than_half_a_minute() -> None:
    rule = labels_of("cadvisor", CPU_RULES[1], namespace="shop", pod="a", container="istio-proxy")
    every_5 = tuple(range(0, 3600, 5))
    labels = [rule, *(one for one in usual_labels() if one["__name__"] != CPU)]

    found = looked(Surveyed(labels=labels, rule_times=every_5, request_times=every_5))
    assert (found.cpu_scrape_seconds, found.request_scrape_seconds) == (30, 5)


@pytest.mark.parametrize("instance", ["10.0.0.7:15090", ""], ids=["address", "workload"])
def test_proxies_without_a_pod_need_what_leads_back_to_it(instance: str) -> None:
    bare = [{name: one[name] for name in one if name != "pod"} for one in usual_labels()]
    labels = [{**one, "instance": instance} for one in bare if one["exporter"] == "proxy"]
    labels += [one for one in usual_labels() if one["exporter"] != "proxy"]
    without = {name: count for name, count in ALL_METRICS.items() if name != "kube_pod_info"}

    # Nothing joins by name here, and nothing needs to.
    assert looked(Surveyed(labels=labels, joined=False)).duplicate_scrapes == {}
    with pytest.raises(InsufficientData, match=r"no pod label.*kube_pod_info"):
        looked(Surveyed(labels=labels, series_counts=without))


@pytest.mark.parametrize("found", [{"proxy": 7}, {"cadvisor": 2}, {"proxy": 1, "cadvisor": 3}])
def test_proxies_that_are_scraped_twice_are_counted(found: dict[str, int]) -> None:
    assert looked(Surveyed(duplicates=found)).duplicate_scrapes == found


@dataclass(frozen=True)
class Noted:
    """Notes what is asked at several moments."""

    source: Surveyed
    asked: list[str] = field(default_factory=list)

    def instant(self, promql: str, at: datetime) -> Response:
        return self.source.instant(promql, at)

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        self.asked.append(promql)
        return self.source.points(promql, window, chunk)


def test_what_decides_about_copies_is_asked_where_there_may_be_some() -> None:
    plain, twice = Noted(Surveyed()), Noted(Surveyed(duplicates={"cadvisor": 2}))
    surveyed(plain, Scope())
    surveyed(twice, Scope())

    deciding = [[one for one in source.asked if " offset 360s" in one] for source in (plain, twice)]
    assert deciding[0] == []
    assert all(CPU in one and REQUESTS not in one for one in deciding[1])
    assert len(set(deciding[1])) == 1


def test_one_look_shows_traffic() -> None:
    with_traffic, without = Noted(Surveyed()), Noted(Surveyed(total_rps=0.0))
    surveyed(with_traffic, Scope())
    with pytest.raises(InsufficientData, match="did not grow"):
        surveyed(without, Scope())

    assert [sum("rate(" in one for one in by.asked) for by in (with_traffic, without)] == [1, 2]


def looked(source: Surveyed) -> Survey:
    return surveyed(source, Scope())


@dataclass(frozen=True)
class OnePointOnly:
    """Answers no more than one point of a range at a time."""

    source: Surveyed

    def instant(self, promql: str, at: datetime) -> Response:
        return self.source.instant(promql, at)

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        if chunk.point_count > 1:
            raise QueryTooHeavy("too many samples")
        whole = self.source.points(
            promql, window, Chunk(first_point=0, point_count=window.point_count)
        )
        one = slice(chunk.first_point, chunk.first_point + 1)
        return Response(
            series=tuple(
                replace(series, times=series.times[one], samples=series.samples[one])
                for series in whole.series
            )
        )


@dataclass(frozen=True)
class Unwilling:
    """Does not answer about the whole time."""

    source: Surveyed
    error: type[Exception]

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        return self.source.points(promql, window, chunk)

    def instant(self, promql: str, at: datetime) -> Response:
        if promql.startswith(OF_CORES):
            raise self.error("the time is too long")
        return self.source.instant(promql, at)


@pytest.mark.parametrize("error", [QueryTooHeavy, QueryRejected, PrometheusError])
def test_where_the_server_does_not_say_there_may_be_counters_of_cores(
    error: type[Exception],
) -> None:
    many = Surveyed(series_counts={**ALL_METRICS, CPU: 1000})
    assert not surveyed(many, Scope()).has_core_counters
    assert surveyed(Unwilling(many, error), Scope()).has_core_counters
    assert surveyed(replace(many, core_counters=True), Scope()).has_core_counters


def test_few_proxies_or_cores_at_a_look_need_no_further_request() -> None:
    few = Surveyed(series_counts={**ALL_METRICS, CPU: 999})
    shown = Surveyed(series_counts={**ALL_METRICS, CPU: 1000, CORE_COUNTERS: 5})
    for source in (few, shown):
        assert surveyed(Unwilling(source, AssertionError), Scope()).has_core_counters


def test_a_survey_that_is_too_heavy_is_asked_for_in_halves() -> None:
    in_pieces = surveyed(OnePointOnly(Surveyed()), Scope())

    assert in_pieces == looked(Surveyed())


def test_the_usual_interval_is_found_where_scrapes_were_missed() -> None:
    missed = tuple(n for n in range(0, 3600, 15) if n % 7)

    assert looked(Surveyed(request_times=missed)).request_scrape_seconds == 15


def test_a_jittered_interval_is_a_whole_number_of_seconds() -> None:
    jittered = tuple(n + 0.04 * (n % 3 - 1) for n in range(0, 3600, 10))

    assert looked(Surveyed(cpu_times=jittered)).cpu_scrape_seconds == 10


@pytest.mark.parametrize("half", ["cpu_times", "request_times"])
def test_a_single_scrape_has_no_interval(half: str) -> None:
    once = {half: (3000.0,)}

    with pytest.raises(InsufficientData, match="No proxy has two samples") as caught:
        looked(Surveyed(**once))  # type: ignore[arg-type]
    assert caught.value.settings == (Setting.END,)


def test_only_what_was_seen_is_counted() -> None:
    assert looked(Surveyed(series_counts={**ALL_METRICS, "istio_build": 7})).missing == ()
    assert set(looked(Surveyed(series_counts={CPU: 3, REQUESTS: 4})).missing) == (
        ESSENTIAL.keys() - {CPU, REQUESTS}
    )
    assert looked(Surveyed(series_counts={CPU: 3, REQUESTS: 4})).series_counts == {
        CPU: 3,
        REQUESTS: 4,
    }


@pytest.mark.parametrize("seconds", [1, 7, 3600, 86_400, 604_801])
def test_looks_are_few_and_the_last_is_at_the_end(seconds: int) -> None:
    end = datetime(2024, 5, 14, 12, tzinfo=UTC)
    looks = looks_at(end - timedelta(seconds=seconds), end)

    assert looks.end == end
    assert looks.start >= end - timedelta(seconds=seconds)
    assert 1 <= looks.point_count <= 10


def test_every_metric_that_is_read_has_something_that_mends_its_absence() -> None:
    assert {query.reads for query in load_queries().values()} - {
        "none"
    } == ESSENTIAL.keys() | OPTIONAL.keys() | NORMALLY_ABSENT
    assert not ESSENTIAL.keys() & OPTIONAL.keys()
    assert not NORMALLY_ABSENT & (ESSENTIAL.keys() | OPTIONAL.keys())
