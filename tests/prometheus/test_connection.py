"""Failures that pass are waited for; all others are told in one line."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
import requests
from prometheus_api_client.exceptions import PrometheusApiClientException

from analyzer.errors import (
    FailedAnswer,
    PrometheusError,
    QueryRejected,
    QueryTooHeavy,
    Unreachable,
)
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.settings import Setting
from analyzer.window import Chunk, TimeWindow
from tests.prometheus.asking import AT, ONE, OVERLOADED, asking, failure_of, refusal_of
from tests.support import (
    SMALL_MESH,
    Answer,
    FaultyHttp,
    PrometheusServer,
    login_page,
    prometheus_error,
    prometheus_success,
)

# --- failures that pass ---


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_failure_that_passes_is_followed_by_the_answer(status: int) -> None:
    with asking(Answer(status=status), Answer(status=status), ONE) as asked:
        (series,) = asked.instant().series

    assert series.samples.tolist() == [1.0]
    assert asked.attempts == 3
    assert asked.waits == pytest.approx([0.5, 1.0], abs=0.1)


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


@pytest.mark.parametrize(("points", "attempts"), [(1, 4), (2, 1), (36, 1)])
def test_a_gateway_is_not_asked_again_for_what_can_be_asked_in_halves(
    points: int, attempts: int
) -> None:
    window = TimeWindow(start=AT, end=AT + timedelta(hours=6), step_seconds=600)
    whole = Chunk(first_point=0, point_count=points)
    with asking(Answer(status=504)) as asked, pytest.raises(QueryTooHeavy) as caught:
        asked.connection.points("up", window, whole)

    assert caught.value.status == 504
    assert asked.attempts == attempts


def test_the_cause_of_the_last_attempt_is_kept() -> None:
    with asking(OVERLOADED) as asked, pytest.raises(PrometheusError) as caught:
        asked.instant()

    assert isinstance(caught.value.__cause__, PrometheusApiClientException)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0", 0.0), ("Mon, 01 Jan 2024 00:00:00 GMT", 0.0), ("soon", 0.5)],
    ids=["seconds", "at once", "a date gone by", "no time"],
)
def test_the_server_says_how_long_to_wait(header: str, seconds: float) -> None:
    with asking(prometheus_error(429, "limit", "slow down", Retry_After=header), ONE) as asked:
        asked.instant()

    assert asked.waits == pytest.approx([seconds] if seconds else [], abs=0.1)


def test_a_server_that_wants_an_hour_is_not_waited_for() -> None:
    message = failure_of([prometheus_error(503, "limit", "maintenance", Retry_After="3600")])

    assert "maintenance" in message
    assert "3600 s" in message


def test_nobody_there_is_told_after_a_few_attempts() -> None:
    with FaultyHttp([ONE]) as gone:
        url = gone.url
    waits: list[float] = []
    with (
        Connection(Access(url=url), sleep=waits.append) as connection,
        pytest.raises(Unreachable) as caught,
    ):
        connection.instant("up", AT)

    assert (caught.value.url, caught.value.cause) == (url, "Connection refused")
    assert caught.value.settings == (Setting.URL,)
    assert isinstance(caught.value.__cause__, requests.ConnectionError)
    assert len(waits) == 3


# --- failures that stay ---


@pytest.mark.parametrize(("status", "kind"), [(400, "bad_data"), (422, "execution")])
def test_a_refused_query_is_told_in_prometheus_own_words(status: int, kind: str) -> None:
    answer = prometheus_error(status, kind, "vector cannot\ncontain metrics twice")

    error = refusal_of([answer], QueryRejected)
    assert (error.status, error.promql) == (status, "up")
    assert error.words == "vector cannot contain metrics twice"
    assert error.words in str(error)
    assert isinstance(error.__cause__, PrometheusApiClientException)


@pytest.mark.parametrize(
    ("answer", "words", "attempts"),
    [
        (login_page(), "may be a login page", 1),
        # What may pass is asked for once more, and a refused POST as GET.
        (Answer(body=b""), "the answer is empty", 2),
        (Answer(status=401), "HTTP 401: Unauthorized. No credentials", 1),
        (Answer(status=403), "HTTP 403: Forbidden. No credentials", 2),
        (Answer(status=404), "HTTP 404: Not Found.", 2),
        (Answer(status=405), "HTTP 405: Method Not Allowed.", 2),
        (Answer(status=500, body=b"out of  luck\n"), "HTTP 500: out of luck. Query: up.", 2),
        (Answer(status=500, body=b"<html>long</html>"), "HTTP 500: Internal Server Error.", 2),
    ],
    ids=["login", "empty", "401", "403", "404", "405", "500", "500 page"],
)
def test_each_failure_is_one_line_that_says_what_to_do(
    answer: Answer, words: str, attempts: int
) -> None:
    message = failure_of([answer], attempts=attempts)

    assert words in message
    assert "long" not in message
    assert message.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=401, body=b"no org id\n"),
        Answer(status=400, body=b"No OrgID"),
        prometheus_error(500, "internal", "no org id"),
        prometheus_error(422, "execution", "rpc error: code = Unauthenticated desc = no org id"),
    ],
    ids=["401", "400", "500", "422"],
)
def test_a_missing_tenant_names_the_header_whatever_the_status(answer: Answer) -> None:
    error = refusal_of([answer])

    assert error.settings == (Setting.HEADERS,)
    assert "X-Scope-OrgID" in str(error)


def test_a_refused_rate_is_no_refused_method() -> None:
    quota = Answer(status=403, body=b'{"error": {"errors": [{"reason": "rateLimitExceeded"}]}}')
    with asking(quota, ONE) as asked:
        assert len(asked.instant().series) == 1

    assert [one.method for one in asked.server.received] == ["POST", "POST"]
    assert asked.waits == pytest.approx([0.5], abs=0.1)


@pytest.mark.parametrize(
    ("after", "methods"),
    [
        (ONE, ["POST", "GET", "GET"]),
        (prometheus_error(400, "bad_data", "parse error"), ["POST", "GET", "GET"]),
        (Answer(status=403), ["POST", "GET", "POST"]),
        (Answer(status=401), ["POST", "GET", "POST"]),
    ],
    ids=["answer", "mistake", "403", "401"],
)
def test_get_stays_only_where_the_server_reads_it(after: Answer, methods: list[str]) -> None:
    with asking(Answer(status=403), after) as asked:
        for _ in range(2):
            with suppress(PrometheusError):
                asked.instant()

        assert [one.method for one in asked.server.received] == methods


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


def test_an_error_with_status_200_is_a_failure_in_the_servers_words() -> None:
    error = prometheus_error(200, "execution", "a store is down: s3cret")
    with FaultyHttp([error]) as server:
        access = Access(url=server.url, headers={"X-Key": "s3cret"})
        with (
            Connection(access, sleep=lambda _: None) as connection,
            pytest.raises(FailedAnswer) as caught,
        ):
            connection.instant("up", AT)

    assert (caught.value.status, caught.value.url) == (200, server.url)
    assert caught.value.words == "a store is down: ***"


def test_a_sample_of_another_year_is_no_answer() -> None:
    window = TimeWindow(start=AT, end=AT + timedelta(hours=1), step_seconds=600)
    points = [[AT.timestamp() + 600 - 365 * 86_400, "1"]]
    earlier = prometheus_success([{"metric": {}, "values": points}])
    with asking(earlier) as asked, pytest.raises(PrometheusError) as caught:
        asked.connection.points("up", window, Chunk(first_point=0, point_count=6))

    assert "2023-05-15 12:10 UTC" in str(caught.value)


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
    with pytest.raises(QueryRejected, match=r"HTTP 400: .*unclosed left parenthesis"):
        connection.instant("sum(up", AT)


@pytest.mark.live
def test_a_real_server_finds_too_many_points_too_heavy(connection: Connection) -> None:
    window = TimeWindow(start=AT, end=AT + timedelta(seconds=11_002), step_seconds=1)

    with pytest.raises(QueryTooHeavy, match="maximum resolution"):
        connection.points("vector(1)", window, Chunk(first_point=0, point_count=11_002))
