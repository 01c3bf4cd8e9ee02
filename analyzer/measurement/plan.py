"""What a collection will ask: decided once, kept beside it, so that a resumed run asks the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from analyzer.defaults import DEFAULT_DAYS
from analyzer.errors import InsufficientData, UsageError
from analyzer.measurement.anonymise import Hider, new_salt
from analyzer.measurement.manifest import (
    dialect_of,
    scope_to_json,
    window_of,
    window_to_json,
)
from analyzer.measurement.metrics import MENDING
from analyzer.measurement.survey import Survey, survey
from analyzer.prometheus.connection import Source
from analyzer.prometheus.fetch import Job
from analyzer.prometheus.label_mapping import Exporter
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import Query, load_queries, load_query
from analyzer.window import Chunk, TimeWindow, choose_step_seconds

__all__ = [
    "DEFAULT_DAYS",
    "MIN_POINTS",
    "Ask",
    "Plan",
    "choose_window",
    "make_plan",
    "measured_queries",
]

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
        hide_names: whether names are replaced by hashes in everything written.
        note: a sentence kept in the snapshot.
    """

    source: str
    scope: Scope = field(default_factory=Scope)
    days: float = DEFAULT_DAYS
    start: datetime | None = None
    end: datetime | None = None
    step_seconds: int | None = None
    cluster_label: str | None = None
    hide_names: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse naive times."""
        if any(time is not None and time.tzinfo is None for time in (self.start, self.end)):
            raise ValueError("a time without a zone means another hour on every machine")

    def to_json(self, hider: Hider) -> dict[str, Any]:
        """Return the question as JSON, without the names that are hidden."""
        return {
            **asdict(self),
            "source": hider.name("source", self.source),
            "scope": scope_to_json(hider.scope(self.scope)),
            "start": self.start and self.start.isoformat(),
            "end": self.end and self.end.isoformat(),
        }

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
        chunks: how the window is cut for each query that is asked, by its name.
        hider: what stands for names in everything written.
    """

    ask: Ask
    window: TimeWindow
    survey: Survey
    chunks: Mapping[str, tuple[Chunk, ...]]
    hider: Hider = field(default_factory=Hider)

    def promql(self, name: str, *, hidden: bool = False) -> str:
        """Return a query as it is sent, or as it is written down."""
        scope = self.hider.scope(self.ask.scope) if hidden else self.ask.scope
        query = load_query(name)
        seconds = self.window.step_seconds if query.is_ranged else None
        return query.render(scope, self.survey.dialect, window_seconds=seconds)

    def jobs(self) -> tuple[Job, ...]:
        """Return every request, in the order of the query files."""
        return tuple(
            Job(query=load_query(name), promql=self.promql(name), chunk=chunk)
            for name, chunks in self.chunks.items()
            for chunk in chunks
        )

    def samples(self, name: str) -> int:
        """Return how many samples the server is estimated to load for a query."""
        return round(samples_per_point(self.survey, load_query(name), self.window.step_seconds)) * (
            self.window.point_count
        )

    def warnings(self) -> tuple[str, ...]:
        """Return what the survey did not find, each with what would mend it."""
        return tuple(f"no {name}: {MENDING[name]}" for name in self.survey.missing)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        return {
            "ask": self.ask.to_json(self.hider),
            "salt": self.hider.salt,
            "window": window_to_json(self.window),
            "survey": asdict(self.survey),
            "chunks": {
                name: [[chunk.first_point, chunk.point_count] for chunk in chunks]
                for name, chunks in self.chunks.items()
            },
        }

    @classmethod
    def resumed(cls, document: Mapping[str, Any], ask: Ask) -> Plan | None:
        """Read a plan; None if it was made for another question.

        Raises ValueError, KeyError, TypeError or AttributeError if it cannot be read.
        """
        hider = Hider(salt=document["salt"])
        if document["ask"] != ask.to_json(hider):
            return None
        return cls(
            ask=ask,
            window=window_of(document["window"]),
            survey=_survey_of(document["survey"]),
            chunks={
                name: tuple(Chunk(first_point=first, point_count=count) for first, count in chunks)
                for name, chunks in document["chunks"].items()
            },
            hider=hider,
        )


def _survey_of(document: Mapping[str, Any]) -> Survey:
    return Survey(**{**document, "dialect": dialect_of(document["dialect"])})


def measured_queries() -> dict[str, Query]:
    """Return the queries a snapshot holds: all but the survey's."""
    return {name: query for name, query in load_queries().items() if query.exporter is not None}


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
    window = choose_window(found, start, end, ask.step_seconds)
    chunks = {
        name: window.chunks(samples_per_point=samples_per_point(found, query, window.step_seconds))
        for name, query in measured_queries().items()
        if query.reads in found.series_counts and name not in _unneeded(found)
    }
    hider = Hider(salt=new_salt() if ask.hide_names else "")
    return Plan(ask=ask, window=window, survey=found, chunks=chunks, hider=hider)


def choose_window(
    found: Survey, start: datetime, end: datetime, asked_seconds: int | None
) -> TimeWindow:
    """Return the whole steps between two times, of the asked length or the shortest trusted.

    Raises:
        InsufficientData: if there are too few.
        UsageError: if the asked step is too short.
    """
    step_seconds = choose_step_seconds(found.slower_scrape_seconds, asked_seconds)
    window = TimeWindow.within(start, end, step_seconds)
    if window.point_count < MIN_POINTS:
        raise InsufficientData(
            f"the time asked for holds {window.point_count} step(s) of {step_seconds} s, and a "
            f"slope needs at least {MIN_POINTS}: ask for a longer time (--days, --start, --end)"
        )
    return window


def samples_per_point(found: Survey, query: Query, step_seconds: int) -> float:
    """Return how many samples the server is estimated to load for one point of a query."""
    is_cpu = query.exporter == Exporter.CADVISOR
    scrape_seconds = found.cpu_scrape_seconds if is_cpu else found.request_scrape_seconds
    scrapes = step_seconds / scrape_seconds if query.is_ranged else 1
    return found.series_counts[query.reads] * scrapes
