"""How what the sidecars need adds up over proxies and steps, so that it can be redone by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.units import BYTES_PER_GIB

__all__ = ["SidecarTally", "tally"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarTally:
    """Sums over the sidecars and the steps; divided by the number of steps they are the footprint.

    Attributes:
        step_count: steps that count.
        value_count: in how many steps of how many sidecars the CPU is known, together.
        measured_vcpu: the CPU in these.
        measured_rps: proxy requests per second, in all steps.
        added_rps: proxy requests per second that growth adds where the CPU is known.
        added_vcpu: what those would cost.
        floored_vcpu: what that would take too much of: no sidecar uses less than nothing.
        reserved_vcpu: what is reserved, where anybody knows.
        memory_gib: what is used of memory, likewise.
        reserved_memory_gib: likewise.
        billed_by_use_vcpu: what is used where no less is reserved, or nobody knows what is.
        billed_by_reservation_vcpu: what is reserved elsewhere.
        billed_by_use_gib: likewise, of memory.
        billed_by_reservation_gib: likewise.
    """

    step_count: int
    value_count: int
    measured_vcpu: float
    measured_rps: float
    added_rps: float
    added_vcpu: float
    floored_vcpu: float
    reserved_vcpu: float
    memory_gib: float
    reserved_memory_gib: float
    billed_by_use_vcpu: float
    billed_by_reservation_vcpu: float
    billed_by_use_gib: float
    billed_by_reservation_gib: float


def tally(
    before: pd.DataFrame, after: pd.DataFrame, added_vcpu: pd.Series, step_count: int
) -> SidecarTally:
    """Add up the sidecars' steps.

    Args:
        before: as measured, rows of `MeshUsage.steps`.
        after: the same rows with the growth in them.
        added_vcpu: what the growth costs in each, before any floor.
        step_count: steps that count.
    """
    is_known = before["cpu_vcpu"].notna()
    vcpu_used, vcpu_reserved = _billed_by(after["cpu_vcpu"], after["reserved_vcpu"])
    memory_used, memory_reserved = _billed_by(after["memory_bytes"], after["reserved_memory_bytes"])
    added_rps = (after["proxy_rps"] - before["proxy_rps"]).fillna(0.0)
    return SidecarTally(
        step_count=step_count,
        value_count=int(is_known.sum()),
        measured_vcpu=float(before["cpu_vcpu"].sum()),
        measured_rps=float(before["proxy_rps"].sum()),
        added_rps=float(added_rps[is_known].sum()),
        added_vcpu=float(added_vcpu[is_known].sum()),
        floored_vcpu=float((after["cpu_vcpu"] - before["cpu_vcpu"] - added_vcpu)[is_known].sum()),
        reserved_vcpu=float(before["reserved_vcpu"].sum()),
        memory_gib=float(before["memory_bytes"].sum()) / BYTES_PER_GIB,
        reserved_memory_gib=float(before["reserved_memory_bytes"].sum()) / BYTES_PER_GIB,
        billed_by_use_vcpu=vcpu_used,
        billed_by_reservation_vcpu=vcpu_reserved,
        billed_by_use_gib=memory_used / BYTES_PER_GIB,
        billed_by_reservation_gib=memory_reserved / BYTES_PER_GIB,
    )


def _billed_by(used: pd.Series, reserved: pd.Series) -> tuple[float, float]:
    by_use = (used > reserved) | reserved.isna()
    return float(np.nansum(used[by_use])), float(np.nansum(reserved[~by_use]))
