"""Meshes whose pods are unequal, or that change in the middle of the window; the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyzer.measurement.usage import MeshUsage
from tests.calibration.meshes import (
    NOISE_SHARE,
    STEPS_PER_DAY,
    Fleet,
    _between,
    _load,
    _persistent_noise,
    usage_of,
)

__all__ = ["UnequalMesh", "on_unequal_nodes", "shocks", "upgraded"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnequalMesh:
    """A drawn mesh, and the law behind it.

    Attributes:
        vcpu_per_1000_rps: sum(rps * slope) / sum(rps) over its proxies, each with its own slope.
        idle_vcpu_per_proxy: averaged over its proxies.
        kinds: node of each proxy.
    """

    usage: MeshUsage
    vcpu_per_1000_rps: float
    idle_vcpu_per_proxy: float
    kinds: Ints


def shocks(rng: np.random.Generator, count: int, size: float, persistence: float) -> Floats:
    """Draw the factors that all pods of a workload share, shape (count, steps of a day)."""
    noise = rng.normal(size=(count, STEPS_PER_DAY))
    for step in range(1, STEPS_PER_DAY):
        fresh = (1 - persistence**2) ** 0.5 * noise[:, step]
        noise[:, step] = persistence * noise[:, step - 1] + fresh
    return np.exp(size * noise)


def on_unequal_nodes(
    seed: int,
    *,
    speeds: Sequence[float] = (0.6, 1.0, 1.6),
    balancing: float = 1.0,
    workloads: tuple[int, int] = (5, 15),
    proxies: tuple[int, int] = (20, 200),
) -> UnequalMesh:
    """Return a day in which a faster node's pod gets more requests, and needs less CPU for each.

    A pod's share of its workload's requests is proportional to speed ** balancing.
    """
    rng = np.random.default_rng(seed)
    count = int(rng.integers(workloads[0], workloads[1], endpoint=True))
    total = int(rng.integers(max(proxies[0], count), proxies[1], endpoint=True))
    sizes = 1 + rng.multinomial(total - count, rng.dirichlet(np.ones(count)))
    idles, slopes = _between(rng, 0.002, 0.05, count), _between(rng, 0.05e-3, 1e-3, count)
    fleets, kinds, idle, cost, requests = [], [], 0.0, 0.0, 0.0
    for number, size in enumerate(sizes):
        kind = rng.integers(len(speeds), size=size)
        speed = np.array(speeds)[kind]
        share = speed**balancing
        rps = _load(rng, int(size), (5, 500)) * (share / share.mean())[:, None]
        law = (idles[number] + slopes[number] * rps) / speed[:, None]
        noise = 1 + NOISE_SHARE * _persistent_noise(rng, rps.shape)
        fleets.append(Fleet(rps=rps, vcpu=law * noise, workload=f"w{number}"))
        kinds.append(kind)
        idle += float((idles[number] / speed).sum())
        cost += float((slopes[number] / speed * rps.mean(axis=1)).sum())
        requests += float(rps.mean(axis=1).sum())
    return UnequalMesh(
        usage=usage_of(*fleets),
        vcpu_per_1000_rps=1000 * cost / requests,
        idle_vcpu_per_proxy=idle / total,
        kinds=np.concatenate(kinds),
    )


def upgraded(
    seed: int,
    *,
    factor: float = 0.7,
    at: float = 0.5,
    rollout_steps: int = 0,
    shock: float = 0.0,
    shared_by_mesh: bool = False,
    touched_share: float = 1.0,
    workloads: tuple[int, int] = (10, 25),
    proxies: tuple[int, int] = (20, 500),
) -> UnequalMesh:
    """Return a day in which proxies cost `factor` times as much from some moment on.

    Args:
        seed: of everything that is drawn.
        factor: of the cost after the change; the truth is the cost after it.
        at: share of the day that is over when the change begins.
        rollout_steps: in which pods are changed one after the other.
        shock: standard deviation of shared noise.
        shared_by_mesh: whether all workloads have the same noise (rho 0.95), or each its own (0.9).
        touched_share: of the workloads that are changed.
        workloads: fewest and most.
        proxies: fewest and most.
    """
    rng = np.random.default_rng(seed)
    count = int(rng.integers(workloads[0], workloads[1], endpoint=True))
    total = int(rng.integers(max(proxies[0], count), proxies[1], endpoint=True))
    sizes = 1 + rng.multinomial(total - count, rng.dirichlet(np.ones(count)))
    idles, slopes = _between(rng, 0.002, 0.05, count), _between(rng, 0.05e-3, 1e-3, count)
    shared = shocks(rng, 1 if shared_by_mesh else count, shock, 0.95 if shared_by_mesh else 0.9)
    touched = rng.permutation(count) < round(touched_share * count)
    steps = np.arange(STEPS_PER_DAY)
    fleets, idle, cost, requests = [], 0.0, 0.0, 0.0
    for number, size in enumerate(sizes):
        rps = _load(rng, int(size), (5, 500))
        begin = at * STEPS_PER_DAY + rollout_steps * rng.random(size)
        after = factor if touched[number] else 1.0
        law = (idles[number] + slopes[number] * rps) * np.where(steps >= begin[:, None], after, 1.0)
        noise = 1 + NOISE_SHARE * _persistent_noise(rng, rps.shape)
        vcpu = law * noise * shared[number % len(shared)]
        fleets.append(Fleet(rps=rps, vcpu=vcpu, workload=f"w{number}"))
        idle += size * idles[number] * after
        cost += float(slopes[number] * after * rps.mean(axis=1).sum())
        requests += float(rps.mean(axis=1).sum())
    return UnequalMesh(
        usage=usage_of(*fleets),
        vcpu_per_1000_rps=1000 * cost / requests,
        idle_vcpu_per_proxy=idle / total,
        kinds=np.zeros(total, dtype=np.int64),
    )
