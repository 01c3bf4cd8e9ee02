"""One line for each workload: what its proxies use at rest, and for a request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer.calibration.fit import LineFit, fit_line, fit_mean
from analyzer.units import Reason, Refusal

__all__ = ["MIN_CLUSTERS", "MIN_SAMPLES", "WorkloadFit", "fit_workloads"]

MIN_SAMPLES = 12
"""Fewer samples than this of a workload are not fitted: two hours at the usual ten minutes."""

MIN_CLUSTERS = 8
"""Where a workload has fewer proxies, their time is cut into blocks, so that the covariance rests
on about this many clusters; below it, cluster-robust intervals are known to be too short."""

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
        fit: None where refused. Where there were no requests at all its slope says nothing.
        has_slope: whether the fit says anything about requests.
        refusal: why there is no slope, if there is none.
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
    clusters = _clusters(group["proxy"].to_numpy(np.int64), group["point"].to_numpy(np.int64))
    fit, refused = _line(
        rps, vcpu, clusters, has_tcp=bool((group["tcp_bytes_per_second"] > 0).any())
    )
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
        has_slope=refused is None,
        refusal=refusal or None,
    )


def _line(
    rps: npt.NDArray[np.float64],
    vcpu: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    *,
    has_tcp: bool,
) -> tuple[LineFit | None, tuple[Reason, str] | None]:
    """Return the line, or the mean at rest, and why there is no slope."""
    count = len(rps)
    if count < MIN_SAMPLES or clusters.max() < 2:  # noqa: PLR2004 - codes 0..2 are three clusters
        return None, (
            Reason.TOO_FEW_SAMPLES,
            f"{count} usable steps, and a line needs {MIN_SAMPLES}: collect a longer time",
        )
    if not rps.any():
        if has_tcp:
            return None, (
                Reason.NO_TRAFFIC,
                "its traffic is TCP, which Istio counts no requests of",
            )
        return fit_mean(vcpu, clusters), (Reason.NO_TRAFFIC, "no requests; its CPU is all idle")
    if rps.std() < MIN_VARIATION * rps.mean():
        return None, (
            Reason.CONSTANT_TRAFFIC,
            f"its request rate varies by less than {MIN_VARIATION:.0%}, so that idle and "
            "slope cannot be told apart: collect a time with low and high traffic",
        )
    fit = fit_line(rps, vcpu, clusters)
    if fit.model.vcpu_per_rps <= 0:
        return None, (
            Reason.NEGATIVE_SLOPE,
            "its CPU does not rise with its requests: something else drives it",
        )
    return fit, None


def _clusters(
    proxies: npt.NDArray[np.int64], points: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return codes 0..g-1: the proxies, or blocks of time of each where they are few."""
    codes = np.unique(proxies, return_inverse=True)[1]
    blocks = -(-MIN_CLUSTERS // (int(codes.max()) + 1))
    if blocks == 1:
        return codes
    elapsed = points - points.min()
    block = elapsed * blocks // (int(elapsed.max()) + 1)
    return np.unique(codes * blocks + block, return_inverse=True)[1]
