"""Which namespaces need counters at each step, and resets: those where something is not regular.

The counters of a large mesh at each step take longer than its rates, and most of them only confirm
these. So they are asked a few times first. Where a proxy was there in all steps, and its counters
grew by what its rates add up to, nothing fell, restarted or was missed: less than 0.3 % of its
requests, and of its CPU one step in a week.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analyzer.arrays import Bools, Floats, Ints
from analyzer.measurement.chunks import read_chunks
from analyzer.measurement.counters import CPU_COUNTER, REQUEST_COUNTER
from analyzer.measurement.frames import TIME
from analyzer.measurement.one_pass import SIDES
from analyzer.measurement.plan import Plan, PlannedQuery
from analyzer.measurement.rows import CPU
from analyzer.measurement.working import Working
from analyzer.prometheus.connection import Source
from analyzer.prometheus.fetch import Fetched, Job, fetch
from analyzer.prometheus.label_mapping import Exporter
from analyzer.window import Chunk

RESETS: Final = "proxy_resets"
_COUNTERS: Final = (CPU_COUNTER, REQUEST_COUNTER)
FOLLOWING: Final = frozenset({*_COUNTERS, RESETS})
"""Queries that are asked only about namespaces where their answers may change anything."""

_LARGE: Final = 50_000
"""Counters, times steps, from which asking twice is worth while; 1,500 sidecars have more a day."""

_STEPS: Final = 64
"""Steps from one check of the counters to the next: a week has five checks. A server finds a few
moments in a third of the time that it takes to read all between them."""

_MOST_NAMESPACES: Final = 0.5
"""Share of the namespaces with a doubt from which all are asked about."""

_REQUESTS, _REQUESTS_SHARE = 4.0, 0.003
"""Requests between two checks, and their share, by which counters and rates may differ: a total
that no counter corrects may be off so far. `counters` looks at 5 requests of one step, and 3 %."""

_CPU_SHARE: Final = 0.1
"""Share of a CPU counter by which it may differ from its rates; `counters` looks at 25 %."""

_WHOLE_SHARE: Final = 0.005
"""The same of the growth over all steps, for which `counters` looks at 2 %. Of a week it is one
step: no rate is more than twice what it should be."""

_FIRST_MULTIPLE: Final = 1.2
"""Times the highest later rate by which that of the first step is not larger."""

_BUILD: Final = "proxy_build"
_READ: Final = (CPU, _BUILD, *SIDES)

_Pod = tuple[str, str]


def can_follow(plan: Plan) -> bool:
    """Return whether counters and resets are asked after the rest, where there is a doubt.

    Only where each proxy is scraped once, its series have names, and there are many of them.
    """
    if plan.anonymiser.salt or not (FOLLOWING | {*_READ}) <= plan.queries.keys():
        return False
    counters = plan.survey.series_counts.get(plan.queries[REQUEST_COUNTER].query.reads, 0)
    is_large = counters * plan.window.point_count >= _LARGE
    return plan.queries[REQUEST_COUNTER].grouping == "sum" and is_large


def doubtful_namespaces(source: Source, place: Working) -> tuple[str, ...] | None:
    """Return the namespaces in which a proxy's counters need a closer look; None for all.

    All chunks but those of `FOLLOWING` must be there. Raises as `fetch`, `read_chunks`.
    """
    checked = _Checked.of(source, place)
    doubtful = checked.doubtful()
    namespaces = {namespace for namespace, _ in checked.pods}
    found = {pod[0] for pod, is_one in zip(checked.pods, doubtful, strict=True) if is_one}
    if len(found) > _MOST_NAMESPACES * len(namespaces) or "" in found:
        return None
    return tuple(sorted(found))


@dataclass(slots=True, kw_only=True)
class _Sums:
    """What one table of rates adds up to, beside the counters; the first axis is the pod.

    Attributes:
        rated: in the first step, and up to each later check, shape (pods, checks).
        highest: the largest rate after the first step, times the step, shape (pods,).
        rows: how many rows each pod has, shape (pods,).
        counters: the sum of the counters at each check, shape (pods, checks).
        series: how many series that are, shape (pods, checks).
    """

    rated: Floats
    highest: Floats
    rows: Floats
    counters: Floats
    series: Floats

    @classmethod
    def none(cls, checks: int) -> _Sums:
        """Return sums of no pod."""
        return cls(
            rated=np.zeros((0, checks)),
            highest=np.zeros(0),
            rows=np.zeros(0),
            counters=np.zeros((0, checks)),
            series=np.zeros((0, checks)),
        )

    def grow(self, size: int) -> None:
        """Make room for so many pods."""
        for name in self.__slots__:
            old = getattr(self, name)
            if len(old) < size:
                more = np.zeros((max(size, 2 * len(old)) - len(old), *old.shape[1:]))
                setattr(self, name, np.concatenate([old, more]))

    def begins_as_usual(self) -> Bools:
        """Return where the rate of the first step is no higher than others."""
        return np.asarray(self.rated[:, 0] <= _FIRST_MULTIPLE * self.highest)

    def apart(self) -> tuple[Floats, Floats]:
        """Return between checks by how much rates and counters differ, and what counters grew."""
        growth = np.diff(self.counters, axis=1)
        return np.abs(self.rated[:, 1:] - growth), growth

    def requests_differ(self) -> Bools:
        """Return where the counters of requests show more than the rates, or less."""
        apart, growth = self.apart()
        is_same = (growth >= 0) & (apart <= np.maximum(_REQUESTS, _REQUESTS_SHARE * growth))
        is_same &= self.series[:, 1:] == self.series[:, :-1]
        return np.asarray(~(is_same.all(axis=1) & self.begins_as_usual()))

    def cpu_differs(self) -> Bools:
        """Return where a CPU counter shows more than its rates, or less."""
        apart, growth = self.apart()
        is_same = (growth >= 0) & (apart <= _CPU_SHARE * self.counters[:, 1:])
        whole = self.counters[:, -1] - self.counters[:, 0]
        is_same_whole = np.abs(self.rated[:, 1:].sum(axis=1) - whole) <= _WHOLE_SHARE * whole
        is_first = self.rated[:, 0] <= _CPU_SHARE * self.counters[:, 0]
        is_one = (self.series == 1).all(axis=1)
        known = is_same.all(axis=1) & is_same_whole & is_one
        return np.asarray(~(known & (is_first | self.begins_as_usual())))


@dataclass(slots=True, kw_only=True)
class _Checked:
    """Sums of rates between checks, and counters at them, of each proxy.

    Attributes:
        ends: the steps at whose ends counters are checked, the first one among them.
        pods: the number of each pod.
        sums: of each table of rates.
        odd: numbers of pods with counters of another reporter.
    """

    plan: Plan
    ends: Ints
    sums: dict[str, _Sums]
    pods: dict[_Pod, int] = field(default_factory=dict)
    odd: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, source: Source, place: Working) -> _Checked:
        """Read what was answered, and ask for counters."""
        plan = place.plan
        last = plan.window.point_count - 1
        ends = np.unique(np.append(np.arange(0, last, _STEPS), last))
        found = cls(plan=plan, ends=ends, sums={name: _Sums.none(len(ends)) for name in _READ})
        for name in _READ:
            for table, _ in read_chunks(place, plan.queries[name].jobs):
                found._add_rates(name, table)
        jobs = [job for name in _COUNTERS for job in _jobs(plan.queries[name], ends)]
        for fetched in fetch(source, plan.window, jobs):
            found._add_counters(fetched)
        return found

    def _add_rates(self, name: str, table: pa.Table) -> None:
        numbers, values = self._numbers(table), table.column(name).to_numpy()
        points = np.rint(self.plan.window.points(table.column(TIME).to_numpy())).astype(np.int64)
        sums, size, checks = self.sums[name], len(self.pods), len(self.ends)
        sums.grow(size)
        step_seconds = self.plan.window.step_seconds
        place = numbers * checks + np.searchsorted(self.ends, points)
        added = np.bincount(place, values, size * checks).reshape(size, checks)
        sums.rated[:size] += added * step_seconds
        sums.rows[:size] += np.bincount(numbers, minlength=size)
        later = points > 0
        np.maximum.at(sums.highest, numbers[later], values[later] * step_seconds)

    def _add_counters(self, fetched: Fetched) -> None:
        """Add the counters of all pods at one check."""
        is_cpu = fetched.job.query.name == CPU_COUNTER
        exporter = Exporter.CADVISOR if is_cpu else Exporter.PROXY
        ours = self.plan.survey.label_mapping.canonical(exporter)
        tables = {reporter: table for table, reporter in SIDES.items()}
        found: dict[str, tuple[list[int], list[float]]] = {name: ([], []) for name in _READ}
        for one in (series for answer in fetched.responses for series in answer.series):
            labels = {ours[key]: value for key, value in one.labels.items() if key in ours}
            key = labels.get("namespace", ""), labels.get("pod", "")
            pod = self.pods.setdefault(key, len(self.pods))
            table = CPU if is_cpu else tables.get(one.labels.get("reporter", ""))
            if table is None:
                self.odd.add(pod)
            else:
                found[table][0].append(pod)
                found[table][1].append(float(one.samples[0]))
        at = np.searchsorted(self.ends, fetched.job.chunk.first_point)
        for name, (pods, values) in found.items():
            sums, numbers = self.sums[name], np.array(pods, dtype=np.int64)
            sums.grow(len(self.pods))
            np.add.at(sums.counters[:, at], numbers, values)
            np.add.at(sums.series[:, at], numbers, 1)

    def _numbers(self, table: pa.Table) -> Ints:
        """Return the number of the pod of each row."""
        texts, codes = [], []
        for label in ("namespace", "pod"):
            column = table.column(label)
            if not pa.types.is_dictionary(column.type):
                column = pc.dictionary_encode(column)
            whole = column.unify_dictionaries().combine_chunks()
            texts.append(whole.dictionary.to_pylist())
            codes.append(np.asarray(whole.indices, dtype=np.int64))
        width = max(len(texts[1]), 1)
        keys, inverse = np.unique(codes[0] * width + codes[1], return_inverse=True)
        found = [
            self.pods.setdefault((texts[0][key // width], texts[1][key % width]), len(self.pods))
            for key in keys.tolist()
        ]
        return np.array(found, dtype=np.int64)[inverse]

    def doubtful(self) -> Bools:
        """Return which pods need a closer look, shape (pods,)."""
        size, steps = len(self.pods), self.plan.window.point_count
        for sums in self.sums.values():
            sums.grow(size)
        found = np.zeros(size, dtype=bool)
        found[list(self.odd)] = True
        for name in (CPU, _BUILD):
            found |= self.sums[name].rows[:size] != steps
        for name in SIDES:
            found |= self.sums[name].requests_differ()[:size]
        return found | self.sums[CPU].cpu_differs()[:size]


def _jobs(planned: PlannedQuery, ends: Ints) -> Iterator[Job]:
    """Yield what asks a query at the ends of some steps, each by itself.

    The server adds up: labels of all counters take longer to read than a few sums to make.
    """
    for end in ends.tolist():
        chunk = Chunk(first_point=end, point_count=1)
        yield Job(query=planned.query, promql=planned.written_promql, chunk=chunk)
