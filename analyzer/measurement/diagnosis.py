"""What a Prometheus can answer, and what would mend what it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from analyzer.errors import InsufficientData
from analyzer.measurement.survey import MENDING, count_series, find_dialect, looks_at, survey
from analyzer.prometheus.connection import Source
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.window import choose_step_seconds

__all__ = ["Check", "Diagnosis", "Status", "diagnose"]


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked for."""

    subject: str
    status: Status
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Every check, and whether the main question can be answered."""

    checks: tuple[Check, ...]
    verdict: str
    can_answer: bool

    def to_json(self) -> dict[str, Any]:
        """Return the diagnosis as JSON."""
        checks = [
            {"subject": item.subject, "status": item.status, "detail": item.detail}
            for item in self.checks
        ]
        return {"checks": checks, "verdict": self.verdict, "can_answer": self.can_answer}


def diagnose(
    source: Source,
    scope: Scope,
    start: datetime,
    end: datetime,
    *,
    cluster_label: str | None = None,
) -> Diagnosis:
    """Look for every metric that is asked for, and for what the main question needs.

    Raises:
        PrometheusError: if the server could not be asked.
    """
    looks = looks_at(start, end)
    _, dialect = find_dialect(source, looks, cluster_label)
    counts, _ = count_series(source, scope, dialect, looks)
    checks = [
        Check(subject=name, status=Status.OK, detail=f"{counts[name]:,} series")
        if name in counts
        else Check(subject=name, status=Status.MISSING, detail=mending)
        for name, mending in MENDING.items()
    ]
    try:
        found = survey(source, scope, start, end, cluster_label=cluster_label)
    except InsufficientData as error:
        return Diagnosis(checks=tuple(checks), verdict=f"Cannot answer: {error}", can_answer=False)
    step_seconds = choose_step_seconds(found.slower_scrape_seconds, None)
    scrapes = Check(
        subject="scrape intervals",
        status=Status.OK,
        detail=f"CPU {found.cpu_scrape_seconds:g} s, requests {found.request_scrape_seconds:g} s: "
        f"steps of {step_seconds} s",
    )
    return Diagnosis(
        checks=(*checks, scrapes),
        verdict="The main question can be answered: run `istio-usage analyze`.",
        can_answer=True,
    )
