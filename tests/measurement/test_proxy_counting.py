"""Proxies of each part of a time: what counts them exactly is asked where a cheap count may not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analyzer.errors import PrometheusError
from analyzer.measurement.proxy_counting import count_proxies
from analyzer.measurement.proxy_counts import ProxyCounts, parts_of
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response, Series
from analyzer.window import Chunk, TimeWindow

END = datetime(2024, 5, 14, 12, tzinfo=UTC)
HOURS = 8
PLAIN = "survey_proxy_counts"
SHARED = "survey_shared_containers", "survey_shared_proxies"
RESCRAPED, COPIED = "survey_rescraped_proxies", "survey_copied_proxies"

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Counting:
    """Answers the queries that it knows, with one number in some parts; others find nothing.

    Attributes:
        answers: labels and number of each series, by query.
        present: parts that each series has; others have all.
    """

    answers: Mapping[str, Sequence[tuple[Row, int]]]
    present: Mapping[str, Sequence[int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def instant(self, promql: str, at: datetime) -> Response:
        raise AssertionError(f"{promql} at {at}")

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        name = next(name for name in NAMES if promql == text_of(name, window.step_seconds))
        self.asked.extend([name] if chunk.first_point == 0 else [])
        return Response(
            series=tuple(
                Series(labels=labels, times=times, samples=np.full(len(times), float(count)))
                for labels, count in self.answers.get(name, ())
                if len(times := self._times(labels, window, chunk))
            )
        )

    def _times(self, labels: Row, window: TimeWindow, chunk: Chunk) -> np.ndarray:
        points = range(chunk.first_point, chunk.last_point + 1)
        known = self.present.get(labels.get("job", ""), points)
        return np.array([window.time_of(point).timestamp() for point in points if point in known])


NAMES = (PLAIN, *SHARED, RESCRAPED, COPIED, "survey_request_counts")


def text_of(name: str, seconds: int) -> str:
    return load_query(name).render(Scope(), LabelMapping(), window_seconds=seconds)


def row(exporter: str, job: str = "a", samples: str = "3", **more: str) -> Row:
    return {"exporter": exporter, "job": job, "samples": samples, **more}


def counted(source: Counting) -> ProxyCounts:
    parts = parts_of(END - timedelta(hours=HOURS), END)
    found = count_proxies(
        source, Scope(), LabelMapping(), parts, series_counts={"istio_build": 5, "x": 1}
    )
    assert found is not None
    return found


def totals(found: ProxyCounts) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (one.exporter, one.job): (max(one.counts), max(one.brief_counts)) for one in found.groups
    }


def test_one_query_counts_what_one_job_of_each_exporter_scrapes() -> None:
    plain = [(row("cadvisor"), 5), (row("proxy"), 4), (row("proxy", samples="2"), 1)]
    source = Counting(answers={PLAIN: plain})

    assert totals(counted(source)) == {("cadvisor", "a"): (5, 0), ("proxy", "a"): (4, 1)}
    assert source.asked == [PLAIN]


def test_jobs_that_share_no_proxy_are_counted_as_they_are() -> None:
    plain = [(row("cadvisor"), 5), (row("proxy"), 3), (row("proxy", "gateways"), 2)]
    source = Counting(answers={PLAIN: plain})
    found = counted(source)

    assert totals(found)["proxy", "gateways"] == (2, 0)
    assert not any(found.rescraped)
    assert source.asked == [PLAIN, RESCRAPED]


def test_a_proxy_of_two_jobs_is_counted_for_one() -> None:
    plain = [(row("proxy"), 5), (row("proxy", "other"), 5)]
    source = Counting(
        answers={
            PLAIN: plain,
            RESCRAPED: [({"exporter": "rescraped"}, 5)],
            SHARED[1]: [(row("proxy"), 3), (row("proxy", "other"), 2)],
            COPIED: [({"exporter": "copies"}, 1)],
        }
    )
    found = counted(source)

    assert totals(found) == {("proxy", "a"): (3, 0), ("proxy", "other"): (2, 0)}
    assert (set(found.rescraped), set(found.copied)) == ({5}, {1})


def test_several_series_of_one_job_are_one_proxy() -> None:
    source = Counting(
        answers={
            PLAIN: [(row("proxy"), 3), (row("proxy", samples="4"), 2)],
            RESCRAPED: [({"exporter": "rescraped"}, 2)],
            SHARED[1]: [(row("proxy"), 4), (row("proxy", samples="1"), 1)],
        }
    )

    assert totals(counted(source)) == {("proxy", "a"): (4, 1)}
    assert source.asked == [PLAIN, RESCRAPED, SHARED[1], COPIED]


@pytest.mark.parametrize(
    ("present", "is_asked"), [({"b": [0, 1], "a": [2, 3]}, False), ({"b": [2], "a": [2, 3]}, True)]
)
def test_kubelets_of_two_jobs_may_share_proxies_in_one_part(
    present: Mapping[str, Sequence[int]], *, is_asked: bool
) -> None:
    plain = [(row("cadvisor"), 5), (row("cadvisor", "b"), 2)]
    source = Counting(answers={PLAIN: plain, SHARED[0]: [(row("cadvisor"), 5)]}, present=present)

    assert (("cadvisor", "b") not in totals(counted(source))) == is_asked
    assert source.asked == [PLAIN, *SHARED[:1]][: 1 + is_asked]


def test_jobs_of_two_clusters_share_no_proxy() -> None:
    plain = [
        (row(exporter, cluster=cluster), 5)
        for exporter in ("cadvisor", "proxy")
        for cluster in ("east", "west")
    ]
    source = Counting(answers={PLAIN: plain})

    assert len(counted(source).groups) == 4
    assert source.asked == [PLAIN]


def test_a_number_of_samples_is_one_that_the_query_writes() -> None:
    source = Counting(answers={PLAIN: [(row("proxy", samples="5"), 5)]})

    with pytest.raises(PrometheusError, match="samples"):
        counted(source)
