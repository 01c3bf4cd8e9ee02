"""A sample of what `analyze` would measure: as many of its steps as are cheap, in a few requests.

Its findings are made by the checks of a whole measurement, so `doctor` and `analyze` agree.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from analyzer.errors import QueryRejected
from analyzer.measurement.anonymise import Anonymiser
from analyzer.measurement.findings import Finding
from analyzer.measurement.frames import check_frame, frame_of, sorted_frame
from analyzer.measurement.manifest import QueryRecord
from analyzer.measurement.pieces import Pieces
from analyzer.measurement.plan import Ask, Plan, PlannedQuery, planned_on, samples_per_point
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.survey import Survey
from analyzer.prometheus.connection import Source
from analyzer.prometheus.expected import mark_of
from analyzer.prometheus.fetch import Fetched, Job, fetch
from analyzer.prometheus.label_mapping import Exporter
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_queries
from analyzer.prometheus.response import Response, Series
from analyzer.units import counted
from analyzer.window import Chunk, TimeWindow

MOST_REQUESTS: Final = 8
"""Several queries are sent as one, so that a sample takes no more requests."""

_MOST_STEPS: Final = 2016
_FEWEST_STEPS: Final = 12
"""A week of steps of five minutes, and what a fall, a gap or a second container needs."""

_SAMPLES: Final = 5_000_000
"""Samples that a server is estimated to load: a tenth of what one query may load at once."""

_OF_LENGTH: Final = frozenset({"short_window", "sparse_window", "short_retention"})
"""Findings about the length of the time that has data."""

_NAME: Final = "measured"
"""The label that separates the queries of one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Snapshot):
    """A snapshot in memory.

    Attributes:
        frames: the samples of each query that was sent.
        whole: the steps that a measurement would have.
    """

    frames: Mapping[str, pd.DataFrame]
    whole: TimeWindow

    @property
    def is_whole(self) -> bool:
        """Whether it has every step."""
        return self.manifest.window == self.whole

    @property
    def extent(self) -> str:
        """Which steps it has, as a phrase."""
        count = counted(self.manifest.window.point_count, "interval")
        return count if self.is_whole else f"{count} of {self.whole.point_count:,}"

    def without_its_length(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return findings without those that are true of a sample only."""
        return tuple(one for one in findings if self.is_whole or one.name not in _OF_LENGTH)

    def pieces(self, name: str) -> Pieces:
        """Return the samples of one query; no rows if it was not sent."""
        query = load_queries()[name]
        if name not in self.frames:
            return Pieces.of(name, frame_of(query, ()))
        return Pieces.of(name, check_frame(query, self.frames[name]))


def take_sample(source: Source, scope: Scope, found: Survey, whole: TimeWindow) -> Sample:
    """Measure some of the steps; raises PrometheusError if the server could not be asked."""
    ask, anonymiser = Ask(source="", scope=scope), Anonymiser(salt="")
    plan = planned_on(ask, found, whole, anonymiser, may_be_coarse=False)
    plan = planned_on(ask, found, _chosen(plan), anonymiser, may_be_coarse=False)
    frames: dict[str, list[pd.DataFrame]] = {name: [] for name in plan.queries}
    remarks: set[str] = set()
    for fetched in _fetched(source, plan):
        for response in fetched.responses:
            remarks.update(response.warnings)
            for name, answer in _separated(response, plan.queries):
                frame = frame_of(plan.queries[name].query, [answer], found.label_mapping)
                frames[name].append(frame)
    known = {name: sorted_frame(plan.queries[name].query, parts) for name, parts in frames.items()}
    return Sample(
        path=Path("sample"),
        manifest=plan.manifest(_records(plan, known), remarks),
        frames=known,
        whole=whole,
    )


def _fetched(source: Source, plan: Plan) -> Iterable[Fetched]:
    try:
        return list(fetch(source, plan.window, _jobs(plan, MOST_REQUESTS)))
    except QueryRejected:
        # Some servers limit how long a query may be: what they take one by one is not lost.
        return fetch(source, plan.window, _jobs(plan, len(plan.queries)))


def _chosen(plan: Plan) -> TimeWindow:
    """Return consecutive steps that are cheap to ask for: those in which most proxies were."""
    whole = plan.window
    load = sum(
        samples_per_point(plan.survey, planned.query, plan.ranges.of(planned.query.exporter))
        for planned in plan.queries.values()
    )
    count = max(_FEWEST_STEPS, min(_MOST_STEPS, int(_SAMPLES / max(load, 1))))
    if count >= whole.point_count:
        return whole
    begin = _best_begin(plan.survey, whole, count)
    step = timedelta(seconds=whole.step_seconds)
    return replace(
        whole, start=whole.start + begin * step, end=whole.start + (begin + count) * step
    )


def _best_begin(found: Survey, whole: TimeWindow, count: int) -> int:
    """Return the first of the steps with most proxies; the latest of several."""
    last = whole.point_count - count
    counts = found.proxy_counts
    if counts is None:
        return last
    seen = counts.seen(Exporter.CADVISOR) + counts.seen(Exporter.PROXY)
    ends = counts.start_seconds + counts.part_seconds * np.arange(1, len(seen) + 1)

    def proxies(begin: int) -> float:
        first = whole.start_of(begin).timestamp()
        end = first + count * whole.step_seconds
        held = np.minimum(ends, end) - np.maximum(ends - counts.part_seconds, first)
        return float((seen * np.maximum(held, 0)).sum())

    begins = range(last, -1, -max(1, count // 4))
    return max(begins, key=proxies)


def _jobs(plan: Plan, count: int) -> Iterator[Job]:
    """Yield at most so many requests: queries of the same exporter's series are sent as one."""
    planned = sorted(plan.queries.values(), key=lambda one: str(one.query.exporter))
    size = math.ceil(len(planned) / count)
    chunk = Chunk(first_point=0, point_count=plan.window.point_count)
    for first in range(0, len(planned), size):
        group = planned[first : first + size]
        yield Job(query=group[0].query, promql=_together(group), chunk=chunk)


def _together(group: Sequence[PlannedQuery]) -> str:
    return " or ".join(
        f'label_replace({one.promql}, "{_NAME}", "{one.query.name}", "", "")' for one in group
    )


def _separated(response: Response, known: Collection[str]) -> Iterator[tuple[str, Response]]:
    """Yield the answer to each query of a request, by its name, which is one of `known`."""
    answers: dict[str, list[Series]] = {}
    for series in response.series:
        own = {name: value for name, value in series.labels.items() if name != _NAME}
        answers.setdefault(mark_of(series, _NAME, known), []).append(replace(series, labels=own))
    for name, found in answers.items():
        yield name, replace(response, series=tuple(found), warnings=())


def _records(plan: Plan, frames: Mapping[str, pd.DataFrame]) -> Iterator[QueryRecord]:
    """Yield what was asked; there are no files."""
    for name, planned in plan.queries.items():
        yield QueryRecord(
            name=name,
            unit=planned.query.unit,
            promql=planned.promql,
            series_count=0,
            sample_count=len(frames[name]),
            file="",
            sha256="",
        )
