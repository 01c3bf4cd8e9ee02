"""The samples of one role as sorted arrays, and which workloads can be fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.events import TCP_BYTES, Event
from analyzer.calibration.fit.least_squares import Term, correlations
from analyzer.calibration.fit.segments import BLOCK_ROWS, Segments, clusters_of, seen_at
from analyzer.calibration.tcp_loads import TcpLoads
from analyzer.units import Reason, counted

MOST_ROWS: Final = 300_000
"""Samples from which a shape is chosen, and from which errors of the fit are estimated. More show
little that is new, and take time."""

MIN_SAMPLES: Final = 12
"""Least number of samples of a workload for a fit: two hours at the usual ten minutes."""

MIN_STEPS: Final = 3
"""In one or two intervals a slope would only show how proxies differ, for any reason."""

MIN_VARIATION: Final = 0.05
"""Coefficient of variation of the request rate, below which a slope would be noise only."""

COLLINEAR: Final = 0.9
"""Share of one column's variance that others may explain; beyond it they are not separable. It is a
variance inflation of 10, the customary limit."""


COLLINEAR_REQUESTS: Final = 0.98
"""The same for events that are requests: their cost and that of all requests are quoted together,
and their sum is known better than each."""

LEAST_SHARE: Final = 0.25
"""Share of its workload's mean requests below which a pod is no further exception."""

LEAST_KNOWN: Final = 0.98
"""Share of a workload's samples in which events must be known; the others get their mean."""


class Counted(NamedTuple):
    """Events of each sample."""

    event: Event
    rate: Floats  # (n,): events per second
    is_separable: Bools  # (g,): whether they are known and vary independently of requests

    @classmethod
    def of(cls, event: Event, rows: pd.DataFrame, workloads: Segments) -> Counted:
        """Read the event's column of `Observations.rows`."""
        rate, rps = rows[event.column].to_numpy(float), rows["rps"].to_numpy(float)
        known = workloads.sum(~np.isnan(rate))
        total = workloads.sum(np.nan_to_num(rate))
        mean = np.divide(total, known, out=np.zeros_like(total), where=known > 0)
        rate = np.where(np.isnan(rate), workloads.spread(mean), rate)
        between = correlations([rate, rps], workloads)[:, 0, 1]
        is_known = known >= LEAST_KNOWN * workloads.lengths
        varies = workloads.highest(rate) > workloads.lowest(rate)
        is_steady = workloads.highest(rps) == workloads.lowest(rps)
        limit = COLLINEAR_REQUESTS if event.is_request else COLLINEAR
        return cls(event, rate, is_known & varies & (is_steady | (between**2 < limit)))

    def part(self, rows: slice | Bools, workloads: Bools) -> Counted:
        """Return the events of some rows, (n,), and workloads, (g,)."""
        return Counted(self.event, self.rate[rows], self.is_separable[workloads])


class Obstacle(NamedTuple):
    """Why a workload's own slope cannot be fitted."""

    reason: Reason
    detail: str
    is_all_idle: bool = False  # its mean CPU is its idle, because it has no traffic
    has_level: bool = False  # its mean CPU at its mean rate is known well enough to be used
    is_tcp: bool = False  # its CPU follows TCP bytes and connections, and has a fit of its own

    @property
    def can_borrow(self) -> bool:
        """Whether the mesh-wide slope may be used for the missing one."""
        return self.is_all_idle or self.reason in (Reason.CONSTANT_TRAFFIC, Reason.TOO_FEW_SAMPLES)


