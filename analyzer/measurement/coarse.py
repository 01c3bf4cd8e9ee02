"""Tables of what was asked at the end of intervals of several steps: what each step has of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints, Places
from analyzer.window import MOST_STRIDE, TimeWindow

STATE_STEPS: Final = "proxy_state_steps"
"""The query for the steps of an interval in which kube-state-metrics has a pod."""


@dataclass(frozen=True)
class Intervals:
    """The intervals at whose ends a query was asked.

    Attributes:
        stride: steps in each; 1: it was asked at each step. The last one may have fewer.
    """

    window: TimeWindow
    stride: int

    @cached_property
    def ends(self) -> Ints:
        """The last step of each interval, in order."""
        return self.window.asked_points(self.stride)

    @cached_property
    def end_of(self) -> Ints:
        """The last step of the interval of each step, shape (steps,)."""
        steps = np.arange(self.window.point_count)
        return np.asarray(self.ends[np.searchsorted(self.ends, steps)])

    def lengths(self, points: Ints | Places) -> Ints:
        """Return how many steps the intervals have that end with some points.

        The first one may begin before the window.
        """
        place = np.minimum(np.searchsorted(self.ends, points), len(self.ends) - 1)
        before = self.ends[np.maximum(place - 1, 0)]
        inner = np.minimum(points - before, self.stride)
        lengths: Ints = np.where(place > 0, inner, self.stride)
        return lengths

    def firsts(self, points: Ints) -> Ints:
        """Return the first step in the window of the intervals that end with some points."""
        firsts: Ints = np.maximum(points - self.lengths(points) + 1, 0)
        return firsts

    def spread(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows with `point`, the end of an interval, once for each step of theirs."""
        if self.stride == 1:
            return rows
        points = rows["point"].to_numpy(np.int64)
        counts = points - self.firsts(points) + 1
        number = np.repeat(np.arange(len(rows)), counts)
        before = np.arange(len(number)) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows.iloc[number].assign(point=points[number] - before)

    def steps_in(self, points: Ints | Places, sums: Floats) -> tuple[Ints, Ints]:
        """Return the steps that sums of powers of two have: the number of the sum, and the step.

        Args:
            points: the end of the interval of each sum.
            sums: as `STATE_STEPS` has them.
        """
        lengths = self.lengths(points)
        evaluated = int(self.window.evaluated_at(0).timestamp()) // self.window.step_seconds
        bits = np.clip(sums, 0, 2**MOST_STRIDE - 1).astype(np.int64)
        found = []
        for before in range(self.stride):
            step = points - before
            place = (evaluated + step) % lengths
            is_there = (before < lengths) & (step >= 0) & ((bits >> place) & 1 > 0)
            number = np.flatnonzero(is_there)
            found.append((number, step[number]))
        numbers, steps = (np.concatenate(part) for part in zip(*found, strict=True))
        return numbers, steps


def in_intervals(intervals: Intervals, ends: Bools) -> Bools:
    """Return the steps of intervals that end with some steps, both of shape (proxies, steps)."""
    return np.asarray(ends[:, intervals.end_of])
