"""A mesh of known owners, autoscalers and limits, as kube-state-metrics shows them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tests.support.completing import completed
from tests.support.labels import Labels
from tests.support.layout import Pod
from tests.support.mesh import Mesh, build_mesh
from tests.support.sampling import changed, with_value
from tests.support.scraping import labelled, with_series
from tests.support.series import Series
from tests.support.small import BACK, SMALL_MESH
from tests.support.traffic import Floats

STORE = replace(BACK, name="store", pods=2, kind="StatefulSet", native=False)
_OTHERS = tuple(
    replace(STORE, namespace="jobs", name=name, kind="Deployment")
    for name in ("nightly", "once", "hand", "lost")
)

SPEC = replace(SMALL_MESH, workloads=(*SMALL_MESH.workloads, STORE, *_OTHERS))

OWNERS = {
    ("jobs", "hand"): ("ReplicaSet", "hand-"),
    ("jobs", "nightly"): ("CronJob", "nightly"),
    ("jobs", "once"): ("Job", "once-28501"),
    ("shop", "back"): ("Rollout", "back"),
    ("shop", "front"): ("Deployment", "front"),
    ("shop", "store"): ("StatefulSet", "store"),
}
"""Owner of each workload; the name of a ReplicaSet goes on with a hash. None of jobs/lost."""

_JOBS = {"nightly": "nightly-28501", "once": "once-28501"}
_NONE = dict.fromkeys(("owner_kind", "owner_name", "owner_is_controller"), "<none>")

Values = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes series of kube-state-metrics with the times of a series of a mesh."""

    model: Series

    def constant(self, name: str, value: float, **labels: str) -> Series:
        own = {"__name__": name, "job": "kube-state-metrics", "instance": "10.0.1.2:8080"}
        return with_value(labelled(self.model, {**own, **labels}), value)

    def until_half(self, name: str, values: tuple[float, float], **labels: str) -> Series:
        """Return a series with one value in the first half of the window, and then another."""
        first, second = values
        halves = _half(first, second)
        return changed(self.constant(name, 0.0, **labels), halves)

    def second_half(self, name: str, value: float, **labels: str) -> Series:
        whole = self.constant(name, value, **labels)
        begin = len(whole.times_ms) // 2
        return replace(whole, times_ms=whole.times_ms[begin:], values=whole.values[begin:])


def _half(first: float, second: float) -> Values:
    def change(values: Floats) -> Floats:
        is_late = np.arange(len(values)) >= len(values) // 2
        return np.asarray(np.where(is_late, second, first), dtype=np.float64)

    return change


def mesh_with_objects() -> Mesh:
    """Return `SPEC` with applications, owners, kills for memory, autoscalers and limits."""
    mesh = completed(build_mesh(SPEC))
    writer = _Writer(mesh.named("kube_pod_info")[0])
    known = (_created(one) for one in mesh.series)
    more = (*_owners(mesh, writer), *_kills(mesh, writer), *_scaling(writer))
    return with_series(mesh, [*known, *more])


def pods_of(mesh: Mesh, name: str) -> tuple[Pod, ...]:
    """Return the pods of a workload, in order."""
    return tuple(pod for pod in mesh.pods if pod.workload.name == name)


def _created(series: Series) -> Series:
    """Return a series as it is where Jobs create some of the pods."""
    labels = dict(series.labels)
    if series.name != "kube_pod_info" or labels["namespace"] != "jobs":
        return series
    job = _JOBS.get(labels["created_by_name"].split("-")[0])
    made: Labels = {"created_by_kind": "Job", "created_by_name": job} if job else {}
    return labelled(series, {**labels, **made})


def _owners(mesh: Mesh, writer: _Writer) -> Iterator[Series]:
    def of_set(name: str, replica_set: str, owner: Labels) -> Series:
        namespace = "jobs" if name == "hand" else "shop"
        own = {"namespace": namespace, "replicaset": replica_set}
        return writer.constant("kube_replicaset_owner", 1.0, **own, **owner)

    def owned(kind: str, name: str) -> Labels:
        return {"owner_kind": kind, "owner_name": name, "owner_is_controller": "true"}

    for name, owner in (
        ("front", owned("Deployment", "front")), ("back", owned("Rollout", "back")), ("hand", _NONE)
    ):  # fmt: skip
        yield of_set(name, pods_of(mesh, name)[0].created_by_name, owner)
    # An older one, without pods.
    yield of_set("front", "front-6d5f8b9c47", owned("Deployment", "front"))
    for job, owner in (("nightly-28501", owned("CronJob", "nightly")), ("once-28501", _NONE)):
        yield writer.constant("kube_job_owner", 1.0, namespace="jobs", job_name=job, **owner)


