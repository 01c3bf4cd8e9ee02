"""Measured meshes made by hand or drawn by chance, without a Prometheus: the truth is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer.measurement.usage import MeshUsage
from analyzer.units import Role
from analyzer.window import TimeWindow

__all__ = [
    "STEPS_PER_DAY",
    "STEP_SECONDS",
    "Fleet",
    "SimulatedMesh",
    "between",
    "daily_load",
    "lawful",
    "persistent_noise",
    "ramp",
    "simulate",
    "usage_of",
]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STEP_SECONDS = 300
STEPS_PER_DAY = 86_400 // STEP_SECONDS

NOISE_SHARE = 0.1
"""Standard deviation of a proxy's CPU, as a share of what its law gives it."""

NOISE_PERSISTENCE = 0.6
"""Correlation of that noise from one step to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The proxies of one workload; element [i, j] is of proxy i in step j of the window.

    Attributes:
        rps: proxy requests per second; NaN: its metrics were not scraped.
        vcpu: CPU; NaN: not known.
        outbound_rps: those of the requests that went out; the others came in.
        http_bytes_per_second: NaN: not known.
        throttled_share: of CPU periods; NaN: not known.
        resets: how often its request counters were seen to begin anew.
        limit_vcpu: NaN: none, or not known.
        seen: where the proxy has a row at all; left out, everywhere.
        events: further columns of the steps: events per second.
    """

    rps: Floats
    vcpu: Floats
    workload: str = "front"
    namespace: str = "shop"
    role: Role = Role.SIDECAR
    outbound_rps: Floats | float = 0.0
    http_bytes_per_second: Floats | float = 0.0
    tcp_bytes_per_second: Floats | float = 0.0
    new_connections_per_second: Floats | float = 0.0
    throttled_share: Floats | float = 0.0
    resets: Floats | float = 0.0
    limit_vcpu: Floats | float = np.nan
    seen: Bools | None = None
    events: Mapping[str, Floats] = field(default_factory=dict)


def usage_of(*fleets: Fleet) -> MeshUsage:
    """Return the mesh of these proxies, as measuring it would have given it."""
    proxies, steps, first = [], [], 0
    for fleet in fleets:
        count = len(fleet.rps)
        proxies.append(_proxies(fleet))
        steps.append(_steps(fleet, first))
        first += count
    all_steps = pd.concat(steps, ignore_index=True)
    known = all_steps["cpu_vcpu"].notna()
    points = max(fleet.rps.shape[1] for fleet in fleets)
    start = datetime(2024, 5, 14, tzinfo=UTC)
    return MeshUsage(
        window=TimeWindow(
            start=start,
            end=start + timedelta(seconds=STEP_SECONDS * points),
            step_seconds=STEP_SECONDS,
        ),
        observed_points=np.unique(all_steps.loc[known, "point"].to_numpy(np.int64)),
        proxies=pd.concat(proxies, ignore_index=True),
        steps=all_steps,
        calls=pd.DataFrame(),
        nodes=pd.DataFrame(),
        refusals=(),
        warnings=(),
    )


def _proxies(fleet: Fleet) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "namespace": fleet.namespace,
            "pod": [f"{fleet.workload}-{number}" for number in range(len(fleet.rps))],
            "workload": fleet.workload,
            "node": "",
            "role": str(fleet.role),
            "evidence": "chosen",
        }
    )


def _steps(fleet: Fleet, first_proxy: int) -> pd.DataFrame:
    proxy, point = np.indices(fleet.rps.shape)

    def spread(values: Floats | float) -> Floats:
        return np.broadcast_to(np.asarray(values, dtype=float), fleet.rps.shape).ravel()

    rps, outbound = fleet.rps.ravel(), spread(fleet.outbound_rps)
    rows = pd.DataFrame(
        {
            "proxy": proxy.ravel() + first_proxy,
            "point": point.ravel(),
            "cpu_vcpu": fleet.vcpu.ravel(),
            "inbound_rps": rps - outbound,
            "outbound_rps": outbound + 0.0 * rps,
            "proxy_rps": rps,
            "http_bytes_per_second": spread(fleet.http_bytes_per_second) + 0.0 * rps,
            "tcp_bytes_per_second": spread(fleet.tcp_bytes_per_second) + 0.0 * rps,
            "new_connections_per_second": spread(fleet.new_connections_per_second) + 0.0 * rps,
            "memory_bytes": np.nan,
            "configured_clusters": np.nan,
            "throttled_share": spread(fleet.throttled_share),
            "lived_share": 1.0,
            "resets": spread(fleet.resets),
            "reserved_vcpu": np.nan,
            "reserved_memory_bytes": np.nan,
            "limit_vcpu": spread(fleet.limit_vcpu),
            "limit_memory_bytes": np.nan,
            **{name: spread(rates) for name, rates in fleet.events.items()},
        }
    )
    return rows if fleet.seen is None else rows[fleet.seen.ravel()]


