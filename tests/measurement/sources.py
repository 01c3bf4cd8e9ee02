"""A server that exists only as what the survey would find out about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from analyzer.measurement.survey import MENDING
from analyzer.prometheus.answer import Answer, Series
from analyzer.prometheus.window import Chunk, TimeWindow

ALL_METRICS: Mapping[str, int] = dict.fromkeys(MENDING, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """Answers the survey's questions, and refuses all others."""

    series_counts: Mapping[str, int] = field(default_factory=lambda: ALL_METRICS)
    cpu_times: tuple[float, ...] = tuple(range(0, 3600, 60))
    request_times: tuple[float, ...] = tuple(range(0, 3600, 60))
    total_rps: float = 100.0
    pods: tuple[str, ...] = ("a", "b")

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Answer:
        """Answer what the survey asks at several looks."""
        assert (chunk.first_point, chunk.point_count) == (0, window.point_count)
        times = np.array([window.time_of(n).timestamp() for n in range(window.point_count)])
        if promql.startswith("sum(rate(istio_requests_total"):
            total = np.full(len(times), self.total_rps)
            return Answer(series=(Series(labels={}, times=times, samples=total),))
        assert promql.startswith("label_replace(count(")
        return Answer(
            series=tuple(
                Series(labels={"metric": name}, times=times, samples=np.full(len(times), count))
                for name, count in self.series_counts.items()
            )
        )

    def instant(self, promql: str, at: datetime) -> Answer:
        """Answer what the survey asks once."""
        if promql.startswith("bottomk"):
            one = np.array([at.timestamp()])
            return Answer(
                series=tuple(
                    Series(labels={"namespace": "shop", "pod": pod}, times=one, samples=one)
                    for pod in self.pods
                )
            )
        known = {
            "container_cpu_usage_seconds_total{": self.cpu_times,
            "istio_requests_total{": self.request_times,
        }
        times = next(times for start, times in known.items() if promql.startswith(start))
        stamps = at.timestamp() - 3600 + np.array(times, dtype=float)
        return Answer(
            series=tuple(
                Series(labels={"pod": pod}, times=stamps, samples=stamps) for pod in self.pods
            )
        )
