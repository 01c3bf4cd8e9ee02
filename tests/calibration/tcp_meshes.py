"""Meshes with workloads that have TCP only, drawn by chance, with known costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.measurement.usage import MeshUsage
from analyzer.units import BITS_PER_GBIT
from tests.calibration.meshes import (
    NOISE_SHARE,
    STEPS_PER_DAY,
    Fleet,
    Floats,
    between,
    daily_load,
    persistent_noise,
    usage_of,
)

SEPARABLE: Final = "separable"
TOGETHER: Final = "together"
PARTLY: Final = "partly together"
NO_BYTES: Final = "connections only"
CONSTANT: Final = "constant bytes"
SHARED: Final = "shared noise"

KINDS: Final = (SEPARABLE, TOGETHER, PARTLY, NO_BYTES, CONSTANT, SHARED)
"""What is drawn: connections that vary apart from bytes, follow them, or follow them in half of the
workloads; connections without payload; one workload with constant traffic; and noise that all pods
of a workload share."""

LEAST_LENDERS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpMesh:
    """A mesh and its true costs: sums of cost times amount over the sum of amounts.

    Attributes:
        tcp_vcpu: CPU of TCP payload and connections, averaged over the day, without noise.
        vcpu_per_gbit_per_second: None if there is no payload. With connections that follow bytes
            in all workloads it includes them.
        vcpu_per_1000_new_connections_per_second: None if it is not identified.
    """

    usage: MeshUsage
    idle_vcpu_per_proxy: float
    tcp_vcpu: float
    vcpu_per_gbit_per_second: float | None
    vcpu_per_1000_new_connections_per_second: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workload:
    idle: float
    per_gbit: float
    per_1000: float
    gbit: Floats  # (proxies, steps)
    connections: Floats  # (proxies, steps), per second
    is_together: bool
    noise: Floats

    @property
    def tcp_vcpu(self) -> Floats:
        """CPU of the traffic, (proxies, steps)."""
        return self.per_gbit * self.gbit + self.per_1000 * self.connections / 1000


def tcp_mesh(kind: str, seed: int) -> TcpMesh:
    """Return a day of a mesh with 2-6 TCP workloads and 4-8 with requests."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    drawn = [_workload(kind, rng, number) for number in range(int(rng.integers(2, 7)))]
    others = [_http(rng, number) for number in range(int(rng.integers(4, 9)))]
    fleets = (_fleet(one, f"tcp{number}") for number, one in enumerate(drawn))
    gbit, connections, proxies, of_gbit, of_connections = np.transpose([*map(_sums, drawn)])
    is_apart = any(not one.is_together for one in drawn)
    traffic = float(sum(one.tcp_vcpu.sum() for one in drawn)) / STEPS_PER_DAY
    # With one cost for both, all of the CPU is that of bytes.
    whole = of_gbit if is_apart else of_gbit + of_connections
    return TcpMesh(
        usage=usage_of(*others, *fleets),
        idle_vcpu_per_proxy=float(sum(one.idle * len(one.gbit) for one in drawn) / proxies.sum()),
        tcp_vcpu=traffic,
        vcpu_per_gbit_per_second=float(whole.sum() / gbit.sum()) if gbit.any() else None,
        vcpu_per_1000_new_connections_per_second=(
            float(of_connections.sum() / connections.sum()) if is_apart else None
        ),
    )


def _sums(one: _Workload) -> tuple[float, ...]:
    gbit, connections = float(one.gbit.sum()), float(one.connections.sum()) / 1000
    costs = one.per_gbit * gbit, one.per_1000 * connections
    return gbit, connections, float(len(one.gbit)), *costs


def _workload(kind: str, rng: np.random.Generator, number: int) -> _Workload:
    proxies = int(rng.integers(1, 7))
    gbit = daily_load(rng, proxies, (1e-3, 3e-2))
    per_gbit = float(between(rng, 0.5, 5, 1)[0])
    idle = float(between(rng, 0.002, 0.01, 1)[0])
    per_1000 = float(between(rng, 0.2, 2, 1)[0])
    # Connections use 10-50 % of what bytes do.
    ratio = float(rng.uniform(0.1, 0.5)) * per_gbit / per_1000 * 1000
    is_together = kind == TOGETHER or (kind == PARTLY and number % 2 == 1)
    varied = gbit if is_together else daily_load(rng, proxies, (1e-3, 3e-2))
    connections = varied * ratio * gbit.mean() / varied.mean()
    if kind == NO_BYTES:
        gbit = np.zeros_like(gbit)
    if kind == CONSTANT and number == 0:
        gbit, connections = np.full_like(gbit, gbit.mean()), np.zeros_like(gbit)
    return _Workload(
        idle=idle,
        per_gbit=per_gbit,
        per_1000=per_1000,
        gbit=gbit,
        connections=connections,
        is_together=is_together,
        noise=_noise(kind, rng, gbit.shape),
    )


def _noise(kind: str, rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    own = NOISE_SHARE * persistent_noise(rng, shape)
    return own if kind != SHARED else own + 0.05 * persistent_noise(rng, (1, shape[1]), 0.95)


def _fleet(one: _Workload, name: str) -> Fleet:
    return Fleet(
        rps=np.zeros_like(one.gbit),
        vcpu=(one.idle + one.tcp_vcpu) * (1 + one.noise),
        workload=name,
        namespace="data",
        tcp_bytes_per_second=one.gbit * BITS_PER_GBIT / 8,
        new_connections_per_second=one.connections,
    )


def _http(rng: np.random.Generator, number: int) -> Fleet:
    rps = daily_load(rng, int(rng.integers(1, 7)), (5, 500))
    idle, slope = float(between(rng, 0.002, 0.01, 1)[0]), float(between(rng, 0.2e-3, 1e-3, 1)[0])
    noise = NOISE_SHARE * persistent_noise(rng, rps.shape)
    return Fleet(rps=rps, vcpu=(idle + slope * rps) * (1 + noise), workload=f"http{number}")


def kinds_and_seeds(seeds: range) -> Iterator[tuple[str, int]]:
    """Yield every kind with every seed."""
    for kind in KINDS:
        for seed in seeds:
            yield kind, seed
