"""Kind C: what ran and was not scraped."""

from collections.abc import Callable, Iterator

import numpy as np

from tests.support.bent.edit import (
    Random,
    edited,
    is_kubelets,
    is_proxys,
    is_states,
    kept,
    label,
    moment_ms,
    nodes_of,
    pod_of,
    pods_on,
    sidecars,
    some,
    unless_between,
)
from tests.support.bent.healthy import beside_another
from tests.support.bent.scene import Kind, Scene
from tests.support.series import Series


def _times(scene: Scene, random: Random, length: float) -> tuple[float, float]:
    first = float(random.uniform(0.05, 0.95 - length))
    return moment_ms(scene, first), moment_ms(scene, first + length)


def _dark(
    scene: Scene, is_meant: Callable[[Series], bool], begin_ms: float, end_ms: float
) -> Scene:
    cut = edited(scene, is_meant, lambda one: unless_between(one, begin_ms, end_ms))
    return scene.storing(cut, Kind.GAPS)


def kubelets_to_the_end(scene: Scene, _: Random) -> Scene:
    """Stop scraping the kubelets of half of the nodes at half time."""
    nodes = sorted(set(nodes_of(scene).values()))
    pods = pods_on(scene, nodes[: len(nodes) // 2])
    begin, end = moment_ms(scene, 0.5), moment_ms(scene, 1) + 600_000
    return _dark(scene, lambda one: is_kubelets(one) and pod_of(one) in pods, begin, end)


def kubelets_for_a_time(scene: Scene, random: Random) -> Scene:
    """Scrape some nodes' kubelets not for a part of the time."""
    nodes = sorted(set(nodes_of(scene).values()))
    count = int(random.integers(1, max(2, len(nodes) // 2 + 1)))
    pods = pods_on(scene, list(random.choice(nodes, count, replace=False)))
    begin, end = _times(scene, random, float(random.uniform(0.2, 0.6)))
    return _dark(scene, lambda one: is_kubelets(one) and pod_of(one) in pods, begin, end)


def proxies_for_a_time(scene: Scene, random: Random) -> Scene:
    """Scrape half of the proxies not for a third of the time."""
    pods = sidecars(scene)
    chosen = some(random, pods, len(pods) // 2)
    begin, end = _times(scene, random, 1 / 3)
    return _dark(scene, lambda one: is_proxys(one) and pod_of(one) in chosen, begin, end)


def both_for_a_time(scene: Scene, random: Random) -> Scene:
    """Scrape neither kubelet nor proxies of one node for a part of the time."""
    nodes = sorted(set(nodes_of(scene).values()))
    pods = pods_on(scene, [str(random.choice(nodes))])
    begin, end = _times(scene, random, float(random.uniform(0.2, 0.5)))

    def is_meant(one: Series) -> bool:
        return (is_kubelets(one) or is_proxys(one)) and pod_of(one) in pods

    return _dark(scene, is_meant, begin, end)


def lost_scrapes(scene: Scene, random: Random) -> Scene:
    """Lose every other scrape of one node's kubelet, at random."""
    nodes = sorted(set(nodes_of(scene).values()))
    pods = pods_on(scene, [str(random.choice(nodes))])
    lost: dict[int, bool] = {}

    def thinned(one: Series) -> Series:
        # All series of one scrape are lost together.
        turns = (one.times_ms // 1000).tolist()
        for turn in turns:
            lost.setdefault(turn, bool(random.random() < 0.5))
        return kept(one, ~np.array([lost[turn] for turn in turns], dtype=bool))

    cut = edited(scene, lambda one: is_kubelets(one) and pod_of(one) in pods, thinned)
    return scene.storing(cut, Kind.GAPS)


def state_for_a_time(scene: Scene, random: Random) -> Scene:
    """Let kube-state-metrics be down half of the time."""
    begin, end = _times(scene, random, 0.5)
    return _dark(scene, is_states, begin, end)


def metrics_for_a_workload(scene: Scene, random: Random) -> Scene:
    """Scrape all proxies of one namespace not for a part of the time."""
    namespaces = sorted({pod[1] for pod in sidecars(scene)})
    chosen = str(random.choice(namespaces))
    begin, end = _times(scene, random, float(random.uniform(0.1, 0.4)))
    return _dark(scene, lambda one: is_proxys(one) and pod_of(one)[1] == chosen, begin, end)


def scattered(scene: Scene, random: Random) -> Scene:
    """Lose ten minutes of each kubelet here and there."""
    nodes = nodes_of(scene)
    holes = {
        node: [_times(scene, random, 10 / 240) for _ in range(4)] for node in set(nodes.values())
    }

    def found() -> Iterator[Series]:
        for one in scene.mesh.series:
            cut = one
            if is_kubelets(one) and pod_of(one) in nodes:
                for begin, end in holes[nodes[pod_of(one)]]:
                    cut = unless_between(cut, begin, end)
            yield cut

    return scene.storing(found(), Kind.GAPS)


def dark_cluster(scene: Scene, random: Random) -> Scene:
    """Store nothing of one of two clusters for a part of the time."""
    both = scene if scene.clusters else beside_another(scene)
    begin, end = _times(both, random, 0.4)
    return _dark(both, lambda one: label(one, "cluster") == both.clusters[-1], begin, end)