def _kills(mesh: Mesh, writer: _Writer) -> Iterator[Series]:
    """Yield terminations: only the first, the third and that of a native sidecar are new kills."""
    reason = "kube_pod_container_status_last_terminated_reason"
    restarts = "kube_pod_container_status_restarts_total"
    first, second, third, fourth = ({**_proxy(pod)} for pod in pods_of(mesh, "front"))
    yield writer.second_half(reason, 1.0, reason="OOMKilled", **first)
    yield writer.until_half(restarts, (0.0, 1.0), **first)
    yield writer.constant(reason, 1.0, reason="OOMKilled", **second)
    yield writer.constant(restarts, 3.0, **second)
    yield writer.constant(reason, 1.0, reason="OOMKilled", **third)
    yield writer.until_half(restarts, (3.0, 4.0), **third)
    yield writer.second_half(reason, 1.0, reason="Error", **fourth)
    native, spared, *_ = (_proxy(pod) for pod in pods_of(mesh, "back"))
    of_init = reason.replace("pod_container", "pod_init_container")
    yield writer.second_half(of_init, 1.0, reason="OOMKilled", **native)
    # kube-state-metrics 1.x has each reason, at 0.
    yield writer.second_half(of_init, 0.0, reason="OOMKilled", **spared)
    application = {**_proxy(pods_of(mesh, "store")[0]), "container": "app"}
    yield writer.second_half(reason, 1.0, reason="OOMKilled", **application)


def _proxy(pod: Pod) -> Labels:
    return {
        "namespace": pod.workload.namespace,
        "pod": pod.name,
        "uid": pod.uid,
        "container": "istio-proxy",
    }


def _scaling(writer: _Writer) -> Iterator[Series]:
    for name, kind, container in (("front", "Deployment", ""), ("back", "Rollout", "app")):
        own = {"namespace": "shop", "horizontalpodautoscaler": f"{name}-hpa"}
        hpa = "kube_horizontalpodautoscaler"
        target = {"scaletargetref_kind": kind, "scaletargetref_name": name}
        yield writer.constant(f"{hpa}_info", 1.0, **own, **target)
        yield writer.constant(f"{hpa}_spec_min_replicas", 2.0, **own)
        yield writer.constant(f"{hpa}_spec_max_replicas", 10.0, **own)
        yield writer.until_half(f"{hpa}_status_current_replicas", (4.0, 6.0), **own)
        metric = {"metric_name": "cpu", "metric_target_type": "utilization"}
        of_one = {"container": container} if container else {}
        yield writer.constant(f"{hpa}_spec_target_metric", 70.0, **own, **metric, **of_one)
        metric = {"metric_name": "memory", "metric_target_type": "utilization"}
        yield writer.constant(f"{hpa}_spec_target_metric", 80.0, **own, **metric)
    for limits, constraint, value in (("a", "min", 0.02), ("b", "min", 0.05), ("b", "max", 4.0)):
        own = {"namespace": "shop", "limitrange": limits, "resource": "cpu"}
        yield writer.constant(
            "kube_limitrange", value, **own, type="Container", constraint=constraint
        )
        yield writer.constant("kube_limitrange", 9.0, **own, type="Pod", constraint=constraint)
    yield from _vertical(writer)


def _vertical(writer: _Writer) -> Iterator[Series]:
    """Yield an autoscaler by kube-state-metrics before 2.9, and two by custom resource state."""
    vpa = "verticalpodautoscaler"
    target = f"{vpa}_status_recommendation_containerrecommendations_target"

    def scaled(kind: str, name: str) -> Labels:
        return {"namespace": "shop", vpa: f"{name}-vpa", "target_kind": kind, "target_name": name}

    store = scaled("StatefulSet", "store")
    for mode in ("Auto", "Off"):
        value = float(mode == "Auto")
        update = f"kube_{vpa}_spec_updatepolicy_updatemode"
        yield writer.constant(update, value, **store, update_mode=mode)
    for container in ("istio-proxy", "app"):
        of_container = {"container": container, "resource": "cpu", "unit": "core"}
        yield writer.constant(f"kube_{target}", 0.1, **store, **of_container)
    front = scaled("Deployment", "front")
    yield writer.constant(f"kube_customresource_{target}_cpu", 0.1, **front, container="app")
    back = {**scaled("Rollout", "back"), "update_mode": "Initial"}
    yield writer.constant(f"kube_customresource_{vpa}_spec_updatepolicy_updatemode", 1.0, **back)
