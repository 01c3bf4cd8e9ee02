"""Which values of the step table are missing although the proxy existed, and what fills them."""

from collections.abc import Generator, Iterator
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.measurement.anchors import anchored
from analyzer.measurement.counters import REPORTERS
from analyzer.measurement.filling import COLUMNS, Cells, Estimate, Line, estimate, nothing, sums
from analyzer.measurement.lived import FOR_LIFE, LIVED, is_edge, weighed
from analyzer.measurement.neighbours import after, before
from analyzer.measurement.other_side import WORKLOAD, Heard
from analyzer.measurement.steps import OWN_COLUMNS, StepTable

_HIGH_WORKLOAD: Final = 0.95
"""Quantile of the workloads of a role that bounds a workload which one exporter never showed."""


def fill(
    table: StepTable,
    believed: pd.DataFrame,
    proxies: pd.DataFrame,
    cluster: Ints,
    heard: Heard,
    point_count: int,
) -> pd.DataFrame:
    """Return what fills the missing values of `believed`, the step table without impossible ones.

    What a proxy holds at a moment is averaged over the step, as by `lived.over_steps`.
    Columns: proxy, point, column, mid, low, high. `mid` is NaN where the value only widens the
    range: of a workload that one exporter never showed, or of a cluster that may not have existed.
    """
    filler = _Filler(table, believed, proxies, cluster, heard, point_count)
    parts = [part for part in filler.parts() if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else nothing()


class _Filler:
    def __init__(
        self,
        table: StepTable,
        believed: pd.DataFrame,
        proxies: pd.DataFrame,
        cluster: Ints,
        heard: Heard,
        point_count: int,
    ) -> None:
        self._heard, self._points = heard, point_count
        rows, self._is_doubtful, self._is_added = _with_doubtful(table, believed)
        self._rows = rows
        proxy = rows["proxy"].to_numpy(np.int64)
        point = rows["point"].to_numpy(np.int64)
        workload = proxies.groupby([*WORKLOAD, "role"]).ngroup().to_numpy(np.int64)
        circle = pd.factorize(pd.MultiIndex.from_arrays([cluster, proxies["role"]]))[0]
        self._cells = Cells(
            proxy=proxy,
            point=point,
            workload=workload[proxy],
            circle=circle.astype(np.int64)[proxy],
            point_count=point_count,
        )
        self._is_edge = is_edge(proxy, point, point_count) & ~self._is_doubtful
        lived = self._values(LIVED)
        # A step that was added is whole.
        self._lived = np.where(self._is_added, 1.0, lived) if self._is_added.any() else lived
        self._counters = table.counters
        self._has_idle_scrapes = table.has_idle_scrapes[proxy]

    def _values(self, name: str) -> Floats:
        return self._rows[name].to_numpy(float)

    def parts(self) -> Iterator[pd.DataFrame]:
        """Yield the filled values of one column after the other."""
        metrics = self._missing(np.isnan(self._values("proxy_rps")), own=True)
        rps = self._values("proxy_rps")
        if metrics.any():
            found = yield from self._requests(metrics)
            rps = np.where(metrics, found.mid, rps)
            for name in (*OWN_COLUMNS[3:], "open_connections"):
                yield self._filled(name, metrics, estimate(self._cells, self._values(name)))
        cpu = self._values("cpu_vcpu")
        missing = self._missing(np.isnan(cpu))
        if missing.any():
            base = Line.of(self._cells.workload, rps, cpu).cpu(self._cells.workload, rps)
            found = estimate(self._cells, cpu, base)
            yield self._filled("cpu_vcpu", missing, self._anchored("cpu_vcpu", cpu, found, missing))
        memory = self._values("memory_bytes")
        missing = self._missing(np.isnan(memory)) & np.isnan(cpu)
        if missing.any():
            yield self._filled("memory_bytes", missing, estimate(self._cells, memory))
        for name in FOR_LIFE:
            yield self._given(name)

    def _requests(self, missing: Bools) -> Generator[pd.DataFrame, None, Estimate]:
        """Yield the filled requests, and return all of a proxy."""
        names = ("inbound_rps", "outbound_rps")
        count = sums(self._cells.at(self._cells.workload))
        alive = count[self._cells.at(self._cells.workload)]
        inbound, outbound = (
            self._anchored(
                reporter,
                self._values(name),
                self._by_cpu(self._values(name), self._heard_of(name) / alive),
                missing,
            )
            for name, reporter in zip(names, REPORTERS, strict=False)
        )
        rest = self._values("proxy_rps") - self._values(names[0]) - self._values(names[1])
        # Of a waypoint, which reports neither side as its own.
        rest = np.maximum(rest, 0.0)
        other = self._anchored("waypoint", rest, self._by_cpu(rest, None), missing)
        yield self._filled("inbound_rps", missing, inbound)
        yield self._filled("outbound_rps", missing, outbound)
        whole = _sum(_sum(inbound, outbound), other)
        yield self._filled("proxy_rps", missing, whole)
        return whole

    def _anchored(self, name: str, values: Floats, found: Estimate, missing: Bools) -> Estimate:
        """Return an estimate with the totals that a counter shows, where it does."""
        counter = np.full(len(values), np.nan)
        counter[~self._is_added] = self._counters[name]
        cells = self._cells
        return anchored(cells.proxy, cells.point, counter, values, missing, found)

    def _by_cpu(self, values: Floats, heard: Floats | None) -> Estimate:
        """Estimate requests: by the proxy's own CPU if it shows them, else by others."""
        cells, cpu = self._cells, self._values("cpu_vcpu")
        usual = estimate(cells, values, heard=heard)
        line = Line.of(cells.workload, self._values("proxy_rps"), cpu)
        base = line.rps(cells.workload, cpu)
        closer = estimate(cells, values, base)
        use = ~np.isnan(base) & ~np.isnan(closer.mid)
        mid, low, high = (
            np.where(use, getattr(closer, end), getattr(usual, end))
            for end in ("mid", "low", "high")
        )
        return Estimate(mid=mid, low=low, high=high)

    def _heard_of(self, name: str) -> Floats:
        by_workload = self._heard.by_workload(name)
        keys = self._heard.proxies.loc[self._cells.proxy, WORKLOAD].assign(point=self._cells.point)
        return by_workload.reindex(pd.MultiIndex.from_frame(keys)).to_numpy(float)

    def _missing(self, unknown: Bools, *, own: bool = False) -> Bools:
        """Return where a value is unknown for longer than a proxy's start or end."""
        proxy = self._cells.proxy
        beside = before(unknown, proxy) | after(unknown, proxy)
        missing = unknown & (~self._is_edge | beside)
        if own:
            never = sums(self._cells.workload, ~unknown)[self._cells.workload] == 0
            missing &= self._has_idle_scrapes | self._is_scraped_around(~unknown) | never
        return missing

    def _is_scraped_around(self, known: Bools) -> Bools:
        """Return where no request is no explanation: between two known steps, or all are dark."""
        cells = self._cells
        points = pd.Series(np.where(known, cells.point, np.nan)).groupby(cells.proxy)
        first, last = points.transform("min").to_numpy(), points.transform("max").to_numpy()
        at = cells.at(cells.circle)
        all_dark = sums(at, known)[at] == 0
        return np.asarray(((cells.point > first) & (cells.point < last)) | all_dark)

    def _filled(self, name: str, missing: Bools, found: Estimate) -> pd.DataFrame:
        """Return a column's filled values where they are missing."""
        weight, bound = self._lived, self._bound(name)
        is_unknown = np.isnan(found.mid)
        mid = np.where(self._is_added, np.nan, found.mid) * weight
        low = np.where(self._is_doubtful | self._is_added | is_unknown, 0.0, found.low) * weight
        high = np.where(is_unknown, bound, found.high) * weight
        return self._frame(name, missing & ~np.isnan(high), mid, low, high)

    def _bound(self, name: str) -> Floats:
        """Return what a proxy of a workload may use that an exporter never showed.

        The 95 % quantile of the means of the other workloads of its role; NaN without any.
        """
        cells, values = self._cells, self._values(name)
        means = pd.Series(values).groupby([cells.circle, cells.workload]).mean().dropna()
        bounds = means.groupby(level=0).quantile(_HIGH_WORKLOAD)
        return np.asarray(bounds.reindex(cells.circle), dtype=np.float64)

    def _given(self, name: str) -> pd.DataFrame:
        values = self._values(name)
        missing = np.isnan(values) & ~self._is_added
        if not missing.any() or missing.all():
            return nothing()
        known = pd.Series(values).groupby(self._cells.workload).transform("mean").to_numpy(float)
        known = weighed(known, self._lived)
        return self._frame(name, missing & ~np.isnan(known), known, known, known)

    def _frame(
        self, name: str, chosen: Bools, mid: Floats, low: Floats, high: Floats
    ) -> pd.DataFrame:
        columns = (
            self._cells.proxy,
            self._cells.point,
            np.full(len(mid), name, object),
            mid,
            low,
            high,
        )
        frame = {key: item[chosen] for key, item in zip(COLUMNS, columns, strict=True)}
        return pd.DataFrame(frame).astype({"column": "str"})


def _with_doubtful(table: StepTable, believed: pd.DataFrame) -> tuple[pd.DataFrame, Bools, Bools]:
    """Return the rows with those of doubtful steps, which steps are doubtful, and which added."""
    index = pd.MultiIndex.from_frame(believed[["proxy", "point"]])
    doubtful = pd.MultiIndex.from_frame(table.doubtful)
    added = table.doubtful[~doubtful.isin(index)] if len(doubtful) else table.doubtful
    rows = believed
    if len(added):
        rows = pd.concat([believed, added], ignore_index=True)
        rows = rows.sort_values(["proxy", "point"], kind="stable")
    is_added = rows.index.to_numpy() >= len(believed)
    rows = rows.reset_index(drop=True)
    is_doubtful = np.zeros(len(rows), dtype=bool)
    if len(doubtful):
        is_doubtful = pd.MultiIndex.from_frame(rows[["proxy", "point"]]).isin(doubtful)
    return rows, np.asarray(is_doubtful), np.asarray(is_added)


def _sum(first: Estimate, second: Estimate) -> Estimate:
    return Estimate(
        mid=first.mid + second.mid, low=first.low + second.low, high=first.high + second.high
    )
