"""A server that exists only as what the survey would find out about it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from analyzer.measurement.metrics import CPU, ESSENTIAL, NORMALLY_ABSENT, OPTIONAL, REQUESTS
from analyzer.prometheus.label_mapping import CPU_RULES, LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response, Series
from analyzer.window import Chunk, TimeWindow

ALL_METRICS: Mapping[str, int] = dict.fromkeys((*ESSENTIAL, *OPTIONAL, *NORMALLY_ABSENT), 10)

LABELS, CGROUPS = (
    {
        load_query(name).render(Scope(), LabelMapping(cluster=cluster))
        for cluster in ("cluster", "region")
    }
    for name in ("survey_labels", "survey_cgroups")
)
"""The queries as they are sent with and without a cluster label that the user named."""

SITE = ("cluster", "cluster_name", "job")

ENGINE = load_query("survey_engine").template
OF_CORES = "count(present_over_time("

_SEVERAL_SERIES = "label_replace( count(sum by"

_EVERY_MINUTE = tuple(range(0, 3600, 60))


def labels_of(exporter: str, name: str, **labels: str) -> dict[str, str]:
    """Return a series as `survey_labels` shows it."""
    return {"exporter": exporter, "__name__": name, **labels}


def usual_labels(**more: str) -> list[dict[str, str]]:
    """Return a few series of each exporter with the usual names, and more labels on all of them."""
    return [
        {**one, **more}
        for pod in ("a", "b")
        for one in (
            labels_of("cadvisor", CPU, namespace="shop", pod=pod, container="istio-proxy"),
            labels_of("proxy", REQUESTS, namespace="shop", pod=pod, instance="10.0.0.7:15020"),
            labels_of("state", "kube_pod_info", namespace="shop", pod=pod),
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """Answers the survey's questions, and refuses all others.

    Attributes:
        series_counts: of each metric; what is not in it is not there.
        labels: the series that `survey_labels` shows, where their metrics are there.
        cpu_times: seconds of the last hour in which a raw CPU counter has samples.
        request_times: the same of a request counter.
        rule_times: the same of CPU by recording rules.
        joined: whether CPU and requests name the same pods.
        rows: what is answered about which labels name the pods, by `exporter`.
        duplicates: proxies that are scraped more than once, by exporter.
        reads_sample_before: whether it is VictoriaMetrics, as the survey sees it.
        core_counters: whether a proxy has CPU counters of single cores, between two looks.
        proxy_count: proxies in each part of the time; 0: as many as `labels` has.
    """

    series_counts: Mapping[str, int] = field(default_factory=lambda: ALL_METRICS)
    labels: Sequence[Mapping[str, str]] = field(default_factory=usual_labels)
    cpu_times: tuple[float, ...] = _EVERY_MINUTE
    request_times: tuple[float, ...] = _EVERY_MINUTE
    rule_times: tuple[float, ...] = _EVERY_MINUTE
    total_rps: float = 100.0
    joined: bool = True
    rows: Sequence[Mapping[str, str]] = ()
    duplicates: Mapping[str, int] = field(default_factory=dict)
    reads_sample_before: bool = False
    core_counters: bool = False
    proxy_count: int = 0

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        """Response what the survey asks at several looks."""
        points = range(chunk.first_point, chunk.first_point + chunk.point_count)
        times = np.array([window.time_of(point).timestamp() for point in points])

        def always(labels: Mapping[str, str], value: float) -> Series:
            return Series(labels=labels, times=times, samples=np.full(len(times), value))

        if promql.startswith("label_replace( count_values by"):
            return Response(series=tuple(self._counted(always)))
        if promql in LABELS:
            hidden = {CPU, REQUESTS} - self.series_counts.keys()
            shown = [labels for labels in self.labels if labels["__name__"] not in hidden]
            return Response(series=tuple(always(labels, 1.0) for labels in shown))
        if promql.startswith(
            ("label_replace( count(count by", "label_replace( count(max by", _SEVERAL_SERIES)
        ):
            is_first = promql.startswith(_SEVERAL_SERIES)
            side = "cadvisor" if f"({CPU}" in promql else "proxy"
            duplicates = [
                (name, count) for name, count in self.duplicates.items() if is_first or name == side
            ]
            return Response(
                series=tuple(always({"exporter": side}, count) for side, count in duplicates)
            )
        if promql.startswith("sum(rate(istio_requests_total"):
            return Response(series=(always({}, self.total_rps),))
        if promql in CGROUPS or promql.startswith(
            ("label_replace(max(timestamp(", "label_replace(group by")
        ):
            # There is no other time and no other namespace.
            return Response(series=())
        assert promql.startswith("label_replace(count("), promql
        counts = self.series_counts.items()
        return Response(series=tuple(always({"metric": name}, count) for name, count in counts))

    def _counted(self, always: Callable[[Mapping[str, str], float], Series]) -> Iterator[Series]:
        """Yield the proxies of every part of the time: as many as the labels name."""
        for exporter in ("cadvisor", "proxy"):
            shown = [one for one in self.labels if one["exporter"] == exporter]
            for site in {tuple(one.get(name, "") for name in SITE) for one in shown}:
                labels = {
                    "exporter": exporter,
                    "samples": "3",
                    **dict(zip(SITE, site, strict=True)),
                }
                yield always(labels, self.proxy_count or len(shown))

    def instant(self, promql: str, at: datetime) -> Response:
        """Response what the survey asks once."""
        one = np.array([at.timestamp()])
        if promql.startswith("last_over_time(istio_usage:"):
            return Response(series=())
        if promql == ENGINE:
            value = np.array([float(self.reads_sample_before)])
            return Response(series=(Series(labels={}, times=one, samples=value),))
        if promql.startswith("count( label_replace("):
            joined = Series(labels={}, times=one, samples=np.array([2.0]))
            return Response(series=(joined,) if self.joined else ())
        if promql.startswith(OF_CORES):
            return Response(
                series=(Series(labels={}, times=one, samples=one),) * self.core_counters
            )
        if promql.startswith("label_replace(group by"):
            return Response(
                series=tuple(Series(labels=row, times=one, samples=one) for row in self.rows)
            )
        known = {
            f"{CPU}{{": self.cpu_times,
            f"{REQUESTS}{{": self.request_times,
            **{f"{rule}{{": self.rule_times for rule in CPU_RULES},
        }
        times = next(times for start, times in known.items() if promql.startswith(start))
        assert re.search(r"\}\[\d+s\]$", promql)
        stamps = at.timestamp() - 3600 + np.array(times, dtype=float)
        return Response(series=(Series(labels={"pod": "a"}, times=stamps, samples=stamps),) * 2)
