"""One line for each workload: what its proxies use at rest, and for a request."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer.calibration.fit import LineFit, fit_line, fit_mean, reach
from analyzer.units import Reason, Refusal

__all__ = ["MIN_CLUSTERS", "MIN_SAMPLES", "MIN_STEPS", "WorkloadFit", "fit_workloads"]

MIN_SAMPLES = 12
"""Fewer samples than this of a workload are not fitted: two hours at the usual ten minutes."""

MIN_STEPS = 3
"""In one or two steps a slope comes from the differences between proxies alone, and whatever else
differs between them would pass for it."""

MIN_CLUSTERS = 8
"""Where a workload has fewer proxies, their time is cut into blocks, so that the covariance rests
on about this many clusters; below it, cluster-robust intervals are known to be too short."""

CLEARLY = 2
"""How many times the reach of its 90 % interval a slope must be below zero to be more than noise:
once is what noise does to one in twenty, and a mesh may have hundreds that cost next to nothing."""

MIN_VARIATION = 0.05
"""Coefficient of variation of the request rate below which a slope is noise divided by nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFit:
    """What one workload's proxies were seen to do, and the line through it where there is one.

    Attributes:
        proxy_count: proxies seen.
        proxy_time_share: its proxies' steps among all of the role's usable steps.
        sample_count: steps of them that were usable.
        mean_rps: proxy requests per second of the whole workload, averaged over the window.
        mean_vcpu: CPU of the whole workload in the usable steps, averaged over the window.
        fitted_rps: lowest and highest rate of one proxy.
        fit: None where there is none. Where there were no requests at all its slope says nothing.
        has_slope: whether the fit says anything about requests. It may say that noise hides their
            cost: then its slope may be below zero. Such a line still counts in the mesh's mean,
            which would come out too high if only those survived that noise had tilted upwards.
        refusal: why no slope can be quoted, if none can.
    """

    namespace: str
    workload: str
    proxy_count: int
    proxy_time_share: float
    sample_count: int
    mean_rps: float
    mean_vcpu: float
    fitted_rps: tuple[float, float]
    fit: LineFit | None
    has_slope: bool
    refusal: Refusal | None


def fit_workloads(rows: pd.DataFrame, point_count: int) -> tuple[WorkloadFit, ...]:
    """Fit each workload's proxies on its own.

    Args:
        rows: `Observations.rows`.
        point_count: the steps that averages are over.
    """
    return tuple(
        _fit(str(namespace), str(workload), group, len(rows), point_count)
        for (namespace, workload), group in rows.groupby(["namespace", "workload"], sort=True)
    )


def _fit(
    namespace: str, workload: str, group: pd.DataFrame, row_count: int, point_count: int
) -> WorkloadFit:
    rps, vcpu = group["rps"].to_numpy(float), group["cpu_vcpu"].to_numpy(float)
    fit, refused = None, _obstacle(group, rps, vcpu)
    if refused is None:
        clusters = _clusters(group["proxy"].to_numpy(np.int64), group["point"].to_numpy(np.int64))
        fit, refused = _line(rps, vcpu, clusters)
    refusal = refused and Refusal(
        subject=f"slope of {namespace}/{workload}", reason=refused[0], detail=refused[1]
    )
    return WorkloadFit(
        namespace=namespace,
        workload=workload,
        proxy_count=group["proxy"].nunique(),
        proxy_time_share=len(group) / row_count,
        sample_count=len(group),
        mean_rps=float(rps.sum()) / point_count,
        mean_vcpu=float(vcpu.sum()) / point_count,
        fitted_rps=(float(rps.min()), float(rps.max())),
        fit=fit,
        has_slope=fit is not None and bool(rps.any()),
        refusal=refusal or None,
    )


def _obstacle(
    group: pd.DataFrame, rps: npt.NDArray[np.float64], vcpu: npt.NDArray[np.float64]
) -> tuple[Reason, str] | None:
    """Return why nothing can be fitted to these samples."""
    count, steps = len(group), group["point"].nunique()
    if count < MIN_SAMPLES or steps < MIN_STEPS:
        return Reason.TOO_FEW_SAMPLES, (
            f"{count} usable samples at {steps} steps, and a line needs {MIN_SAMPLES} at "
            f"{MIN_STEPS}: collect a longer time"
        )
    if not vcpu.any():
        return Reason.NO_DATA, "its CPU reads zero throughout"
    if not rps.any():
        has_tcp = bool((group["tcp_bytes_per_second"] > 0).any())
        without_requests = "its traffic is TCP, which Istio counts no requests of"
        return (Reason.NO_TRAFFIC, without_requests) if has_tcp else None
    if rps.std() < MIN_VARIATION * rps.mean():
        return Reason.CONSTANT_TRAFFIC, (
            f"its request rate varies by less than {MIN_VARIATION:.0%}, so that idle and slope "
            "cannot be told apart: collect a time with low and high traffic"
        )
    return None


def _line(
    rps: npt.NDArray[np.float64],
    vcpu: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
) -> tuple[LineFit | None, tuple[Reason, str] | None]:
    """Return the line, or the mean at rest, and why no slope can be quoted."""
    if not rps.any():
        return fit_mean(vcpu, clusters), (Reason.NO_TRAFFIC, "no requests; its CPU is all idle")
    fit = fit_line(rps, vcpu, clusters)
    slope = fit.model.vcpu_per_rps
    if slope > 0:
        return fit, None
    to_end = reach(float(fit.covariance[1, 1]), fit.degrees_of_freedom)
    if slope + CLEARLY * to_end < 0:
        return None, (
            Reason.NEGATIVE_SLOPE,
            "its CPU falls when its requests rise: something else drives it",
        )
    return fit, (
        Reason.NEGATIVE_SLOPE,
        "its CPU does not rise with its requests by more than its noise",
    )


def _clusters(
    proxies: npt.NDArray[np.int64], points: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return codes 0..g-1: the proxies, or blocks of time of each where they are few.

    How many there are is the inverse of the chance that two samples are of the same one: beside a
    proxy that lived all day, eight that lived for minutes are hardly more than none.
    """
    _, codes, counts = np.unique(proxies, return_inverse=True, return_counts=True)
    effective = len(proxies) ** 2 / float(counts @ counts)
    blocks = math.ceil(MIN_CLUSTERS / effective)
    steps = np.unique(points, return_inverse=True)[1]
    block = steps * blocks // (int(steps.max()) + 1)
    dense: npt.NDArray[np.int64] = np.unique(codes * blocks + block, return_inverse=True)[1]
    return dense
