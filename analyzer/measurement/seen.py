"""What the looks of a survey have found so far, and which labels name the pods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

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
from analyzer.measurement.proxy_counts import Key, site_of
from analyzer.prometheus.connection import Source
from analyzer.prometheus.expected import counts_of, require_marked_counts
from analyzer.prometheus.fetch import instant_in_pieces
from analyzer.prometheus.label_mapping import Attribution, Exporter, LabelMapping
from analyzer.prometheus.promql import Scope, Spelling
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response, joined
from analyzer.window import TimeWindow

_NOTHING = Response(series=())
_USUAL = LabelMapping()

_FEW_SHARE = 0.1
"""Share of the proxies: where fewer have CPU and requests, the labels may name something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
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

    def with_looks(self, source: Source, looks: TimeWindow) -> Seen:
        """Look at more moments."""
        asked = LabelMapping(cluster=self.cluster_label or LabelMapping().cluster)

        def found_by(name: str) -> Response:
            return at_looks(source, load_query(name).render(Scope(), asked), looks)

        labels = joined([self.labels, found_by("survey_labels")])
        # A server without any of these series lacks more than a label.
        if labels.series and not detect.samples_of(labels)[Exporter.CADVISOR]:
            labels = joined([labels, found_by("survey_cgroups")])
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

    def with_counts(self, source: Source, looks: TimeWindow) -> Seen:
        """Count the series of each metric at some moments."""
        promql = load_query("survey_series_count").render(self.scope, self.label_mapping)
        answer = at_looks(source, promql, looks)
        require_marked_counts(answer, "survey_series_count", "metric")
        counted = joined([self.counted, answer])
        return replace(self, looks=(*self.looks, looks), counted=counted)

    def joined_pods(self, source: Source) -> Seen:
        """Find out whether CPU and requests name the same pods; if not, by which labels they do."""
        if self.is_joined or not self._should_join:
            return self
        count, proxies = _joined_count(source, self), self.series_counts.get("istio_build", 0)
        if count and count >= _FEW_SHARE * proxies:
            return replace(self, is_joined=True)
        rows = self.rows or rows_of_pods(source, self.samples, self.label_mapping)
        mapping = by_evidence(self.label_mapping, self.samples, rows)
        if mapping == self.label_mapping:
            return replace(self, rows=rows, is_joined=count > 0)
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
        """The most series seen of each metric in the scope, without absent ones."""
        return {
            series.labels["metric"]: int(series.samples.max()) for series in self.counted.series
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
            if series.labels["metric"] in {CPU, REQUESTS}
        ]
        both = set.intersection(*times) if len(times) > 1 else set()
        return datetime.fromtimestamp(max(both), UTC) if both else self.looks[0].end


def _joined_count(source: Source, seen: Seen) -> float:
    """Return the number of pods that have both CPU and requests."""
    promql = load_query("survey_joined_pods").render(seen.scope, seen.label_mapping)
    # VictoriaMetrics finds older samples where looks are far apart: there the last may be too late.
    found = instant_in_pieces(source, promql, seen.last_complete).series
    found = found or at_all_looks(source, promql, seen.looks).series
    return max((float(counts_of(one).max()) for one in found), default=0.0)


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
