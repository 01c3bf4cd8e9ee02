"""One set of requests for the whole mesh, and which workloads it does not serve."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from analyzer.projection.rightsizing.result import Recommendation, Resources

SERVED_SHARE: Final = 0.75
"""Share of the sidecars that the mesh-wide default is enough for."""


def default_of(workloads: Sequence[Recommendation]) -> Resources | None:
    """Return the least requests that are enough for most sidecars; None if nothing is known.

    Limits are the highest of those that the requests serve. A limit is None if one of them has
    none.
    """
    known = [(item.recommended, item.sidecar_count) for item in workloads if item.recommended]
    if not known:
        return None
    counts = np.array([count for _, count in known])
    vcpu = _enough([item.request_vcpu for item, _ in known], counts)
    memory_gib = _enough([item.request_memory_gib for item, _ in known], counts)
    served = [item for item, _ in known if _covers(vcpu, memory_gib, item)]
    return Resources(
        request_vcpu=vcpu,
        limit_vcpu=_highest(item.limit_vcpu for item in served or [item for item, _ in known]),
        request_memory_gib=memory_gib,
        limit_memory_gib=_highest(
            item.limit_memory_gib for item in served or [item for item, _ in known]
        ),
    )


def is_served(default: Resources, item: Recommendation) -> bool:
    """Return whether the default is enough for a workload.

    A workload without a recommendation is not served: it keeps what it has today.
    """
    return item.recommended is not None and _covers(
        default.request_vcpu, default.request_memory_gib, item.recommended
    )


def _covers(vcpu: float | None, memory_gib: float | None, item: Resources) -> bool:
    pairs = ((vcpu, item.request_vcpu), (memory_gib, item.request_memory_gib))
    return all(
        needed is None or (amount is not None and needed <= amount) for amount, needed in pairs
    )


def _enough(amounts: Sequence[float | None], counts: np.ndarray) -> float | None:
    """Return the least amount that is enough for most, weighted by their counts."""
    is_known = np.array([amount is not None for amount in amounts])
    if not is_known.any():
        return None
    known = np.array([amount for amount in amounts if amount is not None])
    order = np.argsort(known, kind="stable")
    reached = counts[is_known][order].cumsum()
    place = int(np.searchsorted(reached, SERVED_SHARE * reached[-1] * (1 - 1e-12)))
    return float(known[order][place])


def _highest(amounts: Iterable[float | None]) -> float | None:
    found = list(amounts)
    known = [amount for amount in found if amount is not None]
    return max(known) if known and len(known) == len(found) else None
