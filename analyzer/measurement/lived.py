"""For how much of each step a proxy existed: its life begins within one step and ends in another.

Rates are means over whole steps, but a request for CPU is the same at each moment of a life. A pod
of twenty minutes would request three times as much in steps of an hour.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints, are_alike
from analyzer.measurement.columns import alike, as_one, assigned
from analyzer.measurement.groups import Groups
from analyzer.measurement.neighbours import after, follows

LIVED: Final = "lived_share"
"""The column of the step table with this share."""

FOR_LIFE: Final = ("reserved_vcpu", "reserved_memory_bytes", "limit_vcpu", "limit_memory_bytes")
"""What a pod is given at its creation and keeps."""

_MEMORY: Final = "memory_bytes"

PART_OF_A_STEP: Final = 0.5
"""Mean share of its first or last step in which a proxy exists."""

WHOLE: Final = 0.9
"""Share of a whole step's scrapes from which a proxy lived for all of it: one may come late."""


def is_edge(proxy: Ints, point: Ints, point_count: int) -> Bools:
    """Return the first and last row of each life, unless the window begins or ends there."""
    first, last = _lives(proxy, point)
    found = np.zeros(len(proxy), dtype=bool)
    found[first[point[first] > 0]] = True
    found[last[point[last] < point_count - 1]] = True
    return found


def _lives(proxy: Ints, point: Ints) -> tuple[Ints, Ints]:
    """Return the first and the last rows of all lives; rows are sorted by proxy and point."""
    has_before = follows(proxy, point)
    return np.flatnonzero(~has_before), np.flatnonzero(~after(has_before, proxy))


