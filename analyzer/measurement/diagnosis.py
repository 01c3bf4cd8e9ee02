"""What a Prometheus can answer, and how to fix what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from analyzer.errors import InsufficientData
from analyzer.measurement import surveyed
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.first_look import look
from analyzer.measurement.from_rules import Recorded, Unused
from analyzer.measurement.metrics import CPU, ESSENTIAL, OPTIONAL, REQUESTS, Metric
from analyzer.measurement.plan import choose_window
from analyzer.measurement.proxy_counts import ProxyCounts
from analyzer.measurement.survey import Survey, examine
from analyzer.measurement.verdict import (
    KINDS,
    Judged,
    Judgement,
    bias_of,
    by_kind,
    judgement_of,
    sentence,
    worst_first,
)
from analyzer.prometheus.connection import Source
from analyzer.prometheus.label_mapping import Exporter, LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.units import counted
from analyzer.window import TimeWindow

Judge = Callable[[Survey, TimeWindow], Judged]
"""Measures some of the steps that `analyze` would, and returns what is found in them."""

_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Cost per request and idle CPU of sidecars": (CPU, REQUESTS),
    "Cost of the ambient modes": (CPU, REQUESTS, "kube_node_status_allocatable"),
    "Requested CPU and billed dollars": ("kube_pod_container_resource_requests",),
    "Memory": ("container_memory_working_set_bytes",),
    "Cost of TCP in ztunnels": ("istio_tcp_sent_bytes_total",),
}
"""The answers, and the metrics that each rests on."""


_RULES: Final = "recording rules"


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
        code: of the finding, if it is one.
    """

    subject: str
    status: Status
    detail: str
    is_serious: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """One answer, whether this Prometheus can give it, and the metrics that are missing if not."""

    answer: str
    possible: bool
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Every check, every answer, and whether the main question would be answered rightly.

    Attributes:
        verdict: in whole sentences.
        can_answer: whether there would be an answer.
        judgement: whether it would be right.
        bias: which way its totals would be wrong; `Bias.NONE` where they are right.
        findings: what was found, the worst first.
    """

    checks: tuple[Check, ...]
    answers: tuple[Possible, ...]
    verdict: str
    can_answer: bool
    judgement: Judgement
    bias: Bias = Bias.NONE
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the diagnosis as JSON."""
        findings = [{"code": one.code, **asdict(one)} for one in self.findings]
        return {**asdict(self), "findings": findings}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one check found; `detail` is what it has to report where that is nothing."""

    subject: str
    detail: str
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, subject: str, detail: str, *findings: Finding | None) -> _Found:
        return cls(subject=subject, detail=detail, findings=tuple(filter(None, findings)))

    def checks(self) -> Iterator[Check]:
        if not self.findings:
            yield Check(subject=self.subject, status=Status.OK, detail=self.detail)
        for finding in self.findings:
            yield Check(
                subject=self.subject,
                status=Status.WARN,
                detail=str(finding),
                is_serious=finding.severity == Severity.SERIOUS and finding.moves_totals,
                code=finding.code,
            )


def diagnose(  # noqa: PLR0913 - where, what, when, what labels are called, and who judges
    source: Source,
    scope: Scope,
    start: datetime,
    end: datetime,
    *,
    cluster_label: str | None = None,
    replica_labels: tuple[str, ...] = (),
    step_seconds: int | None = None,
    judge: Judge | None = None,
    rules: Recorded | Unused | None = None,
) -> Diagnosis:
    """Look for every metric that queries read, and for what would make the main answer wrong.

    Without a judge, the verdict is on what the survey shows. `rules` are the recording rules that
    were found.

    Raises UsageError if the requested step is too short.
    """
    try:
        seen = look(
            source, scope, start, end, cluster_label=cluster_label, replica_labels=replica_labels
        )
    except InsufficientData as error:
        return _cannot(error)
    counts = seen.series_counts
    checks = (*_metric_checks(counts), *_rule_checks(rules))
    answers = tuple(_possible(answer, counts) for answer in _NEEDS)
    found = list(_of_labels(seen.label_mapping))
    try:
        survey = examine(source, seen)
        window = choose_window(survey, start, end, step_seconds)
        found += _of_survey(survey, window.step_seconds)
        judged = judge(survey, window) if judge else None
        found += _of_steps(judged, {one.name for part in found for one in part.findings})
    except InsufficientData as error:
        return _cannot(error, (*checks, *_checks(found)), answers)
    findings = worst_first(one for part in found for one in part.findings)
    return Diagnosis(
        checks=(*checks, *_checks(found)),
        answers=answers,
        verdict=sentence(findings),
        can_answer=True,
        judgement=judgement_of(findings),
        bias=bias_of(findings),
        findings=findings,
    )


def _cannot(
    error: InsufficientData,
    checks: tuple[Check, ...] = (),
    answers: tuple[Possible, ...] = (),
) -> Diagnosis:
    return Diagnosis(
        checks=checks,
        answers=answers,
        verdict=f"The main question cannot be answered. {error}",
        can_answer=False,
        judgement=Judgement.CANNOT,
    )


def _checks(found: Iterable[_Found]) -> Iterator[Check]:
    for part in found:
        yield from part.checks()


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


def _rule_checks(rules: Recorded | Unused | None) -> Iterator[Check]:
    if isinstance(rules, Unused):
        yield Check(subject=_RULES, status=Status.WARN, detail=rules.reason)
    elif rules:
        steps = rules.window.point_count
        detail = f"version {rules.version} has the answer for {counted(steps, 'interval')}"
        yield Check(subject=_RULES, status=Status.OK, detail=detail)


def _missing(name: str, metric: Metric) -> str:
    """Return what is lost without a metric and the fix, with the code of the finding if any."""
    if name in ESSENTIAL:
        kind = "missing_metric"
    elif name == "kube_pod_labels":
        kind = "no_pod_labels"
    else:
        return str(metric)
    return str(Finding(name=kind, text=metric.lost, fix=metric.fix, bias=Bias.NONE))


def _of_labels(mapping: LabelMapping) -> Iterator[_Found]:
    by_pod = f"label {mapping.proxy.pod} on the proxies' metrics"
    attributed = surveyed.attribution(mapping) or surveyed.overwritten_labels(mapping)
    yield _Found.of("requests of a pod", by_pod, attributed)
    yield _Found.of("names of labels", "one in all scrape jobs", surveyed.mixed_labels(mapping))
    yield _Found.of("CPU", mapping.cpu, surveyed.recorded_cpu(mapping))


def _of_survey(found: Survey, step_seconds: int) -> Iterator[_Found]:
    cpu, requests = found.cpu_scrape_seconds, found.request_scrape_seconds
    counts = found.proxy_counts
    detail = f"CPU {cpu:g} s, requests {requests:g} s: intervals of {step_seconds} s"
    coarse = surveyed.coarse_scrapes(cpu, requests, counts)
    yield _Found.of("scrape intervals", detail, coarse)
    if counts is not None:
        slow = surveyed.slow_scrapes(counts, step_seconds)
        yield _Found.of("slow scrape jobs", "none", slow)
        yield _Found.of("proxies", _counted(counts), surveyed.unequal_sources(counts))
    twice = surveyed.duplicate_scrapes(found.duplicate_scrapes)
    yield _Found.of("duplicate scrapes", "none", twice)
    copied = surveyed.copied_series(found.label_mapping.replica_labels, found.copied_proxies)
    alike = surveyed.alike_series(found.alike_proxies)
    yield _Found.of("copies of series", "none", copied, alike)


def _of_steps(judged: Judged | None, known: AbstractSet[str]) -> Iterator[_Found]:
    """Yield each check of measured steps; `known` are findings that the survey has."""
    if judged is None:
        return
    for kind, findings in by_kind(judged):
        more = tuple(one for one in findings if one.name not in known)
        if more or kind in KINDS:
            yield _Found(subject=kind, detail=f"none in {judged.extent}", findings=more)


def _counted(counts: ProxyCounts) -> str:
    """Return the most proxies seen in a part of the time, by source."""
    cpu, metrics = (int(counts.seen(one).max()) for one in (Exporter.CADVISOR, Exporter.PROXY))
    return f"up to {cpu:,} with CPU and {metrics:,} with metrics"
