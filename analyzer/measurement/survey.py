"""Looking before measuring: what this Prometheus holds, and how finely it was scraped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from analyzer.errors import InsufficientData
from analyzer.measurement.detect import (
    CGROUPS,
    NO_CLUSTER,
    Sample,
    Samples,
    detect_label_mapping,
    samples_of,
)
from analyzer.measurement.metrics import CPU, ESSENTIAL, REQUESTS
from analyzer.prometheus.connection import Source
from analyzer.prometheus.label_mapping import Attribution, Exporter, LabelMapping
from analyzer.prometheus.promql import Scope, duration, selector
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response, Series
from analyzer.window import Chunk, TimeWindow

__all__ = ["Survey", "count_series", "find_label_mapping", "looks_at", "survey"]

_LOOKS = 5
"""Times at which the survey looks for series: a mesh that moved away an hour ago is still seen."""

_SAMPLE_SECONDS = 3600
"""Length of the raw samples read for the scrape intervals: twelve scrapes at 5 minutes."""

_RULE_SECONDS = 30.0
"""What recorded CPU counts as: its samples are rates of five minutes; no step may be shorter."""

_NO_CONTAINERS = (
    f"the series of {CPU} name no container here: the kubelet's cAdvisor knows only cgroups; "
    "its container runtime must tell it of containers (CRI stats), and the job must keep the "
    "label `container`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found.

    Attributes:
        label_mapping: what this installation calls things.
        series_counts: series of each metric within the scope; absent ones are not in it.
        cpu_scrape_seconds: usual interval between two CPU samples of one proxy.
        request_scrape_seconds: the same for its request counters.
        duplicate_scrapes: proxies that are scraped more than once, by exporter.
    """

    label_mapping: LabelMapping
    series_counts: Mapping[str, int]
    cpu_scrape_seconds: float
    request_scrape_seconds: float
    duplicate_scrapes: Mapping[str, int]

    @property
    def slower_scrape_seconds(self) -> float:
        """The interval that decides how short a step may be."""
        return max(self.cpu_scrape_seconds, self.request_scrape_seconds)

    @property
    def missing(self) -> tuple[str, ...]:
        """Metrics that were not found."""
        return tuple(name for name in ESSENTIAL if name not in self.series_counts)


def survey(
    source: Source,
    scope: Scope,
    start: datetime,
    end: datetime,
    *,
    cluster_label: str | None = None,
) -> Survey:
    """Find out what can be measured between `start` and `end`.

    Raises:
        InsufficientData: if the main question cannot be answered, with what is missing.
        PrometheusError: if the server could not be asked.
    """
    looks = looks_at(start, end)
    samples, label_mapping = find_label_mapping(source, looks, cluster_label)
    if scope.cluster and label_mapping.cluster == NO_CLUSTER:
        raise InsufficientData(
            f"--cluster {scope.cluster}: no label tells clusters apart here; if there is one, name "
            "it with --cluster-label"
        )
    counts, seen_at = count_series(source, scope, label_mapping, looks)
    for name in (CPU, REQUESTS):
        if name not in counts:
            has_cgroups = name == CPU and bool(samples[CGROUPS])
            raise InsufficientData(
                _NO_CONTAINERS if has_cgroups else _nothing_found(name, scope, counts)
            )
    _require_join(source, scope, label_mapping, counts, seen_at)
    _require_traffic(source, scope, label_mapping, looks)
    # Recording rules may be there beside the counter that is read.
    cpu = [one for one in samples[Exporter.CADVISOR] if one.labels["__name__"] == label_mapping.cpu]
    return Survey(
        label_mapping=label_mapping,
        series_counts=counts,
        cpu_scrape_seconds=max(
            _scrape_seconds(source, cpu),
            _RULE_SECONDS if label_mapping.is_recorded else 0.0,
        ),
        request_scrape_seconds=_scrape_seconds(source, samples[Exporter.PROXY]),
        duplicate_scrapes=_duplicate_scrapes(source, scope, label_mapping, seen_at),
    )


def find_label_mapping(
    source: Source, looks: TimeWindow, cluster_label: str | None = None
) -> tuple[Samples, LabelMapping]:
    """Return a few series of each exporter, and what they call things."""
    promql = load_query("survey_labels").render(Scope(), LabelMapping())
    samples = samples_of(_at_looks(source, promql, looks))
    return samples, detect_label_mapping(samples, cluster_label)


def count_series(
    source: Source, scope: Scope, label_mapping: LabelMapping, looks: TimeWindow
) -> tuple[dict[str, int], datetime]:
    """Count the series of every metric of interest.

    Returns:
        The largest count seen of each metric, and the last time at which CPU and requests were
        both there (the window's end where they never were).
    """
    answer = _at_looks(
        source, load_query("survey_series_count").render(scope, label_mapping), looks
    )
    counts = {
        series.labels.get("metric", ""): int(series.samples.max())
        for series in answer.series
        if len(series.samples)
    }
    times = [
        set(series.times)
        for series in answer.series
        if series.labels.get("metric") in {CPU, REQUESTS}
    ]
    both = set.intersection(*times) if len(times) == 2 else set()  # noqa: PLR2004 - CPU, requests
    seen_at = datetime.fromtimestamp(max(both), looks.end.tzinfo) if both else looks.end
    return counts, seen_at


