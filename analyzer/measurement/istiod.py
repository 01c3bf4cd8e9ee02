"""What istiod uses and requests, all its pods together: it serves every proxy of the mesh."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from analyzer.measurement.frames import TIME
from analyzer.measurement.snapshot import Snapshot
from analyzer.units import BYTES_PER_GIB

VCPU: Final = "istiod_vcpu"
MEMORY: Final = "istiod_memory_bytes"
_REQUESTS: Final = "istiod_requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Istiod:
    """All pods of istiod together, on average over the steps in which any was seen.

    A quantity is None where Prometheus has no series of it.
    """

    vcpu: float | None = None
    memory_gib: float | None = None
    reserved_vcpu: float | None = None
    reserved_memory_gib: float | None = None


UNSEEN: Final = Istiod()


def istiod_of(snapshot: Snapshot) -> Istiod:
    """Return what istiod uses and requests.

    Nothing is known where a part of the namespaces was asked for: istiod serves the others too, and
    how many proxies they have is not known.
    """
    if snapshot.manifest.scope.namespaces:
        return UNSEEN
    memory = _mean(snapshot.frame(MEMORY), MEMORY)
    requests = snapshot.frame(_REQUESTS)
    reserved_vcpu, reserved_memory = (
        _mean(requests[requests["resource"] == resource], _REQUESTS)
        for resource in ("cpu", "memory")
    )
    return Istiod(
        vcpu=_mean(snapshot.frame(VCPU), VCPU),
        memory_gib=None if memory is None else memory / BYTES_PER_GIB,
        reserved_vcpu=reserved_vcpu,
        reserved_memory_gib=None if reserved_memory is None else reserved_memory / BYTES_PER_GIB,
    )


def _mean(rows: pd.DataFrame, name: str) -> float | None:
    """Return the sum over all pods, as a mean over the steps with any."""
    by_step = rows.groupby(TIME)[name].sum()
    return float(by_step.mean()) if len(by_step) else None
