"""Labels and directions of the request counters that are dropped when scraping."""

from collections.abc import Callable, Collection
from dataclasses import replace

from tests.support.bent.edit import label, labelled_more
from tests.support.bent.scene import REQUESTS, Scene
from tests.support.scraping import labelled
from tests.support.series import Series


def _of_requests(scene: Scene, edit: Callable[[Series], Series | None]) -> Scene:
    """Return a scene whose request counters are stored as `edit` makes them; None is dropped."""
    found = (edit(one) if one.name == REQUESTS else one for one in scene.mesh.series)
    kept = tuple(one for one in found if one is not None)
    return replace(scene, mesh=replace(scene.mesh, series=kept))


def unknown_at_clients(scene: Scene, targets: Collection[str]) -> Scene:
    """Clients do not know the workload of some destinations, "namespace/name"."""

    def edit(one: Series) -> Series:
        own = dict(one.labels)
        key = f"{own['destination_workload_namespace']}/{own['destination_workload']}"
        if own["reporter"] != "source" or key not in targets:
            return one
        return labelled_more(
            one, destination_workload="unknown", destination_workload_namespace="unknown"
        )

    return _of_requests(scene, edit)


def unknown_at_servers(scene: Scene, callers: Collection[str]) -> Scene:
    """Servers do not know the workload of some callers, "namespace/name"."""

    def edit(one: Series) -> Series:
        own = dict(one.labels)
        key = f"{own['source_workload_namespace']}/{own['source_workload']}"
        if own["reporter"] == "source" or key not in callers:
            return one
        return labelled_more(one, source_workload="unknown", source_workload_namespace="unknown")

    return _added_up(_of_requests(scene, edit))


def without_reports(scene: Scene, reporter: str, namespaces: Collection[str] = ()) -> Scene:
    """One reporter's series are dropped, in some namespaces or in all."""

    def edit(one: Series) -> Series | None:
        is_meant = not namespaces or label(one, "namespace") in namespaces
        return None if is_meant and label(one, "reporter") == reporter else one

    return _of_requests(scene, edit)


def without_labels(scene: Scene, names: Collection[str], cluster: str = "") -> Scene:
    """Some labels are dropped, of one cluster's proxies or of all: what then is alike adds up."""

    def edit(one: Series) -> Series:
        if cluster and label(one, "cluster") != cluster:
            return one
        return labelled(one, {key: value for key, value in one.labels if key not in names})

    return _added_up(_of_requests(scene, edit))


def _added_up(scene: Scene) -> Scene:
    """Return a scene in which series of the same labels are one, as a stream aggregation does."""
    found: dict[tuple[tuple[str, str], ...], Series] = {}
    for one in scene.mesh.series:
        before = found.get(one.labels)
        values = one.values if before is None else before.values + one.values
        found[one.labels] = replace(one, values=values)
    return replace(scene, mesh=replace(scene.mesh, series=tuple(found.values())))
