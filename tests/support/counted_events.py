"""Events beside requests that use CPU and that Envoys count: pushes, new connections."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from tests.support import labels
from tests.support.layout import Pod
from tests.support.mesh import Mesh
from tests.support.more_of_proxies import longest_of_proxies
from tests.support.scraping import labelled, pod_key, pods_by_name, with_series
from tests.support.series import Series
from tests.support.traffic import Floats

UPDATES: Final[Mapping[str, Mapping[str, str]]] = {
    "envoy_cluster_manager_cds_update_success": {},
    "envoy_listener_manager_lds_update_success": {},
}
CONNECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "envoy_listener_downstream_cx_total": {"listener_address": "0.0.0.0_15006"},
}
"""Counters, and labels of their own."""


def with_events(
    mesh: Mesh,
    counters: Mapping[str, Mapping[str, str]],
    seconds_of: Callable[[Pod], Floats],
    vcpu_seconds: float,
) -> Mesh:
    """Return a mesh whose sidecars count events, each of which uses CPU; its truth is without them.

    Args:
        mesh: a generated one.
        counters: that count each event.
        seconds_of: when a pod has events, from the begin of the window, ascending.
        vcpu_seconds: of each event.
    """
    pods, start_ms = pods_by_name(mesh), int(mesh.spec.start.timestamp() * 1000)

    def counted(series: Series, pod: Pod) -> Floats:
        return np.searchsorted(seconds_of(pod), (series.times_ms - start_ms) / 1000).astype(float)

    def found() -> Iterator[Series]:
        for series in mesh.series:
            key = pod_key(series)
            if key is None or not _is_sidecar_cpu(series, pods[key]):
                yield series
                continue
            more = vcpu_seconds * counted(series, pods[key])
            yield replace(series, values=series.values + more)
        for key, series in longest_of_proxies(mesh).items():
            if pods[key].workload.role != "sidecar":
                continue
            counts = counted(series, pods[key])
            for name, own in counters.items():
                values = np.where(np.isnan(series.values), series.values, counts)
                target = {**labels.envoy_target(pods[key]), **own, "__name__": name}
                yield labelled(replace(series, values=values), target)

    return with_series(mesh, found())


def without(mesh: Mesh, *counters: Mapping[str, Mapping[str, str]]) -> Mesh:
    """Return a mesh that uses the CPU of these events, but does not export their counters."""
    names = {name for one in counters for name in one}
    return with_series(mesh, [series for series in mesh.series if series.name not in names])


def _is_sidecar_cpu(series: Series, pod: Pod) -> bool:
    if series.name != "container_cpu_usage_seconds_total" or pod.workload.role != "sidecar":
        return False
    return dict(series.labels).get("container") == "istio-proxy"
