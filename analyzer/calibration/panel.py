"""The observations of one role as sorted arrays, and which workloads can be fitted at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.calibration.fit.least_squares import moments_of
from analyzer.calibration.fit.segments import Bools, Floats, Ints, Segments
from analyzer.units import Reason

__all__ = [
    "MIN_CLUSTERS",
    "MIN_SAMPLES",
    "MIN_STEPS",
    "MIN_VARIATION",
    "Obstacle",
    "Panel",
    "obstacles",
]

MIN_SAMPLES = 12
"""Fewer samples than this of a workload are not fitted: two hours at the usual ten minutes."""

MIN_STEPS = 3
"""In one or two steps a slope comes from the differences between proxies alone, and whatever else
differs between them would pass for it."""

MIN_CLUSTERS = 8
"""Where a workload has fewer proxies, their time is cut into blocks, so that the covariance rests
on about this many clusters; below it, cluster-robust intervals are known to be too short."""

MIN_VARIATION = 0.05
"""Coefficient of variation of the request rate below which a slope is noise divided by nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """Steps of proxies, sorted by workload, proxy and point; arrays of shape (n,).

    Attributes:
        numbers: which workload each segment is: its row in `Observations.workloads`, shape (g,).
        workloads: segments of the rows.
        proxies: segments of the rows, each within a workload.
        clusters: segments of the rows that may be correlated: proxies, or blocks of their time.
        step_counts: at how many steps each workload was seen, shape (g,).
        correlations: of inbound and outbound requests, bytes and all requests in each workload,
            shape (g, 4, 4); 1 where one of the two does not vary.
    """

    rps: Floats
    inbound_rps: Floats
    outbound_rps: Floats
    gbit_per_second: Floats
    tcp_bytes_per_second: Floats
    vcpu: Floats
    point: Ints
    numbers: Ints
    workloads: Segments
    proxies: Segments
    clusters: Segments
    step_counts: Ints
    correlations: Floats

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Panel:
        """Read `Observations.rows`, or a part of them in the same order."""
        workload = rows["workload"].to_numpy(np.int64)
        proxy, point = rows["proxy"].to_numpy(np.int64), rows["point"].to_numpy(np.int64)
        workloads = Segments.of(workload)
        seen = _seen(workloads, point)
        loads = [
            rows[name].to_numpy(float)
            for name in ("inbound_rps", "outbound_rps", "gbit_per_second", "rps")
        ]
        inbound, outbound, gbit, rps = loads
        return cls(
            rps=rps,
            inbound_rps=inbound,
            outbound_rps=outbound,
            gbit_per_second=gbit,
            tcp_bytes_per_second=rows["tcp_bytes_per_second"].to_numpy(float),
            vcpu=rows["cpu_vcpu"].to_numpy(float),
            point=point,
            numbers=workload[workloads.starts],
            workloads=workloads,
            proxies=Segments.of(workload, proxy),
            clusters=_clusters(workload, proxy, point, seen),
            step_counts=seen.sum(axis=1),
            correlations=_correlations(np.nan_to_num(np.array(loads)), workloads),
        )

    @property
    def proxy_counts(self) -> Ints:
        """How many proxies each workload has, shape (g,)."""
        return self.proxies.within(self.workloads).lengths

    @property
    def cluster_counts(self) -> Ints:
        """How many clusters each workload has, shape (g,)."""
        return self.clusters.within(self.workloads).lengths


def _clusters(workload: Ints, proxy: Ints, point: Ints, seen: Bools) -> Segments:
    """Return the proxies, or blocks of time of each where a workload has few.

    How many there are is the inverse of the chance that two samples are of the same one: beside a
    proxy that lived all day, eight that lived for minutes are hardly more than none.
    """
    workloads, proxies = Segments.of(workload), Segments.of(workload, proxy)
    if not len(workload):
        return proxies
    squares = proxies.within(workloads).sum(proxies.lengths.astype(float) ** 2)
    effective = workloads.lengths.astype(float) ** 2 / squares
    blocks = np.ceil(MIN_CLUSTERS / effective).astype(np.int64)
    # A hole in the window is no time: of what was seen, each block has as much.
    since = np.cumsum(seen, axis=1, dtype=np.int32)[_row_of(workloads), point] - 1
    block = since * workloads.spread(blocks) // workloads.spread(seen.sum(axis=1))
    return Segments.of(workload, proxy, block)


