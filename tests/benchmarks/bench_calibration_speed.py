"""How long a week of 15,000 pods takes to calibrate, against one regression of statsmodels.

Both see the same columns (one, inbound, outbound, Gbit/s), one after the other, on one BLAS thread:
the one fits 3,000 workloads robustly in several shapes, with intervals, pooling and a backtest; the
other is a weighted least squares over all rows with the covariance clustered by pod. Prints the
median times and their ratio, which is to stay under 8, and what is allocated at the peak over the
bytes of the input, which is to stay under 1.5.
"""

from __future__ import annotations

import os

# Before numpy is loaded.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import statsmodels.api as sm

from analyzer.calibration import RoleCalibration, calibrate_usage
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BITS_PER_GBIT
from tests.calibration.meshes import Fleet, Floats, usage_of

WORKLOADS, PODS, HOURS = 3000, 5, 168
PAIRS = 3
MOST_TIMES, MOST_BYTES = 8.0, 1.5


def week(seed: int = 0) -> MeshUsage:
    """Return pods whose requests in and out, and whose bytes, vary on their own."""
    rng = np.random.default_rng(seed)
    return usage_of(*(_workload(rng, f"w{number:04}") for number in range(WORKLOADS)))


def _workload(rng: np.random.Generator, name: str) -> Fleet:
    inbound, outbound = (_requests(rng) for _ in range(2))
    size = rng.uniform(1e3, 1e5) * np.exp(0.5 * rng.normal(size=(PODS, HOURS)))
    bytes_per_second = (inbound + outbound) * size
    idle, slope = rng.uniform(0.002, 0.05), rng.uniform(0.05e-3, 1e-3)
    vcpu = (
        idle
        + slope * inbound
        + 1.5 * slope * outbound
        + 0.02 * bytes_per_second * 8 / BITS_PER_GBIT
    )
    return Fleet(
        rps=inbound + outbound,
        outbound_rps=outbound,
        http_bytes_per_second=bytes_per_second,
        vcpu=vcpu * (1 + 0.1 * rng.normal(size=vcpu.shape)),
        workload=name,
    )


def _requests(rng: np.random.Generator) -> Floats:
    day = 2 * np.pi * np.arange(HOURS) / 24 + rng.uniform(0, 2 * np.pi)
    level = rng.uniform(5, 500) * (1 + 0.5 * np.sin(day))
    return level * np.exp(0.3 * rng.normal(size=(PODS, HOURS)))


def _statsmodels(usage: MeshUsage) -> Callable[[], object]:
    """Return the regression, with what it needs laid out beforehand."""
    steps = usage.steps
    vcpu = steps["cpu_vcpu"].to_numpy()
    gbit = steps["http_bytes_per_second"].to_numpy() * 8 / BITS_PER_GBIT
    columns = (np.ones(len(vcpu)), steps["inbound_rps"], steps["outbound_rps"], gbit)
    design, pod = np.column_stack(columns), steps["proxy"].to_numpy()
    weights = 1 / np.maximum(vcpu, np.median(vcpu) / 10) ** 2

    def fit() -> object:
        model = sm.WLS(vcpu, design, weights=weights)
        return model.fit(cov_type="cluster", cov_kwds={"groups": pod}).bse

    return fit


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


def main() -> None:
    """Measure in pairs, so that both see the same machine."""
    usage = week()
    other = _statsmodels(usage)
    answer = calibrate_usage(usage).sidecar
    model = answer.model if isinstance(answer, RoleCalibration) else str(answer)
    pairs = [(_seconds(lambda: calibrate_usage(usage)), _seconds(other)) for _ in range(PAIRS)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    times = ours / theirs
    print(
        f"{len(usage.steps):,} steps of {WORKLOADS * PODS:,} pods ({model}): {ours:.1f} s, "
        f"statsmodels {theirs:.2f} s, ratio {times:.1f} (at most {MOST_TIMES:g})"
    )
    size = int(usage.steps.memory_usage(index=False).sum())
    peak = _peak_bytes(lambda: calibrate_usage(usage))
    print(
        f"peak {peak / 1e6:.0f} MB over an input of {size / 1e6:.0f} MB, "
        f"ratio {peak / size:.2f} (at most {MOST_BYTES:g})"
    )
    sys.exit(times > MOST_TIMES or peak > MOST_BYTES * size)


if __name__ == "__main__":
    main()
