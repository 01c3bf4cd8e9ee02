"""What this Prometheus holds in the time asked for: labels, series and proxies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from analyzer.errors import InsufficientData
from analyzer.measurement import detect
from analyzer.measurement.detect import Samples
from analyzer.measurement.label_evidence import (
    Rows,
    by_evidence,
    containers_promql,
    is_open,
    rows_of_pods,
    spelling_of,
)
from analyzer.measurement.looks import at_all_looks, at_looks
from analyzer.measurement.metrics import CPU, REQUESTS
from analyzer.measurement.proxy_counts import Key, ProxyCounts, count_proxies, parts_of, site_of
from analyzer.measurement.whereabouts import further_looks
from analyzer.prometheus.connection import Source
from analyzer.prometheus.label_mapping import Attribution, Exporter, LabelMapping
from analyzer.prometheus.promql import Scope, Spelling
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response, joined
from analyzer.settings import Setting
from analyzer.window import TimeWindow

_LOOKS = 5
"""Times at which the survey looks for series: a mesh that moved away an hour ago is still seen."""

_ROUNDS = 2
"""What a first round finds may change what labels are called, and so what is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found, whether or not it is enough for an answer.

    Attributes:
        looks: a few moments, spread over the time asked for, and more where some proxies were.
        samples: a few series of each exporter, of each cluster and scrape job.
        series_counts: the most series seen of each metric in the scope, without absent ones.
        proxy_counts: the proxies of each part of the time; None where the server does not count.
        seen_at: the last time at which CPU and requests were both there; the end, if never.
        rows: what `label_evidence` read to find out which labels name the pods; empty if nothing.
        is_joined: whether CPU and requests name the same pods.
    """

    scope: Scope
    looks: tuple[TimeWindow, ...]
    samples: Samples
    label_mapping: LabelMapping
    series_counts: Mapping[str, int]
    proxy_counts: ProxyCounts | None
    seen_at: datetime
    rows: Rows
    is_joined: bool

    @property
    def times(self) -> TimeWindow:
        """The moments that are spread over the time asked for."""
        return self.looks[0]

    def promql(self, name: str, *, window_seconds: int | None = None) -> str:
        """Return one of the survey's queries as it is sent."""
        query = load_query(name)
        return query.render(self.scope, self.label_mapping, window_seconds=window_seconds)


def look(
    source: Source,
    scope: Scope,
    start: datetime,
    end: datetime,
    *,
    cluster_label: str | None = None,
    replica_labels: tuple[str, ...] = (),
) -> Look:
    """Find out what is there between `start` and `end`.

    Raises InsufficientData if not all series have the cluster label that the user named, or none
    has a replica label.
    """
    seen = _Seen(scope=scope, cluster_label=cluster_label, replica_labels=replica_labels)
    seen = seen.with_looks(source, looks_at(start, end)).joined_pods(source)
    counts = None
    for _ in range(_ROUNDS):
        asked, mapping = seen.countable_scope, seen.label_mapping
        count = partial(count_proxies, source, asked, mapping, series_counts=seen.series_counts)
        counts = count(parts_of(start, end))
        if counts is None:
            break
        for looks in further_looks(counts, seen.sites, count, start, end):
            seen = seen.with_looks(source, looks)
        if (seen.countable_scope, seen.label_mapping) == (asked, mapping):
            break
    _require_labels(source, seen)
    seen = seen.joined_pods(source)
    return Look(
        scope=scope,
        looks=seen.looks,
        samples=seen.samples,
        label_mapping=seen.label_mapping,
        series_counts=seen.series_counts,
        proxy_counts=counts,
        seen_at=seen.last_complete,
        rows=seen.rows,
        is_joined=seen.is_joined,
    )


