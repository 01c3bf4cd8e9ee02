"""A few requests at a time, smaller ones where the server cannot cope, none after a failure."""

import threading
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzer.errors import PrometheusError, QueryTooHeavy
from analyzer.measurement.frames import frame_of, sorted_frame
from analyzer.prometheus.connection import Connection, Source
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.fetch import MAX_IN_FLIGHT, Fetched, Job, fetch, points_in_chunks
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response, Series
from analyzer.window import Chunk, TimeWindow
from tests.support import SMALL_MESH, FilledMesh, PrometheusServer

START = datetime(2024, 5, 14, 10, tzinfo=UTC)
WINDOW = TimeWindow(start=START, end=START + timedelta(hours=10), step_seconds=600)
QUERY = load_query("proxy_cpu_vcpu")
PATIENCE_SECONDS = 10


class Scripted:
    """A source that answers each chunk with its own points, after doing what a test wants."""

    def __init__(self, act: Callable[[Chunk], None]) -> None:
        self._act = act
        self._lock = threading.Lock()
        self.asked: list[Chunk] = []

    def instant(self, promql: str, at: datetime) -> Response:
        raise NotImplementedError

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        assert promql == "up"
        with self._lock:
            self.asked.append(chunk)
        self._act(chunk)
        points = range(chunk.first_point, chunk.first_point + chunk.point_count)
        times = np.array([window.time_of(point).timestamp() for point in points])
        return Response(series=(Series(labels={}, times=times, samples=times),))


def jobs(count: int, points: int = 1) -> list[Job]:
    return [
        Job(query=QUERY, promql="up", chunk=Chunk(first_point=points * n, point_count=points))
        for n in range(count)
    ]


def test_every_job_is_answered_once() -> None:
    source = Scripted(lambda _: None)
    fetched = list(fetch(source, WINDOW, jobs(30)))

    assert sorted(one.job.chunk.first_point for one in fetched) == list(range(30))
    for one in fetched:
        (answer,) = one.responses
        assert answer.series[0].times == [WINDOW.time_of(one.job.chunk.first_point).timestamp()]


def test_nothing_to_ask_is_nothing_asked() -> None:
    source = Scripted(lambda _: None)

    assert list(fetch(source, WINDOW, [])) == []
    assert source.asked == []


def test_as_many_requests_are_under_way_as_allowed_and_no_more() -> None:
    lock = threading.Lock()
    together = threading.Barrier(MAX_IN_FLIGHT)
    now = most = 0

    def meet(_: Chunk) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(PATIENCE_SECONDS)
        with lock:
            now -= 1

    assert len(list(fetch(Scripted(meet), WINDOW, jobs(5 * MAX_IN_FLIGHT)))) == 20
    assert most == MAX_IN_FLIGHT == 4


def test_after_a_failure_nothing_more_is_asked_and_what_was_under_way_is_kept() -> None:
    over = threading.Event()

    def fail_at_second(chunk: Chunk) -> None:
        if chunk.first_point == 1:
            threading.Timer(0.2, over.set).start()
            raise PrometheusError("it broke")
        over.wait(PATIENCE_SECONDS)

    source = Scripted(fail_at_second)
    kept: list[Fetched] = []
    with pytest.raises(PrometheusError, match="it broke"):
        kept.extend(fetch(source, WINDOW, jobs(20)))

    assert sorted(chunk.first_point for chunk in source.asked) == [0, 1, 2, 3]
    assert sorted(one.job.chunk.first_point for one in kept) == [0, 2, 3]


def test_too_heavy_a_chunk_is_halved_until_it_is_not() -> None:
    def refuse_over_three(chunk: Chunk) -> None:
        if chunk.point_count > 3:
            raise QueryTooHeavy("too many samples")

    source, notes = Scripted(refuse_over_three), list[str]()
    (fetched,) = fetch(source, WINDOW, jobs(1, points=10), note=notes.append)

    found = np.concatenate([answer.series[0].times for answer in fetched.responses])
    assert found.tolist() == [WINDOW.time_of(point).timestamp() for point in range(10)]
    assert [chunk.point_count for chunk in source.asked] == [10, 5, 2, 3, 5, 2, 3]
    assert notes[0].startswith("too many samples. ")
    assert " 10 points " in notes[0]


