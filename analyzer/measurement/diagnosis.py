"""What a Prometheus can answer, and what to do about what it cannot."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from analyzer.errors import InsufficientData
from analyzer.measurement.metrics import CPU, ESSENTIAL, OPTIONAL, REQUESTS
from analyzer.measurement.plan import choose_window
from analyzer.measurement.survey import Survey, examine, look
from analyzer.prometheus.connection import Source
from analyzer.prometheus.label_mapping import Attribution, LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.window import MIN_STEP_SECONDS, choose_step_seconds

_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "what sidecars cost per request and at rest": (CPU, REQUESTS),
    "what ambient would cost": (CPU, REQUESTS, "kube_node_status_allocatable"),
    "reservations and billed dollars": ("kube_pod_container_resource_requests",),
    "memory": ("container_memory_working_set_bytes",),
    "the cost of TCP through ztunnels": ("istio_tcp_sent_bytes_total",),
}
"""The answers, and the metrics that each rests on."""


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked for; the detail of what is not there is the fix."""

    subject: str
    status: Status
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """One answer, whether this Prometheus can give it, and what it lacks if not."""

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


def diagnose(
    source: Source,
    scope: Scope,
    start: datetime,
    end: datetime,
    *,
    cluster_label: str | None = None,
    step_seconds: int | None = None,
) -> Diagnosis:
    """Look for every metric that is asked for, and for what the main question needs.

    Raises UsageError if the asked step is too short.
    """
    try:
        seen = look(source, scope, start, end, cluster_label=cluster_label)
    except InsufficientData as error:
        return Diagnosis(checks=(), answers=(), verdict=f"Cannot answer: {error}", can_answer=False)
    counts = seen.series_counts
    checks = (*_metric_checks(counts), *_label_checks(seen.label_mapping))
    answers = tuple(_possible(answer, counts) for answer in _NEEDS)
    verdict, can_answer = "The main question can be answered: run `istio-usage analyze`.", True
    try:
        found = examine(source, seen)
        choose_window(found, start, end, step_seconds)
        checks += tuple(_scrape_checks(found))
    except InsufficientData as error:
        verdict, can_answer = f"Cannot answer: {error}", False
    return Diagnosis(checks=checks, answers=answers, verdict=verdict, can_answer=can_answer)


def _possible(answer: str, counts: Mapping[str, int]) -> Possible:
    lacks = tuple(name for name in _NEEDS[answer] if name not in counts)
    return Possible(answer=answer, possible=not lacks, lacks=lacks)


def _metric_checks(counts: Mapping[str, int]) -> Iterator[Check]:
    for metrics, lacking in ((ESSENTIAL, Status.MISSING), (OPTIONAL, Status.WARN)):
        for name, fix in metrics.items():
            status = Status.OK if name in counts else lacking
            detail = f"{counts[name]:,} series" if name in counts else fix
            yield Check(subject=name, status=status, detail=detail)


def _label_checks(mapping: LabelMapping) -> Iterator[Check]:
    detail = {
        Attribution.POD: f"label {mapping.proxy.pod} on the proxies' metrics",
        Attribution.ADDRESS: "by address, through kube_pod_info: keep the label `pod` when "
        "scraping the proxies",
        Attribution.WORKLOAD: "by workload, each pod taken for its mean: keep the label `pod` when "
        "scraping them",
    }[mapping.attribution]
    is_by_pod = mapping.attribution == Attribution.POD
    yield _expected("requests of a pod", detail, is_met=is_by_pod)
    cpu = f"from the rule {mapping.cpu}: keep {CPU}" if mapping.is_recorded else mapping.cpu
    yield _expected("CPU", cpu, is_met=not mapping.is_recorded)


def _expected(subject: str, detail: str, *, is_met: bool) -> Check:
    return Check(subject=subject, status=Status.OK if is_met else Status.WARN, detail=detail)


def _scrape_checks(found: Survey) -> Iterator[Check]:
    step_seconds = choose_step_seconds(found.slower_scrape_seconds, None)
    coarse = step_seconds > MIN_STEP_SECONDS
    detail = (
        f"CPU {found.cpu_scrape_seconds:g} s, requests {found.request_scrape_seconds:g} s: "
        f"steps of {step_seconds} s" + ("; 30 s or faster gives 5 minutes" if coarse else "")
    )
    yield _expected("scrape intervals", detail, is_met=not coarse)
    twice = ", ".join(f"{count} by {side}" for side, count in found.duplicate_scrapes.items())
    detail = f"{twice}: each proxy is counted once; one job and one replica are enough"
    yield _expected("duplicate scrapes", detail if twice else "none", is_met=not twice)
