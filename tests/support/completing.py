"""The series that the generator leaves out to stay small, though real installations have them.

Each follows from a series that is there, and lives as long. None of them changes the truth. They
show the roles, and hold traps: istio-init reserves what the proxy does, and the application
has CPU and reservations too.
"""

from collections.abc import Iterator, Mapping

from tests.support import labels
from tests.support.labels import Labels
from tests.support.layout import Pod
from tests.support.mesh import Mesh
from tests.support.more_of_proxies import longest_of_proxies, with_more_of_proxies
from tests.support.sampling import scaled, with_value
from tests.support.scraping import labelled, pod_key, pods_by_name, with_series
from tests.support.series import Series
from tests.support.spec import MEBIBYTE, Role

_CPU = "container_cpu_usage_seconds_total"
_APP_SHARE = 0.6
"""Share of the application in the CPU of its pod; no test knows better."""

_APP_RESERVED = {"cpu": 0.5, "memory": 256.0 * MEBIBYTE}
_LIMITS: Mapping[Role, dict[str, float]] = {
    "sidecar": {"cpu": 2.0, "memory": 1024.0 * MEBIBYTE},
    "gateway": {"cpu": 2.0, "memory": 1024.0 * MEBIBYTE},
    "waypoint": {"cpu": 2.0, "memory": 1024.0 * MEBIBYTE},
    "ztunnel": {},
}
"""By the defaults of Istio's charts, which limit everything but ztunnel."""


def completed(mesh: Mesh) -> Mesh:
    """Return a generated mesh with what else its Envoys, kubelets and kube-state-metrics tell.

    That is, where the series they follow from are there: istio_build of every Envoy; CPU of the
    application beside every sidecar; containers, owner, phase and limits of every pod; and
    `with_more_of_proxies`.
    """
    found = [*mesh.series, *_builds(mesh), *_applications(mesh), *_state(mesh)]
    return with_more_of_proxies(with_series(mesh, found))


def _builds(mesh: Mesh) -> Iterator[Series]:
    """Return istio_build of the Envoys that have other series of their own."""
    pods = pods_by_name(mesh)
    told = {pod_key(series) for series in mesh.named("istio_build")}
    for key, series in longest_of_proxies(mesh).items():
        if key not in told:
            own = labels.build_labels(pods[key])
            yield with_value(labelled(series, {"__name__": "istio_build", **own}), 1.0)


def _applications(mesh: Mesh) -> Iterator[Series]:
    """Return CPU of the applications of which there is none yet, as a share of their pods'."""
    pods = pods_by_name(mesh)
    told = {pod_key(series) for series in mesh.named(_CPU, container="app")}
    for series in mesh.named(_CPU):
        key = pod_key(series)
        if key is None or key in told or "container" in dict(series.labels):
            continue
        pod = pods[key]
        if pod.workload.role == "sidecar":
            own = labels.container_cgroup(pod, "app", pod.uid.replace("-", ""))
            yield scaled(labelled(series, {"__name__": _CPU, **own, "cpu": "total"}), _APP_SHARE)


def _state(mesh: Mesh) -> Iterator[Series]:
    """Return the series of kube-state-metrics for each of its pods."""
    pods = pods_by_name(mesh)
    told = {series.labels for series in mesh.series}
    for series in mesh.named("kube_pod_info"):
        info = dict(series.labels)
        pod = pods[info["namespace"], info["pod"]]
        own = {name: info[name] for name in ("namespace", "pod", "uid", "job", "instance")}
        for name, found, value in _facts(pod, info["node"]):
            fact = labelled(series, {"__name__": name, **own, **found})
            # What a test said before about a limit holds.
            if fact.labels not in told:
                yield with_value(fact, value)


def _facts(pod: Pod, node: str) -> Iterator[tuple[str, Labels, float]]:
    """Return metric, labels and value of each fact about a pod."""
    kind = "ReplicaSet" if pod.workload.kind == "Deployment" else pod.workload.kind
    owner = {"owner_kind": kind, "owner_name": pod.created_by_name, "owner_is_controller": "true"}
    yield "kube_pod_owner", owner, 1.0
    for phase in ("Pending", "Running"):
        yield "kube_pod_status_phase", {"phase": phase}, float(phase == "Running")
    is_sidecar = pod.workload.role == "sidecar"
    yield from _proxy(pod, node)
    if is_sidecar:
        yield "kube_pod_container_info", {"container": "app", "image": "example/app:1"}, 1.0
        yield from _resources("container", "requests", "app", node, _APP_RESERVED)
        yield from _first_container(pod, node)


def _proxy(pod: Pod, node: str) -> Iterator[tuple[str, Labels, float]]:
    image = "ztunnel" if pod.workload.role == "ztunnel" else "proxyv2"
    info = {"container": "istio-proxy", "image": f"istio/{image}"}
    if pod.workload.native:
        # The label exists since kube-state-metrics 2.11.
        yield "kube_pod_init_container_info", {**info, "restart_policy": "Always"}, 1.0
    else:
        yield "kube_pod_container_info", info, 1.0
    family = "init_container" if pod.workload.native else "container"
    yield from _resources(family, "limits", "istio-proxy", node, _LIMITS[pod.workload.role])


def _first_container(pod: Pod, node: str) -> Iterator[tuple[str, Labels, float]]:
    """Return the container that redirects traffic, or with Istio's CNI sees that it is redirected.

    Istio gives it the same requests and limits as the proxy, though it ends at once.
    """
    name = "istio-validation" if pod.workload.native else "istio-init"
    yield "kube_pod_init_container_info", {"container": name, "image": "istio/proxyv2"}, 1.0
    workload = pod.workload
    reserved = {"cpu": workload.reserved_vcpu, "memory": float(workload.reserved_memory_bytes)}
    asked = {resource: amount for resource, amount in reserved.items() if amount}
    yield from _resources("init_container", "requests", name, node, asked)
    yield from _resources("init_container", "limits", name, node, _LIMITS[workload.role])


def _resources(
    family: str, what: str, container: str, node: str, amounts: Mapping[str, float]
) -> Iterator[tuple[str, Labels, float]]:
    for resource, amount in amounts.items():
        unit = "core" if resource == "cpu" else "byte"
        found = {"container": container, "node": node, "resource": resource, "unit": unit}
        yield f"kube_pod_{family}_resource_{what}", found, amount