def looks_at(start: datetime, end: datetime) -> TimeWindow:
    """Return a few points spread over the time asked for, the last one at its end."""
    step_seconds = max(1, int((end - start).total_seconds()) // _LOOKS)
    count = int((end - start).total_seconds()) // step_seconds
    first = datetime.fromtimestamp(round(end.timestamp()) - count * step_seconds, end.tzinfo)
    last = datetime.fromtimestamp(round(end.timestamp()), end.tzinfo)
    return TimeWindow(start=first, end=last, step_seconds=step_seconds)


def _at_looks(source: Source, promql: str, looks: TimeWindow) -> Response:
    return source.points(promql, looks, Chunk(first_point=0, point_count=looks.point_count))


def _require_join(
    source: Source,
    scope: Scope,
    mapping: LabelMapping,
    counts: Mapping[str, int],
    at: datetime,
) -> None:
    if mapping.attribution != Attribution.POD:
        if "kube_pod_info" in counts:
            return
        raise InsufficientData(
            f"{REQUESTS} carries no label of a pod here, and kube_pod_info, which knows the pods' "
            f"addresses and workloads, is not there: {ESSENTIAL['kube_pod_info']}, or keep the "
            "label `pod` when scraping the proxies"
        )
    promql = load_query("survey_joined_pods").render(scope, mapping)
    if not source.instant(promql, at).series:
        raise InsufficientData(
            f"no pod has both {CPU} of a container istio-proxy and {REQUESTS}: "
            f"the labels {mapping.cadvisor.namespace}/{mapping.cadvisor.pod} of the one and "
            f"{mapping.proxy.namespace}/{mapping.proxy.pod} of the other must name the same pod; "
            "check the relabelling of the job that scrapes the proxies"
        )


def _duplicate_scrapes(
    source: Source, scope: Scope, label_mapping: LabelMapping, at: datetime
) -> dict[str, int]:
    if label_mapping.attribution != Attribution.POD:
        return {}
    answer = source.instant(load_query("survey_duplicate_scrapes").render(scope, label_mapping), at)
    return {series.labels["exporter"]: int(series.samples[0]) for series in answer.series}


def _require_traffic(
    source: Source, scope: Scope, label_mapping: LabelMapping, looks: TimeWindow
) -> None:
    query = load_query("survey_total_requests_rps")
    # At least a quarter of an hour back: rate() needs two samples, and a look may be a day apart.
    window_seconds = max(900, min(looks.step_seconds, 3600))
    promql = query.render(scope, label_mapping, window_seconds=window_seconds)
    if not any((series.samples > 0).any() for series in _at_looks(source, promql, looks).series):
        raise InsufficientData(
            f"{REQUESTS} is there but did not grow at any of {looks.point_count} moments from "
            f"{looks.start:%Y-%m-%d %H:%M} to {looks.end:%Y-%m-%d %H:%M} UTC: without traffic the "
            "cost of a request cannot be fitted; ask for a time with traffic (--start, --end, "
            "--days)"
        )


def _scrape_seconds(source: Source, samples: Sequence[Sample]) -> float:
    """Return the usual time between two samples of the series that were seen last."""
    seen_at = max(sample.seen_at_seconds for sample in samples)
    labels = [sample.labels for sample in samples if sample.seen_at_seconds == seen_at]
    promql = f"{selector(labels)}[{duration(_SAMPLE_SECONDS)}]"
    answer = source.instant(promql, datetime.fromtimestamp(seen_at, UTC))
    known = [gap for series in answer.series if (gap := _usual_gap(series))]
    if not known:
        raise InsufficientData(
            "fewer than two samples of any proxy in the last hour of the time asked for: "
            "wait for two scrapes, or ask for an earlier time (--end)"
        )
    seconds = float(np.median(known))
    # Scrape intervals are whole seconds; the odd millisecond is jitter.
    return float(round(seconds)) if seconds >= 1 else seconds


def _usual_gap(series: Series) -> float | None:
    gaps = np.diff(np.unique(series.times))
    return float(np.median(gaps)) if len(gaps) else None


def _nothing_found(name: str, scope: Scope, counts: Mapping[str, int]) -> str:
    where = "" if scope.is_whole else " within --namespace/--cluster"
    neither = CPU not in counts and REQUESTS not in counts
    other = "no Istio metrics at all" if neither else f"no {name}"
    container = ' of a container "istio-proxy"' if name == CPU and not neither else ""
    mending = ESSENTIAL[REQUESTS if neither else name]
    return f"this Prometheus has {other}{container}{where}: {mending}"