_DEAD: Final = Obstacle(
    Reason.NO_DATA, "Its CPU is zero in every sample. Check how Prometheus scrapes its CPU."
)
_TCP: Final = Obstacle(Reason.NO_TRAFFIC, "TCP only: Istio reports no request count.", is_tcp=True)
_ALL_IDLE: Final = Obstacle(
    Reason.NO_TRAFFIC, "No requests: all of its CPU is idle.", is_all_idle=True
)
_STEADY: Final = Obstacle(
    Reason.CONSTANT_TRAFFIC,
    f"Its request rate varies by less than {100 * MIN_VARIATION:.0f} %: idle CPU and cost per "
    "request cannot be separated. Collect a window with low and high traffic.",
    has_level=True,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """Samples of proxies, sorted by workload, proxy and point; arrays of shape (n,).

    Samples of one cluster may be correlated: a cluster is a proxy, or a block of its time.
    """

    rps: Floats
    inbound_rps: Floats
    outbound_rps: Floats
    gbit_per_second: Floats  # 0 where not known; without TCP where that is an event
    vcpu: Floats
    point: Ints
    numbers: Ints  # (g,): the row of each segment of workloads in `Observations.workloads`
    workloads: Segments
    proxies: Segments
    clusters: Segments
    obstacles: Mapping[int, Obstacle]  # why a workload has no slope of its own, by segment
    highest_rps: Floats  # (g,): highest rate of one proxy, where a shape refers to it
    has_directions: Bools  # (g,): whether inbound and outbound requests vary independently
    has_bytes: Bools  # (g,): whether bytes vary independently of requests
    events: Mapping[Term, Counted]  # those with a term in every shape
    node_factors: Floats | None  # of all costs, on each row's kind of node; None: all alike

    @classmethod
    def of(
        cls,
        rows: pd.DataFrame,
        events: Sequence[Event] = (),
        node_factors: Floats | None = None,
        *,
        highest_rps: Floats | None = None,
    ) -> Panel:
        """Read `Observations.rows`, or a part of them in the same order.

        `node_factors`, shape (k,), are those of the kinds of node. `highest_rps` are the highest
        rates by row of `Observations.workloads`; if None, those of these rows.
        """
        workload, point = rows["workload"].to_numpy(), rows["point"].to_numpy(np.int64)
        workloads = Segments.of(workload)
        proxies = Segments.of(workload, rows["proxy"].to_numpy(np.int64))
        names = ("inbound_rps", "outbound_rps", "gbit_per_second", "rps")
        loads = {name: rows[name].to_numpy(float) for name in names}
        is_known = workloads.sum(np.isnan(loads["gbit_per_second"])) == 0
        loads["gbit_per_second"] = np.nan_to_num(loads["gbit_per_second"])
        if TCP_BYTES in events:
            # A byte has one cost: those of TCP have a term of their own.
            tcp = np.nan_to_num(rows[TCP_BYTES.column].to_numpy(float))
            rest = loads["gbit_per_second"] - tcp / TCP_BYTES.events_per_second
            loads["gbit_per_second"] = np.maximum(rest, 0.0)
        has_directions, has_bytes = _separable([*loads.values()], workloads)
        if not is_known.any():
            # They have a cost nowhere.
            loads["gbit_per_second"] = np.broadcast_to(0.0, len(workload))
        numbers = workload[workloads.starts].astype(np.int64)
        highest = workloads.highest(loads["rps"]) if highest_rps is None else highest_rps[numbers]
        return cls(
            **loads,
            vcpu=rows["cpu_vcpu"].to_numpy(float),
            point=point,
            numbers=numbers,
            highest_rps=highest,
            workloads=workloads,
            proxies=proxies,
            clusters=clusters_of(workloads, proxies, point),
            obstacles=_obstacles(rows, workloads),
            has_directions=has_directions,
            has_bytes=has_bytes & is_known,
            events={event.term: Counted.of(event, rows, workloads) for event in events},
            node_factors=None if node_factors is None else node_factors[rows["node_kind"]],
        )

    def part(self, chosen: Bools) -> Panel:
        """Return the samples of the chosen workloads, shape (g,)."""
        rows, place = self._rows_of(chosen), np.cumsum(chosen) - 1
        proxies, clusters = (
            runs.part(np.repeat(chosen, runs.within(self.workloads).lengths))
            for runs in (self.proxies, self.clusters)
        )
        obstacles = self.obstacles.items()
        return Panel(
            rps=self.rps[rows],
            inbound_rps=self.inbound_rps[rows],
            outbound_rps=self.outbound_rps[rows],
            gbit_per_second=self.gbit_per_second[rows],
            vcpu=self.vcpu[rows],
            point=self.point[rows],
            numbers=self.numbers[chosen],
            workloads=self.workloads.part(chosen),
            proxies=proxies,
            clusters=clusters,
            obstacles={int(place[number]): item for number, item in obstacles if chosen[number]},
            highest_rps=self.highest_rps[chosen],
            has_directions=self.has_directions[chosen],
            has_bytes=self.has_bytes[chosen],
            events={term: one.part(rows, chosen) for term, one in self.events.items()},
            node_factors=None if self.node_factors is None else self.node_factors[rows],
        )

    def _rows_of(self, chosen: Bools) -> slice | Bools:
        """Return the rows of the chosen workloads: a slice, whose arrays are views, if it can be.

        `chosen` has shape (g,).
        """
        first, last = np.flatnonzero(chosen)[[0, -1]] if chosen.any() else (0, -1)
        if not chosen[first : last + 1].all():
            return self.workloads.spread(chosen)
        ends = np.append(self.workloads.starts, self.workloads.row_count)
        return slice(int(ends[first]), int(ends[last + 1]))

    def blocks(self, row_count: int) -> Iterator[tuple[slice, slice, Panel]]:
        """Cut the workloads into panels of about so many samples, whose arrays are views.

        Yields:
            The workloads of each, its rows, and the panel.
        """
        chosen = np.zeros(len(self.workloads), dtype=bool)
        for part, rows, _ in self.workloads.blocks(row_count):
            chosen[part] = True
            yield part, rows, self.part(chosen)
            chosen[part] = False

    @cached_property
    def pod_distance(self) -> Floats:
        """How far each row's proxy is from its workload's mean in requests, shape (n,).

        That is mean / own - 1: 0 for an average pod, 1 for one with half the requests. If requests
        are proportional to a node's speed, CPU per request is proportional to mean / own. Pods are
        compared at the same points, so that one that runs by night only is no exception.
        """
        points, mean = int(self.point.max(initial=-1)) + 1, np.empty_like(self.rps)
        for _, rows, inside in self.workloads.blocks(BLOCK_ROWS):
            place = inside.numbers * points + self.point[rows]
            count = np.maximum(np.bincount(place), 1)
            mean[rows] = (np.bincount(place, self.rps[rows]) / count)[place]
        own, usual = self.proxies.sum(self.rps), self.proxies.sum(mean)
        share = np.divide(own, usual, out=np.ones_like(own), where=usual > 0)
        return self.proxies.spread(1 / np.maximum(share, LEAST_SHARE) - 1)

    @property
    def is_fitted(self) -> Bools:
        """Which workloads can be fitted, shape (g,)."""
        fitted = np.ones(len(self.workloads), dtype=bool)
        fitted[list(self.obstacles)] = False
        return fitted

    @property
    def proxy_counts(self) -> Ints:
        """How many proxies each workload has, shape (g,)."""
        return self.proxies.within(self.workloads).lengths

    @property
    def degrees_of_freedom(self) -> Ints:
        """Of Student's t for ranges: clusters minus one, at least one; shape (g,)."""
        return np.maximum(self.clusters.within(self.workloads).lengths - 1, 1)


def _separable(loads: Sequence[Floats], workloads: Segments) -> tuple[Bools, Bools]:
    """Return in which workloads directions, and bytes, vary independently; (g,) each."""
    into, out_of, size, whole = range(len(loads))
    correlation = correlations(loads, workloads)
    between, with_all = correlation[:, into, out_of], correlation[:, whole, size]
    with_in, with_out = correlation[:, into, size], correlation[:, out_of, size]
    has_directions = between**2 < COLLINEAR
    # The share of the bytes' variance that both directions together explain.
    joint, one = with_in**2 + with_out**2 - 2 * with_in * with_out * between, np.ones_like(between)
    together = np.divide(joint, 1 - between**2, out=one, where=has_directions)
    return has_directions, np.where(has_directions, together, with_all**2) < COLLINEAR


def too_few(sample_count: int, interval_count: int) -> str:
    """Return why these samples cannot be fitted, and what to do."""
    samples, intervals = counted(sample_count, "sample"), counted(interval_count, "interval")
    return (
        f"Only {samples} in {intervals} can be used: a fit needs at least {MIN_SAMPLES} in "
        f"{MIN_STEPS}. Collect a longer window."
    )


def _obstacles(rows: pd.DataFrame, workloads: Segments) -> Mapping[int, Obstacle]:
    """Return why workloads cannot be fitted, by segment."""
    rps, counts = rows["rps"].to_numpy(float), workloads.lengths
    steps = seen_at(workloads, rows["point"].to_numpy(np.int64)).sum(axis=1)
    mean = workloads.sum(rps) / counts
    square = workloads.sum((rps - workloads.spread(mean)) ** 2) / counts
    is_constant = np.sqrt(square) < MIN_VARIATION * mean
    is_dead = workloads.highest(rows["cpu_vcpu"].to_numpy(float)) <= 0
    kinds = (
        (is_dead, _DEAD),
        (TcpLoads.alone_in(rows, workloads), _TCP),
        (mean == 0, _ALL_IDLE),
        (is_constant, _STEADY),
    )
    found = {}
    for number, (count, step_count) in enumerate(zip(counts, steps, strict=True)):
        holding = (obstacle for holds, obstacle in kinds if holds[number])
        if count < MIN_SAMPLES or step_count < MIN_STEPS:
            found[number] = Obstacle(Reason.TOO_FEW_SAMPLES, too_few(int(count), int(step_count)))
        elif obstacle := next(holding, None):
            found[number] = obstacle
    return found
