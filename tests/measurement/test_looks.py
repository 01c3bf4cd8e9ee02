"""What is too heavy for the survey is read in pieces, by series or by time."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analyzer.errors import Limit, QueryTooHeavy
from analyzer.measurement.looks import raw_samples
from analyzer.measurement.proxy_counting import count_proxies
from analyzer.measurement.proxy_counts import parts_of
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.response import Response, Series
from analyzer.window import Chunk, TimeWindow

END = datetime(2024, 5, 14, 12, tzinfo=UTC)
PODS = tuple({"__name__": "up", "pod": f"p{number}"} for number in range(8))


class Bounded:
    """Has a sample of each pod a minute; refuses long ranges, many pods and long texts."""

    def __init__(self, *, seconds: int = 10**6, pods: int = 100, letters: int = 10**6) -> None:
        self._seconds, self._pods, self._letters = seconds, pods, letters
        self.refusals = 0

    def instant(self, promql: str, at: datetime) -> Response:
        seconds, pods = self._checked(promql), re.findall(r"p\d", promql)
        if len(pods) > self._pods:
            self._refuse(Limit.SERIES)
        times = np.arange(at.timestamp() - seconds + 60, at.timestamp() + 1, 60)
        return Response(
            series=tuple(Series(labels={"pod": pod}, times=times, samples=times) for pod in pods)
        )

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        self._checked(promql)
        times = np.array(
            [window.time_of(chunk.first_point + n).timestamp() for n in range(chunk.point_count)]
        )
        labels = {"exporter": "proxy", "samples": "3", "job": "envoy"}
        return Response(
            series=(Series(labels=labels, times=times, samples=np.full(len(times), 5.0)),)
        )

    def _checked(self, promql: str) -> int:
        seconds = max(map(int, re.findall(r"\[(\d+)s[]:]", promql)))
        if seconds > self._seconds:
            self._refuse(Limit.SPAN)
        if len(promql) > self._letters:
            self._refuse(Limit.LENGTH)
        return seconds

    def _refuse(self, limit: Limit) -> None:
        self.refusals += 1
        raise QueryTooHeavy("too much", limit=limit)


@pytest.mark.parametrize(
    "source",
    [
        Bounded(),
        Bounded(seconds=1000),
        Bounded(pods=3),
        Bounded(letters=30),
        Bounded(seconds=1000, pods=1),
    ],
    ids=["none", "time", "series", "length", "time and series"],
)
def test_raw_samples_come_out_whole(source: Bounded) -> None:
    answer = raw_samples(source, PODS, 3600, END)

    assert sorted(one.labels["pod"] for one in answer.series) == [one["pod"] for one in PODS]
    for one in answer.series:
        assert np.diff(one.times).tolist() == [60.0] * 59
        assert one.times[-1] == END.timestamp()


def test_raw_samples_of_a_too_short_time_are_a_failure() -> None:
    source = Bounded(seconds=300)
    with pytest.raises(QueryTooHeavy):
        raw_samples(source, PODS, 3600, END)

    assert source.refusals == 3


@pytest.mark.parametrize(
    ("limit", "part_seconds"), [(10**6, 25_200), (20_000, 12_600), (2000, 1500)]
)
def test_proxies_are_counted_in_parts_that_the_server_reads(limit: int, part_seconds: int) -> None:
    parts = parts_of(END - timedelta(days=7), END)
    counts = count_proxies(
        Bounded(seconds=limit), Scope(), LabelMapping(), parts, series_counts={"istio_build": 5}
    )

    assert counts is not None
    assert counts.part_seconds == part_seconds
    (group,) = counts.groups
    assert set(group.counts) == {5}
    assert counts.begin_of(0) <= END - timedelta(days=7)
    assert counts.begin_of(counts.part_count) >= END


def test_a_server_that_reads_no_part_counts_nothing() -> None:
    parts = parts_of(END - timedelta(hours=6), END)
    source = Bounded(seconds=600)

    assert (
        count_proxies(source, Scope(), LabelMapping(), parts, series_counts={"istio_build": 5})
        is None
    )
