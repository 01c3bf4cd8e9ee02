"""Meshes in dialects, and sums over their series, for the tests of dialects."""

from collections.abc import Iterable
from functools import cache

import numpy as np

from tests.support import (
    DIALECTS,
    Mesh,
    Series,
    build_mesh,
    dialect,
    dialect_mesh,
)

CPU = "container_cpu_usage_seconds_total"
MEMORY = "container_memory_working_set_bytes"
REQUESTS = "istio_requests_total"
BY_POD = "node_namespace_pod_container"
NAMES = [one.name for one in DIALECTS]


@cache
def told(name: str) -> Mesh:
    return dialect(name).told(dialect_mesh())


@cache
def generated() -> Mesh:
    return build_mesh(dialect_mesh())


def label_names(own: str, added: str) -> frozenset[str]:
    words = added.split()
    gone = {word[1:] for word in words if word.startswith("-")}
    return frozenset({*own.split(), *words} - gone - {f"-{word}" for word in gone})


def found_names(series: Iterable[Series]) -> set[frozenset[str]]:
    return {frozenset(dict(one.labels)) for one in series}


def growth(series: Series) -> float:
    """Return what a counter counted per second of the window, the slow and obvious way."""
    values = series.values[~np.isnan(series.values)]
    steps = np.diff(values)
    span_seconds = float(series.times_ms[-1] - series.times_ms[0]) / 1000
    return float(np.where(steps < 0, values[1:], steps).sum()) / span_seconds


def total(mesh: Mesh, metric: str, **labels: str) -> float:
    return sum(growth(one) for one in mesh.named(metric, **labels))


def all_rps(mesh: Mesh) -> float:
    return sum(workload.proxy_rps for workload in mesh.truth.workloads)


def all_vcpu(mesh: Mesh) -> float:
    return sum(workload.vcpu for workload in mesh.truth.workloads)


def values(mesh: Mesh, metric: str, label: str) -> set[str]:
    return {dict(one.labels).get(label, "") for one in mesh.named(metric)}
