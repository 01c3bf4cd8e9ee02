"""One set of requests for the whole mesh, and which workloads it does not serve."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from analyzer.projection.rightsizing.result import Recommendation, Resources

SERVED_SHARE: Final = 0.75
"""Share of the sidecars that the mesh-wide default is enough for."""

NO_CONTROLLER: Final = ("", "Pod")
"""Kinds of owner of a pod that no controller starts, or whose controller is not known."""

_HAIR: Final = 1e-12


WASTEFUL_FACTOR: Final = 2.0
"""How often a workload's own request fits into the default from which on it has its own."""

_PAIR: Final = ("request_vcpu", "request_memory_gib")


def default_of(workloads: Sequence[Recommendation]) -> Resources | None:
    """Return the cheapest requests that are enough for most sidecars; None if nothing is known.

    Of all pairs of recommended CPU and memory that suffice for `SERVED_SHARE` of the sidecars
    together, it is the one with the least CPU requests in all: workloads that need more have their
    own, and those without a known owner have the default all the same.

    Limits are the highest of those that the requests serve. A limit is None if one of them has
    none.
    """
    known = [item for item in workloads if item.recommended]
    if not known:
        return None
    vcpu, memory_gib = _cheapest(workloads, known)
    resources = [item.recommended for item in known if item.recommended]
    served = [item for item in resources if _covers(vcpu, memory_gib, item)] or resources
    return Resources(
        request_vcpu=vcpu,
        limit_vcpu=_highest(item.limit_vcpu for item in served),
        request_memory_gib=memory_gib,
        limit_memory_gib=_highest(item.limit_memory_gib for item in served),
    )


def has_owner(item: Recommendation) -> bool:
    """Return whether a controller is known whose pod template can have requests of its own."""
    return item.kind not in NO_CONTROLLER and bool(item.owner)


def is_wasteful(default: Resources, item: Recommendation) -> bool:
    """Return whether the default is far more than a workload needs of CPU or memory."""
    pairs = ((getattr(default, name), getattr(item.recommended, name, None)) for name in _PAIR)
    return any(amount and needed and amount > WASTEFUL_FACTOR * needed for amount, needed in pairs)


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


def _cheapest(
    workloads: Sequence[Recommendation], known: Sequence[Recommendation]
) -> tuple[float | None, float | None]:
    """Return the CPU in vCPU and the memory in GiB of the cheapest pair that serves most."""
    needs = np.array(
        [[getattr(item.recommended, name) for name in _PAIR] for item in known], dtype=float
    )
    # What is not known needs nothing, and is none of the amounts to choose from.
    vcpu, memory_gib = np.nan_to_num(needs, nan=0.0).T
    counts = np.array([item.sidecar_count for item in known])
    is_patched = np.array([has_owner(item) for item in known])
    kept = sum(
        item.sidecar_count for item in workloads if not (item.recommended or has_owner(item))
    )
    choices: list[tuple[float, float, float, float]] = []
    for amount in np.unique(vcpu):
        least_gib = _enough(memory_gib, np.where(vcpu <= amount, counts, 0.0), counts.sum())
        if least_gib is None:
            continue
        own = is_patched & ((vcpu > amount) | (memory_gib > least_gib))
        totals = [
            round(float((counts * np.where(own, need, default)).sum() + kept * default), 9)
            for need, default in ((vcpu, amount), (memory_gib, least_gib))
        ]
        choices.append((totals[0], totals[1], float(amount), least_gib))
    _, _, best_vcpu, best_gib = min(choices)
    has_vcpu, has_memory = ~np.isnan(needs).all(axis=0)
    return best_vcpu if has_vcpu else None, best_gib if has_memory else None


def _enough(amounts: np.ndarray, counts: np.ndarray, total: float) -> float | None:
    """Return the least amount above 0 that is enough for most of a total of sidecars, if any is."""
    order = np.argsort(amounts, kind="stable")
    reached = counts[order].cumsum()
    place = int(np.searchsorted(reached, SERVED_SHARE * total * (1 - _HAIR)))
    if place == len(order):
        return None
    known = amounts[amounts > 0]
    return float(max(amounts[order][place], known.min() if len(known) else 0.0))


def _highest(amounts: Iterable[float | None]) -> float | None:
    found = list(amounts)
    known = [amount for amount in found if amount is not None]
    return max(known) if known and len(known) == len(found) else None
