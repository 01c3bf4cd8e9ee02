"""What proxies count beside requests and TCP bytes, which the generator leaves out to stay small.

Each series follows from one that is there, and lives as long.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from tests.support import labels
from tests.support.layout import Pod
from tests.support.mesh import Mesh
from tests.support.sampling import changed, with_value
from tests.support.scraping import family_of, labelled, pod_key, pods_by_name, with_series
from tests.support.series import STALE, Series
from tests.support.traffic import TCP_SHARES

HTTP_SHARES: Final[Mapping[str, float]] = {
    "istio_request_bytes_sum": 0.2,
    "istio_response_bytes_sum": 0.8,
}
"""What of an HTTP request's bytes goes there, and what comes back."""

OPENED: Final = "istio_tcp_connections_opened_total"
CLOSED: Final = "istio_tcp_connections_closed_total"
_SENT: Final = "istio_tcp_sent_bytes_total"


def with_more_of_proxies(mesh: Mesh) -> Mesh:
    """Return a generated mesh with HTTP bytes, TCP connections and the size of configurations.

    TCP bytes get both their reporters. The truth of all is in that of each workload already.
    """
    mesh = with_series(mesh, _with_both_reporters(mesh))
    found = [*mesh.series, *_http_bytes(mesh), *_connections(mesh), *_clusters(mesh)]
    return with_series(mesh, found)


def longest_of_proxies(mesh: Mesh) -> dict[tuple[str, str], Series]:
    """Return the longest series of each pod's proxy: it is there while the proxy lives."""
    longest: dict[tuple[str, str], Series] = {}
    for series in mesh.series:
        key = pod_key(series)
        if key is None or family_of(series.name) != "envoy":
            continue
        if key not in longest or len(series.times_ms) > len(longest[key].times_ms):
            longest[key] = series
    return longest


def _http_bytes(mesh: Mesh) -> Iterator[Series]:
    pods = pods_by_name(mesh)
    for series in mesh.named("istio_requests_total"):
        size = _owner(pods, series).workload.wire_bytes_per_request
        for name, share in HTTP_SHARES.items():
            yield _multiple(series, name, share * size)


def _with_both_reporters(mesh: Mesh) -> Iterator[Series]:
    pods = pods_by_name(mesh)
    for series in mesh.series:
        outbound = 0.0
        if series.name in TCP_SHARES:
            outbound = _owner(pods, series).workload.tcp_outbound_share
        yield _multiple(series, series.name, 1 - outbound) if outbound else series
        if outbound:
            found = _multiple(series, series.name, outbound)
            yield labelled(found, {**dict(found.labels), "reporter": "source"})


def _connections(mesh: Mesh) -> Iterator[Series]:
    pods = pods_by_name(mesh)
    for series in mesh.named(_SENT):
        workload = _owner(pods, series).workload
        sent = TCP_SHARES[_SENT] * workload.tcp_bytes_per_connection
        opened = _multiple(series, OPENED, 1 / sent)
        outbound = workload.tcp_outbound_share
        is_outbound = dict(series.labels)["reporter"] == "source"
        share = outbound if is_outbound else 1 - outbound
        yield opened
        yield _closed(opened, share * workload.open_tcp_connections)


def _closed(opened: Series, held: float) -> Series:
    """Return the counter of closed connections: it begins with the first one, in each life."""
    series = changed(opened, lambda values: np.maximum(values - held, 0.0))
    is_absent = series.values == 0
    ends = is_absent & ~np.concatenate([[True], is_absent[:-1]])
    values = np.where(ends, STALE, series.values)
    kept = ~is_absent | ends
    named = labelled(series, {**dict(series.labels), "__name__": CLOSED})
    return replace(named, times_ms=series.times_ms[kept], values=values[kept])


def _clusters(mesh: Mesh) -> Iterator[Series]:
    """Return the gauge of every Envoy; a ztunnel is none."""
    pods = pods_by_name(mesh)
    for key, series in longest_of_proxies(mesh).items():
        workload = pods[key].workload
        if workload.role != "ztunnel":
            name = {"__name__": "envoy_cluster_manager_active_clusters"}
            found = labelled(series, {**labels.envoy_target(pods[key]), **name})
            yield with_value(found, float(workload.configured_clusters))


def _owner(pods: Mapping[tuple[str, str], Pod], series: Series) -> Pod:
    key = pod_key(series)
    if key is None:
        raise ValueError(f"{series.name}: not a pod's")
    return pods[key]


def _multiple(series: Series, name: str, factor: float) -> Series:
    """Return a counter under another name that counts in proportion, in whole numbers."""
    counted = changed(series, lambda values: np.floor(values * factor))
    return labelled(counted, {**dict(series.labels), "__name__": name})
