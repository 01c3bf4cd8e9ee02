"""Limits of servers that a real Prometheus does not have: the same snapshot comes out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from analyzer.errors import PrometheusError, QueryTooHeavy
from analyzer.measurement import measure
from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.measurement.snapshot import Snapshot
from analyzer.prometheus import pace
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.settings import Setting
from tests.live.command import run
from tests.support import SMALL_MESH, Answer, MeshCache, PrometheusServer, prometheus_error
from tests.support.limiting import (
    TOTAL_LENGTH,
    Bucket,
    Every,
    Limiting,
    Rule,
    Spell,
    needs_tenant,
    only_get,
    points_up_to,
    series_up_to,
    spans_up_to,
)

pytestmark = [pytest.mark.live, pytest.mark.few(5)]

MESH = replace(
    SMALL_MESH,
    hours=3,
    envoy_scrape_seconds=30,
    cadvisor_scrape_seconds=30,
    workloads=tuple(
        replace(workload, namespace=namespace, calls=(f"{namespace}/back",), pods=3)
        if workload.calls
        else replace(workload, namespace=namespace, pods=3)
        for namespace in ("books", "pay", "search", "shop")
        for workload in SMALL_MESH.workloads
    ),
)
"""24 pods in four namespaces."""


@pytest.fixture(scope="module")
def server(
    mesh_cache: MeshCache, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    with mesh_cache.filled(MESH).serve(tmp_path_factory.mktemp("limits") / "server") as server:
        yield server


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What a collection from a server with limits left behind."""

    snapshot: Snapshot
    notes: list[str]
    refusals: int
    waited_seconds: float

    @cached_property
    def finding_count(self) -> int:
        """How many findings its measurement has."""
        return len(measure(self.snapshot).findings)


_FASTER = 200.0
"""Than the real one is the clock by which a collection waits."""


def collected(
    url: str, folder: Path, rule: Rule | None = None, *, faster: float = _FASTER
) -> Collected:
    """Collect through a server with limits, by a clock that is so many times faster."""
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds / faster)

    notes: list[str] = []
    with (
        pytest.MonkeyPatch.context() as patch,
        Limiting(url, rule or (lambda _: None)) as limiting,
        Connection(Access(url=limiting.url), sleep=sleep, note=notes.append) as source,
    ):
        # Waits that take less time than the pace knows of would add up from request to request.
        patch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: faster * time.monotonic()))
        ask = Ask(source="http://server", start=MESH.start, end=MESH.end)
        snapshot = collect_snapshot(source, ask, folder, now=MESH.end, note=notes.append)
    return Collected(
        snapshot=snapshot, notes=notes, refusals=limiting.refusals, waited_seconds=sum(waits)
    )


@pytest.fixture(scope="module")
def plain(server: PrometheusServer, tmp_path_factory: pytest.TempPathFactory) -> Collected:
    found = collected(server.url, tmp_path_factory.mktemp("plain") / "mesh")
    assert (found.notes, found.refusals) == ([], 0)
    return found


def assert_same(found: Collected, plain: Collected) -> None:
    """Compare every table, and what is measured from them."""
    assert found.refusals > 0
    names = {record.name for record in plain.snapshot.manifest.queries}
    assert {record.name for record in found.snapshot.manifest.queries} == names
    for name in names:
        pd.testing.assert_frame_equal(found.snapshot.frame(name), plain.snapshot.frame(name))
    wanted, measured = plain.snapshot.manifest, found.snapshot.manifest
    assert measured.window == wanted.window
    assert measured.proxy_counts == wanted.proxy_counts
    assert measured.label_mapping == wanted.label_mapping
    assert found.finding_count == plain.finding_count


def plain_text(status: int, words: str, **headers: str) -> Answer:
    named = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Answer(status=status, body=words.encode(), headers=named)


