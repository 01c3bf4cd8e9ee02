"""Zones and cloud providers of nodes, by each sign alone, on both engines, and hidden."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analyzer.calibration import calibrate_usage
from analyzer.measurement import measure
from analyzer.notebook.api import collect
from analyzer.projection import default_scenario, project_usage
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from tests.support import (
    SMALL_MESH,
    Mesh,
    PrometheusServer,
    Series,
    ServerProcess,
    VictoriaServer,
    build_mesh,
)
from tests.support.layout import node_name
from tests.support.scraping import labelled, with_series

pytestmark = pytest.mark.live

_INFO, _LABELS = "kube_node_info", "kube_node_labels"
_NEW, _OLD = "label_topology_kubernetes_io_zone", "label_failure_domain_beta_kubernetes_io_zone"

_NODES: dict[str, tuple[str, dict[str, str], tuple[str, str]]] = {
    # The metric that shows it, its labels, and the zone and provider.
    "on-aws": (_INFO, {"provider_id": "aws:///eu-west-1b/i-0f00"}, ("eu-west-1b", "aws")),
    "fargate": (
        _INFO,
        {"provider_id": "aws:///eu-west-1c/5b7/fargate-ip-1"},
        ("eu-west-1c", "aws"),
    ),
    "on-google": (
        _INFO,
        {"provider_id": "gce://my-app/europe-west4-a/n"},
        ("europe-west4-a", "gce"),
    ),
    "on-azure": (
        _INFO,
        {"provider_id": "azure:///subscriptions/0/resourceGroups/g/virtualMachines/0"},
        ("", "azure"),
    ),
    "in-kind": (_INFO, {"provider_id": "kind://docker/kind/worker"}, ("", "kind")),
    "without": (_INFO, {"provider_id": ""}, ("", "")),
    "labelled": (_LABELS, {_NEW: "rack-1", _OLD: "rack-2"}, ("rack-1", "")),
    "labelled-before-1.17": (_LABELS, {_OLD: "rack-2"}, ("rack-2", "")),
    "labelled-otherwise": (_LABELS, {"label_kubernetes_io_os": "linux"}, ("", "")),
    # A label of the scrape job is none of the node.
    "beside": (_LABELS, {"label_kubernetes_io_os": "linux", "zone": "eu-west-1a"}, ("", "")),
}


@pytest.fixture(scope="module", params=[PrometheusServer, VictoriaServer])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    mesh = build_mesh(SMALL_MESH)
    (model, *_) = mesh.named("kube_node_status_allocatable", resource="cpu")

    def nodes() -> Iterator[Series]:
        for node, (metric, more, _) in _NODES.items():
            own = {"node": node, "job": "kube-state-metrics"}
            info = labelled(model, {"__name__": metric, **own, **more})
            yield replace(info, values=np.ones_like(model.values))

    with request.param(tmp_path_factory.mktemp("zones")) as server:
        server.fill(with_series(mesh, nodes()))
        yield server


def test_each_sign_is_enough(server: ServerProcess) -> None:
    promql = load_query("node_zones").render(Scope(), LabelMapping())
    with Connection(Access(url=server.url)) as source:
        answer = source.instant(promql, SMALL_MESH.end)

    found = {
        series.labels["node"]: tuple(
            series.labels.get(name, "") for name in ("node_zone", "node_provider")
        )
        for series in answer.series
    }
    assert found == {node: known for node, (*_, known) in _NODES.items() if any(known)}


def on_aws(mesh: Mesh) -> Mesh:
    """Return a mesh on nodes of three zones by their provider IDs; one node has a label too."""
    zones = {node_name(number): f"eu-1{'abc'[number % 3]}" for number in range(mesh.spec.nodes)}
    last = node_name(mesh.spec.nodes - 1)

    def found() -> Iterator[Series]:
        for series in mesh.series:
            own = dict(series.labels)
            if series.name == _INFO:
                own["provider_id"] = f"aws:///{zones[own['node']]}/i-{own['node']}"
                if own["node"] == last:
                    yield labelled(series, {**own, "__name__": _LABELS, _NEW: "eu-1z"})
            yield labelled(series, own)

    return with_series(mesh, found())


@pytest.mark.parametrize("hides", [False, True])
def test_a_snapshot_has_them(tmp_path: Path, *, hides: bool) -> None:
    with PrometheusServer(tmp_path / "server") as server:
        server.fill(on_aws(build_mesh(SMALL_MESH)))
        found = collect(
            server.url,
            days=SMALL_MESH.hours / 24,
            end=SMALL_MESH.end,
            path=tmp_path / "snapshot",
            hide_names=hides,
        )

    usage = measure(found.snapshot)
    assert usage.zones_were_asked
    assert set(usage.nodes["provider"]) == {"aws"}
    zones = usage.nodes["zone"].value_counts()
    # Eight nodes, of which the last is relabelled.
    assert sorted(zones) == [1, 2, 2, 3]
    projection = project_usage(usage, calibrate_usage(usage), default_scenario())
    assert projection.zone_transfer is not None
    assert projection.zone_transfer.zone_count == 4
    assert projection.zone_transfer.usd_per_gb.mid == 0.02
    assert projection.zone_transfer.choices[0].gb_per_month.mid > 0
    names = {"eu-1a", "eu-1b", "eu-1c", "eu-1z"}
    assert (set(zones.index) & names) == (set() if hides else names)
    if hides:
        files = (tmp_path / "snapshot").rglob("*")
        assert not any(b"eu-1z" in file.read_bytes() for file in files if file.is_file())
