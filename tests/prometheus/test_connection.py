"""Failures that pass are waited for; all others are told in one line."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from analyzer.errors import PrometheusError, QueryRejected, QueryTooHeavy
from analyzer.prometheus.access import Access
from analyzer.prometheus.answer import Answer as Result
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.window import Chunk, TimeWindow
from tests.support import (
    SMALL_MESH,
    Answer,
    FaultyHttp,
    PrometheusServer,
    login_page,
    prometheus_error,
    prometheus_success,
)

AT = datetime(2024, 5, 14, 12, tzinfo=UTC)
ONE = prometheus_success([{"metric": {}, "value": [0, "1"]}], result_type="vector")
OVERLOADED = Answer(status=503, body=b"overloaded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A connection to a server that goes wrong as told, and how long it waited between tries."""

    connection: Connection
    server: FaultyHttp
    waits: list[float] = field(default_factory=list)

    def instant(self, promql: str = "up") -> Result:
        return self.connection.instant(promql, AT)

    @property
    def attempts(self) -> int:
        return len(self.server.received)


@contextmanager
def asking(*script: Answer, timeout_seconds: int = 60) -> Iterator[Asked]:
    waits: list[float] = []
    with FaultyHttp(script) as server:
        access = Access(url=server.url, timeout_seconds=timeout_seconds)
        with Connection(access, sleep=waits.append) as connection:
            yield Asked(connection=connection, server=server, waits=waits)


def failure_of(script: Sequence[Answer], kind: type[PrometheusError] = PrometheusError) -> str:
    """Return in what words a first answer that does not pass is told, in one attempt."""
    with asking(*script) as asked, pytest.raises(kind) as caught:
        asked.instant()
    assert type(caught.value) is kind
    assert asked.attempts == 1
    message = str(caught.value)
    assert "\n" not in message
    return message


# --- failures that pass ---


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_failure_that_passes_is_followed_by_the_answer(status: int) -> None:
    with asking(Answer(status=status), Answer(status=status), ONE) as asked:
        (series,) = asked.instant().series

    assert series.samples.tolist() == [1.0]
    assert asked.attempts == 3
    assert asked.waits == [0.5, 1.0]


def test_an_answer_cut_short_is_asked_for_again() -> None:
    with asking(Answer(body=ONE.body, missing_bytes=5), ONE) as asked:
        assert len(asked.instant().series) == 1

    assert asked.attempts == 2


def test_the_number_of_attempts_is_bounded() -> None:
    with asking(OVERLOADED) as asked, pytest.raises(PrometheusError, match="503: overloaded") as c:
        asked.instant()

    assert type(c.value) is PrometheusError
    assert asked.attempts == 4
    assert asked.waits == [0.5, 1.0, 2.0]


def test_a_gateway_that_gives_up_each_time_means_the_query_is_too_heavy() -> None:
    with asking(Answer(status=504)) as asked, pytest.raises(QueryTooHeavy, match="HTTP 504"):
        asked.instant()

    assert asked.attempts == 4


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0", 0.0), ("Mon, 01 Jan 2024 00:00:00 GMT", 0.0), ("soon", 0.5)],
    ids=["seconds", "at once", "a date gone by", "no time"],
)
def test_the_server_says_how_long_to_wait(header: str, seconds: float) -> None:
    with asking(prometheus_error(429, "limit", "slow down", Retry_After=header), ONE) as asked:
        asked.instant()

    assert asked.waits == [seconds]


def test_a_server_that_wants_an_hour_is_not_waited_for() -> None:
    message = failure_of([prometheus_error(503, "limit", "maintenance", Retry_After="3600")])

    assert "maintenance" in message
    assert message.endswith("it asks to wait 3600 s: try again then")


def test_nobody_there_is_told_after_a_few_attempts() -> None:
    with FaultyHttp([ONE]) as gone:
        url = gone.url
    waits: list[float] = []
    with (
        Connection(Access(url=url), sleep=waits.append) as connection,
        pytest.raises(PrometheusError) as caught,
    ):
        connection.instant("up", AT)

    assert str(caught.value) == (
        f"cannot reach Prometheus at {url}: Connection refused; "
        "check --prometheus-url, or a port-forward that ended"
    )
    assert len(waits) == 3


