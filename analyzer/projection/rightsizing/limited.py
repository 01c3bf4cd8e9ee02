"""Recommended requests against the LimitRanges of their namespaces, as Kubernetes admits pods.

A pod is rejected if a container breaks a constraint, init containers too. A container without a
limit gets the default one (Kubernetes: plugin/pkg/admission/limitranger/admission.go).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from analyzer.projection.rightsizing.result import Recommendation, Resources, Rightsizing
from analyzer.units import BYTES_PER_GIB

CPU: Final = "cpu"
MEMORY: Final = "memory"

MIN: Final = "min"
MAX: Final = "max"
RATIO: Final = "maxLimitRequestRatio"
DEFAULT: Final = "default"

_HAIR: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """A constraint that a recommendation breaks, or a default limit that it gets.

    Attributes:
        resource: CPU or MEMORY.
        constraint: MIN, MAX, RATIO or DEFAULT.
        enforced: the constraint's value: vCPU or GiB; RATIO has no unit.
        amount: the recommended request or limit that breaks it, in the same unit; None: no limit.
    """

    namespace: str
    workload: str
    resource: str
    constraint: str
    enforced: float
    amount: float | None = None


def limited(found: Rightsizing, limit_ranges: pd.DataFrame) -> tuple[Limited, ...]:
    """Return what the LimitRanges do to the recommendations, in the order of the workloads."""
    by_namespace: dict[str, dict[tuple[str, str], float]] = {}
    for row in limit_ranges.to_dict("records"):
        per_unit = BYTES_PER_GIB if row["resource"] == MEMORY and row["constraint"] != RATIO else 1
        limits = by_namespace.setdefault(row["namespace"], {})
        limits[row["resource"], row["constraint"]] = float(row["value"]) / per_unit
    return tuple(
        one
        for item in found.workloads
        if item.recommended is not None and item.namespace in by_namespace
        for one in _of(item, item.recommended, by_namespace[item.namespace])
    )


def _of(
    item: Recommendation, recommended: Resources, limits: Mapping[tuple[str, str], float]
) -> Iterator[Limited]:
    amounts = {
        CPU: (recommended.request_vcpu, recommended.limit_vcpu),
        MEMORY: (recommended.request_memory_gib, recommended.limit_memory_gib),
    }
    for resource, (request, limit) in amounts.items():
        own = {what: value for (of, what), value in limits.items() if of == resource}
        for constraint, amount in _broken(request, limit, own):
            yield Limited(
                namespace=item.namespace,
                workload=item.workload,
                resource=resource,
                constraint=constraint,
                enforced=own[constraint],
                amount=amount,
            )


def _broken(
    request: float | None, limit: float | None, own: Mapping[str, float]
) -> Iterator[tuple[str, float | None]]:
    """Yield each constraint that applies, with what breaks it; None: no limit is recommended."""
    if request is None:
        return
    if limit is None and DEFAULT in own:
        yield DEFAULT, None
        limit = own[DEFAULT]
    least, most, ratio = own.get(MIN, 0.0), own.get(MAX, math.inf), own.get(RATIO, math.inf)
    highest = math.inf if limit is None else max(limit, request)
    if request < least - _HAIR:
        yield MIN, request
    if highest > most + _HAIR:
        yield MAX, None if limit is None else highest
    if highest / request > ratio + _HAIR:
        yield RATIO, None if limit is None else highest / request
