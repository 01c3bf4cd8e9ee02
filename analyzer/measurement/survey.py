"""The survey before measuring: what this Prometheus holds, and how finely it was scraped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from analyzer.errors import InsufficientData, PrometheusError
from analyzer.measurement import detect
from analyzer.measurement.detect import Sample, Samples
from analyzer.measurement.elsewhere import why_nothing
from analyzer.measurement.looks import at_looks
from analyzer.measurement.metrics import CPU, ESSENTIAL, REQUESTS
from analyzer.prometheus.connection import Source
from analyzer.prometheus.label_mapping import Attribution, Exporter, LabelMapping
from analyzer.prometheus.promql import Scope, selector
from analyzer.prometheus.query import load_query
from analyzer.settings import Setting
from analyzer.window import TimeWindow

_LOOKS = 5
"""Times at which the survey looks for series: a mesh that moved away an hour ago is still seen."""

_SAMPLE_SECONDS = 3600
"""Length of the raw samples read for the scrape intervals: twelve scrapes at 5 minutes."""

_ENGINE_SECONDS = 300
"""The value of `survey_engine` steps up at multiples of this; its range begins just before one."""

_RULE_SECONDS = 30.0
"""What recorded CPU counts as: its samples are rates of five minutes; no step may be shorter."""

_NO_CONTAINERS = (
    f"The series of {CPU} have no container name: the kubelet's cAdvisor reports only cgroups. Let "
    "the container runtime report containers to the kubelet (CRI stats), and keep the label "
    "`container` in the scrape job."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found, whether or not it is enough for an answer.

    Attributes:
        times: a few, spread over the time asked for.
        samples: a few series of each exporter.
        series_counts: the most series seen of each metric in the scope, without absent ones.
        seen_at: the last time at which CPU and requests were both there; the end, if never.
    """

    scope: Scope
    times: TimeWindow
    samples: Samples
    label_mapping: LabelMapping
    series_counts: Mapping[str, int]
    seen_at: datetime

    def promql(self, name: str, *, window_seconds: int | None = None) -> str:
        """Return one of the survey's queries as it is sent."""
        query = load_query(name)
        return query.render(self.scope, self.label_mapping, window_seconds=window_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found.

    Attributes:
        series_counts: as `Look.series_counts`.
        cpu_scrape_seconds: usual interval between two CPU samples of one proxy.
        request_scrape_seconds: the same for its request counters.
        duplicate_scrapes: proxies that are scraped more than once, by exporter.
        reads_sample_before: whether a rate uses the last sample before its range (VictoriaMetrics).
    """

    label_mapping: LabelMapping
    series_counts: Mapping[str, int]
    cpu_scrape_seconds: float
    request_scrape_seconds: float
    duplicate_scrapes: Mapping[str, int]
    reads_sample_before: bool = False

    @property
    def slower_scrape_seconds(self) -> float:
        """The interval that decides how short a step may be."""
        return max(self.cpu_scrape_seconds, self.request_scrape_seconds)

    @property
    def missing(self) -> tuple[str, ...]:
        """Metrics that were not found."""
        return tuple(name for name in ESSENTIAL if name not in self.series_counts)


def look(
    source: Source,
    scope: Scope,
    start: datetime,
    end: datetime,
    *,
    cluster_label: str | None = None,
) -> Look:
    """Find out what is there between `start` and `end`.

    Raises InsufficientData if not all series have the cluster label that the user named.
    """
    times = looks_at(start, end)
    promql = load_query("survey_labels").render(Scope(), LabelMapping())
    samples = detect.samples_of(at_looks(source, promql, times))
    mapping = detect.detect_label_mapping(samples, cluster_label)
    promql = load_query("survey_series_count").render(scope, mapping)
    found = [series for series in at_looks(source, promql, times).series if len(series.samples)]
    by_metric = {series.labels.get("metric", ""): series for series in found}
    both: set[float] = set()
    if {CPU, REQUESTS} <= by_metric.keys():
        both = set(by_metric[CPU].times) & set(by_metric[REQUESTS].times)
    return Look(
        scope=scope,
        times=times,
        samples=samples,
        label_mapping=mapping,
        series_counts={name: int(series.samples.max()) for name, series in by_metric.items()},
        seen_at=datetime.fromtimestamp(max(both), UTC) if both else times.end,
    )


def examine(source: Source, seen: Look) -> Survey:
    """Find out how finely the main question can be answered; InsufficientData if not."""
    mapping, counts, scope = seen.label_mapping, seen.series_counts, seen.scope
    if scope.cluster and mapping.cluster == detect.NO_CLUSTER:
        raise InsufficientData(
            f"{Setting.CLUSTER} {scope.cluster} cannot be selected: no cluster label was found. "
            f"If there is one, name it with {Setting.CLUSTER_LABEL}."
        )
    if CPU not in counts and seen.samples[detect.CGROUPS]:
        raise InsufficientData(_NO_CONTAINERS)
    missing = [name for name in (REQUESTS, CPU) if name not in counts]
    if missing:
        found_elsewhere = why_nothing(source, scope, mapping, seen.times, missing)
        raise InsufficientData(found_elsewhere or _nothing_found(scope, counts))
    _require_join(source, seen)
    _require_traffic(source, seen)
    # Recording rules may be there beside the counter that is read.
    cpu = [one for one in seen.samples[Exporter.CADVISOR] if one.labels["__name__"] == mapping.cpu]
    cpu_seconds = _scrape_seconds(source, cpu)
    return Survey(
        label_mapping=mapping,
        series_counts=counts,
        cpu_scrape_seconds=max(cpu_seconds, _RULE_SECONDS) if mapping.is_recorded else cpu_seconds,
        request_scrape_seconds=_scrape_seconds(source, seen.samples[Exporter.PROXY]),
        duplicate_scrapes=_duplicate_scrapes(source, seen),
        reads_sample_before=_reads_sample_before(source, seen),
    )


def looks_at(start: datetime, end: datetime) -> TimeWindow:
    """Return a few points spread over the time asked for, the last one at its end."""
    whole_seconds = int((end - start).total_seconds())
    step_seconds = max(1, whole_seconds // _LOOKS)
    last = datetime.fromtimestamp(round(end.timestamp()), end.tzinfo)
    first = last - timedelta(seconds=whole_seconds // step_seconds * step_seconds)
    return TimeWindow(start=first, end=last, step_seconds=step_seconds)


def _require_join(source: Source, seen: Look) -> None:
    mapping = seen.label_mapping
    if mapping.attribution != Attribution.POD:
        if "kube_pod_info" in seen.series_counts:
            return
        raise InsufficientData(
            f"{REQUESTS} has no pod label, and kube_pod_info is missing, which maps IPs to pods. "
            "Keep the label `pod` when scraping the proxies, or add kube_pod_info. "
            f"{ESSENTIAL['kube_pod_info'].fix}"
        )
    if not source.instant(seen.promql("survey_joined_pods"), seen.seen_at).series:
        raise InsufficientData(
            f"No pod has both {CPU} (container istio-proxy) and {REQUESTS}. The labels "
            f"{mapping.cadvisor.namespace}/{mapping.cadvisor.pod} of the first and "
            f"{mapping.proxy.namespace}/{mapping.proxy.pod} of the second must name the same pod. "
            "Check the relabelling of the proxies' scrape job."
        )


def _duplicate_scrapes(source: Source, seen: Look) -> dict[str, int]:
    if seen.label_mapping.attribution != Attribution.POD:
        return {}
    found = source.instant(seen.promql("survey_duplicate_scrapes"), seen.seen_at)
    return {series.labels["exporter"]: int(series.samples[0]) for series in found.series}


def _reads_sample_before(source: Source, seen: Look) -> bool:
    """Return whether the server's increase() uses the last sample before its range.

    What does not answer is Prometheus, or asks Prometheus.
    """
    seconds = int(seen.seen_at.timestamp()) // _ENGINE_SECONDS * _ENGINE_SECONDS - 1
    at = datetime.fromtimestamp(seconds, UTC)
    try:
        found = source.instant(load_query("survey_engine").template, at).series
    except PrometheusError:
        return False
    return any(series.samples[0] > 0 for series in found)


def _require_traffic(source: Source, seen: Look) -> None:
    times = seen.times
    # At least a quarter of an hour back: rate() needs two samples, and a look may be a day apart.
    window_seconds = max(900, min(times.step_seconds, 3600))
    promql = seen.promql("survey_total_requests_rps", window_seconds=window_seconds)
    rates = at_looks(source, promql, times).series
    if not any((series.samples > 0).any() for series in rates):
        raise InsufficientData(
            f"{REQUESTS} did not grow at any of {times.point_count} moments from "
            f"{times.start:%Y-%m-%d %H:%M} to {times.end:%Y-%m-%d %H:%M} UTC. Without traffic the "
            f"cost per request cannot be fitted. Choose a time with traffic ({Setting.START}, "
            f"{Setting.END}, {Setting.DAYS})."
        )


def _scrape_seconds(source: Source, samples: Sequence[Sample]) -> float:
    """Return the usual time between two samples of the series that were seen last."""
    seen_at = max(sample.seen_at_seconds for sample in samples)
    labels = [sample.labels for sample in samples if sample.seen_at_seconds == seen_at]
    promql = f"{selector(labels)}[{_SAMPLE_SECONDS}s]"
    found = source.instant(promql, datetime.fromtimestamp(seen_at, UTC))
    gaps = (np.diff(np.unique(series.times)) for series in found.series)
    known = [float(np.median(of_series)) for of_series in gaps if len(of_series)]
    if not known:
        raise InsufficientData(
            "No proxy has two samples in the last hour of the requested time. Wait for two "
            f"scrapes, or choose an earlier time ({Setting.END})."
        )
    seconds = float(np.median(known))
    # Scrape intervals are whole seconds; the odd millisecond is jitter.
    return float(round(seconds)) if seconds >= 1 else seconds


def _nothing_found(scope: Scope, counts: Mapping[str, int]) -> str:
    if REQUESTS in counts:
        lacking, fix = f"no {CPU} of a container istio-proxy", ESSENTIAL[CPU].fix
    else:
        lacking = f"no {REQUESTS}" if CPU in counts else "no Istio metrics"
        fix = ESSENTIAL[REQUESTS].fix
    chosen = scope.namespaces or scope.cluster
    where = f" within {Setting.NAMESPACES}/{Setting.CLUSTER}" if chosen else ""
    return f"This Prometheus has {lacking}{where}. {fix}"
