"""Small edits of stored series, of which bends are made."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tests.support.bent.scene import CPU, Scene
from tests.support.scraping import labelled
from tests.support.series import STALE, Series

Random = np.random.Generator
Key = tuple[str, str, str]


def label(series: Series, name: str) -> str:
    """Return a label's value, "" where there is none."""
    return dict(series.labels).get(name, "")


def labelled_more(series: Series, **labels: str) -> Series:
    """Return a series with more labels, or other values of those it has."""
    return labelled(series, {**dict(series.labels), **labels})


def kept(series: Series, chosen: npt.NDArray[np.bool_]) -> Series:
    """Return a series of the chosen samples."""
    return replace(series, times_ms=series.times_ms[chosen], values=series.values[chosen])


def unless_between(series: Series, begin_ms: float, end_ms: float) -> Series:
    """Return a series without the samples of some time."""
    return kept(series, (series.times_ms < begin_ms) | (series.times_ms >= end_ms))


def shifted(series: Series, delay_ms: int) -> Series:
    """Return a series as another scraper sees it, some time later; counters have grown since."""
    if not series.name.endswith(("_total", "_sum")):
        return replace(series, times_ms=series.times_ms + delay_ms)
    real = ~np.isnan(series.values)
    times = series.times_ms + delay_ms
    known, values = series.values[real], series.values.copy()
    if real.any():
        later = np.interp(times[real], series.times_ms[real], known)
        later = np.floor(later) if series.name.startswith("istio_") else later
        # Interpolation across a restart would make a fall of two steps.
        values[real] = np.where(np.diff(known, append=known[-1]) < 0, known, later)
    return replace(series, times_ms=times, values=values)


def is_kubelets(series: Series) -> bool:
    """Whether a kubelet exposes it."""
    return series.name.startswith("container_")


def is_proxys(series: Series) -> bool:
    """Whether a proxy exposes it."""
    return series.name.startswith(("istio_", "envoy_"))


def is_states(series: Series) -> bool:
    """Whether kube-state-metrics exposes it."""
    return series.name.startswith("kube_")


def is_counter(series: Series) -> bool:
    """Whether it only grows until its container restarts."""
    return series.name.endswith(("_total", "_sum"))


def pod_of(series: Series) -> Key:
    """Return cluster, namespace and pod."""
    own = dict(series.labels)
    return own.get("cluster", ""), own.get("namespace", ""), own.get("pod", "")


def sidecars(scene: Scene) -> list[Key]:
    """Return the pods with an application beside the proxy, sorted."""
    found = {pod_of(one) for one in scene.mesh.named(CPU, container="app")}
    return sorted(found)


def nodes_of(scene: Scene) -> dict[Key, str]:
    """Return the node of each pod by kube-state-metrics."""
    return {pod_of(one): label(one, "node") for one in scene.mesh.named("kube_pod_info")}


def pods_on(scene: Scene, nodes: Iterable[str]) -> set[Key]:
    """Return the pods on some nodes."""
    chosen = set(nodes)
    return {pod for pod, node in nodes_of(scene).items() if node in chosen}


def some(random: Random, items: list[Key], count: int) -> set[Key]:
    """Return some of the items."""
    places = random.choice(len(items), min(count, len(items)), replace=False)
    return {items[place] for place in places}


def edited(
    scene: Scene, is_meant: Callable[[Series], bool], edit: Callable[[Series], Series]
) -> Iterator[Series]:
    """Yield the scene's series, the ones that are meant after an edit."""
    for one in scene.mesh.series:
        yield edit(one) if is_meant(one) else one


def moment_ms(scene: Scene, share: float) -> float:
    """Return the time after a share of the time asked for."""
    length = (scene.end - scene.start).total_seconds()
    return (scene.start.timestamp() + share * length) * 1000


def middle_sample(random: Random, scene: Scene, series: Series) -> int | None:
    """Return the place of a sample away from the edges; None where there are too few."""
    begin, end = moment_ms(scene, 0.1), moment_ms(scene, 0.9)
    first, last = np.searchsorted(series.times_ms, [begin, end])
    first, last = max(int(first), 2), min(int(last), len(series.times_ms) - 2)
    if last - first < 2:
        return None
    place = int(random.integers(first, last))
    around = series.values[place - 1 : place + 2]
    if np.isnan(around).any() or (np.diff(around) < 0).any():
        return None
    return place


def ended(series: Series, first: int, last: int) -> Series:
    """Return the samples from one place up to another, with a staleness marker after them."""
    times, values = series.times_ms[first:last], series.values[first:last]
    if last < len(series.times_ms) and not is_kubelets(series) and len(times):
        times = np.append(times, series.times_ms[last])
        values = np.append(values, STALE)
    return replace(series, times_ms=times, values=values)