# --- too heavy ---


@pytest.mark.parametrize(
    "answer",
    [
        prometheus_error(503, "timeout", "query timed out in expression evaluation"),
        prometheus_error(
            422, "execution",
            "query processing would load too many samples into memory in query execution",
        ),
        prometheus_error(
            400, "bad_data", "exceeded maximum resolution of 11,000 points per timeseries."
        ),
    ],
    ids=["timeout", "samples", "points"],
)  # fmt: skip
def test_a_query_the_server_gave_up_on_is_too_heavy_and_not_sent_again(answer: Answer) -> None:
    message = failure_of([answer], QueryTooHeavy)

    assert "HTTP " in message
    assert message.endswith("while asking: up")


LIMITS_ON_TIME = {
    "VictoriaMetrics, samples": "cannot select more than -search.maxSamplesPerQuery=1 samples; "
    "possible solutions: to increase the -search.maxSamplesPerQuery; to reduce time range for the "
    "query; to use more specific label filters in order to select lower number of series",
    "VictoriaMetrics, samples of a series": "cannot process more than 1 samples per series; either "
    "increase -search.maxSamplesPerSeries or reduce time range for the query",
    "VictoriaMetrics, points": "too many points for the given step=1000, start=1 and end=2: 3; "
    "cannot exceed -search.maxPointsPerTimeseries=1",
    "Mimir, chunks": "the query exceeded the maximum number of chunks (limit: 1 chunks)",
    "Mimir, bytes": "the query exceeded the aggregated chunks size limit (limit: 1 bytes)",
    "Mimir, estimate": "the estimated number of chunks for the query exceeded the maximum allowed "
    "(limit: 1 chunks)",
    "Mimir, memory": "the query exceeded the maximum allowed estimated amount of memory consumed "
    "by a single query (limit: 1 bytes)",
    "Mimir, length": "the total query time range exceeds the limit (query length: 8h, limit: 1h)",
    "Thanos, chunks": "exceeded chunks limit: rpc error: code = Code(422) desc = limit 1 violated",
}
"""What engines say, without the advice that follows in some."""

LIMITS_ON_SERIES = {
    "VictoriaMetrics": "the number of matching timeseries exceeds 1; either narrow down the search "
    "or increase -search.max* command-line flag values at vmselect",
    "Mimir": "the query exceeded the maximum number of series (limit: 1 series). Consider reducing "
    "the time range and/or number of series selected by the query.",
    "Thanos": "exceeded series limit: rpc error: code = Code(422) desc = limit 1 violated",
}


@pytest.mark.parametrize("words", LIMITS_ON_TIME.values(), ids=LIMITS_ON_TIME)
@pytest.mark.parametrize(("status", "kind"), [(422, "422"), (422, "execution"), (400, "bad_data")])
def test_limits_that_less_time_meets_mean_too_heavy(status: int, kind: str, words: str) -> None:
    assert words[:20] in failure_of([prometheus_error(status, kind, words)], QueryTooHeavy)


@pytest.mark.parametrize("words", LIMITS_ON_SERIES.values(), ids=LIMITS_ON_SERIES)
def test_too_many_series_are_no_fewer_in_less_time(words: str) -> None:
    assert words[:20] in failure_of([prometheus_error(422, "execution", words)], QueryRejected)


def test_no_answer_in_time_is_too_heavy_and_not_asked_again() -> None:
    with (
        asking(Answer(delay_seconds=60), timeout_seconds=1) as asked,
        pytest.raises(QueryTooHeavy, match="no answer within 1 s, while asking: up"),
    ):
        asked.instant()

    assert (asked.attempts, asked.waits) == (1, [])


def test_an_answer_that_stops_in_the_middle_is_too_heavy() -> None:
    over, waits = threading.Event(), list[float]()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def stop_in_the_middle() -> None:
            with listener.accept()[0] as client:
                client.recv(65_536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
                over.wait(30)

        thread = threading.Thread(target=stop_in_the_middle)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            Connection(Access(url=url, timeout_seconds=1), sleep=waits.append) as connection,
            pytest.raises(QueryTooHeavy, match="no answer within 1 s"),
        ):
            connection.instant("up", AT)
        over.set()
        thread.join()
    assert waits == []