def test_a_single_point_that_is_too_heavy_is_a_failure() -> None:
    def refuse(_: Chunk) -> None:
        raise QueryTooHeavy("too many samples")

    with pytest.raises(QueryTooHeavy, match="too many samples"):
        list(fetch(Scripted(refuse), WINDOW, jobs(1, points=2)))


def test_whoever_stops_listening_stops_the_asking() -> None:
    source = Scripted(lambda _: None)
    answers = fetch(source, WINDOW, jobs(30))
    next(answers)
    assert isinstance(answers, Generator)
    answers.close()

    assert len(source.asked) <= 2 * MAX_IN_FLIGHT


# --- chunks of one query ---


def test_chunks_of_one_query_are_asked_together_after_the_first_and_joined_in_order() -> None:
    together = threading.Barrier(MAX_IN_FLIGHT)

    def meet(chunk: Chunk) -> None:
        if chunk.first_point:
            together.wait(PATIENCE_SECONDS)

    source = Scripted(meet)
    chunks = [Chunk(first_point=2 * n, point_count=2) for n in range(1 + 2 * MAX_IN_FLIGHT)]
    (series,) = points_in_chunks(source, "up", WINDOW, chunks).series

    assert source.asked[0] == chunks[0]
    assert series.times.tolist() == [WINDOW.time_of(point).timestamp() for point in range(18)]


def test_what_is_refused_at_first_is_asked_once() -> None:
    def refuse(_: Chunk) -> None:
        raise PrometheusError("it broke")

    source = Scripted(refuse)
    with pytest.raises(PrometheusError, match="it broke"):
        points_in_chunks(source, "up", WINDOW, [job.chunk for job in jobs(20)])

    assert len(source.asked) == 1


def test_a_later_refusal_ends_the_asking() -> None:
    def refuse_third(chunk: Chunk) -> None:
        if chunk.first_point == 2:
            raise PrometheusError("it broke")
        # Who is told of the failure has time to stop the others.
        threading.Event().wait(0.05)

    source = Scripted(refuse_third)
    with pytest.raises(PrometheusError, match="it broke"):
        points_in_chunks(source, "up", WINDOW, [job.chunk for job in jobs(200)])

    assert 3 <= len(source.asked) < 200


def test_no_chunk_is_no_series() -> None:
    assert points_in_chunks(Scripted(lambda _: None), "up", WINDOW, []).series == ()


# --- a real Prometheus ---

_FEW_SAMPLES = 130
"""Less than all of the small mesh's points need, more than one of them does."""


def table(source: Source, chunks: Sequence[Chunk], notes: list[str]) -> pd.DataFrame:
    window = TimeWindow(start=SMALL_MESH.start, end=SMALL_MESH.end, step_seconds=600)
    promql = QUERY.render(Scope(), LabelMapping(), window_seconds=600)
    asked = [Job(query=QUERY, promql=promql, chunk=chunk) for chunk in chunks]
    fetched = fetch(source, window, asked, note=notes.append)
    return sorted_frame(QUERY, [frame_of(QUERY, one.responses) for one in fetched])


@pytest.mark.live
def test_what_was_halved_equals_what_was_not(
    small_mesh: FilledMesh, small_server: PrometheusServer, tmp_path: Path
) -> None:
    whole = [Chunk(first_point=0, point_count=12)]
    with Connection(Access(url=small_server.url)) as source:
        notes: list[str] = []
        expected = table(source, whole, notes)
        assert notes == []
        assert len(expected) == 12 * 10
    with (
        small_mesh.serve(
            tmp_path / "server", flags=[f"--query.max-samples={_FEW_SAMPLES}"]
        ) as poor,
        Connection(Access(url=poor.url)) as source,
    ):
        found = table(source, whole, notes)

    assert any("too many samples" in note for note in notes)
    pd.testing.assert_frame_equal(found, expected)
