"""What a Prometheus can answer, and how to fix what is missing."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from analyzer.errors import InsufficientData
from analyzer.measurement import surveyed
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.first_look import look
from analyzer.measurement.metrics import CPU, ESSENTIAL, OPTIONAL, REQUESTS, Metric
from analyzer.measurement.plan import choose_window
from analyzer.measurement.proxy_counts import ProxyCounts
from analyzer.measurement.survey import Survey, examine
from analyzer.prometheus.connection import Source
from analyzer.prometheus.label_mapping import Exporter, LabelMapping
from analyzer.prometheus.promql import Scope

_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Cost per request and idle CPU of sidecars": (CPU, REQUESTS),
    "Cost of the ambient modes": (CPU, REQUESTS, "kube_node_status_allocatable"),
    "Requested CPU and billed dollars": ("kube_pod_container_resource_requests",),
    "Memory": ("container_memory_working_set_bytes",),
    "Cost of TCP in ztunnels": ("istio_tcp_sent_bytes_total",),
}
"""The answers, and the metrics that each rests on."""


class Status(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked for; the detail of a failed check is problem, cause and fix.

    Attributes:
        is_serious: whether totals would be far off because of it.
    """

    subject: str
    status: Status
    detail: str
    is_serious: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """One answer, whether this Prometheus can give it, and the metrics that are missing if not."""

    answer: str
    possible: bool
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Every check, every answer, and whether the main question can be answered."""

    checks: tuple[Check, ...]
    answers: tuple[Possible, ...]
    verdict: str
    can_answer: bool

    def to_json(self) -> dict[str, Any]:
        """Return the diagnosis as JSON."""
        return asdict(self)


def diagnose(  # noqa: PLR0913 - where, what, when, and what labels are called
    source: Source,
    scope: Scope,
    start: datetime,
    end: datetime,
    *,
    cluster_label: str | None = None,
    replica_labels: tuple[str, ...] = (),
    step_seconds: int | None = None,
) -> Diagnosis:
    """Look for every metric that queries read, and for what the main question needs.

    Raises UsageError if the requested step is too short.
    """
    try:
        seen = look(
            source, scope, start, end, cluster_label=cluster_label, replica_labels=replica_labels
        )
    except InsufficientData as error:
        return Diagnosis(checks=(), answers=(), verdict=_refused(error), can_answer=False)
    counts = seen.series_counts
    checks = (*_metric_checks(counts), *_label_checks(seen.label_mapping))
    answers = tuple(_possible(answer, counts) for answer in _NEEDS)
    verdict, can_answer = "The main question can be answered: run `istio-usage analyze`.", True
    try:
        found = examine(source, seen)
        window = choose_window(found, start, end, step_seconds)
        checks += tuple(_scrape_checks(found, window.step_seconds))
    except InsufficientData as error:
        verdict, can_answer = _refused(error), False
    if can_answer and (worst := next((check for check in checks if check.is_serious), None)):
        verdict = f"The main question can be answered, but fix this first. {worst.detail}"
    return Diagnosis(checks=checks, answers=answers, verdict=verdict, can_answer=can_answer)


def _refused(error: InsufficientData) -> str:
    return f"The main question cannot be answered. {error}"


def _possible(answer: str, counts: Mapping[str, int]) -> Possible:
    lacks = tuple(name for name in _NEEDS[answer] if name not in counts)
    return Possible(answer=answer, possible=not lacks, lacks=lacks)


def _metric_checks(counts: Mapping[str, int]) -> Iterator[Check]:
    for metrics, lacking in ((ESSENTIAL, Status.MISSING), (OPTIONAL, Status.WARN)):
        for name, metric in metrics.items():
            if name in counts:
                yield Check(subject=name, status=Status.OK, detail=f"{counts[name]:,} series")
            else:
                yield Check(subject=name, status=lacking, detail=_missing(name, metric))


def _missing(name: str, metric: Metric) -> str:
    """Return what is lost without a metric and the fix, with the code of the finding if any."""
    if name in ESSENTIAL:
        kind = "missing_metric"
    elif name == "kube_pod_labels":
        kind = "no_pod_labels"
    else:
        return str(metric)
    return str(Finding(name=kind, text=metric.lost, fix=metric.fix, bias=Bias.NONE))


def _label_checks(mapping: LabelMapping) -> Iterator[Check]:
    attributed = surveyed.attribution(mapping)
    by_pod = f"label {mapping.proxy.pod} on the proxies' metrics"
    renamed = surveyed.overwritten_labels(mapping)
    yield _expected("requests of a pod", by_pod, attributed or renamed)
    yield _expected("names of labels", "one in all scrape jobs", surveyed.mixed_labels(mapping))
    yield _expected("CPU", mapping.cpu, surveyed.recorded_cpu(mapping))


def _expected(subject: str, detail: str, finding: Finding | None) -> Check:
    """Return a check that warns if there is a finding; else `detail` is what was found."""
    if finding:
        is_serious = finding.severity == Severity.SERIOUS and finding.moves_totals
        return Check(
            subject=subject, status=Status.WARN, detail=str(finding), is_serious=is_serious
        )
    return Check(subject=subject, status=Status.OK, detail=detail)


def _scrape_checks(found: Survey, step_seconds: int) -> Iterator[Check]:
    cpu, requests = found.cpu_scrape_seconds, found.request_scrape_seconds
    counts = found.proxy_counts
    detail = f"CPU {cpu:g} s, requests {requests:g} s: intervals of {step_seconds} s"
    coarse = surveyed.coarse_scrapes(cpu, requests, counts)
    yield _expected("scrape intervals", detail, coarse)
    if counts is not None:
        slow = surveyed.slow_scrapes(counts, step_seconds)
        yield _expected("slow scrape jobs", "none", slow)
        yield _expected("proxies", _counted(counts), surveyed.unequal_sources(counts))
    twice = surveyed.duplicate_scrapes(found.duplicate_scrapes)
    yield _expected("duplicate scrapes", "none", twice)
    labels = found.label_mapping.replica_labels
    copied = surveyed.copied_series(labels, found.copied_proxies)
    yield _expected(
        "copies of series", "none", copied or surveyed.alike_series(found.alike_proxies)
    )


def _counted(counts: ProxyCounts) -> str:
    """Return the most proxies seen in a part of the time, by source."""
    cpu, metrics = (int(counts.seen(one).max()) for one in (Exporter.CADVISOR, Exporter.PROXY))
    return f"up to {cpu:,} with CPU and {metrics:,} with metrics"
