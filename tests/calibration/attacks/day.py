"""A day of a mesh whose laws are chosen, and what is true of it after something has been added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats
from tests.calibration.meshes import STEPS_PER_DAY, Fleet, SimulatedMesh, usage_of

__all__ = ["Day", "Measured", "Workload", "mesh_of", "persistent"]

_NOISE_SHARE, _NOISE_PERSISTENCE = 0.1, 0.6
"""As in `tests.calibration.meshes`."""


def persistent(
    rng: np.random.Generator, rows: int, rho: float, steps: int = STEPS_PER_DAY
) -> Floats:
    """Return first-order autoregressions of unit variance, shape (rows, steps)."""
    noise = rng.normal(size=(rows, steps))
    for step in range(1, steps):
        noise[:, step] = rho * noise[:, step - 1] + np.sqrt(1 - rho**2) * noise[:, step]
    return noise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workload:
    """The pods of one workload and their law; arrays of shape (pods, steps)."""

    name: str
    idle: float  # vcpu
    slope: float  # vcpu per request per second
    rps: Floats
    noise: Floats  # factor of the CPU, mean one

    @property
    def law(self) -> Floats:
        """CPU without noise."""
        return self.idle + self.slope * self.rps

    @property
    def load(self) -> Floats:
        """Requests of all pods over their mean, shape (steps,)."""
        total = self.rps.sum(axis=0)
        return np.asarray(total / total.mean())

    def measured(self, vcpu: Floats | None = None) -> Measured:
        """Return what is measured and true if the CPU is this before noise, the law if None."""
        ones = np.ones_like(self.rps)
        return Measured(
            workload=self.name,
            rps=self.rps,
            vcpu=(self.law if vcpu is None else vcpu) * self.noise,
            idle=self.idle * ones,
            cost=self.slope * ones,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What is measured of a workload, and its truth; arrays of shape (pods, steps)."""

    workload: str
    rps: Floats
    vcpu: Floats
    idle: Floats  # true CPU without requests
    cost: Floats  # true marginal CPU of a request per second
    seen_rps: Floats | None = None  # as scraped, if not the true rate
    http_bytes_per_second: Floats | float = 0.0
    exists: Bools | None = None
    nodes: tuple[str, ...] = ()  # of each pod
    events: Mapping[str, Floats] = field(default_factory=dict)  # per second, by column

    @property
    def fleet(self) -> Fleet:
        """The part that is scraped."""
        return Fleet(
            workload=self.workload,
            rps=self.rps if self.seen_rps is None else self.seen_rps,
            vcpu=self.vcpu,
            http_bytes_per_second=self.http_bytes_per_second,
            seen=self.exists,
            events=self.events,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Day:
    """Workloads whose load peaks at about the same hour, at five-minute steps."""

    rng: np.random.Generator
    workloads: tuple[Workload, ...]

    @classmethod
    def drawn(cls, seed: int) -> Day:
        """Draw five to ten workloads of three to twelve pods, each with a law of its own."""
        rng = np.random.default_rng(seed)
        phase = rng.uniform(0, 2 * np.pi)
        count = int(rng.integers(5, 10, endpoint=True))
        return cls(
            rng=rng, workloads=tuple(_workload(rng, f"w{number}", phase) for number in range(count))
        )

    @property
    def load(self) -> Floats:
        """Requests of the mesh over their mean, shape (steps,)."""
        total = np.sum([workload.rps.sum(axis=0) for workload in self.workloads], axis=0)
        return np.asarray(total / total.mean())

    @property
    def mean_idle(self) -> float:
        """Mean idle CPU of a pod."""
        pods = [len(workload.rps) for workload in self.workloads]
        return float(np.average([workload.idle for workload in self.workloads], weights=pods))


def _workload(rng: np.random.Generator, name: str, phase: float) -> Workload:
    pods = int(rng.integers(3, 12, endpoint=True))
    trough = rng.uniform(0.1, 0.5)
    swing, own_phase = (1 - trough) / (1 + trough), phase + rng.normal(0, 0.3)
    wave = 1 + swing * np.sin(np.linspace(0, 2 * np.pi, STEPS_PER_DAY, endpoint=False) + own_phase)
    level = _between(rng, 5, 500) * np.exp(rng.normal(0, 0.1, pods))
    jitter = np.exp(rng.normal(0, 0.05, (pods, STEPS_PER_DAY)))
    return Workload(
        name=name,
        idle=_between(rng, 0.002, 0.05),
        slope=_between(rng, 0.05e-3, 1e-3),
        rps=level[:, None] * wave * jitter,
        noise=1 + _NOISE_SHARE * persistent(rng, pods, _NOISE_PERSISTENCE),
    )


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw evenly on a logarithmic scale."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def mesh_of(parts: Iterable[Measured], node_kinds: dict[str, str] | None = None) -> SimulatedMesh:
    """Return the measured mesh and its truth: idle by time, cost by requests.

    `node_kinds` has the instance type of each node.
    """
    measured = list(parts)
    usage = usage_of(*(part.fleet for part in measured))
    if node_kinds:
        names = [name for part in measured for name in part.nodes]
        usage = replace(usage, proxies=usage.proxies.assign(node=names), nodes=_nodes(node_kinds))

    def joined(name: str) -> Floats:
        return np.concatenate(
            [
                getattr(part, name)[
                    np.ones_like(part.rps, bool) if part.exists is None else part.exists
                ]
                for part in measured
            ]
        )

    rps, idle, cost = joined("rps"), joined("idle"), joined("cost")
    traffic = float((rps * cost).sum())
    return SimulatedMesh(
        usage=usage,
        vcpu_per_1000_rps=1000 * traffic / float(rps.sum()),
        idle_vcpu_per_proxy=float(idle.mean()),
        idle_share=float(idle.sum()) / (float(idle.sum()) + traffic),
    )


def _nodes(kinds: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "node": list(kinds),
            "allocatable_vcpu": 8.0,
            "allocatable_memory_bytes": 32e9,
            "vcpu_usd_per_hour": np.nan,
            "memory_usd_per_gib_hour": np.nan,
            "instance_type": list(kinds.values()),
            "present_share": 1.0,
            "kind": "",
            "runs_daemonsets": True,
        }
    )
