"""What proxies count beside requests and TCP bytes, which the generator leaves out to stay small.

Each series follows from one that is there, and lives as long.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from tests.support import labels
from tests.support.layout import Pod
from tests.support.mesh import Mesh
from tests.support.sampling import changed, with_value
from tests.support.scraping import family_of, labelled, pod_key, pods_by_name, with_series
from tests.support.series import Series
from tests.support.traffic import TCP_SHARES

HTTP_SHARES: Final[Mapping[str, float]] = {
    "istio_request_bytes_sum": 0.2,
    "istio_response_bytes_sum": 0.8,
}
"""What of an HTTP request's bytes goes there, and what comes back."""

_CONNECTIONS: Final = "istio_tcp_connections_opened_total"
_SENT: Final = "istio_tcp_sent_bytes_total"


def with_more_of_proxies(mesh: Mesh) -> Mesh:
    """Return a generated mesh with HTTP bytes, TCP connections and the size of configurations.

    Their truth is in the truth of each workload already.
    """
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


def _connections(mesh: Mesh) -> Iterator[Series]:
    pods = pods_by_name(mesh)
    for series in mesh.named(_SENT):
        sent = TCP_SHARES[_SENT] * _owner(pods, series).workload.tcp_bytes_per_connection
        yield _multiple(series, _CONNECTIONS, 1 / sent)


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
