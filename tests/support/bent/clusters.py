"""Two clusters in one store, whose series do not all have the same cluster label."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.support.bent.edit import edited, is_kubelets, is_proxys, is_states, label
from tests.support.bent.scene import Scene
from tests.support.scraping import labelled
from tests.support.series import Series


def _renamed(one: Series, values: Mapping[str, str], name: str) -> Series:
    """Return a series with another name or value of its cluster label; "" is dropped."""
    own = dict(one.labels)
    cluster = own.pop("cluster")
    return labelled(one, {**own, name: values.get(cluster, cluster)} if name else own)


def relabelled(
    scene: Scene,
    is_meant: Callable[[Series], bool],
    *,
    name: str = "",
    values: Mapping[str, str] | None = None,
) -> Scene:
    """Store some series with another cluster label, or without one."""
    stored = edited(scene, is_meant, lambda one: _renamed(one, values or {}, name))
    alike: dict[object, Series] = {}
    for number, one in enumerate(stored):
        # Each cluster's job has an address of its own, so that no two series are one.
        instance = label(one, "instance") or f"10.0.0.{number % 2}:8080"
        kept = labelled(one, {**dict(one.labels), "instance": instance})
        if kept.labels in alike:
            kept = labelled(kept, {**dict(kept.labels), "instance": "10.1.0.1:8080"})
        alike[kept.labels] = kept
    return replace(scene, mesh=replace(scene.mesh, series=tuple(alike.values())))


KUBELETS, PROXIES, STATE = is_kubelets, is_proxys, is_states