def _row_of(workloads: Segments) -> Ints:
    return workloads.spread(np.arange(len(workloads)))


def _seen(workloads: Segments, point: Ints) -> Bools:
    """Tell at which points any proxy of each workload was seen, shape (g, points)."""
    seen = np.zeros((len(workloads), int(point.max(initial=-1)) + 1), dtype=bool)
    seen[_row_of(workloads), point] = True
    return seen


def _correlations(columns: Floats, workloads: Segments) -> Floats:
    if not len(workloads):
        return np.ones((0, len(columns), len(columns)))
    totals = workloads.sum(columns)
    centred = workloads.spread(totals / -workloads.lengths)
    centred += columns
    one = np.ones(workloads.row_count)
    products = moments_of(centred, one, one, workloads).gram
    squares = np.einsum("gii->gi", products)
    spread = np.sqrt(squares[:, :, None] * squares[:, None, :])
    varies = spread > np.finfo(float).eps * (totals.T[:, :, None] + totals.T[:, None, :]) ** 2
    return np.asarray(np.divide(products, spread, out=np.ones_like(products), where=varies))


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a workload's own slope cannot be fitted.

    Attributes:
        is_all_idle: whether its CPU tells its idle all the same, because it has no traffic at all.
        has_level: whether its mean CPU at its mean rate is known well enough to be used.
    """

    reason: Reason
    detail: str
    is_all_idle: bool = False
    has_level: bool = False


def obstacles(panel: Panel) -> Mapping[int, Obstacle]:
    """Return what stands against a slope, by segment, for the workloads where something does."""
    workloads = panel.workloads
    mean = workloads.sum(panel.rps) / workloads.lengths
    square = workloads.sum((panel.rps - workloads.spread(mean)) ** 2) / workloads.lengths
    is_constant = np.sqrt(square) < MIN_VARIATION * mean
    has_tcp = workloads.highest(np.nan_to_num(panel.tcp_bytes_per_second)) > 0
    is_dead = workloads.highest(panel.vcpu) <= 0
    found = {}
    for number in range(len(workloads)):
        count, steps = int(workloads.lengths[number]), int(panel.step_counts[number])
        if count < MIN_SAMPLES or steps < MIN_STEPS:
            found[number] = Obstacle(
                reason=Reason.TOO_FEW_SAMPLES,
                detail=f"{count} usable samples at {steps} steps, and a line needs {MIN_SAMPLES} "
                f"at {MIN_STEPS}: collect a longer time",
            )
        elif is_dead[number]:
            found[number] = Obstacle(reason=Reason.NO_DATA, detail="its CPU reads zero throughout")
        elif mean[number] == 0:
            found[number] = _without_requests(has_tcp=bool(has_tcp[number]))
        elif is_constant[number]:
            found[number] = Obstacle(
                reason=Reason.CONSTANT_TRAFFIC,
                detail=f"its request rate varies by less than {MIN_VARIATION:.0%}, so that idle "
                "and slope cannot be told apart: collect a time with low and high traffic",
                has_level=True,
            )
    return found


def _without_requests(*, has_tcp: bool) -> Obstacle:
    if has_tcp:
        detail = "its traffic is TCP, which Istio counts no requests of"
        return Obstacle(reason=Reason.NO_TRAFFIC, detail=detail)
    detail = "no requests; its CPU is all idle"
    return Obstacle(reason=Reason.NO_TRAFFIC, detail=detail, is_all_idle=True)
