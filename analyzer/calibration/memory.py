"""What memory a sidecar takes, and what of it the configuration pushed to it takes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from analyzer.calibration.fit.huber import HUBER_THRESHOLD, fit_robustly
from analyzer.calibration.fit.jackknife import interval, jackknife
from analyzer.calibration.fit.least_squares import Problem
from analyzer.calibration.fit.segments import Floats, Ints, Segments
from analyzer.calibration.result import MemoryCalibration
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BYTES_PER_GIB, Reason, Refusal, Role

__all__ = ["fit_memory"]

MIN_PROXIES: Final = 8
"""Fewer proxies than this give no line: configuration hardly changes in time, so that each proxy
is one sample."""

MIN_VARIATION: Final = 0.05
"""Coefficient of variation of the configuration's size below which it explains nothing."""


def fit_memory(usage: MeshUsage) -> MemoryCalibration | Refusal:
    """Fit each sidecar's mean memory to the mean number of Envoy clusters it is configured for.

    Requests take no part: a proxy's buffers come and go, its configuration stays.
    """
    proxies = _proxies(usage)
    if len(proxies) < 2:  # noqa: PLR2004 - the spread of a mean needs two
        return Refusal(
            subject="memory of a sidecar",
            reason=Reason.NO_DATA if proxies.empty else Reason.TOO_FEW_PROXIES,
            detail=f"{len(proxies)} sidecars with known memory, and a mean with a range needs two",
        )
    gib = proxies["memory_bytes"].to_numpy(float) / BYTES_PER_GIB
    workload = proxies["workload"].to_numpy(np.int64)
    mean, variance, freedom = _fit(np.ones((1, len(gib))), gib, workload)
    whole = interval(float(mean[0]), float(variance[0]), freedom)
    clusters = proxies["configured_clusters"].to_numpy(float)
    known = ~np.isnan(clusters)
    if known.sum() < MIN_PROXIES or clusters[known].std() < MIN_VARIATION * clusters[known].mean():
        return MemoryCalibration(gib_per_proxy=whole, proxy_count=len(gib))
    design = np.array([np.ones(int(known.sum())), clusters[known] / 1000])
    line, variances, freedom = _fit(design, gib[known], workload[known])
    if line[1] == 0:
        return MemoryCalibration(gib_per_proxy=whole, proxy_count=len(gib))
    return MemoryCalibration(
        gib_per_proxy=whole,
        proxy_count=len(gib),
        idle_gib_per_proxy=interval(float(line[0]), float(variances[0]), freedom),
        gib_per_1000_clusters=interval(float(line[1]), float(variances[1]), freedom),
        cluster_count=float(clusters[known].mean()),
    )


def _proxies(usage: MeshUsage) -> pd.DataFrame:
    """Return one row a sidecar with known memory: workload, memory_bytes, configured_clusters."""
    columns = ["memory_bytes", "configured_clusters"]
    means = usage.steps.groupby("proxy")[columns].mean()
    sidecars = usage.proxies[usage.proxies["role"] == Role.SIDECAR]
    workload = sidecars.groupby(["namespace", "workload"]).ngroup().rename("workload")
    frame = means.join(workload, how="inner").dropna(subset=["memory_bytes"])
    return frame.sort_values("workload", kind="stable")


def _fit(design: Floats, gib: Floats, workload: Ints) -> tuple[Floats, Floats, float]:
    """Fit all sidecars together; those of one workload are one cluster, where there are more."""
    whole = Segments.of(np.zeros(len(gib), dtype=np.int64))
    clusters = Segments.of(workload)
    if len(clusters) < MIN_PROXIES:
        clusters = Segments.of(np.arange(len(gib)))
    # The mean is a plain one, as it is paid for; the line is a robust one.
    threshold = np.inf if len(design) == 1 else HUBER_THRESHOLD
    problem = Problem(
        design=design,
        target=gib,
        segments=whole,
        active=np.ones((1, len(design)), dtype=bool),
        floored=range(len(design)),
    )
    fit = fit_robustly(problem, variance_weights=np.ones_like(gib), threshold=threshold)
    covariance = jackknife(problem, fit, clusters)[0]
    return fit.coefficients[0], np.diag(covariance), float(len(clusters) - 1)
