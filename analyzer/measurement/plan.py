"""What a collection will ask: decided once, kept beside it, so that a resumed run asks the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from analyzer.errors import InsufficientData, UsageError
from analyzer.measurement.manifest import (
    dialect_of,
    scope_of,
    scope_to_json,
    window_of,
    window_to_json,
)
from analyzer.measurement.survey import MENDING, Survey, survey
from analyzer.prometheus.connection import Source
from analyzer.prometheus.fetch import Job
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import Query, load_queries
from analyzer.prometheus.window import Chunk, TimeWindow, choose_step_seconds

__all__ = ["DEFAULT_DAYS", "MIN_POINTS", "Ask", "Plan", "make_plan", "measured_queries"]

DEFAULT_DAYS = 7.0
"""A week, so that weekdays and the weekend are both in it."""

MIN_POINTS = 4
"""Fewer steps than this tell nothing about a slope, whatever else holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What the user asked for; two equal asks continue one collection.

    Attributes:
        source: the address, without credentials.
        scope: which namespaces and cluster.
        days: length of the time, ending at `end`; not used where `start` is given.
        start: first moment (aware), or None.
        end: last moment (aware), or None for the moment the collection began.
        step_seconds: the asked step, or None.
        cluster_label: the label that tells clusters apart, or None to look for it.
        note: a sentence kept in the snapshot.
    """

    source: str
    scope: Scope = field(default_factory=Scope)
    days: float = DEFAULT_DAYS
    start: datetime | None = None
    end: datetime | None = None
    step_seconds: int | None = None
    cluster_label: str | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse naive times."""
        if any(time is not None and time.tzinfo is None for time in (self.start, self.end)):
            raise ValueError("a time without a zone means another hour on every machine")

    def times(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the first and last moment, in UTC.

        Raises:
            UsageError: if the one is not before the other.
        """
        # In UTC a day is always 24 hours, which it is not where the clocks change.
        end = (self.end or now).astimezone(UTC)
        start = (self.start or end - timedelta(days=self.days)).astimezone(UTC)
        if start >= end:
            raise UsageError(f"--start {start:%Y-%m-%dT%H:%M:%SZ} is not before --end")
        return start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a collection will ask.

    Attributes:
        promql: the text to send, by query name.
        chunks: how each query's window is cut.
    """

    ask: Ask
    window: TimeWindow
    survey: Survey
    promql: Mapping[str, str]
    chunks: Mapping[str, tuple[Chunk, ...]]

    def jobs(self) -> tuple[Job, ...]:
        """Return every request, in the order of the query files."""
        queries = load_queries()
        return tuple(
            Job(query=queries[name], promql=promql, chunk=chunk)
            for name, promql in self.promql.items()
            for chunk in self.chunks[name]
        )

    def warnings(self) -> tuple[str, ...]:
        """Return what the survey did not find, each with what would mend it."""
        return tuple(f"no {name}: {MENDING[name]}" for name in self.survey.missing)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        ask = asdict(self.ask)
        ask["scope"] = scope_to_json(self.ask.scope)
        ask["start"] = self.ask.start and self.ask.start.isoformat()
        ask["end"] = self.ask.end and self.ask.end.isoformat()
        return {
            "ask": ask,
            "window": window_to_json(self.window),
            "survey": asdict(self.survey),
            "promql": dict(self.promql),
            "chunks": {
                name: [[chunk.first_point, chunk.point_count] for chunk in chunks]
                for name, chunks in self.chunks.items()
            },
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Plan:
        """Read a plan; raises ValueError, KeyError, TypeError, AttributeError or UsageError."""
        ask = dict(document["ask"])
        ask["scope"] = scope_of(ask["scope"])
        ask["start"] = ask["start"] and datetime.fromisoformat(ask["start"])
        ask["end"] = ask["end"] and datetime.fromisoformat(ask["end"])
        return cls(
            ask=Ask(**ask),
            window=window_of(document["window"]),
            survey=_survey_of(document["survey"]),
            promql=document["promql"],
            chunks={
                name: tuple(Chunk(first_point=first, point_count=count) for first, count in chunks)
                for name, chunks in document["chunks"].items()
            },
        )


def _survey_of(document: Mapping[str, Any]) -> Survey:
    return Survey(**{**document, "dialect": dialect_of(document["dialect"])})


def measured_queries() -> dict[str, Query]:
    """Return the queries a snapshot holds: all but the survey's."""
    return {name: query for name, query in load_queries().items() if not name.startswith("survey_")}


def _unneeded(found: Survey) -> set[str]:
    """Return the queries that stand in for others which can be asked."""
    unneeded = {"proxy_cpu_vcpu" if found.dialect.is_recorded else "proxy_recorded_cpu_vcpu"}
    if "kube_pod_info" in found.series_counts:
        unneeded.add("proxy_nodes")
    return unneeded


def make_plan(source: Source, ask: Ask, *, now: datetime) -> Plan:
    """Survey the server and decide what to ask it.

    Raises:
        InsufficientData: if the question cannot be answered.
        UsageError: if the step is too short.
        PrometheusError: if the server could not be asked.
    """
    start, end = ask.times(now)
    found = survey(source, ask.scope, start, end, cluster_label=ask.cluster_label)
    step_seconds = choose_step_seconds(found.slower_scrape_seconds, ask.step_seconds)
    window = TimeWindow.within(start, end, step_seconds)
    if window.point_count < MIN_POINTS:
        raise InsufficientData(
            f"the time asked for holds {window.point_count} step(s) of {step_seconds} s, and a "
            f"slope needs at least {MIN_POINTS}: ask for a longer time (--days, --start, --end)"
        )
    promql: dict[str, str] = {}
    chunks: dict[str, tuple[Chunk, ...]] = {}
    for name, query in measured_queries().items():
        if query.reads not in found.series_counts or name in _unneeded(found):
            continue
        ranged = "$window" in query.template
        range_seconds = step_seconds if ranged else None
        promql[name] = query.render(ask.scope, found.dialect, window_seconds=range_seconds)
        scrapes = step_seconds / found.slower_scrape_seconds if ranged else 1
        samples_per_point = found.series_counts[query.reads] * scrapes
        chunks[name] = window.chunks(samples_per_point=samples_per_point)
    return Plan(ask=ask, window=window, survey=found, promql=promql, chunks=chunks)
