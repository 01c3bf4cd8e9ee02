"""The survey before measuring: what this Prometheus holds, and how finely it was scraped."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from analyzer.errors import InsufficientData, PrometheusError, QueryTooHeavy
from analyzer.measurement import detect
from analyzer.measurement.elsewhere import why_nothing
from analyzer.measurement.first_look import Look
from analyzer.measurement.looks import at_looks
from analyzer.measurement.metrics import CORE_COUNTERS, CPU, ESSENTIAL, PODS, REQUESTS
from analyzer.measurement.proxy_counts import Key, ProxyCounts, Site
from analyzer.measurement.recorded import RuleSet
from analyzer.measurement.scrapes import deciding_seconds, scrape_intervals, usual_seconds
from analyzer.measurement.twice import find_twice, scraped_once
from analyzer.measurement.unjoined import unjoined
from analyzer.prometheus.connection import Source
from analyzer.prometheus.expected import is_one
from analyzer.prometheus.fetch import points_in_chunks
from analyzer.prometheus.label_mapping import Attribution, Exporter, LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response
from analyzer.settings import Setting
from analyzer.window import Chunk

_ENGINE_SECONDS = 300
"""The value of `survey_engine` steps up at multiples of this; its range begins just before one."""

_RULE_SECONDS = 30.0
"""What recorded CPU counts as: its samples are rates of five minutes; no step may be shorter."""

_MANY_CONTAINERS = 1000
"""Proxies from which it is worth a request to know that none has counters of single cores."""

_LONGEST_SCRAPE_SECONDS = 7200
"""Twice the interval of the slowest samples that are read: Thanos has one an hour of old ones."""

_SHORTEST_RATE_SECONDS = 900
"""Twice the time between two scrapes at five minutes, and one more."""

_NO_CONTAINERS = (
    f"The series of {CPU} have no container name: the kubelet's cAdvisor reports only cgroups. Let "
    "the container runtime report containers to the kubelet (CRI stats), and keep the label "
    "`container` in the scrape job."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found.

    Attributes:
        series_counts: as `Look.series_counts`.
        cpu_scrape_seconds: usual interval between two CPU samples of one proxy, of the slowest
            scrape jobs that matter.
        request_scrape_seconds: the same for its request counters.
        duplicate_scrapes: proxies that are scraped more than once, by exporter.
        copied_proxies: proxies with copies that only `LabelMapping.replica_labels` separate.
        alike_proxies: proxies with series that look alike and are not understood.
        proxy_counts: as `Look.proxy_counts`, with the interval of each scrape job.
        is_scraped_once: whether no proxy was scraped by several jobs in any part of the time.
        has_core_counters: whether a proxy may have CPU counters of single cores.
        reads_sample_before: whether a rate uses the last sample before its range (VictoriaMetrics).
        rules: the recording rules that answer in place of raw samples; None if none do.
    """

    label_mapping: LabelMapping
    series_counts: Mapping[str, int]
    cpu_scrape_seconds: float
    request_scrape_seconds: float
    duplicate_scrapes: Mapping[str, int]
    copied_proxies: int = 0
    alike_proxies: int = 0
    proxy_counts: ProxyCounts | None = None
    is_scraped_once: bool = False
    has_core_counters: bool = True
    reads_sample_before: bool = False
    rules: RuleSet | None = None

    @property
    def slower_scrape_seconds(self) -> float:
        """The interval that decides how short a step may be."""
        return max(self.cpu_scrape_seconds, self.request_scrape_seconds)

    @property
    def proxy_count(self) -> int:
        """The most proxies at a time, as far as the looks and the counts of parts show."""
        # One proxy may have several series, and in a part of the time some follow others.
        known = [
            self.series_counts[one] for one in (CPU, "istio_build") if one in self.series_counts
        ]
        if self.proxy_counts:
            known.append(int(max(self.proxy_counts.seen(Exporter.CADVISOR), default=0)))
        return min(known, default=0)

    @property
    def slowest(self) -> str:
        """As `ProxyCounts.slowest`."""
        return self.proxy_counts.slowest(self.slower_scrape_seconds) if self.proxy_counts else ""

    @property
    def missing(self) -> tuple[str, ...]:
        """Metrics that were not found."""
        return tuple(name for name in ESSENTIAL if name not in self.series_counts)


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
    _require_join(seen)
    _require_traffic(source, seen)
    cpu_seconds, cpu_jobs = _intervals(source, seen, Exporter.CADVISOR)
    request_seconds, request_jobs = _intervals(source, seen, Exporter.PROXY)
    proxy_counts = seen.proxy_counts
    twice = find_twice(source, seen, request_seconds)
    return Survey(
        label_mapping=replace(mapping, replica_labels=twice.replica_labels),
        series_counts=counts,
        cpu_scrape_seconds=max(cpu_seconds, _RULE_SECONDS) if mapping.is_recorded else cpu_seconds,
        request_scrape_seconds=request_seconds,
        duplicate_scrapes=twice.duplicate_scrapes,
        copied_proxies=twice.copied_proxies,
        alike_proxies=twice.alike_proxies,
        proxy_counts=proxy_counts and proxy_counts.with_intervals({**cpu_jobs, **request_jobs}),
        is_scraped_once=scraped_once(seen, twice),
        has_core_counters=_has_core_counters(source, seen),
        reads_sample_before=_reads_sample_before(source, seen),
    )