def ramp(proxies: int, steps: int, *, low: float = 10.0, high: float = 100.0) -> Floats:
    """Return request rates that rise alike at every proxy of a workload."""
    return np.tile(np.linspace(low, high, steps), (proxies, 1))


def lawful(
    rps: Floats,
    *,
    workload: str = "front",
    idle: float = 0.02,
    slope: float = 0.0004,
    seed: int | None = None,
) -> Fleet:
    """Return sidecars whose CPU is idle + slope x rps, with noise of a tenth if there is a seed."""
    noise = 1.0 if seed is None else 1 + np.random.default_rng(seed).normal(0, 0.1, rps.shape)
    return Fleet(rps=rps, vcpu=(idle + slope * rps) * noise, workload=workload)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedMesh:
    """A mesh drawn by chance, and what is true of it by the definitions of the README.

    Attributes:
        vcpu_per_1000_rps: sum(rps * slope) / sum(rps) over its proxies and this window.
        idle_vcpu_per_proxy: averaged over its proxies.
        idle_share: of the CPU that the laws give, noise left out.
    """

    usage: MeshUsage
    vcpu_per_1000_rps: float
    idle_vcpu_per_proxy: float
    idle_share: float


def simulate(
    seed: int,
    *,
    workloads: tuple[int, int] = (10, 25),
    proxies: tuple[int, int] = (20, 500),
    mean_rps: tuple[float, float] = (5, 500),
) -> SimulatedMesh:
    """Return a day of sidecars at five-minute steps, each workload with a law of its own.

    Args:
        seed: of everything that is drawn.
        workloads: fewest and most.
        proxies: fewest and most; each workload has at least one.
        mean_rps: of a workload's proxy, lowest and highest.
    """
    rng = np.random.default_rng(seed)
    count = int(rng.integers(workloads[0], workloads[1], endpoint=True))
    total = int(rng.integers(max(proxies[0], count), proxies[1], endpoint=True))
    sizes = 1 + rng.multinomial(total - count, rng.dirichlet(np.ones(count)))
    idles, slopes = between(rng, 0.002, 0.05, count), between(rng, 0.05e-3, 1e-3, count)
    fleets, requests = [], []
    for number, (size, idle, slope) in enumerate(zip(sizes, idles, slopes, strict=True)):
        rps = daily_load(rng, int(size), mean_rps)
        noise = 1 + NOISE_SHARE * persistent_noise(rng, rps.shape)
        fleets.append(Fleet(rps=rps, vcpu=(idle + slope * rps) * noise, workload=f"w{number}"))
        requests.append(float(rps.mean(axis=1).sum()))
    idle_vcpu, traffic_vcpu = float(sizes @ idles), float(requests @ slopes)
    return SimulatedMesh(
        usage=usage_of(*fleets),
        vcpu_per_1000_rps=traffic_vcpu / sum(requests) * 1000,
        idle_vcpu_per_proxy=idle_vcpu / total,
        idle_share=idle_vcpu / (idle_vcpu + traffic_vcpu),
    )


def between(rng: np.random.Generator, low: float, high: float, count: int) -> Floats:
    """Draw evenly on a logarithmic scale."""
    return np.exp(rng.uniform(np.log(low), np.log(high), count))


def daily_load(rng: np.random.Generator, proxies: int, mean_rps: tuple[float, float]) -> Floats:
    """Draw a workload's day: a wave whose trough is 10-50 % of its peak, alike at its proxies."""
    trough = rng.uniform(0.1, 0.5)
    swing, phase = (1 - trough) / (1 + trough), rng.uniform(0, 2 * np.pi)
    wave = 1 + swing * np.sin(np.linspace(0, 2 * np.pi, STEPS_PER_DAY, endpoint=False) + phase)
    level = between(rng, *mean_rps, 1) * np.exp(rng.normal(0, 0.1, proxies))
    jitter = np.exp(rng.normal(0, 0.05, (proxies, STEPS_PER_DAY)))
    return level[:, None] * wave * jitter


def persistent_noise(
    rng: np.random.Generator, shape: Sequence[int], persistence: float = NOISE_PERSISTENCE
) -> Floats:
    """Draw a first-order autoregression of unit variance along the second axis."""
    noise = rng.normal(size=tuple(shape))
    fresh = (1 - persistence**2) ** 0.5
    for step in range(1, shape[1]):
        noise[:, step] = persistence * noise[:, step - 1] + fresh * noise[:, step]
    return noise