AMAZONS_SIZE = plain_text(413, "response larger than the max (181673024 vs 52428800)\n")
THROTTLED = plain_text(400, '{"__type": "ThrottlingException", "message": "Rate exceeded"}')
GOOGLES_QUOTA = plain_text(
    429,
    '{"error": {"code": 429, "message": "Quota exceeded for quota metric \'Time series queries\' '
    'and limit \'Time series queries per minute\'", "status": "RESOURCE_EXHAUSTED"}}',
)
LIMITS: dict[str, Callable[[], Rule]] = {
    "Mimir, 1 h": lambda: spans_up_to(3600, TOTAL_LENGTH),
    "Mimir, half an hour": lambda: spans_up_to(
        # Single points read half an hour and some seconds: no query can be shorter.
        1900, prometheus_error(
            422, "execution",
            "expanding series: the query time range exceeds the limit (query length: 2h0m0s, "
            "limit: 30m0s) (err-mimir-max-query-length)",
        ),
    ),
    "other words for a time": lambda: spans_up_to(
        7_200, prometheus_error(422, "bad_data", "Time range of 4 hours is larger than allowed: 3")
    ),
    "unknown words": lambda: spans_up_to(
        7_200, prometheus_error(422, "execution", "Nope. Request something smaller.")
    ),
    "Amazon, size": lambda: points_up_to(12, AMAZONS_SIZE),
    "size, other words": lambda: points_up_to(
        7, plain_text(413, "<html><title>Payload Too Large</title></html>")
    ),
    "size, no words": lambda: points_up_to(10, Answer(status=413)),
    "samples, other words": lambda: points_up_to(
        12, prometheus_error(422, "execution", "Query data limit exceeded: 500000 data points")
    ),
    "405": lambda: only_get(405),
    "403": lambda: only_get(403),
    "501": lambda: only_get(501),
    "404": lambda: only_get(404),
    "405 and short URLs": lambda: only_get(405, longest_query=3000),
    "empty, once each": lambda: Every(Answer()),
    "an error in a success, once each": lambda: Every(
        prometheus_error(200, "internal", "a shard was lost")
    ),
    "429 for a minute": lambda: Spell(plain_text(429, "slow down"), after=10, count=8),
    "429 with a date": lambda: Spell(
        plain_text(429, "", Retry_After=formatdate(time.time() + 20, usegmt=True)), count=3
    ),
    "429 with a size": lambda: Spell(
        prometheus_error(429, "limit", "too many samples or series per minute"), after=4, count=2
    ),
    "Amazon, throttled on the way": lambda: Spell(THROTTLED, after=25, count=5),
    "Amazon, throttled by a header": lambda: Spell(
        plain_text(400, '{"message": null}', x_amzn_ErrorType="ThrottlingException"), count=2
    ),
    "Google, quota": lambda: Spell(GOOGLES_QUOTA, after=12, count=4),
    "a bucket": lambda: Bucket(10, 2, plain_text(429, "too many requests")),
}  # fmt: skip


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_a_server_with_a_limit_gives_the_same_snapshot(
    limit: Callable[[], Rule], server: PrometheusServer, plain: Collected, tmp_path: Path
) -> None:
    assert_same(collected(server.url, tmp_path / "mesh", limit()), plain)


SERIES = {
    "Mimir": prometheus_error(
        422, "execution",
        "the query exceeded the maximum number of series (limit: 100 series) "
        "(err-mimir-max-series-per-query). Consider reducing the time range and/or number of "
        "series selected by the query.",
    ),
    "other words": prometheus_error(400, "bad_data", "Too many time series selected"),
}  # fmt: skip


@pytest.mark.parametrize("refusal", SERIES.values(), ids=SERIES)
def test_too_many_series_are_asked_for_by_namespace(
    refusal: Answer, server: PrometheusServer, plain: Collected, tmp_path: Path
) -> None:
    found = collected(server.url, tmp_path / "mesh", series_up_to(36, server.url, refusal))

    assert_same(found, plain)
    assert sum("namespaces at a time" in note for note in found.notes) == 1


