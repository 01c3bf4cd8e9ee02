"""The observations of one role as sorted arrays, and which workloads can be fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.fit.least_squares import correlations
from analyzer.calibration.fit.segments import Segments, clusters_of, seen_at
from analyzer.units import Reason

MIN_SAMPLES: Final = 12
"""Fewer samples than this of a workload are not fitted: two hours at the usual ten minutes."""

MIN_STEPS: Final = 3
"""In one or two steps a slope comes from differences between proxies alone, whatever the cause."""

MIN_VARIATION: Final = 0.05
"""Coefficient of variation of the request rate below which a slope is noise divided by nothing."""

COLLINEAR: Final = 0.9
"""Share of one column's variance that others explain beyond which they are not separable: it is a
variance inflation of 10, the customary limit."""


class Obstacle(NamedTuple):
    """Why a workload's own slope cannot be fitted."""

    reason: Reason
    detail: str
    is_all_idle: bool = False  # its mean CPU is its idle, because it has no traffic
    has_level: bool = False  # its mean CPU at its mean rate is known well enough to be used

    @property
    def can_borrow(self) -> bool:
        """Whether a slope of other workloads may stand in for the missing one."""
        return self.is_all_idle or self.reason in (Reason.CONSTANT_TRAFFIC, Reason.TOO_FEW_SAMPLES)


_DEAD: Final = Obstacle(Reason.NO_DATA, "its CPU reads zero throughout")
_TCP: Final = Obstacle(Reason.NO_TRAFFIC, "its traffic is TCP, which Istio counts no requests of")
_ALL_IDLE: Final = Obstacle(Reason.NO_TRAFFIC, "no requests; its CPU is all idle", is_all_idle=True)
_STEADY: Final = Obstacle(
    Reason.CONSTANT_TRAFFIC,
    f"its request rate varies by less than {MIN_VARIATION:.0%}, so that idle "
    "and slope cannot be told apart: collect a time with low and high traffic",
    has_level=True,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """Steps of proxies, sorted by workload, proxy and point; arrays of shape (n,).

    Clusters may be correlated: they are proxies, or blocks of their time. Obstacles are why a
    workload has no slope of its own, by segment; the last two say what varies on its own.
    """

    rps: Floats
    inbound_rps: Floats
    outbound_rps: Floats
    gbit_per_second: Floats  # 0 where not known
    vcpu: Floats
    point: Ints
    numbers: Ints  # (g,): the row of each segment of workloads in `Observations.workloads`
    workloads: Segments
    proxies: Segments
    clusters: Segments
    obstacles: Mapping[int, Obstacle]
    has_directions: Bools  # (g,)
    has_bytes: Bools  # (g,)

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Panel:
        """Read `Observations.rows`, or a part of them in the same order."""
        workload, point = rows["workload"].to_numpy(np.int64), rows["point"].to_numpy(np.int64)
        workloads = Segments.of(workload)
        proxies = Segments.of(workload, rows["proxy"].to_numpy(np.int64))
        names = ("inbound_rps", "outbound_rps", "gbit_per_second", "rps")
        loads = {name: rows[name].to_numpy(float) for name in names}
        is_known = workloads.sum(np.isnan(loads["gbit_per_second"])) == 0
        loads["gbit_per_second"] = np.nan_to_num(loads["gbit_per_second"])
        has_directions, has_bytes = _separable(np.array([*loads.values()]), workloads)
        return cls(
            **loads,
            vcpu=rows["cpu_vcpu"].to_numpy(float),
            point=point,
            numbers=workload[workloads.starts],
            workloads=workloads,
            proxies=proxies,
            clusters=clusters_of(workloads, proxies, point),
            obstacles=_obstacles(rows, workloads),
            has_directions=has_directions,
            has_bytes=has_bytes & is_known,
        )

    @property
    def is_fitted(self) -> Bools:
        """Which workloads have no obstacle, shape (g,)."""
        fitted = np.ones(len(self.workloads), dtype=bool)
        fitted[list(self.obstacles)] = False
        return fitted

    @property
    def proxy_counts(self) -> Ints:
        """How many proxies each workload has, shape (g,)."""
        return self.proxies.within(self.workloads).lengths

    @property
    def degrees_of_freedom(self) -> Ints:
        """Of Student's t for intervals: clusters less one, and at least one; shape (g,)."""
        return np.maximum(self.clusters.within(self.workloads).lengths - 1, 1)


def _separable(loads: Floats, workloads: Segments) -> tuple[Bools, Bools]:
    """Return in which workloads the directions, and the bytes, vary on their own, (g,) each."""
    into, out_of, size, whole = range(len(loads))
    correlation = correlations(np.nan_to_num(loads, copy=False), workloads)
    between, with_all = correlation[:, into, out_of], correlation[:, whole, size]
    with_in, with_out = correlation[:, into, size], correlation[:, out_of, size]
    has_directions = between**2 < COLLINEAR
    # The share of the bytes' variance that both directions together explain.
    joint, one = with_in**2 + with_out**2 - 2 * with_in * with_out * between, np.ones_like(between)
    together = np.divide(joint, 1 - between**2, out=one, where=has_directions)
    return has_directions, np.where(has_directions, together, with_all**2) < COLLINEAR


def _obstacles(rows: pd.DataFrame, workloads: Segments) -> Mapping[int, Obstacle]:
    """Return why a workload has no slope of its own, by segment, where it has none."""
    rps, counts = rows["rps"].to_numpy(float), workloads.lengths
    steps = seen_at(workloads, rows["point"].to_numpy(np.int64)).sum(axis=1)
    mean = workloads.sum(rps) / counts
    square = workloads.sum((rps - workloads.spread(mean)) ** 2) / counts
    is_constant = np.sqrt(square) < MIN_VARIATION * mean
    has_tcp = workloads.highest(rows["tcp_bytes_per_second"].fillna(0.0).to_numpy(float)) > 0
    is_dead = workloads.highest(rows["cpu_vcpu"].to_numpy(float)) <= 0
    kinds = (
        (is_dead, _DEAD),
        ((mean == 0) & has_tcp, _TCP),
        (mean == 0, _ALL_IDLE),
        (is_constant, _STEADY),
    )
    found = {}
    for number, (count, step_count) in enumerate(zip(counts, steps, strict=True)):
        holding = (obstacle for holds, obstacle in kinds if holds[number])
        if count < MIN_SAMPLES or step_count < MIN_STEPS:
            seen = f"{count} usable samples at {step_count} steps"
            needed = f"a line needs {MIN_SAMPLES} at {MIN_STEPS}: collect a longer time"
            found[number] = Obstacle(Reason.TOO_FEW_SAMPLES, f"{seen}, and {needed}")
        elif obstacle := next(holding, None):
            found[number] = obstacle
    return found
