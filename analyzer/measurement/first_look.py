"""What this Prometheus holds in the time asked for: labels, series and proxies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from analyzer.errors import InsufficientData
from analyzer.measurement.detect import Samples
from analyzer.measurement.label_evidence import Rows
from analyzer.measurement.looks import at_all_looks
from analyzer.measurement.metrics import CPU, REQUESTS
from analyzer.measurement.proxy_counting import count_proxies
from analyzer.measurement.proxy_counts import ProxyCounts, parts_of
from analyzer.measurement.seen import Seen
from analyzer.measurement.whereabouts import further_looks
from analyzer.prometheus.connection import Source
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
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
    seen = Seen(scope=scope, cluster_label=cluster_label, replica_labels=replica_labels)
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


def _require_labels(source: Source, seen: Seen) -> None:
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
