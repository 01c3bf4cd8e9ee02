"""Meshes in which requests in, requests out and bytes each have a cost of their own."""

from __future__ import annotations

import dataclasses

import numpy as np

from analyzer.arrays import Floats
from analyzer.calibration.observations import observe
from analyzer.calibration.panel import Panel
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BITS_PER_GBIT, Role
from tests.calibration.meshes import Fleet, usage_of

__all__ = ["IDLE", "PER_GBIT", "PER_INBOUND", "PER_OUTBOUND", "Load", "directed_mesh", "panel_of"]

IDLE, PER_INBOUND, PER_OUTBOUND, PER_GBIT = 0.01, 0.0002, 0.0005, 0.3
"""vCPU; and for one request per second in, for one out, and for one Gbit/s."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Load:
    """What the proxies of a workload carry; arrays of shape (proxies, steps)."""

    inbound: Floats
    outbound: Floats
    gbit: Floats

    @classmethod
    def drawn(cls, seed: int, *, proxies: int = 8, steps: int = 96) -> Load:
        """Draw requests in, requests out and bytes that rise and fall at different hours."""
        rng = np.random.default_rng(seed)
        day = np.linspace(0, 2 * np.pi, steps)

        def wave(times: int, mean: float) -> Floats:
            swing = 1 + 0.8 * np.sin(times * day + rng.uniform(0, 2 * np.pi))
            return np.asarray(mean * swing * rng.lognormal(0, 0.1, (proxies, steps)))

        return cls(inbound=wave(1, 60), outbound=wave(2, 40), gbit=wave(3, 0.05))

    @property
    def vcpu(self) -> Floats:
        return (
            IDLE
            + PER_INBOUND * self.inbound
            + PER_OUTBOUND * self.outbound
            + PER_GBIT * np.nan_to_num(self.gbit)
        )


def directed_mesh(*loads: Load, noise: float = 0.0) -> MeshUsage:
    """Return one workload for each load."""
    rng = np.random.default_rng(0)
    fleets = [
        Fleet(
            rps=load.inbound + load.outbound,
            vcpu=load.vcpu * (1 + noise * rng.normal(size=load.inbound.shape)),
            workload=f"w{number}",
        )
        for number, load in enumerate(loads)
    ]
    usage = usage_of(*fleets)
    steps = usage.steps.assign(
        inbound_rps=np.concatenate([load.inbound.ravel() for load in loads]),
        outbound_rps=np.concatenate([load.outbound.ravel() for load in loads]),
        http_bytes_per_second=np.concatenate([load.gbit.ravel() for load in loads])
        * (BITS_PER_GBIT / 8),
    )
    return dataclasses.replace(usage, steps=steps)


def panel_of(usage: MeshUsage) -> Panel:
    return Panel.of(observe(usage, Role.SIDECAR).rows)
