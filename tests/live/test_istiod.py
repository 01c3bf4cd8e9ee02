"""istiod is measured by its container, on both engines, all its pods together."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analyzer.measurement import measure
from analyzer.notebook.api import collect
from tests.support import SMALL_MESH, PrometheusServer, ServerProcess, VictoriaServer, build_mesh
from tests.support.mesh import Mesh
from tests.support.scraping import labelled, with_series
from tests.support.series import Series

pytestmark = pytest.mark.live

_PODS = ("istiod-7c9d-a", "istiod-7c9d-b")
_VCPU, _BYTES, _REQUESTED_VCPU, _REQUESTED_BYTES = 0.2, 300e6, 0.5, 2.0**31


def with_istiod(mesh: Mesh) -> Iterator[Series]:
    """Yield the series of a mesh, and those of two pods of istiod and of one that is none."""
    yield from mesh.series
    cpu = mesh.named("container_cpu_usage_seconds_total")[0]
    memory = mesh.named("container_memory_working_set_bytes")[0]
    requests = mesh.named("kube_pod_container_resource_requests")[0]
    for pod, times in ((_PODS[0], 1.0), (_PODS[1], 2.0), ("other-0", 40.0)):
        own = {"namespace": "istio-system", "pod": pod, "container": "discovery"}
        seconds = 3600 + (cpu.times_ms - cpu.times_ms[0]) / 1000
        yield replace(labelled(cpu, {**dict(cpu.labels), **own}), values=times * _VCPU * seconds)
        held = np.full_like(memory.values, times * _BYTES)
        yield replace(labelled(memory, {**dict(memory.labels), **own}), values=held)
        for resource, unit, amount in (
            ("cpu", "core", _REQUESTED_VCPU),
            ("memory", "byte", _REQUESTED_BYTES),
        ):
            labels = {**dict(requests.labels), **own, "resource": resource, "unit": unit}
            asked = np.full_like(requests.values, times * amount)
            yield replace(labelled(requests, labels), values=asked)


@pytest.mark.parametrize("engine", [PrometheusServer, VictoriaServer])
def test_its_pods_add_up(engine: type[ServerProcess], tmp_path: Path) -> None:
    mesh = build_mesh(SMALL_MESH)
    with engine(tmp_path / "server") as server:
        server.fill(with_series(mesh, with_istiod(mesh)))
        snapshot = collect(
            server.url,
            days=SMALL_MESH.hours / 24,
            end=SMALL_MESH.end,
            path=tmp_path / "snapshot",
        ).snapshot

    found = measure(snapshot).istiod
    assert found.vcpu == pytest.approx(3 * _VCPU, rel=0.02)
    assert found.memory_gib == pytest.approx(3 * _BYTES / 1024**3, rel=0.01)
    assert found.reserved_vcpu == pytest.approx(3 * _REQUESTED_VCPU)
    assert found.reserved_memory_gib == pytest.approx(3 * 2)
