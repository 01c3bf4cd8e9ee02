"""What each mode of the mesh needs for the same traffic: the formulas, on draws.

Every quantity is an array over draws (see `draws`), or a number where it is exact.

    ztunnel of a node   idle + requests/s of its pods' proxies x cost of a pass + Gbit/s x cost
    waypoint            replicas x what one uses at its share of the namespace's requests/s
    billed              the larger of used and reserved, ztunnel by ztunnel, replica by replica
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer.projection.load import MeshLoad
from analyzer.projection.scenario import Basis
from analyzer.units import Provenance

__all__ = [
    "AMBIENT_L4",
    "AMBIENT_WAYPOINT",
    "AMBIENT_WAYPOINT_ALL",
    "SIDECAR",
    "Need",
    "Parameters",
    "waypoint_need",
    "ztunnel_need",
]

Floats = npt.NDArray[np.float64]

SIDECAR = "sidecar"
AMBIENT_L4 = "ambient-l4"
AMBIENT_WAYPOINT = "ambient-waypoint"
AMBIENT_WAYPOINT_ALL = "ambient-waypoint-all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one component needs, by basis; a basis that is not known is absent.

    Attributes:
        vcpu: arrays over draws.
        memory_gib: arrays over draws.
    """

    role: str
    count: float
    provenance: Provenance
    vcpu: Mapping[Basis, Floats]
    memory_gib: Mapping[Basis, Floats]


def _unchanged(rps: Floats) -> Floats:
    return rps


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Everything uncertain, drawn once, so that all modes of one draw share it.

    Attributes:
        values: the scenario's assumptions, arrays over draws.
        waypoint_idle_vcpu: of one waypoint replica, array over draws.
        waypoint_vcpu_per_1000_rps: array over draws.
        waypoint_effective_rps: what makes a rate one that a straight line of that slope fits.
        waypoint_follows_sidecar: whether these two are the sidecars' times the scenario's ratio,
            for want of a waypoint to measure.
        ztunnel_provenance: published, or derived where ztunnels were measured in part.
    """

    values: Mapping[str, Floats]
    waypoint_idle_vcpu: Floats
    waypoint_vcpu_per_1000_rps: Floats
    waypoint_follows_sidecar: bool
    waypoint_effective_rps: Callable[[Floats], Floats] = _unchanged
    ztunnel_provenance: Provenance = Provenance.PUBLISHED

    def __getitem__(self, name: str) -> Floats:
        """Return an assumption over draws."""
        return self.values[name]

    def waypoint_vcpu(self, rps: Floats) -> Floats:
        """Return what one replica uses at each of these rates, shape (rates, draws)."""
        effective = self.waypoint_effective_rps(rps)[:, None]
        return self.waypoint_idle_vcpu + effective / 1000 * self.waypoint_vcpu_per_1000_rps


def ztunnel_need(nodes: pd.DataFrame, parameters: Parameters) -> Need:
    """Return what the ztunnels need, one on each of `nodes` (as in `MeshLoad.nodes`)."""
    passes = nodes["passes_rps"].to_numpy(float)[:, None]
    gbit = nodes["gbit_per_second"].to_numpy(float)[:, None]
    used = (
        parameters["ztunnel_idle_vcpu_per_node"]
        + passes / 1000 * parameters["ztunnel_vcpu_per_1000_rps"]
        + gbit * parameters["ztunnel_vcpu_per_gbit_per_second"]
    )
    memory = np.broadcast_to(parameters["ztunnel_memory_gib_per_node"], used.shape)
    return Need(
        role="ztunnel",
        count=len(nodes),
        provenance=parameters.ztunnel_provenance,
        vcpu=_by_basis(used, parameters["ztunnel_reserved_vcpu_per_node"]),
        memory_gib=_by_basis(memory, parameters["ztunnel_reserved_memory_gib_per_node"]),
    )


def waypoint_need(load: MeshLoad, parameters: Parameters, *, everywhere: bool) -> Need:
    """Return what the waypoints need: one set of replicas in each chosen namespace.

    Args:
        load: the traffic.
        parameters: what things cost.
        everywhere: whether every namespace has a waypoint, or those where HTTP was seen.
    """
    namespaces = load.namespaces
    chosen = namespaces if everywhere else namespaces[namespaces["has_http"]]
    replicas = float(parameters["waypoint_replicas"][0])
    used = parameters.waypoint_vcpu(chosen["waypoint_rps"].to_numpy(float) / replicas)
    memory = np.broadcast_to(parameters["waypoint_memory_gib_per_replica"], used.shape)
    return Need(
        role="waypoint",
        count=len(chosen) * replicas,
        provenance=Provenance.DERIVED,
        vcpu=_by_basis(used, parameters["waypoint_reserved_vcpu_per_replica"], replicas),
        memory_gib=_by_basis(
            memory, parameters["waypoint_reserved_memory_gib_per_replica"], replicas
        ),
    )


def _by_basis(used: Floats, reserved: Floats, times: float = 1.0) -> dict[Basis, Floats]:
    """Add up over the rows of `used`, shape (units, draws); each row stands for `times` units."""
    return {
        Basis.USAGE: used.sum(axis=0) * times,
        Basis.RESERVED: np.broadcast_to(reserved, used.shape).sum(axis=0) * times,
        Basis.BILLED: np.maximum(used, reserved).sum(axis=0) * times,
    }
