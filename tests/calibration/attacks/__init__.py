"""Meshes that are hard to fit, with known truth, by the name of what is hard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from tests.calibration.attacks import kinds
from tests.calibration.attacks.day import Day, Measured, mesh_of
from tests.calibration.meshes import SimulatedMesh

__all__ = ["ATTACKS", "CALM", "EXPLAINED", "SHARED", "attacked"]

Kind = Callable[[Day], Iterator[Measured]]

CALM: Final = "calm"

SHARED: Final[Mapping[str, Kind]] = {
    "workload shock 3 %": partial(kinds.shared_in_workload, deviation=0.03),
    "workload shock 5 %": partial(kinds.shared_in_workload, deviation=0.05),
    "mesh shock 3 %": partial(kinds.shared_in_mesh, deviation=0.03),
    "mesh shock 5 %": partial(kinds.shared_in_mesh, deviation=0.05),
}
"""Multiplicative shocks of the CPU that pods share."""

ATTACKS: Final[Mapping[str, Kind]] = {
    "log-normal": kinds.log_normal,
    "Pareto": kinds.pareto,
    "xDS in step": kinds.xds_in_step,
    "xDS flat": kinds.xds_flat,
    "least request": kinds.least_request,
    "payload drift": kinds.payload_drift,
    "cron": kinds.cron,
    "SMT": kinds.smt,
    "handshakes": kinds.handshakes,
    "retries": kinds.retries,
    "upgrade": kinds.upgrade,
    "RPS error 5 %": partial(kinds.rps_error, deviation=0.05),
    "RPS error 10 %": partial(kinds.rps_error, deviation=0.10),
    "HPA": kinds.hpa,
    "power": kinds.power,
    "hinge": kinds.hinge,
}

_TYPED: Final = "least request, typed"

EXPLAINED: Final[Mapping[str, Kind]] = {
    "xDS, counted": kinds.counted_pushes,
    "handshakes, counted": kinds.counted_handshakes,
    "retries, counted": kinds.counted_retries,
    _TYPED: kinds.least_request,
}
"""Attacks whose cause Prometheus shows: events are counted, nodes have instance types."""


def attacked(name: str, seed: int) -> SimulatedMesh:
    """Return a mesh of this kind and seed, and what is true of it."""
    kind = kinds.calm if name == CALM else {**SHARED, **ATTACKS, **EXPLAINED}[name]
    node_kinds = kinds.NODE_KINDS if name == _TYPED else None
    return mesh_of(kind(Day.drawn(seed)), node_kinds)
