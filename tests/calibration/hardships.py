"""What real meshes do to a fit, done to simulated ones: the truth stays known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analyzer.measurement.usage import MeshUsage
from tests.calibration.meshes import STEPS_PER_DAY, Fleet, usage_of

__all__ = ["concave_mesh", "lagging_mesh", "spoilt"]

Floats = npt.NDArray[np.float64]

DAY_SECONDS = 86_400
LAGGING_PROXIES = 20


def spoilt(usage: MeshUsage, *, wild_share: float, throttled_share: float, seed: int) -> MeshUsage:
    """Return the mesh with some steps wild and some throttled.

    A wild step reads 3-10 times its CPU. A throttled one is busy, cannot use more than it did at
    60 %, and its kubelet says so.
    """
    rng = np.random.default_rng(seed)
    steps = usage.steps.copy()
    wild = rng.random(len(steps)) < wild_share
    steps.loc[wild, "cpu_vcpu"] *= rng.uniform(3, 10, int(wild.sum()))
    throttled = rng.random(len(steps)) < throttled_share
    steps.loc[throttled, "cpu_vcpu"] *= 0.6
    steps.loc[throttled, "throttled_share"] = rng.uniform(0.1, 0.9, int(throttled.sum()))
    return replace(usage, steps=steps)


def lagging_mesh(
    seed: int,
    *,
    step_seconds: int,
    scale_seconds: float,
    lag_seconds: int = 15,
    idle_vcpu: float = 0.01,
    vcpu_per_1000_rps: float = 0.3,
) -> MeshUsage:
    """Return a day in which CPU is read a while before the requests are.

    The load wanders about 100 requests per second by 40 % and forgets where it was on the given
    scale of time; nothing but the lag stands between it and the CPU.

    Args:
        seed: of the load.
        step_seconds: over which both are averaged.
        scale_seconds: time in which the load's correlation falls to 1/e.
        lag_seconds: how much older the CPU is.
        idle_vcpu: true.
        vcpu_per_1000_rps: true.
    """
    rng = np.random.default_rng(seed)
    seconds = DAY_SECONDS + lag_seconds
    kept = np.exp(-1 / scale_seconds)
    wander = rng.normal(size=(LAGGING_PROXIES, seconds)) * np.sqrt(1 - kept**2)
    wander[:, 0] = rng.normal(size=LAGGING_PROXIES)
    for second in range(1, seconds):
        wander[:, second] += kept * wander[:, second - 1]
    rps = 100 * np.maximum(1 + 0.4 * wander, 0)
    vcpu = idle_vcpu + vcpu_per_1000_rps / 1000 * rps

    def averaged(values: Floats) -> Floats:
        return np.asarray(values.reshape(LAGGING_PROXIES, -1, step_seconds).mean(axis=2))

    return usage_of(
        Fleet(rps=averaged(rps[:, lag_seconds:]), vcpu=averaged(vcpu[:, :-lag_seconds]))
    )


def concave_mesh(
    seed: int, *, exponent: float = 0.75, workloads: int = 8, idle_vcpu: float = 0.005
) -> tuple[MeshUsage, Floats]:
    """Return a day of proxies at 10-3000 requests per second, and each one's CPU without noise.

    Their CPU is idle + 0.0016 x rps ** exponent, near Istio's benchmark of 2020, give or take a
    fifth by workload. Shape of the second: (proxies, steps), workload after workload.
    """
    rng = np.random.default_rng(seed)
    fleets, laws = [], []
    for number in range(workloads):
        wave = np.sin(np.linspace(0, 2 * np.pi, STEPS_PER_DAY) + rng.uniform(0, 2 * np.pi))
        level = np.exp((np.log(10) + np.log(3000)) / 2 + np.log(300) / 2 * wave)
        jitter = np.exp(rng.normal(0, 0.05, (4, STEPS_PER_DAY)))
        rps = np.clip(level * jitter, 10, 3000)
        law = idle_vcpu + 0.0016 * rng.uniform(0.8, 1.2) * rps**exponent
        noise = 1 + 0.1 * rng.normal(size=rps.shape)
        fleets.append(Fleet(rps=rps, vcpu=law * noise, workload=f"w{number}"))
        laws.append(law)
    return usage_of(*fleets), np.concatenate(laws)
