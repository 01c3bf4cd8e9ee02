"""Proxies whose role shows in other ways than usual.

Waypoints of Istio before 1.22 report as destination (istio/istio issue 50225). Gateways have
helpers in their pods (cloudfoundry/cf-k8s-networking pull request 63, istio-ecosystem/authservice
issue 15).
"""

from collections.abc import Iterator
from dataclasses import replace

from tests.support.bent.edit import Key, edited, is_proxys, label, labelled_more, nodes_of, pod_of
from tests.support.bent.scene import CPU, Scene
from tests.support.scraping import labelled
from tests.support.series import Series

GATEWAY = "front-door"
"""What the healthy mesh calls its gateway."""

ISTIOS_GATEWAY = "istio-ingressgateway"


def _storing(scene: Scene, series: Iterator[Series]) -> Scene:
    return replace(scene, mesh=replace(scene.mesh, series=tuple(series)))


def _pods_of(scene: Scene, role: str) -> set[Key]:
    named = {pod.name for pod in scene.mesh.pods if pod.workload.role == role}
    return {pod for pod in nodes_of(scene) if pod[-1] in named}


def old_waypoint(scene: Scene) -> Scene:
    """Let the waypoints report as they did before Istio 1.22."""

    def is_meant(one: Series) -> bool:
        return label(one, "reporter") == "waypoint"

    series = edited(scene, is_meant, lambda one: labelled_more(one, reporter="destination"))
    return _storing(scene, series)


def old_waypoint_of_labelled_pods(scene: Scene) -> Scene:
    """Let them do so with labels of their pods on their metrics, and without kube-state-metrics."""
    waypoints = _pods_of(scene, "waypoint")
    found = {
        "gateway_istio_io_managed": "istio.io-mesh-controller",
        "istio_io_gateway_name": "namespace",
    }

    def series() -> Iterator[Series]:
        for one in old_waypoint(scene).mesh.series:
            if is_proxys(one) and pod_of(one) in waypoints:
                yield labelled_more(one, **found)
            elif one.name != "kube_pod_info":
                yield one

    return _storing(scene, series())


def gateway_called(scene: Scene, name: str) -> Scene:
    """Rename the gateway, in the names of its pods too."""

    def series() -> Iterator[Series]:
        for one in scene.mesh.series:
            yield labelled(one, {key: text.replace(GATEWAY, name) for key, text in one.labels})

    pods = tuple(replace(pod, name=pod.name.replace(GATEWAY, name)) for pod in scene.mesh.pods)
    renamed = _storing(scene, series())
    return replace(renamed, mesh=replace(renamed.mesh, pods=pods))


def with_helper(scene: Scene, container: str = "fluent-bit") -> Scene:
    """Put a container of another maker beside each gateway, for all its life."""
    gateways = _pods_of(scene, "gateway")

    def series() -> Iterator[Series]:
        for one in scene.mesh.series:
            yield one
            is_proxy = label(one, "container") == "istio-proxy"
            if one.name == CPU and is_proxy and pod_of(one) in gateways:
                yield labelled_more(
                    one,
                    container=container,
                    id=f"{label(one, 'id')}{container}",
                    name=f"{label(one, 'name')}{container}",
                    image=f"{container}:1",
                )

    return _storing(scene, series())


def labelled_gateway(scene: Scene) -> Scene:
    """Put the label of Istio's gateway chart on the gateways' metrics."""
    gateways = _pods_of(scene, "gateway")

    def is_meant(one: Series) -> bool:
        return is_proxys(one) and pod_of(one) in gateways

    series = edited(scene, is_meant, lambda one: labelled_more(one, istio="ingressgateway"))
    return _storing(scene, series)
