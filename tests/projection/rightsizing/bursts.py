"""Simulated meshes of sidecars with known bursts, and what right-sizing makes of them.

CPU and memory are drawn from laws that are written here alone. What is measured has noise; what the
truth is has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer.projection.choices import LimitPolicy
from analyzer.projection.rightsizing.applied import with_savings
from analyzer.projection.rightsizing.recommend import recommend
from analyzer.projection.rightsizing.result import Policy, Rightsizing
from analyzer.projection.sidecars import with_billed

__all__ = ["KINDS", "Outcome", "Simulated", "half_of", "outcome_of", "policy", "simulate"]

STEP_SECONDS: Final = 300
STEPS_PER_DAY: Final = 288
DAYS: Final = 2
WORKLOADS: Final = 10
NOISE_SHARE: Final = 0.03
"""Standard deviation of a measured step's CPU: scrapes are not on time."""
MEBIBYTE: Final = 1024.0**2
HOUR: Final = 12
"""Steps."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simulated:
    """A mesh: rows as of `MeshUsage.of_role`, and the CPU of each without noise."""

    rows: pd.DataFrame
    true_vcpu: Floats

    @property
    def points(self) -> npt.NDArray[np.int64]:
        return np.unique(self.rows["point"].to_numpy(np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What right-sizing made of a mesh.

    Attributes:
        exceeded_share: pod-steps of the second half above what the first recommends, 0-1.
        worst_exceeded_share: the same of the workload with most.
        memory_exceeded_share: the same of memory.
        saving_error_share: of the saving against today, to the truth; where that is less than a
            tenth of the bill, to this tenth.
        covered_share: workloads of which another window recommends a request in the range, 0-1.
        recommended_share: workloads that the first half has a recommendation for, 0-1.
    """

    exceeded_share: float
    worst_exceeded_share: float
    memory_exceeded_share: float
    saving_error_share: float
    covered_share: float
    recommended_share: float


def policy(hours: float = 24.0 * DAYS, **changes: object) -> Policy:
    """Return the default policy for a window of so many hours."""
    default = Policy(
        percentile=95,
        window_hours=hours,
        step_seconds=STEP_SECONDS,
        headroom_share=0.1,
        unseen_headroom_share=0.15,
        memory_headroom_share=0.15,
        memory_limit_share=1.0,
        cpu_limit=LimitPolicy.KEEP,
        limit_factor=10,
    )
    return replace(default, **changes)  # type: ignore[arg-type]


Law = Callable[[np.random.Generator, int, int, int], Floats]
"""From random numbers, steps, pods and the number of the workload to multiples of its mean use,
shape (steps, pods)."""


def _hourly_jobs(rng: np.random.Generator, steps: int, pods: int, number: int) -> Floats:
    """Work that a clock starts: some minutes of each hour, at another minute in each workload."""
    lasting, times = 1 + number % 3, 3.0 + number % 5
    minute = (5 * number) % HOUR
    at_work = (np.arange(steps) - minute) % HOUR < lasting
    strength = rng.lognormal(0.0, 0.15, (steps, pods))
    return np.where(at_work[:, None], times * strength, 1.0)


def _single_bursts(rng: np.random.Generator, steps: int, pods: int, number: int) -> Floats:
    """Bursts of one pod at a time, with a heavy tail."""
    likely = 0.02 + 0.02 * (number % 5)
    is_burst = rng.random((steps, pods)) < likely
    return np.asarray(1.0 + is_burst * 2.0 * (1.0 + rng.pareto(1.8, (steps, pods))))


def _shared_bursts(rng: np.random.Generator, steps: int, pods: int, number: int) -> Floats:
    """Bursts that all pods share: one in two to four hours, of five to twenty minutes."""
    found = np.ones(steps)
    for start in np.flatnonzero(rng.random(steps) < 1 / ((2 + number % 3) * HOUR)):
        found[start : start + rng.integers(1, 5)] *= 2.0 + rng.exponential(1.5)
    return np.asarray(found[:, None] * rng.lognormal(0.0, 0.1, (steps, pods)))


def _busier_day(rng: np.random.Generator, steps: int, pods: int, number: int) -> Floats:
    """A rhythm of days, of which the second has a tenth more traffic."""
    hour = np.arange(steps) / HOUR
    noon = 11 + number % 6
    wave = 1.0 + 0.8 * np.cos((hour - noon) / 24 * 2 * np.pi)
    level = np.where(hour < 24, 1.0, 1.1)
    return np.asarray((wave * level)[:, None] * rng.lognormal(0.0, 0.1, (steps, pods)))


def _wandering(rng: np.random.Generator, steps: int, pods: int, number: int) -> Floats:
    """One hot pod, another one every hour or two: two to six times as busy as the others."""
    found, start, times = np.ones((steps, pods)), 0, 2.0 + number % 4
    while start < steps:
        lasting = int(rng.integers(HOUR, 2 * HOUR))
        found[start : start + lasting, rng.integers(pods)] *= times + rng.random()
        start += lasting
    return found * rng.lognormal(0.0, 0.1, (steps, pods))