@dataclass(frozen=True, kw_only=True, eq=False)
class Scrapes:
    """How often each row's proxy was scraped; rows are sorted by proxy and point.

    Attributes:
        proxy, point: of the row, shape (rows,).
        scrape_count: of the row, shape (rows,); NaN: not known.
        is_seen: whether its CPU is known, or how often it was scraped, shape (rows,).
        workload, namespace, cluster: numbers of each proxy's, shape (proxies,).
        point_count: steps of the window.
        whole_step_count: scrapes of a whole step, where no proxy of a cluster shows it.
    """

    proxy: Ints
    point: Ints
    scrape_count: Floats
    is_seen: Bools
    workload: Ints
    namespace: Ints
    cluster: Ints
    point_count: int
    whole_step_count: float

    @cached_property
    def _lives(self) -> tuple[Ints, Ints]:
        """The first and the last rows of all lives."""
        return _lives(self.proxy, self.point)

    @cached_property
    def _of_workload(self) -> pd.Series:
        """Scrapes of a whole step by workload, where one of its proxies shows it."""
        inner = self.scrape_count.copy()
        inner[np.concatenate(self._lives)] = np.nan
        # A table of zeros, as an export may make of it, shows no scrape.
        inner[inner == 0] = np.nan
        medians: pd.Series = pd.Series(inner).groupby(self.workload[self.proxy]).median()
        return medians.dropna()

    @cached_property
    def whole(self) -> Floats:
        """Scrapes of a whole step of each proxy, shape (proxies,).

        A workload of brief pods does not show it: others of its namespace, or of its cluster, do.
        """
        known = pd.Series(self._of_workload.reindex(self.workload).to_numpy(float))
        for group in (self.namespace, self.cluster):
            if known.isna().any():
                known = known.fillna(known.groupby(group).transform("median"))
        return known.fillna(self.whole_step_count).to_numpy(float)

    @cached_property
    def shares(self) -> Floats:
        """Each row's scrapes as a share of those of a whole step, at most 1; NaN: not known."""
        shares = np.minimum(self.scrape_count / self.whole[self.proxy], 1.0)
        return np.asarray(np.where(shares > 0, shares, np.nan) if (shares == 0).any() else shares)

    def lived(self, ranges_per_step: float) -> Floats:
        """Return for what share of its step the proxy of each row existed, 0 to 1, shape (rows,).

        Args:
            ranges_per_step: the range in which scrapes are counted, over the step. It begins
                before it.
        """
        first, last = self._lives
        begins, ends = (np.zeros(len(self.proxy), dtype=bool) for _ in range(2))
        begins[first] = ~self._is_border(first, -1) | self._has_few(first)
        ends[last] = ~self._is_border(last, 1) | self._has_few(last)
        rows = np.flatnonzero(begins | ends)
        if not len(rows):
            return alike(1.0, len(self.proxy))
        lived = self._relative(rows, self.cluster, self._by_cluster) * ranges_per_step
        # What lived into the step began before it, in the part of the range that is no part of it.
        lived -= np.where(ends[rows] & ~begins[rows], ranges_per_step - 1, 0.0)
        found = np.ones(len(self.proxy))
        found[rows] = np.where(np.isnan(lived), PART_OF_A_STEP, np.clip(lived, 0.0, 1.0))
        return as_one(found)

    def _is_border(self, rows: Ints, by: int) -> Bools:
        """Return whether the step beside a row is the window's end, or its cluster dark in it.

        Lives that begin or end there are cut by what was seen, and not by themselves.
        """
        return np.asarray(~self._seen[self.cluster[self.proxy[rows]], self.point[rows] + 1 + by])

    @cached_property
    def _seen(self) -> Bools:
        """In which steps each cluster is seen, with a step before and one after the window."""
        return np.pad(self._sums(self.cluster, self.is_seen) > 0, ((0, 0), (1, 1)))

    def _has_few(self, rows: Ints) -> Bools:
        """Return which of these rows have clearly fewer scrapes than others of the same step.

        Where a server, or the scrapes of a namespace, began or ended in the step, all have few. A
        namespace of brief pods is compared with its cluster.
        """
        # One with CPU in several steps was there, if it was scraped in this one or not.
        few = ~(self.shares[rows] >= WHOLE) & (self._is_scraped[rows] | np.isin(rows, self._alone))
        some = rows[few]
        if len(some):
            stays = np.isin(self.workload, self._of_workload.index)
            is_shown = np.isin(self.namespace, self.namespace[stays])[self.proxy[some]]
            by_namespace = self._relative(some, self.namespace, self._by_namespace)
            by_cluster = self._relative(some, self.cluster, self._by_cluster)
            few[few] = np.where(is_shown, by_namespace, by_cluster) < WHOLE
        return np.asarray(few)

    def _relative(self, rows: Ints, group: Ints, covered: Floats) -> Floats:
        """Return the shares of these rows of what was `covered` of their step in their group.

        A proxy that was not scraped twice was scraped once; NaN where its workload never is, or
        nothing of its cluster in that step, or itself not in the step beside it.
        """
        shares, proxy, point = self.shares[rows], self.proxy[rows], self.point[rows]
        is_once = np.isnan(shares) & self._scraped_workloads[self.workload[proxy]]
        is_once &= self._by_cluster[self.cluster[proxy], point] > 0
        is_once &= np.isin(rows, self._alone) | self._is_scraped_beside(rows)
        shares = np.where(is_once, 1 / self.whole[proxy], shares)
        whole = covered[group[proxy], point]
        relative = np.divide(shares, whole, out=np.full(len(rows), np.nan), where=whole > 0)
        return np.asarray(relative, dtype=np.float64)

    @cached_property
    def _by_cluster(self) -> Floats:
        return self._covered(self.cluster)

    @cached_property
    def _by_namespace(self) -> Floats:
        return self._covered(self.namespace)

    @cached_property
    def _is_scraped(self) -> Bools:
        return np.asarray(self.shares > 0)

    @cached_property
    def _alone(self) -> Ints:
        """The rows of lives that are in one step only."""
        return np.intersect1d(*self._lives, assume_unique=True)

    def _is_scraped_beside(self, rows: Ints) -> Bools:
        """Return whether the proxies of these rows were scraped in the row before or after."""
        last = len(self.proxy) - 1
        found = np.zeros(len(rows), dtype=bool)
        for beside in (np.maximum(rows - 1, 0), np.minimum(rows + 1, last)):
            is_same = self.proxy[beside] == self.proxy[rows]
            found |= is_same & self._is_scraped[beside]
        return found

    @cached_property
    def _scraped_workloads(self) -> Bools:
        """Which workloads are scraped at any time, shape (workloads,)."""
        size = int(self.workload.max(initial=0)) + 1
        return np.bincount(self.workload[self.proxy], self._is_scraped, size) > 0

    def _covered(self, group: Ints) -> Floats:
        """Return which share of each step was scraped in each group, shape (groups, steps).

        One proxy that is scraped in all of it shows that. All may be replaced in one step: together
        they have as many scrapes as in others.
        """
        shares = np.nan_to_num(self.shares)
        together = self._sums(group, shares)
        most = np.zeros_like(together)
        np.maximum.at(most, (group[self.proxy], self.point), shares)
        scraped = np.where(together > 0, together, np.nan)
        scraped[~(together > 0).any(axis=1)] = 1.0
        usual = np.nanmedian(scraped, axis=1, keepdims=True)
        return np.asarray(np.maximum(most, np.minimum(together / usual, 1.0)))

    def _sums(self, group: Ints, amounts: Floats | Bools) -> Floats:
        """Return the sum of the rows of each group and step, shape (groups, steps)."""
        shape = int(group.max(initial=0)) + 1, self.point_count
        at = group[self.proxy] * self.point_count + self.point
        sums = np.bincount(at, amounts, shape[0] * shape[1])
        return sums.astype(np.float64, copy=False).reshape(shape)


