"""Memory per sidecar, and the part of it that the configuration pushed by istiod needs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats, Ints
from analyzer.calibration.fit import huber, jackknife
from analyzer.calibration.fit.least_squares import Problem, Term
from analyzer.calibration.fit.segments import Segments
from analyzer.calibration.result import MemoryCalibration
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BYTES_PER_GIB, Interval, Reason, Refusal, Role, counted

CONSTANT: Final = Term(name="constant", is_floored=True)
CLUSTERS: Final = Term(name="Envoy clusters", is_floored=True)

MIN_PROXIES: Final = 8
"""Least number of proxies for a line: configuration hardly changes in time, so each proxy is one
sample."""

MIN_VARIATION: Final = 0.05
"""Coefficient of variation of the configuration's size, below which no line is fitted."""


def fit_memory(usage: MeshUsage) -> MemoryCalibration | Refusal:
    """Fit each sidecar's mean memory to the mean number of Envoy clusters in its configuration.

    Requests are not a term: a proxy's buffers come and go, its configuration stays.
    """
    proxies = _proxies(usage)
    if len(proxies) < 2:  # noqa: PLR2004 - the spread of a mean needs two
        return Refusal(
            subject="memory per sidecar",
            reason=Reason.NO_DATA if proxies.empty else Reason.TOO_FEW_PROXIES,
            detail=(
                f"Memory is known for {counted(len(proxies), 'sidecar')}. A mean with a range "
                "needs at least 2."
            ),
        )
    gib = proxies["memory_bytes"].to_numpy(float) / BYTES_PER_GIB
    workload = proxies["workload"].to_numpy(np.int64)
    one = np.ones_like(gib)
    mean = _fit({CONSTANT: one}, gib, workload)[CONSTANT]
    whole = MemoryCalibration(gib_per_proxy=mean, proxy_count=len(gib))
    clusters = proxies["configured_clusters"].to_numpy(float)
    known = ~np.isnan(clusters)
    if known.sum() < MIN_PROXIES or clusters[known].std() < MIN_VARIATION * clusters[known].mean():
        return whole
    loads = {CONSTANT: one[known], CLUSTERS: clusters[known] / 1000}
    line = _fit(loads, gib[known], workload[known])
    if line[CLUSTERS].mid == 0:
        return whole
    return replace(
        whole,
        idle_gib_per_proxy=line[CONSTANT],
        gib_per_1000_clusters=line[CLUSTERS],
        cluster_count=float(clusters[known].mean()),
    )


def _proxies(usage: MeshUsage) -> pd.DataFrame:
    """Return a row per sidecar with known memory: workload, memory_bytes, configured_clusters."""
    means = usage.steps.groupby("proxy")[["memory_bytes", "configured_clusters"]].mean()
    sidecars = usage.proxies[usage.proxies["role"] == Role.SIDECAR]
    workload = sidecars.groupby(["namespace", "workload"]).ngroup().rename("workload")
    frame = means.join(workload, how="inner").dropna(subset=["memory_bytes"])
    return frame.sort_values("workload", kind="stable")


def _fit(loads: Mapping[Term, Floats], gib: Floats, workload: Ints) -> dict[Term, Interval]:
    """Fit all sidecars together; those of a workload form one cluster, if there are enough."""
    clusters = Segments.of(workload)
    if len(clusters) < MIN_PROXIES:
        clusters = Segments.of(np.arange(len(gib)))
    problem = Problem.of(loads, gib, np.ones((1, len(loads)), dtype=bool))
    # The mean is a plain one, because all of it is paid for; the line is a robust one.
    threshold = huber.HUBER_THRESHOLD if CLUSTERS in loads else np.inf
    fit = huber.fit_robustly(problem, variance_weights=np.ones_like(gib), threshold=threshold)
    return jackknife.ranges(problem, fit, clusters)
