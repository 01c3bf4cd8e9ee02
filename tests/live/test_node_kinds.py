"""Which nodes run no DaemonSet: by each sign alone, on both engines."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from tests.support import (
    SMALL_MESH,
    PrometheusServer,
    Series,
    ServerProcess,
    VictoriaServer,
    build_mesh,
)
from tests.support.scraping import labelled, with_series

pytestmark = pytest.mark.live

_INFO = {"os_image": "Ubuntu 22.04.5 LTS", "kubelet_version": "v1.31.4"}
_TAINT = {"effect": "NoSchedule"}
_FARGATE, _VIRTUAL, _WINDOWS = "fargate", "virtual-kubelet", "windows"

_NODES: dict[str, tuple[str, dict[str, str], str]] = {
    # The metric that shows its kind, its labels, and the kind.
    "fargate-ip-10-0-9-1.internal": ("kube_node_info", _INFO, _FARGATE),
    "f-taint": (
        "kube_node_spec_taint",
        {**_TAINT, "key": "eks.amazonaws.com/compute-type", "value": "fargate"},
        _FARGATE,
    ),
    "f-label": (
        "kube_node_labels", {"label_eks_amazonaws_com_compute_type": "fargate"}, _FARGATE,
    ),
    "f-kubelet": (
        "kube_node_info", {**_INFO, "kubelet_version": "v1.31.4-eks-fargate"}, _FARGATE,
    ),
    "virtual-node-aci-linux": ("kube_node_info", _INFO, _VIRTUAL),
    "v-taint": (
        "kube_node_spec_taint",
        {**_TAINT, "key": "virtual-kubelet.io/provider", "value": "alibabacloud"},
        _VIRTUAL,
    ),
    "v-label": ("kube_node_labels", {"label_type": "virtual-kubelet"}, _VIRTUAL),
    "v-kubelet": (
        "kube_node_info",
        {"os_image": "", "kubelet_version": "v1.19.10-vk-azure-aci-1.4.8"},
        _VIRTUAL,
    ),
    "win-0": (
        "kube_node_info", {**_INFO, "os_image": "Windows Server 2022 Datacenter"}, _WINDOWS,
    ),
    "w-label": ("kube_node_labels", {"label_kubernetes_io_os": "windows"}, _WINDOWS),
    "w-taint": (
        "kube_node_spec_taint", {**_TAINT, "key": "node.kubernetes.io/os", "value": "windows"},
        _WINDOWS,
    ),
    # Ordinary nodes: a control plane, EKS on EC2, and names that only look alike.
    "master-0": (
        "kube_node_spec_taint",
        {**_TAINT, "key": "node-role.kubernetes.io/control-plane", "value": ""},
        "",
    ),
    "ip-10-0-0-7.internal": (
        "kube_node_labels",
        {"label_eks_amazonaws_com_compute_type": "ec2", "label_kubernetes_io_os": "linux"},
        "",
    ),
    "my-fargate-1": ("kube_node_info", _INFO, ""),
    "virtual-nodes-pool-1": ("kube_node_info", _INFO, ""),
}  # fmt: skip


@pytest.fixture(scope="module", params=[PrometheusServer, VictoriaServer])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    mesh = build_mesh(SMALL_MESH)
    model = mesh.named("kube_node_status_allocatable", resource="cpu")[0]

    def nodes() -> Iterator[Series]:
        for node, (metric, more, _) in _NODES.items():
            own = {"node": node, "job": "kube-state-metrics"}
            yield labelled(model, {**dict(model.labels), **own})
            info = labelled(model, {"__name__": metric, **own, **more})
            yield replace(info, values=np.ones_like(model.values))

    with request.param(tmp_path_factory.mktemp("nodes")) as server:
        server.fill(with_series(mesh, nodes()))
        yield server


def test_each_sign_is_enough_and_nothing_else_is_one(server: ServerProcess) -> None:
    promql = load_query("node_kinds").render(Scope(), LabelMapping())
    with Connection(Access(url=server.url)) as source:
        answer = source.instant(promql, SMALL_MESH.end)

    found = {series.labels["node"]: series.labels["kind"] for series in answer.series}
    assert found == {node: kind for node, (*_, kind) in _NODES.items() if kind}
