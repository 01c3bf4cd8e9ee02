"""The share of requests on a new connection, from a real Prometheus, against the truth."""

from pathlib import Path

import numpy as np
import pytest

from analyzer.measurement import MeshUsage, measure
from analyzer.notebook.api import collect
from analyzer.projection.connections import measured_connection_share
from tests.support import DEFAULT_START, Mesh, MeshSpec, PrometheusServer, WorkloadSpec, build_mesh
from tests.support.counted_events import CONNECTIONS, with_events, without
from tests.support.layout import Pod
from tests.support.scraping import pod_key
from tests.support.traffic import Floats

pytestmark = pytest.mark.live

_SHARE = 0.2
_PROBE_SECONDS = 5.0
_SPEC = MeshSpec(
    seed=3,
    start=DEFAULT_START,
    hours=10,
    workloads=(
        WorkloadSpec(
            namespace="shop",
            name="front",
            pods=6,
            idle_vcpu=0.01,
            vcpu_per_1000_rps=0.3,
            outbound_rps_per_pod=20,
            calls=("shop/stock",),
        ),
        WorkloadSpec(
            namespace="shop",
            name="stock",
            pods=4,
            idle_vcpu=0.01,
            vcpu_per_1000_rps=0.3,
            inbound_rps_per_pod=30,
        ),
    ),
)


def with_connections(mesh: Mesh) -> Mesh:
    """Return a mesh in which some outbound requests are on a new connection, with probes."""
    sent = {pod_key(one): one for one in mesh.named("istio_requests_total", reporter="source")}
    start_ms = _SPEC.start.timestamp() * 1000

    def seconds_of(pod: Pod) -> Floats:
        probes = np.arange(0, _SPEC.window_seconds, _PROBE_SECONDS)
        series = sent.get((pod.workload.namespace, pod.name))
        if series is None:
            return probes
        counts = np.arange(series.values[0], series.values[-1], 1 / _SHARE)
        opened = np.interp(counts, series.values, (series.times_ms - start_ms) / 1000)
        return np.sort(np.concatenate([probes, opened]))

    return with_events(mesh, CONNECTIONS, seconds_of, 0.0)


def measured(mesh: Mesh, folder: Path) -> MeshUsage:
    with PrometheusServer(folder / "server") as server:
        server.fill(mesh)
        found = collect(server.url, days=_SPEC.hours / 24, end=_SPEC.end, path=folder / "snapshot")
    return measure(found.snapshot)


def test_the_share_of_the_applications_is_found(tmp_path: Path) -> None:
    share = measured_connection_share(measured(with_connections(build_mesh(_SPEC)), tmp_path))

    assert share is not None
    assert share.mid == pytest.approx(_SHARE, rel=0.03)
    assert share.low <= _SHARE <= share.high
    assert share.high - share.low < 0.05


def test_without_the_counter_it_is_not_known(tmp_path: Path) -> None:
    mesh = without(with_connections(build_mesh(_SPEC)), CONNECTIONS)

    assert measured_connection_share(measured(mesh, tmp_path)) is None
