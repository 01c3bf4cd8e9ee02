"""A sample has what a measurement of the same steps has, in a few requests."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from analyzer.errors import QueryRejected
from analyzer.measurement import sample
from analyzer.measurement.findings import Bias, Finding
from analyzer.measurement.first_look import look
from analyzer.measurement.plan import choose_window
from analyzer.measurement.proxy_counts import ProxyCounts, ProxyGroup
from analyzer.measurement.sample import MOST_REQUESTS, take_sample
from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.survey import Survey, examine
from analyzer.measurement.usage import measure
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_queries
from analyzer.prometheus.response import Response
from analyzer.window import Chunk, TimeWindow
from tests.support import SMALL_MESH, PrometheusServer

pytestmark = pytest.mark.live

WHOLE = Scope()


@pytest.fixture(scope="module")
def source(small_server: PrometheusServer) -> Iterator[Connection]:
    with Connection(Access(url=small_server.url)) as source:
        yield source


@pytest.fixture(scope="module")
def found(source: Connection) -> Survey:
    return examine(source, look(source, WHOLE, SMALL_MESH.start, SMALL_MESH.end))


@pytest.fixture(scope="module")
def window(found: Survey) -> TimeWindow:
    return choose_window(found, SMALL_MESH.start, SMALL_MESH.end, None)


def test_a_sample_of_all_steps_is_the_snapshot(
    source: Connection,
    found: Survey,
    window: TimeWindow,
    small_snapshot: Path,
    small_server: PrometheusServer,
) -> None:
    before = len(small_server.query_log())
    taken = take_sample(source, WHOLE, found, window)
    snapshot = load_snapshot(small_snapshot)

    assert 0 < len(small_server.query_log()) - before <= MOST_REQUESTS
    assert taken.is_whole
    assert taken.frames.keys() == {query.name for query in snapshot.manifest.queries}
    for name in load_queries():
        pd.testing.assert_frame_equal(taken.frame(name), snapshot.frame(name), rtol=1e-6)
    assert measure(taken).findings == measure(snapshot).findings


def test_few_steps_are_taken_of_many(
    source: Connection, found: Survey, window: TimeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "_SAMPLES", 1)
    monkeypatch.setattr(sample, "_FEWEST_STEPS", 4)
    taken = take_sample(source, WHOLE, found, window)
    short = Finding(name="short_window", text="Short.", bias=Bias.NONE)
    other = Finding(name="impossible_cpu", text="Too much.", bias=Bias.NONE)

    assert taken.manifest.window.point_count == 4 < window.point_count
    assert not taken.is_whole
    assert taken.extent == f"4 intervals of {window.point_count}"
    assert taken.without_its_length((short, other)) == (other,)


@dataclass(frozen=True)
class OneByOne:
    """A server that takes no query of several."""

    source: Connection

    def instant(self, promql: str, at: datetime) -> Response:
        return self.source.instant(promql, at)

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        if promql.count('"measured"') > 1:
            raise QueryRejected("query is too long")
        return self.source.points(promql, window, chunk)


def test_a_server_that_refuses_several_queries_at_once_is_asked_for_each(
    source: Connection, found: Survey, window: TimeWindow
) -> None:
    alone = take_sample(OneByOne(source), WHOLE, found, window)
    together = take_sample(source, WHOLE, found, window)

    assert alone.frames.keys() == together.frames.keys()
    assert all(len(alone.frame(name)) == len(together.frame(name)) for name in load_queries())


@pytest.mark.parametrize("busiest", [0, 9, 23])
def test_the_steps_with_most_proxies_are_taken(
    busiest: int,
    source: Connection,
    found: Survey,
    window: TimeWindow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sample, "_SAMPLES", 1)
    monkeypatch.setattr(sample, "_FEWEST_STEPS", 4)
    seconds = (window.end - window.start).total_seconds()
    part = int(seconds // 24)
    group = ProxyGroup(
        exporter="cadvisor",
        cluster="",
        job="",
        counts=tuple(9 if number == busiest else 2 for number in range(24)),
        brief_counts=(0,) * 24,
    )
    counts = ProxyCounts(
        start_seconds=int(window.start.timestamp()),
        part_seconds=part,
        groups=(group,),
        copied=(0,) * 24,
    )
    taken = take_sample(source, WHOLE, replace(found, proxy_counts=counts), window)
    middle = window.start + timedelta(seconds=part * (busiest + 0.5))

    assert taken.manifest.window.point_count == 4
    assert taken.manifest.window.start <= middle <= taken.manifest.window.end
