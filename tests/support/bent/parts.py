"""Kind D: parts of a mesh that are seen at other times, or less often, than the rest."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np

from tests.support.bent.edit import (
    Random,
    edited,
    is_kubelets,
    is_proxys,
    kept,
    label,
    pod_of,
    sidecars,
)
from tests.support.bent.healthy import beside_another
from tests.support.bent.scene import Kind, Scene
from tests.support.sampling import changed
from tests.support.scraping import labelled
from tests.support.series import Series

_HOUR = timedelta(hours=1)


def _thinned(one: Series, every: int, first: int = 0) -> Series:
    turn = np.arange(len(one.times_ms)) % every == first
    return kept(one, turn | np.isnan(one.values))


def _slower(scene: Scene, is_meant: Callable[[Series], bool], every: int) -> Scene:
    thin = edited(scene, is_meant, lambda one: _thinned(one, every))
    return scene.storing(thin, Kind.PARTS)


def slow_cluster(scene: Scene, random: Random) -> Scene:
    """Store every third or so scrape of one of two clusters; counters of the other are larger."""
    return _with_slow_cluster(scene, int(random.integers(3, 5)))


def very_slow_cluster(scene: Scene, _: Random) -> Scene:
    """Store a sample every 5 minutes of one of two clusters, as a hub does of those it manages."""
    return _with_slow_cluster(scene, 10)


def _with_slow_cluster(scene: Scene, every: int) -> Scene:
    both = scene if scene.clusters else beside_another(scene)
    name = both.clusters[-1]
    slow = _slower(both, lambda one: label(one, "cluster") == name, every)

    def aged(one: Series) -> Series:
        is_old = label(one, "cluster") != name and one.name.endswith("_total")
        if not is_old:
            return one
        more = 5e7 if is_proxys(one) else 5e5
        return changed(one, lambda values: values + more)

    return slow.storing(map(aged, slow.mesh.series), Kind.PARTS)


def slow_job(scene: Scene, random: Random) -> Scene:
    """Scrape the proxies of one namespace by a job of its own, four times slower."""
    namespaces = sorted({pod[1] for pod in sidecars(scene)})
    chosen = str(random.choice(namespaces))

    def slowed(one: Series) -> Series:
        own = dict(one.labels)
        return _thinned(labelled(one, {**own, "job": f"{chosen}/proxies"}), 4)

    def is_meant(one: Series) -> bool:
        return is_proxys(one) and pod_of(one)[1] == chosen

    return scene.storing(edited(scene, is_meant, slowed), Kind.PARTS)


def slow_kubelets(scene: Scene, random: Random) -> Scene:
    """Scrape the kubelets of half of the nodes four times slower."""
    nodes = sorted({label(one, "node") for one in scene.mesh.series if is_kubelets(one)})
    chosen = set(random.choice(nodes, len(nodes) // 2, replace=False).tolist())
    return _slower(scene, lambda one: is_kubelets(one) and label(one, "node") in chosen, 4)


def asked_for_the_day(scene: Scene) -> Scene:
    """Ask for the whole day of a mesh that ran for a part of it."""
    midnight = scene.start.replace(hour=0, minute=0, second=0)
    longer = replace(scene, start=midnight, end=midnight + timedelta(days=1))
    return replace(longer, kinds=scene.kinds | {Kind.PARTS})


def asked_for_days(scene: Scene, days: int) -> Scene:
    """Ask for several days before a mesh that ran for some hours, and one after it."""
    longer = replace(
        scene, start=scene.end - timedelta(days=days), end=scene.end + timedelta(days=1)
    )
    return replace(longer, kinds=scene.kinds | {Kind.PARTS})


def asked_with_a_margin(scene: Scene, random: Random) -> Scene:
    """Ask for more hours than the mesh ran."""
    before, after = random.integers(1, 9, 2).tolist()
    longer = replace(scene, start=scene.start - before * _HOUR, end=scene.end + after * _HOUR)
    return replace(longer, kinds=scene.kinds | {Kind.PARTS})
