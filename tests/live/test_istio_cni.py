"""istio-cni is found by its containers, on both engines, in any namespace."""

from pathlib import Path

import pytest

from analyzer.measurement import measure
from analyzer.notebook.api import collect
from tests.support import SMALL_MESH, PrometheusServer, ServerProcess, VictoriaServer, build_mesh
from tests.support.scraping import labelled, with_series

pytestmark = pytest.mark.live

_CPU = "container_cpu_usage_seconds_total"
_OTHER = {"namespace": "kube-system", "pod": "calico-node-x7k2p", "container": "install-cni"}
"""The network plugin of a cluster, which has a container of the same name."""

_OURS = {"namespace": "istio-system", "pod": "istio-cni-node-b9c4d", "container": "install-cni"}


@pytest.mark.parametrize("engine", [PrometheusServer, VictoriaServer])
@pytest.mark.parametrize(("pods", "share"), [((_OTHER,), 0.0), ((_OTHER, _OURS), 1.0)])
def test_its_container_counts_and_that_of_another_plugin_does_not(
    engine: type[ServerProcess], pods: tuple[dict[str, str], ...], share: float, tmp_path: Path
) -> None:
    mesh = build_mesh(SMALL_MESH)
    model = mesh.named(_CPU)[0]
    containers = [labelled(model, {**dict(model.labels), **pod}) for pod in pods]
    with engine(tmp_path / "server") as server:
        server.fill(with_series(mesh, [*mesh.series, *containers]))
        snapshot = collect(
            server.url,
            days=SMALL_MESH.hours / 24,
            end=SMALL_MESH.end,
            # It runs in none of them.
            namespaces="shop",
            path=tmp_path / "snapshot",
        ).snapshot

    assert measure(snapshot).istio_cni_share == share
