"""Meshes of a few workloads of a few pods, and whether pooled intervals hold the truth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analyzer.calibration.fit.student import half_width
from analyzer.calibration.workloads import pool_workloads
from tests.calibration.asking import fits_of
from tests.calibration.meshes import STEPS_PER_DAY, Fleet, lawful, simulate

__all__ = ["Outcome", "pooled_once"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STEADY_RPS = 80.0


class Outcome(NamedTuple):
    """One mesh; columns are idle CPU and cost per request."""

    own: Bools  # (workloads, 2): whether the workload's own interval holds its law
    pooled: Bools  # (workloads, 2): whether the pooled one does
    width: Floats  # (workloads, 2): of the pooled interval, as a share of the own one
    error: Floats  # (workloads, 2): of the pooled middle, as a share of the own half-width
    borrowed: Bools  # (2,): the same of a further workload, at a constant rate


def pooled_once(seed: int, workloads: int, pods: int) -> Outcome:
    """Pool so many workloads of so many pods each, with laws that are drawn independently."""
    fleets, laws = [], []
    for number in range(workloads + 1):
        mesh = simulate(100 * seed + number, workloads=(1, 1), proxies=(pods, pods))
        rps, vcpu = (
            mesh.usage.steps[name].to_numpy(float).reshape(pods, STEPS_PER_DAY)
            for name in ("proxy_rps", "cpu_vcpu")
        )
        fleets.append(Fleet(rps=rps, vcpu=vcpu, workload=f"w{number:02}"))
        laws.append((mesh.idle_vcpu_per_proxy, mesh.vcpu_per_1000_rps / 1000))
    truth, (idle, slope) = np.array(laws), laws[-1]
    steady = np.full((pods, STEPS_PER_DAY), STEADY_RPS)
    fleets[-1] = lawful(steady, workload=f"w{workloads:02}", idle=idle, slope=slope, seed=seed)
    fits = fits_of(*fleets)
    pooled = pool_workloads(fits)
    assert pooled.borrows.tolist() == [False] * workloads + [True]
    own = _half_widths(fits.covariances, fits.degrees_of_freedom)
    shared = _half_widths(pooled.covariances, pooled.degrees_of_freedom)
    off = np.abs(pooled.coefficients - truth)
    holds, fitted = off <= shared, slice(workloads)
    return Outcome(
        own=(np.abs(fits.curves - truth) <= own)[fitted],
        pooled=holds[fitted],
        width=(shared[fitted] / own[fitted]),
        error=off[fitted] / own[fitted],
        borrowed=holds[-1],
    )


def _half_widths(covariances: Floats, degrees_of_freedom: Floats) -> Floats:
    variances = np.einsum("gii->ig", covariances)
    return np.array([half_width(part, degrees_of_freedom) for part in variances]).T
