"""Labels under other names: the same mesh, stored by other scrapers. The kinds are bent apart.

A bend here takes a scene and returns one; no random numbers are needed.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from tests.support.bent.edit import is_kubelets, is_proxys, is_states, label, pod_of
from tests.support.bent.scene import Scene
from tests.support.scraping import labelled
from tests.support.series import Series

Names = Mapping[str, str]
Edit = Callable[[Series], Iterable[Series]]

OTEL: Names = {
    "namespace": "k8s_namespace_name",
    "pod": "k8s_pod_name",
    "container": "k8s_container_name",
    "node": "k8s_node_name",
}
DOTTED: Names = {name: other.replace("_", ".") for name, other in OTEL.items()}
KUBERNETES: Names = {"namespace": "kubernetes_namespace", "pod": "kubernetes_pod_name"}
OLD_CADVISOR: Names = {"pod": "pod_name", "container": "container_name"}
OF_CONTAINERS: Names = {
    "namespace": "container_label_io_kubernetes_pod_namespace",
    "pod": "container_label_io_kubernetes_pod_name",
    "container": "container_label_io_kubernetes_container_name",
}
RELABELLED: Names = {
    name: other.removeprefix("container_label_") for name, other in OF_CONTAINERS.items()
}
EXPORTED: Names = {
    "namespace": "exported_namespace",
    "pod": "exported_pod",
    "container": "exported_container",
}
OF_OTHERS: Names = {
    "namespace": "src_namespace",
    "pod": "meta_pod",
    "container": "k8s_container",
}
"""Names that no list holds."""

_SCRAPER = {"namespace": "monitoring", "pod": "scraper-0"}

_OLD_STATE: Mapping[tuple[str, str], str] = {
    ("kube_pod_container_resource_requests", "cpu"): "_cpu_cores",
    ("kube_pod_container_resource_requests", "memory"): "_memory_bytes",
    ("kube_pod_container_resource_limits", "cpu"): "_cpu_cores",
    ("kube_pod_container_resource_limits", "memory"): "_memory_bytes",
    ("kube_node_status_allocatable", "cpu"): "_cpu_cores",
    ("kube_node_status_allocatable", "memory"): "_memory_bytes",
}
"""What kube-state-metrics before 2.0 called its metrics (docs/pod-metrics.md, node-metrics.md)."""


def renamed(series: Series, names: Names, target: Names | None = None) -> Series:
    """Return a series with other names for its labels, and perhaps labels of its target."""
    own = {names.get(name, name): value for name, value in series.labels}
    return labelled(series, {**own, **(target or {})})


def edited(scene: Scene, edit: Edit) -> Scene:
    """Return a scene whose stored series are edited."""
    stored = [other for one in scene.mesh.series for other in edit(one)]
    return replace(scene, mesh=replace(scene.mesh, series=tuple(stored)))


def naming(
    proxies: Names | None = None,
    kubelets: Names | None = None,
    state: Names | None = None,
    *,
    with_target: bool = False,
) -> Callable[[Scene], Scene]:
    """Return a bend that gives each exporter's labels other names.

    With a target, the usual names are there too, and name the scraper.
    """

    def edit(one: Series) -> Iterator[Series]:
        kinds = ((is_proxys, proxies), (is_kubelets, kubelets), (is_states, state))
        names = next((names for is_kind, names in kinds if is_kind(one)), None)
        yield renamed(one, names, _SCRAPER if with_target else None) if names else one

    return lambda scene: edited(scene, edit)


def for_half(
    names: Names, *, of: Callable[[Series], bool], with_target: bool = False
) -> Callable[[Scene], Scene]:
    """Return a bend for another scrape job that has half of the pods."""

    def edit(one: Series) -> Iterator[Series]:
        if not (of(one) and is_of_half(one)):
            yield one
            return
        yield renamed(one, names, {"job": "other", **(_SCRAPER if with_target else {})})

    return lambda scene: edited(scene, edit)


def is_of_half(series: Series) -> bool:
    """Whether it is about one of half of the pods or nodes."""
    cluster, namespace, pod = pod_of(series)
    name = f"{cluster}/{namespace}/{pod}" if pod else label(series, "node")
    return zlib.crc32(name.encode()) % 2 == 0


def is_any(_: Series) -> bool:
    """All series."""
    return True


def scraped_twice(scene: Scene) -> Scene:
    """Store the proxies' series by a second job that has other names."""

    def edit(one: Series) -> Iterator[Series]:
        yield one
        if is_proxys(one):
            yield renamed(one, KUBERNETES, {"job": "other"})

    return edited(scene, edit)


def old_state(scene: Scene) -> Scene:
    """Store what kube-state-metrics 1.x has: a metric for each resource, none of init containers.

    A native sidecar is no part of a cluster of that time.
    """

    def edit(one: Series) -> Iterator[Series]:
        name = one.name.replace("_init_container_", "_container_")
        suffix = _OLD_STATE.get((name, label(one, "resource")))
        if suffix is None:
            if name not in {known for known, _ in _OLD_STATE}:
                yield one
            return
        own = {key: value for key, value in one.labels if key not in {"resource", "unit"}}
        yield labelled(one, {**own, "__name__": name + suffix})

    return edited(scene, edit)