def looks_at(start: datetime, end: datetime) -> TimeWindow:
    """Return a few points spread over the time asked for, the last one at its end."""
    whole_seconds = int((end - start).total_seconds())
    step_seconds = max(1, whole_seconds // _LOOKS)
    last = datetime.fromtimestamp(round(end.timestamp()), end.tzinfo)
    first = last - timedelta(seconds=whole_seconds // step_seconds * step_seconds)
    return TimeWindow(start=first, end=last, step_seconds=step_seconds)


_NOTHING = Response(series=())
_USUAL = LabelMapping()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the looks so far have found."""

    scope: Scope
    cluster_label: str | None
    replica_labels: tuple[str, ...] = ()
    looks: tuple[TimeWindow, ...] = ()
    labels: Response = _NOTHING
    counted: Response = _NOTHING
    samples: Samples = field(default_factory=dict)
    label_mapping: LabelMapping = _USUAL
    rows: Rows = field(default_factory=dict)
    is_joined: bool = False

    def with_looks(self, source: Source, looks: TimeWindow) -> _Seen:
        """Look at more moments."""
        asked = LabelMapping(cluster=self.cluster_label or LabelMapping().cluster)
        promql = load_query("survey_labels").render(Scope(), asked)
        labels = joined([self.labels, at_looks(source, promql, looks)])
        labels, spelling = _with_containers(source, labels, looks)
        samples = detect.samples_of(labels)
        detected = detect.detect_label_mapping(samples, self.cluster_label)
        mapping = replace(detected, replica_labels=self.replica_labels, spelling=spelling)
        rows: Rows = {}
        if self.rows or is_open(samples):
            rows = rows_of_pods(source, samples, mapping)
            mapping = by_evidence(mapping, samples, rows)
        seen = replace(self, labels=labels, samples=samples, label_mapping=mapping, rows=rows)
        return seen.with_counts(source, looks)

    def with_counts(self, source: Source, looks: TimeWindow) -> _Seen:
        """Count the series of each metric at some moments."""
        promql = load_query("survey_series_count").render(self.scope, self.label_mapping)
        counted = joined([self.counted, at_looks(source, promql, looks)])
        return replace(self, looks=(*self.looks, looks), counted=counted)

    def joined_pods(self, source: Source) -> _Seen:
        """Find out whether CPU and requests name the same pods; if not, by which labels they do."""
        if self.is_joined or not self._should_join:
            return self
        if _is_joined(source, self):
            return replace(self, is_joined=True)
        rows = self.rows or rows_of_pods(source, self.samples, self.label_mapping)
        mapping = by_evidence(self.label_mapping, self.samples, rows)
        if mapping == self.label_mapping:
            return replace(self, rows=rows)
        looks, seen = self.looks, replace(self, looks=(), counted=_NOTHING, label_mapping=mapping)
        for times in looks:
            seen = seen.with_counts(source, times)
        return replace(seen, rows=rows, is_joined=True)

    @property
    def _should_join(self) -> bool:
        has_both = {CPU, REQUESTS} <= self.series_counts.keys()
        return has_both and self.label_mapping.attribution == Attribution.POD

    @property
    def series_counts(self) -> Mapping[str, int]:
        return {
            series.labels.get("metric", ""): int(series.samples.max())
            for series in self.counted.series
            if len(series.samples)
        }

    @property
    def countable_scope(self) -> Scope:
        """The scope; all where no series has shown what its labels are called here."""
        is_known = self.samples[Exporter.PROXY] or self.samples[Exporter.CADVISOR]
        return self.scope if is_known else Scope()

    @property
    def sites(self) -> Iterable[Key]:
        """The scrape jobs of which a series was seen; none where the scope lacks a metric."""
        if not {CPU, REQUESTS} <= self.series_counts.keys():
            return ()
        return {
            (str(exporter), *site_of(sample.labels, self.label_mapping))
            for exporter in (Exporter.CADVISOR, Exporter.PROXY)
            for sample in self.samples[exporter]
        }

    @property
    def last_complete(self) -> datetime:
        """The last look that saw CPU and requests; the end of the time asked for, if none did."""
        times = [
            set(series.times.tolist())
            for series in self.counted.series
            if series.labels.get("metric") in {CPU, REQUESTS}
        ]
        both = set.intersection(*times) if len(times) > 1 else set()
        return datetime.fromtimestamp(max(both), UTC) if both else self.looks[0].end


def _is_joined(source: Source, seen: _Seen) -> bool:
    """Return whether any pod has both CPU and requests."""
    promql = load_query("survey_joined_pods").render(seen.scope, seen.label_mapping)
    # VictoriaMetrics finds older samples where looks are far apart: there the last may be too late.
    at_last = source.instant(promql, seen.last_complete).series
    return bool(at_last or at_all_looks(source, promql, seen.looks).series)


def _with_containers(
    source: Source, labels: Response, looks: TimeWindow
) -> tuple[Response, Spelling]:
    """Return also series whose container has no usual label, and how the server reads dots."""
    samples = detect.samples_of(labels)
    spelling = spelling_of(source, samples, looks.end)
    if samples[Exporter.CADVISOR] or not samples[detect.CGROUPS]:
        return labels, spelling
    promql = containers_promql(samples, spelling)
    return (joined([labels, at_looks(source, promql, looks)]) if promql else labels), spelling


def _require_labels(source: Source, seen: _Seen) -> None:
    """Raise InsufficientData if the user named a replica label that no series has."""
    shown = {name for part in seen.samples.values() for one in part for name in one.labels}
    for label in seen.replica_labels:
        having = f'{{{label}!=""}}'
        promql = " or ".join(f"count({name}{having})" for name in (REQUESTS, CPU, "istio_build"))
        if label in shown or at_all_looks(source, promql, seen.looks).series:
            continue
        raise InsufficientData(
            f"No series of a proxy has the label {label!r}. Check the spelling of "
            f"{Setting.REPLICA_LABELS}."
        )
