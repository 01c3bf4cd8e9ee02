"""Kind B: one thing that is stored twice."""

from collections.abc import Callable, Iterator

import numpy as np

from tests.support.bent.edit import (
    Random,
    is_kubelets,
    is_proxys,
    kept,
    label,
    labelled_more,
    moment_ms,
    nodes_of,
    pod_of,
    pods_on,
    shifted,
)
from tests.support.bent.scene import CPU, MEMORY, Kind, Scene
from tests.support.scraping import labelled
from tests.support.series import Series

_OTHER_MS = 3_170


def two_cgroups(scene: Scene, random: Random) -> Scene:
    """Store each container under two cgroup ids, as a kubelet does with two runtimes."""
    root = f"/system.slice/containerd-{random.integers(10**6)}.service"

    def found() -> Iterator[Series]:
        for one in scene.mesh.series:
            yield one
            if is_kubelets(one) and label(one, "container"):
                yield labelled_more(one, id=root + label(one, "id"))

    return scene.storing(found(), Kind.COPIES)


def resource_metrics(scene: Scene, _: Random) -> Scene:
    """Scrape /metrics/resource of each kubelet beside /metrics/cadvisor: fewer labels."""
    taken_off = {"id", "image", "name", "cpu"}

    def found() -> Iterator[Series]:
        for one in scene.mesh.series:
            yield one
            if one.name in {CPU, MEMORY} and label(one, "container"):
                own = {n: v for n, v in one.labels if n not in taken_off}
                other = labelled(one, {**own, "metrics_path": "/metrics/resource"})
                yield shifted(other, 9_210)

    return scene.storing(found(), Kind.COPIES)


def _pair(
    scene: Scene, names: tuple[dict[str, str], dict[str, str]], has_both: Callable[[Series], bool]
) -> Iterator[Series]:
    """Yield every series as the first scraper stores it, and some as the second one does."""
    for one in scene.mesh.series:
        yield labelled_more(one, **names[0])
        if has_both(one):
            yield shifted(labelled_more(one, **names[1]), _OTHER_MS)


def replicas(scene: Scene, random: Random) -> Scene:
    """Store what each of a pair of servers scraped, under a label of any name."""
    name = str(random.choice(["prom_replica", "scraper", "tenant_id", "shard_copy"]))
    names = ({name: "a-0"}, {name: "a-1"})
    return scene.storing(_pair(scene, names, lambda _: True), Kind.COPIES)


def replicas_of_a_part(scene: Scene, random: Random) -> Scene:
    """Let the second of a pair scrape half of the nodes and their pods only."""
    nodes = sorted(set(nodes_of(scene).values()))
    half = pods_on(scene, nodes[: len(nodes) // 2])
    name = str(random.choice(["monitor", "prom_replica"]))
    names = ({name: "blue"}, {name: "green"})
    return scene.storing(_pair(scene, names, lambda one: pod_of(one) in half), Kind.COPIES)


def replicas_of_a_time(scene: Scene, random: Random) -> Scene:
    """Let the second of a pair run for a part of the time only, as while it is replaced."""
    first = float(random.uniform(0.1, 0.4))
    begin, end = moment_ms(scene, first), moment_ms(scene, first + 0.4)

    def found() -> Iterator[Series]:
        for one in scene.mesh.series:
            yield labelled_more(one, prom_replica="old")
            other = shifted(labelled_more(one, prom_replica="new"), _OTHER_MS)
            yield kept(other, (other.times_ms >= begin) & (other.times_ms < end))

    return scene.storing(found(), Kind.COPIES)


def two_agents(scene: Scene, _: Random) -> Scene:
    """Let two agents scrape the proxies, each with two labels of its own."""
    names = (
        {"agent": "metrics-agent", "agent_pod": "metrics-agent-0"},
        {"agent": "mesh-agent", "agent_pod": "mesh-agent-5c9d"},
    )
    return scene.storing(_pair(scene, names, is_proxys), Kind.COPIES)


def kubelets_twice(scene: Scene, _: Random) -> Scene:
    """Scrape every kubelet by two jobs."""

    def found() -> Iterator[Series]:
        for one in scene.mesh.series:
            yield one
            if is_kubelets(one):
                other = labelled_more(one, job="node-agent", service="node-agent")
                yield shifted(other, 5_330)

    return scene.storing(found(), Kind.COPIES)


def nested_cgroup(scene: Scene, random: Random) -> Scene:
    """Store the proxies of some pods a second time under a cgroup within their own."""
    pods = sorted({pod_of(one) for one in scene.mesh.named(CPU, container="istio-proxy")})
    places = np.asarray(random.choice(len(pods), len(pods) // 2, replace=False))
    chosen = {pods[place] for place in places}

    def found() -> Iterator[Series]:
        for one in scene.mesh.series:
            yield one
            is_proxy = is_kubelets(one) and label(one, "container") == "istio-proxy"
            if is_proxy and pod_of(one) in chosen:
                yield labelled_more(one, id=f"{label(one, 'id')}/init")

    return scene.storing(found(), Kind.COPIES)