def over_steps(rows: pd.DataFrame, workload: Ints) -> pd.DataFrame:
    """Return rows with what a proxy holds at a moment averaged over each step, as rates are.

    That is memory, and what it is given for life. The memory of a proxy is known at the end of a
    step: one that ended in it has that of its step before, or of its workload.

    Args:
        rows: of the step table, with `LIVED`.
        workload: number of each proxy's workload, shape (proxies,).
    """
    lived = rows[LIVED].to_numpy(float)
    if (lived == 1).all():
        return rows
    columns = {name: rows[name].to_numpy(float) for name in (*FOR_LIFE, _MEMORY)}
    proxy = rows["proxy"].to_numpy(np.int64)
    columns[_MEMORY] = _with_ended(columns[_MEMORY], proxy, workload[proxy], lived < 1)
    known = {name: values for name, values in columns.items() if not np.isnan(values).all()}
    return assigned(rows, {name: values * lived for name, values in known.items()})


def mean_counts(groups: Groups, rows: pd.DataFrame, step_count: int) -> Floats:
    """Return how many proxies of each group of rows there are at a time, on average over steps."""
    return groups.sum(rows[LIVED].to_numpy(float)) / step_count


def weighed(values: Floats, lived: Floats) -> Floats:
    """Return values of whole steps as those of parts; the values themselves if all are whole."""
    is_whole = are_alike(lived) and lived[0] == 1
    return values if is_whole else values * lived


def _with_ended(memory: Floats, proxy: Ints, workload: Ints, is_part: Bools) -> Floats:
    """Return the memory of each row, filled where a proxy existed for a part of the step."""
    unknown = is_part & np.isnan(memory)
    if not unknown.any():
        return memory
    some = np.isin(workload, np.unique(workload[unknown]))
    values = pd.Series(memory[some])
    own = values.groupby(proxy[some]).ffill()
    own = own.groupby(proxy[some]).bfill()
    own = own.fillna(values.groupby(workload[some]).transform("mean"))
    found = memory.copy()
    found[some] = np.where(unknown[some], own.to_numpy(float), memory[some])
    return found
