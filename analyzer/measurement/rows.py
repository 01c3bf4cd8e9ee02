"""The rows of the step table: every proxy and step in which it existed."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints, Places, are_alike
from analyzer.measurement.coarse import STATE_STEPS, Intervals, in_intervals
from analyzer.measurement.columns import alike, as_one
from analyzer.measurement.frames import TIME
from analyzer.measurement.lived import FOR_LIFE
from analyzer.measurement.numbers import Numbers
from analyzer.measurement.pieces import Pieces
from analyzer.measurement.placed import Placed, cells_of, steps_of
from analyzer.measurement.presence import (
    LOOKBACK_SECONDS,
    Coverage,
    Presence,
    Sightings,
    coverage,
    presence,
)
from analyzer.measurement.signs import KEY
from analyzer.measurement.tables import Tables
from analyzer.prometheus.label_mapping import Exporter
from analyzer.window import TimeWindow

CPU: Final = "proxy_cpu_vcpu"
TCP: Final = "proxy_tcp_bytes_per_second"

_SHOW_A_SCRAPE: Final = (
    "inbound_requests_rps",
    "outbound_requests_rps",
    "waypoint_requests_rps",
    TCP,
    "proxy_build",
)
"""Tables that have a proxy in a step only if it was scraped at least twice in it."""

_PARTIAL_SHARE: Final = 0.75
"""Share of the next step's rate, below which a step beside a dark one counts as half covered."""

_FEW_STEPS: Final = 8
"""Known steps below which a proxy loses none for being beside dark ones."""


def with_points(frame: pd.DataFrame, window: TimeWindow) -> pd.DataFrame:
    """Return `frame` with `point`, the number of the step, in place of its time."""
    return frame.drop(columns=TIME).assign(point=steps_of(frame[TIME].to_numpy(np.int64), window))


