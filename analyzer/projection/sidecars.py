"""What carries the traffic today: the sidecars' CPU and memory, used, reserved and billed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.measurement.usage import MeshUsage
from analyzer.units import BYTES_PER_GIB

__all__ = ["SidecarFootprint", "footprint_of", "gib_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarFootprint:
    """What the sidecars use and reserve, averaged over the window; None: not known."""

    vcpu: float
    billed_vcpu: float | None
    reserved_vcpu: float | None
    memory_gib: float | None
    reserved_memory_gib: float | None
    billed_memory_gib: float | None


def footprint_of(usage: MeshUsage, sidecars: pd.DataFrame) -> SidecarFootprint:
    """Return what sidecars need, given their steps; what nobody knows is None."""
    points = len(usage.observed_points)

    def totals(used: pd.Series, reserved: pd.Series) -> tuple[float | None, float | None]:
        if not reserved.notna().any():
            return None, None
        # A proxy without a known request counts with what it uses.
        billed = pd.Series(np.fmax(used, reserved), index=used.index)
        return float(reserved.sum()) / points, float(billed.sum()) / points

    cpu, memory = sidecars["cpu_vcpu"], sidecars["memory_bytes"]
    reserved_vcpu, billed_vcpu = totals(cpu, sidecars["reserved_vcpu"])
    reserved_bytes, billed_bytes = totals(memory, sidecars["reserved_memory_bytes"])
    used_bytes = float(memory.sum()) / points if memory.notna().any() else None
    return SidecarFootprint(
        vcpu=float(cpu.sum()) / points,
        billed_vcpu=billed_vcpu,
        reserved_vcpu=reserved_vcpu,
        memory_gib=gib_of(used_bytes),
        reserved_memory_gib=gib_of(reserved_bytes),
        billed_memory_gib=gib_of(billed_bytes),
    )


def gib_of(amount_bytes: float | None) -> float | None:
    """Return bytes as GiB; None stays None."""
    return None if amount_bytes is None else amount_bytes / BYTES_PER_GIB
