"""Queries that a server gives up on: asked for in halves where that helps, never sent again."""

from datetime import timedelta

import pytest

from analyzer.errors import Limit, QueryTooHeavy, Unreachable
from analyzer.window import Chunk, TimeWindow
from tests.prometheus.asking import AT, ONE, asking, failure_of, refusal_of
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


@pytest.mark.parametrize(("points", "attempts"), [(1, 2), (2, 1), (36, 1)])
def test_a_hang_is_asked_once_more_unless_less_can_be_asked(points: int, attempts: int) -> None:
    window = TimeWindow(start=AT, end=AT + timedelta(hours=6), step_seconds=600)
    whole = Chunk(first_point=0, point_count=points)
    with asking(ONE, Answer(delay_seconds=60), timeout_seconds=0.2) as asked:
        asked.instant()
        with pytest.raises(QueryTooHeavy, match=r"no answer within 0\.2 s\."):
            asked.connection.points("up", window, whole)

    assert asked.attempts == 1 + attempts


def test_a_server_that_has_never_answered_is_asked_for_nothing_less() -> None:
    with (
        asking(Answer(delay_seconds=60), timeout_seconds=0.2) as asked,
        pytest.raises(Unreachable, match=r"no answer within 0\.2 s"),
    ):
        asked.instant()

    assert asked.attempts == 2


def test_a_hang_that_passes_is_followed_by_the_answer() -> None:
    with asking(Answer(delay_seconds=60), ONE, timeout_seconds=0.2) as asked:
        assert len(asked.instant().series) == 1
