"""The labels that Kubernetes has on pods and nodes, and what scrapers make of their names.

By Istio's charts: its injection template labels a sidecar's pod with its canonical service and
`security.istio.io/tlsMode`; gateways and waypoints of the Gateway API carry the Gateway's name and
class and the controller that manages them; the gateway chart labels `app` and `istio`; ztunnel
only `app`.
"""

import re
from collections.abc import Collection, Iterator

from tests.support.labels import Labels
from tests.support.layout import Pod, node_name
from tests.support.mesh import Mesh
from tests.support.scraping import labelled, pod_key, pods_by_name, with_series
from tests.support.series import Series

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
GATEWAY_CLASS = "gateway.networking.k8s.io/gateway-class-name"
MANAGED = "gateway.istio.io/managed"
TLS_MODE = "security.istio.io/tlsMode"
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
ZONE = "topology.kubernetes.io/zone"

ALLOW_LIST = ("app", TLS_MODE, GATEWAY_NAME, GATEWAY_CLASS, MANAGED)
"""The pod labels that kube-state-metrics must be configured for, so that roles are certain."""

_DEFAULT_INSTANCE_TYPE = "general-16"


def pod_labels(pod: Pod) -> Labels:
    """Return the labels on a pod, by their Kubernetes names."""
    name = pod.workload.name
    canonical = {"service.istio.io/canonical-name": name}
    if pod.workload.role == "ztunnel":
        return {"app": "ztunnel"}
    if pod.workload.role == "waypoint":
        return {
            **canonical,
            "service.istio.io/canonical-revision": "latest",
            "istio.io/dataplane-mode": "none",
            "sidecar.istio.io/inject": "false",
            GATEWAY_NAME: name,
            GATEWAY_CLASS: "istio-waypoint",
            MANAGED: "istio.io-mesh-controller",
        }
    if pod.workload.role == "gateway":
        return {**canonical, **_gateway_labels(pod)}
    labels = {
        **canonical,
        "service.istio.io/canonical-revision": "v1",
        TLS_MODE: "istio",
        "app": name,
        "version": "v1",
    }
    if pod.workload.kind == "Deployment":
        labels["pod-template-hash"] = pod.created_by_name.rpartition("-")[2]
    return labels


def _gateway_labels(pod: Pod) -> Labels:
    """Return those of the gateway chart in istio-system, of a Gateway resource elsewhere."""
    name = pod.workload.name
    if pod.workload.namespace == "istio-system":
        return {"app": name, "istio": name, "sidecar.istio.io/inject": "true"}
    return {
        GATEWAY_NAME: name,
        GATEWAY_CLASS: "istio",
        MANAGED: "istio.io-gateway-controller",
    }


def scraped_name(label: str) -> str:
    """Return what service discovery makes of a Kubernetes label's name."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", label)


def state_name(label: str) -> str:
    """Return what kube-state-metrics makes of a Kubernetes label's name: snake case too."""
    snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", scraped_name(label))
    return f"label_{snake.lower()}"


def node_labels(mesh: Mesh) -> dict[str, Labels]:
    """Return the labels on each node, by the node's name."""
    types = {
        dict(series.labels)["node"]: dict(series.labels)[state_name(INSTANCE_TYPE)]
        for series in mesh.named("kube_node_labels")
    }
    names = [node_name(node) for node in range(mesh.spec.nodes)]
    return {
        name: {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            INSTANCE_TYPE: types.get(name, _DEFAULT_INSTANCE_TYPE),
            ZONE: "zone-a",
        }
        for name in names
    }


def with_pod_labels(mesh: Mesh, allowed: Collection[str] = ALLOW_LIST) -> Mesh:
    """Return a mesh whose kube-state-metrics has an allow-list of pod labels.

    Without one the family kube_pod_labels is empty: that is how meshes are generated.
    """
    pods = pods_by_name(mesh)

    def found() -> Iterator[Series]:
        for series in mesh.named("kube_pod_info"):
            own = dict(series.labels)
            labels = {n: own[n] for n in ("namespace", "pod", "uid", "job", "instance")}
            given = pod_labels(pods[own["namespace"], own["pod"]])
            shown = {state_name(n): v for n, v in given.items() if n in allowed}
            if shown:
                yield labelled(series, {"__name__": "kube_pod_labels", **labels, **shown})

    return with_series(mesh, [*mesh.series, *found()])


def with_instance_types(mesh: Mesh, types: Collection[str] = ("general-16", "burst-16")) -> Mesh:
    """Return a mesh on nodes of several types, in turns, as kube-state-metrics reports.

    OpenCost's prices name the type too. CPU a request is the same on all of them.
    """
    in_turn = list(types)
    type_of = {node_name(n): in_turn[n % len(in_turn)] for n in range(mesh.spec.nodes)}

    def found() -> Iterator[Series]:
        for series in mesh.series:
            own = dict(series.labels)
            if pod_key(series) is None and "instance_type" in own:
                yield labelled(series, {**own, "instance_type": type_of[own["node"]]})
            else:
                yield series
            if series.name == "kube_node_info":
                labels = {n: own[n] for n in ("node", "job", "instance")}
                shown = {
                    state_name(INSTANCE_TYPE): type_of[own["node"]],
                    state_name(ZONE): "zone-a",
                }
                yield labelled(series, {"__name__": "kube_node_labels", **labels, **shown})

    return with_series(mesh, found())