KINDS: Final[Mapping[str, Law]] = {
    "hourly jobs": _hourly_jobs,
    "bursts of single pods": _single_bursts,
    "bursts of all pods": _shared_bursts,
    "a busier second day": _busier_day,
    "a hot pod that wanders": _wandering,
}


def simulate(kind: str, seed: int, window: int = 0) -> Simulated:
    """Return a mesh; another `window` is of the same law and has the same sizes."""
    sizes = np.random.default_rng((seed, 0))
    rng = np.random.default_rng((seed, 1 + window))
    steps = DAYS * STEPS_PER_DAY
    frames, truth, first = [], [], 0
    for number in range(WORKLOADS):
        pods = int(sizes.integers(2, 9))
        mean_vcpu = float(sizes.lognormal(np.log(0.012), 0.8))
        base_bytes = float(sizes.uniform(45, 120)) * MEBIBYTE
        vcpu = mean_vcpu * KINDS[kind](rng, steps, pods, number)
        noise = np.exp(rng.normal(0.0, NOISE_SHARE, vcpu.shape))
        # An Envoy's memory follows what it carries, within a tenth, and seldom falls.
        busy = vcpu / (vcpu + mean_vcpu)
        memory = base_bytes * (1 + 0.1 * np.maximum.accumulate(busy, axis=0))
        point, pod = np.divmod(np.arange(vcpu.size), pods)
        frames.append(
            pd.DataFrame(
                {
                    "namespace": f"space-{number % 3}",
                    "workload": f"work-{number}",
                    "proxy": first + pod,
                    "point": point,
                    "cpu_vcpu": (vcpu * noise).ravel(),
                    "memory_bytes": memory.ravel(),
                }
            )
        )
        truth.append(vcpu.ravel())
        first += pods
    known = {
        "throttled_share": np.nan,
        "lived_share": 1.0,
        "reserved_vcpu": 0.1,
        "limit_vcpu": np.nan,
        "reserved_memory_bytes": 128 * MEBIBYTE,
        "limit_memory_bytes": 1024 * MEBIBYTE,
    }
    return Simulated(
        rows=pd.concat(frames, ignore_index=True).assign(**known),
        true_vcpu=np.concatenate(truth),
    )


def half_of(mesh: Simulated, *, first: bool) -> Simulated:
    """Return the first or the second half of a mesh's window."""
    middle = DAYS * STEPS_PER_DAY // 2
    chosen = (mesh.rows["point"].to_numpy() < middle) == first
    return Simulated(
        rows=mesh.rows[chosen].reset_index(drop=True), true_vcpu=mesh.true_vcpu[chosen]
    )


def outcome_of(kind: str, seed: int) -> Outcome:
    """Return what right-sizing makes of a mesh, counted here and not by the engine."""
    mesh = simulate(kind, seed)
    early, late = half_of(mesh, first=True), half_of(mesh, first=False)
    half = recommend(early.rows, early.points, policy(12.0 * DAYS))
    vcpu, gib = _requests(half, late.rows)
    above = late.rows["cpu_vcpu"] > vcpu
    by_workload = above.groupby(late.rows["workload"].to_numpy()).mean()
    whole = with_savings(
        recommend(mesh.rows, mesh.points, policy()), with_billed(mesh.rows), len(mesh.points)
    )
    again = simulate(kind, seed, window=1)
    other = {
        item.workload: item.request_vcpu.mid
        for item in recommend(again.rows, again.points, policy()).workloads
        if item.request_vcpu
    }
    covered = [
        item.request_vcpu.low <= other[item.workload] <= item.request_vcpu.high
        for item in whole.workloads
        if item.request_vcpu
    ]
    return Outcome(
        exceeded_share=float(above.mean()),
        worst_exceeded_share=float(by_workload.max()),
        memory_exceeded_share=float((late.rows["memory_bytes"] > gib * 2**30).mean()),
        saving_error_share=_saving_error_share(whole, mesh),
        covered_share=float(np.mean(covered)),
        recommended_share=sum(item.recommended is not None for item in half.workloads) / WORKLOADS,
    )


def _requests(found: Rightsizing, rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the recommended vCPU and GiB of each row; NaN where there is none."""
    vcpu, gib = {}, {}
    for item in found.workloads:
        if item.recommended is not None:
            vcpu[item.workload] = item.recommended.request_vcpu
            gib[item.workload] = item.recommended.request_memory_gib
    return rows["workload"].map(vcpu).astype(float), rows["workload"].map(gib).astype(float)


def _saving_error_share(found: Rightsizing, mesh: Simulated) -> float:
    """Return how far the billed CPU that is saved is from the truth, as in `Outcome`."""
    requests, _ = _requests(found, mesh.rows)
    before = np.maximum(mesh.true_vcpu, mesh.rows["reserved_vcpu"])
    truth = (before - np.maximum(mesh.true_vcpu, requests)).sum()
    saved = sum(item.saved_vcpu or 0.0 for item in found.workloads) * DAYS * STEPS_PER_DAY
    return float((saved - truth) / max(truth, before.sum() / 10))