# --- failures that stay ---


@pytest.mark.parametrize(("status", "kind"), [(400, "bad_data"), (422, "execution")])
def test_a_refused_query_is_told_in_prometheus_own_words(status: int, kind: str) -> None:
    answer = prometheus_error(status, kind, "vector cannot\ncontain metrics twice")

    message = failure_of([answer], QueryRejected)
    assert f"HTTP {status}: vector cannot contain metrics twice, while asking: up" in message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (login_page(), "is this a login page?"),
        (Answer(body=b""), "it is empty"),
        (Answer(status=401), "HTTP 401: it wants credentials: set PROMETHEUS_TOKEN"),
        (Answer(status=403), "HTTP 403: these credentials may not query it"),
        (Answer(status=404), "HTTP 404: there is no Prometheus API at this address"),
        (Answer(status=500, body=b"out of  luck\n"), "HTTP 500: out of luck, while asking: up"),
        (Answer(status=500, body=b"<html>long</html>"), "HTTP 500, while asking: up"),
    ],
    ids=["login", "empty", "401", "403", "404", "500", "500 page"],
)
def test_each_failure_is_one_line_that_says_what_to_do(answer: Answer, words: str) -> None:
    message = failure_of([answer])

    assert words in message
    assert "long" not in message
    assert message.startswith("http://127.0.0.1:")


def test_a_long_query_is_not_repeated_whole() -> None:
    with (
        asking(prometheus_error(400, "bad_data", "no")) as asked,
        pytest.raises(QueryRejected) as caught,
    ):
        asked.instant("up + " * 1000 + "up")

    assert len(str(caught.value)) < 250


def test_credentials_are_in_no_message() -> None:
    for answer in (Answer(status=401), Answer(status=500), login_page(), OVERLOADED):
        with FaultyHttp([answer]) as server:
            access = Access(url=server.url, username="s3cret", password="s3cret")
            with (
                Connection(access, sleep=lambda _: None) as connection,
                pytest.raises(PrometheusError) as caught,
            ):
                connection.instant("up", AT)
        assert "s3cret" not in str(caught.value)


def test_the_servers_remarks_come_with_the_answer() -> None:
    partial = prometheus_success([], warnings=["a store is down"], infos=["not a counter"])
    with asking(partial, ONE) as asked:
        assert asked.instant().warnings == ("a store is down", "not a counter")
        assert asked.instant().warnings == ()


# --- a real Prometheus ---


@pytest.fixture(scope="module")
def connection(small_server: PrometheusServer) -> Iterator[Connection]:
    with Connection(Access(url=small_server.url)) as connection:
        yield connection


@pytest.mark.live
def test_a_real_server_evaluates_at_the_moment_asked(connection: Connection) -> None:
    (series,) = connection.instant("time()", AT).series

    assert series.samples.tolist() == [AT.timestamp()]


@pytest.mark.live
def test_a_real_server_evaluates_at_the_points_of_a_chunk(connection: Connection) -> None:
    window = TimeWindow(start=SMALL_MESH.start, end=SMALL_MESH.end, step_seconds=600)
    (series,) = connection.points("time()", window, Chunk(first_point=2, point_count=3)).series

    wanted = [(SMALL_MESH.start + timedelta(minutes=m)).timestamp() for m in (30, 40, 50)]
    assert series.times.tolist() == wanted
    assert series.samples.tolist() == wanted


@pytest.mark.live
def test_a_real_servers_parse_error_is_told_in_its_own_words(connection: Connection) -> None:
    with pytest.raises(QueryRejected, match=r"HTTP 400: .*parse error: unclosed left parenthesis"):
        connection.instant("sum(up", AT)


@pytest.mark.live
def test_a_real_server_finds_too_many_points_too_heavy(connection: Connection) -> None:
    window = TimeWindow(start=AT, end=AT + timedelta(seconds=11_002), step_seconds=1)

    with pytest.raises(QueryTooHeavy, match="maximum resolution"):
        connection.points("vector(1)", window, Chunk(first_point=0, point_count=11_002))
