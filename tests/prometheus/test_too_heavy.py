"""Queries that a server gives up on: asked for in halves where that helps, never sent again."""

import socket
import threading

import pytest

from analyzer.errors import Limit, QueryTooHeavy
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from tests.prometheus.asking import AT, asking, failure_of, refusal_of
from tests.support import (
    Answer,
    prometheus_error,
)


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
    assert message.endswith("Query: up.")


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
def test_too_many_series_are_a_limit_of_its_own(words: str) -> None:
    error = refusal_of([prometheus_error(422, "execution", words)], QueryTooHeavy)

    assert isinstance(error, QueryTooHeavy)
    assert error.limit == Limit.SERIES


def test_no_answer_in_time_is_too_heavy_and_not_asked_again() -> None:
    with (
        asking(Answer(delay_seconds=60), timeout_seconds=1) as asked,
        pytest.raises(QueryTooHeavy, match=r"no answer within 1 s\."),
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
