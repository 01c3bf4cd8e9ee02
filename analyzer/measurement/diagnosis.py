"""What a Prometheus can answer, and what to do about what it cannot."""

from __future__ import annotations

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

    Raises:
        PrometheusError: if the server could not be asked.
        UsageError: if the asked step is too short.
    """
    try:
        seen = look(source, scope, start, end, cluster_label=cluster_label)
    except InsufficientData as error:
        return Diagnosis(checks=(), answers=(), verdict=f"Cannot answer: {error}", can_answer=False)
    counts = seen.series_counts
    checks = (*_metric_checks(counts), *_label_checks(seen.label_mapping))
    lacks = {
        answer: tuple(name for name in needs if name not in counts)
        for answer, needs in _NEEDS.items()
    }
    answers = tuple(
        Possible(answer=answer, possible=not lacking, lacks=lacking)
        for answer, lacking in lacks.items()
    )
    try:
        found = examine(source, seen)
        choose_window(found, start, end, step_seconds)
    except InsufficientData as error:
        return Diagnosis(
            checks=checks, answers=answers, verdict=f"Cannot answer: {error}", can_answer=False
        )
    return Diagnosis(
        checks=(*checks, *_scrape_checks(found)),
        answers=answers,
        verdict="The main question can be answered: run `istio-usage analyze`.",
        can_answer=True,
    )


def _metric_checks(counts: Mapping[str, int]) -> Iterator[Check]:
    for name, fix in {**ESSENTIAL, **OPTIONAL}.items():
        if name in counts:
            yield Check(subject=name, status=Status.OK, detail=f"{counts[name]:,} series")
        else:
            status = Status.WARN if name in OPTIONAL else Status.MISSING
            yield Check(subject=name, status=status, detail=fix)


def _label_checks(mapping: LabelMapping) -> Iterator[Check]:
    details = {
        Attribution.POD: (Status.OK, f"label {mapping.proxy.pod} on the proxies' metrics"),
        Attribution.ADDRESS: (
            Status.WARN,
            "by address, through kube_pod_info: keep the label `pod` when scraping the proxies",
        ),
        Attribution.WORKLOAD: (
            Status.WARN,
            "by workload, each pod taken for its mean: keep the label `pod` when scraping them",
        ),
    }
    status, detail = details[mapping.attribution]
    yield Check(subject="requests of a pod", status=status, detail=detail)
    yield Check(
        subject="CPU",
        status=Status.WARN if mapping.is_recorded else Status.OK,
        detail=f"from the rule {mapping.cpu}: keep {CPU}" if mapping.is_recorded else mapping.cpu,
    )


def _scrape_checks(found: Survey) -> Iterator[Check]:
    step_seconds = choose_step_seconds(found.slower_scrape_seconds, None)
    coarse = step_seconds > MIN_STEP_SECONDS
    yield Check(
        subject="scrape intervals",
        status=Status.WARN if coarse else Status.OK,
        detail=f"CPU {found.cpu_scrape_seconds:g} s, requests {found.request_scrape_seconds:g} s: "
        f"steps of {step_seconds} s" + ("; 30 s or faster gives 5 minutes" if coarse else ""),
    )
    twice = ", ".join(f"{count} by {side}" for side, count in found.duplicate_scrapes.items())
    yield Check(
        subject="duplicate scrapes",
        status=Status.WARN if twice else Status.OK,
        detail=f"{twice}: each proxy is counted once; one job and one replica are enough"
        if twice
        else "none",
    )