def test_where_even_names_are_too_many_series_the_label_has_them(
    server: PrometheusServer, plain: Collected, tmp_path: Path
) -> None:
    rule = series_up_to(20, server.url, SERIES["Mimir"])

    assert_same(collected(server.url, tmp_path / "mesh", rule), plain)


def test_a_namespace_with_too_many_series_is_a_failure(
    server: PrometheusServer, tmp_path: Path
) -> None:
    with pytest.raises(QueryTooHeavy, match="maximum number of series"):
        collected(server.url, tmp_path / "mesh", series_up_to(3, server.url, SERIES["Mimir"]))


def test_a_limit_is_noted_once_and_learnt_once(server: PrometheusServer, tmp_path: Path) -> None:
    found = collected(server.url, tmp_path / "mesh", spans_up_to(3600, TOTAL_LENGTH))

    assert len(found.notes) == 1
    # Halves of 3 h until one is short enough, of one query; 4 requests may be under way.
    assert found.refusals < 20


def test_a_refused_rate_is_noted_once_and_its_time_is_waited(
    server: PrometheusServer, tmp_path: Path
) -> None:
    rule = Spell(plain_text(429, "slow down"), after=10, count=8)
    found = collected(server.url, tmp_path / "mesh", rule)

    assert [note for note in found.notes if "HTTP 429" in note] == found.notes
    assert len(found.notes) == 1
    assert found.waited_seconds > 10


def test_a_server_that_refuses_for_ever_is_given_up_after_minutes(
    server: PrometheusServer, tmp_path: Path
) -> None:
    rule = Spell(plain_text(429, "slow down"), count=10**6)
    with pytest.raises(PrometheusError, match="slow down") as caught:
        collected(server.url, tmp_path / "mesh", rule, faster=1e6)

    assert caught.value.status == 429


def test_a_missing_tenant_is_one_line_with_the_header(
    server: PrometheusServer, tmp_path: Path
) -> None:
    with Limiting(server.url, needs_tenant(plain_text(401, "no org id\n"))) as limiting:
        times = ("--start", MESH.start.isoformat(), "--end", MESH.end.isoformat())
        without = run("analyze", "-p", limiting.url, *times, "-o", tmp_path / "a")
        header = ("--header", "X-Scope-OrgID: team-a")
        given = run("doctor", "-p", limiting.url, *times, *header)

    assert without.status == 1
    assert without.stderr.count("\n") == 1
    assert "--header 'X-Scope-OrgID: NAME'" in without.stderr
    assert given.status == 0, given.stderr


def test_an_error_in_a_success_that_stays_is_a_failure_in_its_words(
    server: PrometheusServer, tmp_path: Path
) -> None:
    rule = Spell(prometheus_error(200, "internal", "a shard was lost"), count=10**6)
    with pytest.raises(PrometheusError, match="a shard was lost") as caught:
        collected(server.url, tmp_path / "mesh", rule)

    assert caught.value.settings == ()


def test_the_command_line_notes_how_the_server_is_asked(
    server: PrometheusServer, tmp_path: Path
) -> None:
    with Limiting(server.url, only_get(405)) as limiting:
        times = ("--start", MESH.start.isoformat(), "--end", MESH.end.isoformat())
        outcome = run("collect", "-p", limiting.url, *times, "-o", tmp_path / "a")
        quiet = run("doctor", "-p", limiting.url, *times, "-q")

    assert (outcome.status, quiet.status) == (0, 0)
    assert "refuses POST (HTTP 405)" in outcome.stderr
    assert quiet.stderr == ""
    assert limiting.refusals == 2


def test_neither_post_nor_get_names_the_address(server: PrometheusServer, tmp_path: Path) -> None:
    with pytest.raises(PrometheusError) as caught:
        collected(server.url, tmp_path / "mesh", Spell(Answer(status=405), count=10**6))

    assert (caught.value.status, caught.value.settings) == (405, (Setting.URL,))
