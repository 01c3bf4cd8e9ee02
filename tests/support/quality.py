"""Meshes that somebody sees only in part, or counts in a way that misleads.

Each function takes a mesh with the generator's labels and returns another, for a dialect.
Unless noted otherwise the truth stays: it is that of the mesh, not of what can be seen of it.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tests.support.mesh import Mesh
from tests.support.sampling import changed
from tests.support.scraping import Family, family_of, labelled, pod_key, with_series
from tests.support.series import Series

EVERY_FAMILY: frozenset[Family] = frozenset({"envoy", "cadvisor", "state", "prices"})

_REQUESTS = "istio_requests_total"


def with_gap(
    mesh: Mesh,
    *,
    after_hours: float,
    hours: float = 1.0,
    families: Collection[Family] = EVERY_FAMILY,
) -> Mesh:
    """Return a mesh of which nothing was scraped for some time, be it all or one side of it."""
    begin, end = _moment_ms(mesh, after_hours), _moment_ms(mesh, after_hours + hours)

    def seen() -> Iterator[Series]:
        for series in mesh.series:
            if family_of(series.name) in families:
                yield _samples(series, (series.times_ms < begin) | (series.times_ms >= end))
            else:
                yield series

    return with_series(mesh, _with_samples(seen()))


def retained_from(mesh: Mesh, *, hours: float) -> Mesh:
    """Return a mesh of whose window the first hours are no longer stored."""
    begin = _moment_ms(mesh, hours)
    kept = (_samples(series, series.times_ms >= begin) for series in mesh.series)
    return with_series(mesh, _with_samples(kept))


def unseen(mesh: Mesh, namespace: str, families: Collection[Family]) -> Mesh:
    """Return a mesh of whose pods in one namespace some exporters tell nothing.

    Without "envoy" its telemetry is off, or its proxies are not scraped: they have CPU and no
    requests. Without "cadvisor" they have requests and no CPU. Its callers still report.
    """

    def is_seen(series: Series) -> bool:
        key = pod_key(series)
        return key is None or key[0] != namespace or family_of(series.name) not in families

    return with_series(mesh, filter(is_seen, mesh.series))


def with_streams(mesh: Mesh, key: str, *, messages_per_stream: int = 1000) -> Mesh:
    """Return a mesh in which one workload, "namespace/name", is called by long gRPC streams.

    A request is counted once, when its stream ends; messages are counted as they pass. What the
    truth calls requests per second of it and of its callers towards it are messages per second.
    """
    namespace, name = key.split("/")
    called = {"destination_workload": name, "destination_workload_namespace": namespace}

    def found() -> Iterator[Series]:
        for series in mesh.series:
            own = dict(series.labels)
            if series.name != _REQUESTS or not called.items() <= own.items():
                yield series
                continue
            streams = changed(series, lambda values: np.floor(values / messages_per_stream))
            spoken = {**own, "request_protocol": "grpc", "grpc_response_status": "0"}
            # A counter comes into being with the first stream that ends.
            yield _samples(labelled(streams, spoken), streams.values != 0)
            at_end = {"response_code", "grpc_response_status"}
            flowing = {n: v for n, v in spoken.items() if n not in at_end}
            for direction in ("request", "response"):
                metric = f"istio_{direction}_messages_total"
                yield labelled(series, {**flowing, "__name__": metric})

    return with_series(mesh, _with_samples(found()))


def _moment_ms(mesh: Mesh, hours: float) -> int:
    return mesh.spec.start_ms + round(hours * 3_600_000)


def _samples(series: Series, kept: npt.NDArray[np.bool_]) -> Series:
    return replace(series, times_ms=series.times_ms[kept], values=series.values[kept])


def _with_samples(series: Iterator[Series]) -> Iterator[Series]:
    return (one for one in series if one.times_ms.size)
