"""Meshes with memory and requests: what kube-state-metrics and the kubelet add to CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from analyzer.measurement.usage import MeshUsage
from analyzer.units import BYTES_PER_GIB, Role

__all__ = ["SIZES", "Size", "sized"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What one proxy of a role has; None: not known."""

    memory_gib: float | None
    reserved_vcpu: float | None
    reserved_memory_gib: float | None


SIZES: Final[Mapping[Role, Size]] = {
    Role.SIDECAR: Size(memory_gib=0.06, reserved_vcpu=0.1, reserved_memory_gib=0.125),
    Role.ZTUNNEL: Size(memory_gib=0.03, reserved_vcpu=0.2, reserved_memory_gib=0.5),
    Role.WAYPOINT: Size(memory_gib=0.08, reserved_vcpu=0.1, reserved_memory_gib=0.125),
}


def sized(usage: MeshUsage, sizes: Mapping[Role, Size] = SIZES) -> MeshUsage:
    """Return the mesh with the memory and requests of each role; those not named have none."""
    roles = usage.steps["proxy"].map(usage.proxies["role"])

    def column(name: str, unit: float = 1.0) -> list[float]:
        by_role = {
            str(role): unit * value
            for role, size in sizes.items()
            for value in [getattr(size, name)]
            if value is not None
        }
        return [by_role.get(str(role), float("nan")) for role in roles]

    steps = usage.steps.assign(
        memory_bytes=column("memory_gib", BYTES_PER_GIB),
        reserved_vcpu=column("reserved_vcpu"),
        reserved_memory_bytes=column("reserved_memory_gib", BYTES_PER_GIB),
    )
    return replace(usage, steps=steps)
