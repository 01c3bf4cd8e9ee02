"""What other requests of the sidecars do to autoscalers on the CPU utilization of whole pods.

Utilization is what all containers of a pod use over what all of them request (Kubernetes:
pkg/controller/podautoscaler/replica_calculator.go), so it rises as a sidecar's request falls.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from analyzer.measurement.usage import MeshUsage
from analyzer.projection.rightsizing.result import Recommendation, Rightsizing

TOLERANCE_SHARE: Final = 0.1
"""Change of utilization that an autoscaler ignores (kube-controller-manager:
--horizontal-pod-autoscaler-tolerance)."""

_LEAST_VCPU: Final = 0.0005
"""Kubernetes knows no smaller difference of requests than a thousandth of a vCPU."""

_HAIR: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """An autoscaler before and after its workload's sidecars have other requests.

    Attributes:
        utilization_percent: its target, and new_utilization_percent: what the same use is of the
            new request.
        replicas: on average over the window; None where not known.
        new_replicas: with which the target is kept, rounded up, within minimum and maximum.
        is_at_minimum: whether the workload has no more replicas than the minimum: its utilization
            may be below the target, and then fewer are enough.
    """

    namespace: str
    workload: str
    autoscaler: str
    utilization_percent: float
    new_utilization_percent: float
    replicas: float | None
    new_replicas: int | None
    is_at_minimum: bool

    @property
    def ratio(self) -> float:
        """The pod's request today over the recommended one."""
        return self.new_utilization_percent / self.utilization_percent

    @property
    def is_tolerated(self) -> bool:
        """Whether an autoscaler at its target does not scale for it."""
        return abs(self.ratio - 1) <= TOLERANCE_SHARE + _HAIR


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaled:
    """The autoscalers on CPU utilization of workloads whose recommendation changes the request.

    Attributes:
        known: those whose change is known, the largest first.
        unknown: the others, as namespace/name of the autoscaler.
    """

    known: tuple[Scaled, ...] = ()
    unknown: tuple[str, ...] = ()


def changed(item: Recommendation) -> bool:
    """Return whether a recommendation changes the CPU request, as far as is known."""
    if item.recommended is None or item.recommended.request_vcpu is None:
        return False
    today = item.today.request_vcpu
    return today is None or abs(item.recommended.request_vcpu - today) >= _LEAST_VCPU


def autoscaled(found: Rightsizing, usage: MeshUsage) -> Autoscaled:
    """Return what the recommended requests do to the autoscalers that kube-state-metrics has."""
    on_cpu = usage.autoscalers[usage.autoscalers["target_utilization_percent"].notna()]
    items = {(item.namespace, item.workload): item for item in found.workloads if changed(item)}
    if on_cpu.empty or not items:
        return Autoscaled()
    requests = usage.application_reserved_vcpu.set_index(["namespace", "workload"])
    known: list[Scaled] = []
    unknown = set(_unmatched(on_cpu, items, usage.owners))
    matched = usage.owners.merge(on_cpu, on=["namespace", "kind", "name"])
    for row in matched.to_dict("records"):
        key = row["namespace"], row["workload"]
        if key not in items:
            continue
        beside = requests["application_reserved_vcpu"].get(key)
        scaled = None if beside is None else _scaled(items[key], row, float(beside))
        if scaled is None:
            unknown.add(f"{row['namespace']}/{row['autoscaler']}")
        else:
            known.append(scaled)
    order = sorted(known, key=lambda one: (-abs(one.ratio - 1), one.namespace, one.workload))
    return Autoscaled(known=tuple(order), unknown=tuple(sorted(unknown)))


def _unmatched(
    on_cpu: pd.DataFrame, items: Mapping[tuple[str, str], Recommendation], owners: pd.DataFrame
) -> Iterator[str]:
    """Yield the autoscalers that may be of a workload with a recommendation.

    Either the workload's owner is not known, or what the autoscaler scales.
    """
    owned = set(zip(owners["namespace"], owners["workload"], strict=True))
    objects = set(zip(owners["namespace"], owners["kind"], owners["name"], strict=True))
    all_namespaces = {namespace for namespace, _ in items}
    without_owner = {namespace for namespace, _ in items.keys() - owned}
    for row in on_cpu.to_dict("records"):
        namespace, kind, name = row["namespace"], row["kind"], row["name"]
        candidates = without_owner if name else all_namespaces
        if namespace in candidates and (namespace, kind, name) not in objects:
            yield f"{namespace}/{row['autoscaler']}"


def _scaled(item: Recommendation, row: Mapping[Any, Any], beside_vcpu: float) -> Scaled | None:
    """Return one autoscaler's change; None where today's request is not known."""
    today, recommended = item.today.request_vcpu, item.recommended
    if today is None or recommended is None or recommended.request_vcpu is None:
        return None
    ratio = (beside_vcpu + today) / (beside_vcpu + recommended.request_vcpu)
    replicas = None if pd.isna(row["replicas"]) else float(row["replicas"])
    least, most = (
        default if pd.isna(row[name]) else float(row[name])
        for name, default in (("min_replicas", 1.0), ("max_replicas", math.inf))
    )
    needed = None if replicas is None else math.ceil(replicas * ratio - _HAIR)
    return Scaled(
        namespace=item.namespace,
        workload=item.workload,
        autoscaler=row["autoscaler"],
        utilization_percent=float(row["target_utilization_percent"]),
        new_utilization_percent=float(row["target_utilization_percent"]) * ratio,
        replicas=replicas,
        new_replicas=None if needed is None else int(min(max(needed, least), most)),
        is_at_minimum=replicas is not None and replicas <= least + _HAIR,
    )