def _has_core_counters(source: Source, seen: Look) -> bool:
    """Return whether a proxy may have CPU counters of single cores at any time.

    What a server does not answer may be there.
    """
    counts = seen.series_counts
    if counts.get(CPU, 0) < _MANY_CONTAINERS or CORE_COUNTERS in counts:
        # For few a request more takes longer than it saves. Where looks show some, they are not all
        # read only to find that out.
        return True
    times = seen.times
    # A rate reads samples from before the first step.
    seconds = int((times.end - times.start).total_seconds()) + _LONGEST_SCRAPE_SECONDS
    promql = seen.promql("survey_core_counters", window_seconds=seconds)
    try:
        return bool(source.instant(promql, times.end).series)
    except PrometheusError:
        return True


def _require_join(seen: Look) -> None:
    mapping = seen.label_mapping
    if mapping.attribution != Attribution.POD:
        if PODS in seen.series_counts:
            return
        raise InsufficientData(
            f"{REQUESTS} has no pod label, and kube_pod_info is missing, which maps IPs to pods. "
            "Keep the label `pod` when scraping the proxies, or add kube_pod_info. "
            f"{ESSENTIAL['kube_pod_info'].fix}"
        )
    if not seen.is_joined:
        raise InsufficientData(unjoined(mapping, seen.rows))


def _reads_sample_before(source: Source, seen: Look) -> bool:
    """Return whether the server's increase() uses the last sample before its range.

    What does not answer is Prometheus, or asks Prometheus. Raises PrometheusError if the increase
    is neither 0 nor 1.
    """
    seconds = int(seen.seen_at.timestamp()) // _ENGINE_SECONDS * _ENGINE_SECONDS - 1
    at = datetime.fromtimestamp(seconds, UTC)
    try:
        found = source.instant(load_query("survey_engine").template, at).series
    except PrometheusError:
        return False
    return any(is_one(series) for series in found)


def _require_traffic(source: Source, seen: Look) -> None:
    times = seen.times
    # rate() needs two samples, and looks may be a day apart. Most meshes have traffic at one.
    longest = max(_SHORTEST_RATE_SECONDS, min(times.step_seconds, 3600))
    lengths = sorted({_SHORTEST_RATE_SECONDS, longest})
    if not any(_grows(source, seen, seconds) for seconds in lengths):
        raise InsufficientData(
            f"{REQUESTS} did not grow at any of {times.point_count} moments from "
            f"{times.start:%Y-%m-%d %H:%M} to {times.end:%Y-%m-%d %H:%M} UTC. Without traffic the "
            f"cost per request cannot be fitted. Choose a time with traffic ({Setting.START}, "
            f"{Setting.END}, {Setting.DAYS})."
        )


def _grows(source: Source, seen: Look, window_seconds: int) -> bool:
    """Return whether the requests grew before any look, in a shorter time where that is a limit."""
    promql = seen.promql("survey_total_requests_rps", window_seconds=window_seconds)
    try:
        # Most meshes have traffic at any time, which one look shows.
        times = seen.times
        last = [Chunk(first_point=times.point_count - 1, point_count=1)]
        if _is_positive(points_in_chunks(source, promql, times, last)):
            return True
        return any(_is_positive(at_looks(source, promql, looks)) for looks in seen.looks)
    except QueryTooHeavy:
        shorter = window_seconds // 2
        if shorter < _SHORTEST_RATE_SECONDS:
            raise
        return _grows(source, seen, shorter)


def _is_positive(answer: Response) -> bool:
    return any((series.samples > 0).any() for series in answer.series)


def _intervals(source: Source, seen: Look, exporter: Exporter) -> tuple[float, dict[Key, float]]:
    """Return the interval that decides for an exporter, and that of each scrape job."""
    samples = seen.samples[exporter]
    if exporter == Exporter.CADVISOR:
        # Recording rules may be there beside the counter that is read.
        samples = [one for one in samples if one.labels["__name__"] == seen.label_mapping.cpu]
    intervals = scrape_intervals(source, samples, seen.label_mapping)
    if not intervals:
        # VictoriaMetrics may have seen them up to the time between two looks earlier.
        further_back = seen.times.step_seconds
        intervals = scrape_intervals(source, samples, seen.label_mapping, further_back)
    groups = seen.proxy_counts.of(exporter) if seen.proxy_counts else ()
    weights: dict[Site, float] = {group.site: float(group.seen.sum()) for group in groups}
    seconds = deciding_seconds(intervals, weights)
    if seconds is None:
        raise InsufficientData(
            "No proxy has two samples in the last hour of the requested time. Wait for two "
            f"scrapes, or choose an earlier time ({Setting.END})."
        )
    usual = {(str(exporter), *site): usual_seconds(found) for site, found in intervals.items()}
    return seconds, usual


def _nothing_found(scope: Scope, counts: Mapping[str, int]) -> str:
    if REQUESTS in counts:
        lacking, fix = f"no {CPU} of a container istio-proxy", ESSENTIAL[CPU].fix
    else:
        lacking = f"no {REQUESTS}" if CPU in counts else "no Istio metrics"
        fix = ESSENTIAL[REQUESTS].fix
    chosen = scope.namespaces or scope.cluster
    where = f" within {Setting.NAMESPACES}/{Setting.CLUSTER}" if chosen else ""
    return f"This Prometheus has {lacking}{where}. {fix}"