class Rows:
    """The rows of the step table, and the values of each query's table in them.

    A query leaves out zeros as well as what was not scraped. Each method is one rule that
    distinguishes the two.
    """

    def __init__(
        self, tables: Tables, proxies: pd.DataFrame, window: TimeWindow, cluster: Ints
    ) -> None:
        self._tables = tables
        self._numbers = Numbers(proxies[KEY])
        self._window = window
        self._shape = len(proxies), window.point_count
        self._read: dict[str, tuple[Places | Ints, Floats]] = {}
        # Tables of two kinds take turns: of each step, and of some of them.
        self._placed: deque[Placed] = deque(maxlen=2)
        self._cpu, self._metrics = self.seen(CPU), self._seen_in(_SHOW_A_SCRAPE)
        found = self._presence(proxies, cluster)
        self._exists, self.doubtful = found.exists, found.doubtful
        # NumPy returns every second number of one array.
        self.proxy, self.point = map(np.ascontiguousarray, np.nonzero(self._exists))
        self._row = np.full(self._exists.size, -1, dtype=np.int32)
        self._row[self._exists.ravel()] = np.arange(len(self.proxy))
        self._cells_of_rows: Places | Ints | None = None
        self._was_scraped = self.at(self._metrics)

    def _presence(self, proxies: pd.DataFrame, cluster: Ints) -> Presence:
        nodes = proxies["node"]
        return presence(
            Sightings(
                cpu=self._cpu,
                metrics=self._metrics,
                memory=self.seen("proxy_memory_bytes"),
                state=self._in_state(),
                node=np.where(nodes == "", -1, pd.factorize(nodes, sort=True)[0]).astype(np.int64),
                cluster=cluster,
                workload=np.asarray(
                    proxies.groupby(["namespace", "workload"]).ngroup(), dtype=np.int64
                ),
                lookback_steps=math.ceil(LOOKBACK_SECONDS / self._window.step_seconds),
            )
        )

    def _in_state(self) -> Bools:
        """Return which pods kube-state-metrics has at the end of which steps."""
        names = [f"proxy_{name}" for name in FOR_LIFE]
        intervals = {name: self._tables.intervals_of(name) for name in names}
        flags = self._seen_in(name for name in names if intervals[name].stride == 1)
        cells, sums = self._samples(STATE_STEPS)
        proxy, point = np.divmod(cells, self._shape[1])
        number, step = self._tables.intervals_of(STATE_STEPS).steps_in(point, sums)
        flags[proxy[number], step] = True
        is_known = flags.any(axis=1, keepdims=True)
        for name in names:
            if intervals[name].stride > 1:
                # What has no CPU request, and so no steps, may have another one, or a limit.
                flags |= in_intervals(intervals[name], self.seen(name)) & ~is_known
        return flags

    def at(self, flags: Bools) -> Bools:
        """Return the flags of shape (proxies, steps) in the rows."""
        return np.asarray(flags[self.proxy, self.point])

    def covered(self, exporter: Exporter) -> Coverage:
        """Return which steps the kubelet or the proxies' own metrics cover in part."""
        source = self._cpu if exporter == Exporter.CADVISOR else self._metrics
        return coverage(source, self._exists)

    def half_covered(self, covered: Coverage, rates: Floats) -> Bools:
        """Return the rows whose rate is too low because their source went dark within the step.

        Beside a single dark step, which may be chance, that is so if it is clearly below the rate
        on its other side. The same holds for a proxy with few known steps.
        """
        dense = np.full(self._shape, np.nan)
        dense[self.proxy, self.point] = rates
        inner = np.full(self._shape, np.nan)
        inner[:, 1:] = dense[:, :-1]
        np.fmax(inner[:, :-1], dense[:, 1:], out=inner[:, :-1])
        is_few = (~np.isnan(dense)).sum(axis=1, keepdims=True) < _FEW_STEPS
        beside = covered.beside_hole | covered.beside_gap
        is_low = beside & (dense < _PARTIAL_SHARE * inner)
        return self.at(is_low | (covered.beside_gap & ~is_few))

    def known(self, name: str) -> Floats:
        """Return the values of the table, and NaN elsewhere."""
        cells, values = self._samples(name)
        # None is needed again, as a rule, and together they take as much memory as the columns.
        del self._read[name]
        if not len(cells):
            return alike(np.nan, len(self.proxy))
        if (intervals := self._tables.intervals_of(name)).stride > 1:
            return self._known_in(intervals, cells.astype(np.int64), values)
        if cells is self._cells_of_rows:
            return values
        row = self._row[cells]
        if len(row) == len(self.proxy) and (row == np.arange(len(row))).all():
            self._cells_of_rows = cells
            return values
        row, values = row[row >= 0], values[row >= 0]
        sums = np.bincount(row, values, minlength=len(self.proxy))
        is_known = np.bincount(row, minlength=len(self.proxy)) > 0
        return np.asarray(np.where(is_known, sums, np.nan), dtype=np.float64)

    def _known_in(self, intervals: Intervals, cell: Ints, values: Floats) -> Floats:
        """Return the value that each row's interval has; NaN where it has none.

        `cell` is the number of the proxy and of the interval's end, in one.
        """
        sums = np.bincount(cell, values, minlength=math.prod(self._shape))
        is_unknown = np.ones(len(sums), dtype=bool)
        is_unknown[cell] = False
        sums[is_unknown] = np.nan
        return np.asarray(sums[self.proxy * self._shape[1] + intervals.end_of[self.point]])

    def sums(self, frame: pd.DataFrame, column: str) -> Floats:
        """Return the sum of `column` in each row, of a frame with namespace, pod and point."""
        if frame.empty:
            return alike(0.0, len(self.proxy))
        numbers = self._numbers.of(frame)
        found = numbers >= 0
        proxy, point = numbers[found], frame["point"].to_numpy(np.int64)[found]
        row = self._row[cells_of(proxy, point, self._shape)]
        values = frame[column].to_numpy(float)[found]
        sums = np.bincount(row[row >= 0], values[row >= 0], minlength=len(self.proxy))
        return np.asarray(sums, dtype=np.float64)

    def reported(self, name: str, reporter: str, whole: Floats) -> Floats:
        """Return what one reporter has of `whole`, the values of a table for all of them.

        It is 0 where the others have all, and NaN where `whole` is or the label is missing.
        """
        frame = with_points(self._tables[name], self._window)
        frame = frame[frame["point"].between(0, self._shape[1] - 1)]
        is_named = self.sums(frame[frame["reporter"] == ""], name) == 0
        values = self.sums(frame[frame["reporter"] == reporter], name)
        return as_one(np.where(is_named & ~np.isnan(whole), values, np.nan))

    def replaced(self, values: Floats, frame: pd.DataFrame, column: str) -> Floats:
        """Return `values` with those of `column` where the frame has a row."""
        if frame.empty:
            return values
        is_there = self.sums(frame.assign(one=1.0), "one") > 0
        return np.where(is_there, self.sums(frame, column), values)

    def zero_where_scraped(self, name: str, *, is_known: bool = True) -> Floats:
        """Return 0 for a known counter that a scraped proxy lacks: it has never moved."""
        return _zero_where(self._was_scraped & is_known, self.known(name))

    def zero_beside(self, name: str, traffic: Floats) -> Floats:
        """Return the same, but NaN where traffic must have moved the counter.

        Istio's Telemetry resource switches single metrics off, for single workloads too.
        """
        is_zero = self._was_scraped & (traffic == 0) & self._tables.has(name)
        return _zero_where(is_zero, self.known(name))

    def zero_where_cpu_is_known(self, name: str) -> Floats:
        """Return what the kubelet measures with the CPU: unknown where the CPU is."""
        cpu_is_known = self.at(self._cpu) & self._tables.has(name)
        values = _zero_where(cpu_is_known, self.known(name))
        return as_one(np.where(cpu_is_known, values, np.nan))

    def for_life(self, name: str) -> Floats:
        """Return what a pod keeps for life, filled where kube-state-metrics missed a step."""
        values = self.known(name)
        if not np.isnan(values).any() or np.isnan(values).all():
            return as_one(values)
        forward = pd.Series(values).groupby(self.proxy).ffill()
        return np.asarray(forward.groupby(self.proxy).bfill(), dtype=np.float64)

    def seen(self, name: str) -> Bools:
        """Return which proxies a table has in which steps, shape (proxies, steps)."""
        return self._seen_in([name])

    def _seen_in(self, names: Iterable[str]) -> Bools:
        flags = np.zeros(self._shape, dtype=bool)
        for name in names:
            flags.ravel()[self._samples(name)[0]] = True
        return flags

    def _samples(self, name: str) -> tuple[Places | Ints, Floats]:
        """Return the cell and the value of each sample of a table, as `Placed` has them."""
        if name not in self._read:
            pieces = self._tables.pieces(name)
            placed = self._place(pieces)
            self._read[name] = placed.cells, placed.values(pieces)
        return self._read[name]

    def _place(self, pieces: Pieces) -> Placed:
        """Return the cells of a table: as a rule those of one before."""
        numbers = self._numbers.of(pieces.labels)
        for one in self._placed:
            if one.has(pieces, numbers):
                return one
        placed = Placed.of(pieces, numbers, self._window, self._shape)
        for one in self._placed:
            if np.array_equal(one.cells, placed.cells):
                placed = replace(placed, cells=one.cells)
        self._placed.append(placed)
        return placed


def _zero_where(known: Bools, values: Floats) -> Floats:
    if are_alike(values) and (known.all() or not known.any()):
        return alike(0.0, len(values)) if known[0] and np.isnan(values[0]) else values
    return as_one(np.where(known & np.isnan(values), 0.0, values))
