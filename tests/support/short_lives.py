"""Pods that come and go within one window of a query."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.support.layout import Pod
from tests.support.mesh import Mesh
from tests.support.scraping import family_of, labelled, pod_key, with_series
from tests.support.series import STALE, Series
from tests.support.traffic import Floats
from tests.support.truth import WorkloadTruth

_EDGE_SECONDS = 600


def with_short_lives(mesh: Mesh, key: str, *, pods: int = 10, seconds: int = 150) -> Mesh:
    """Return a mesh in which a workload, "namespace/name", has more pods, each living for seconds.

    They do what a pod of the workload that lives all the time does meanwhile, one after the other
    over the window. The truth counts them.
    """
    model = next(pod for pod in mesh.pods if pod.workload.key == key and _stays(mesh, pod))
    births = np.linspace(
        _EDGE_SECONDS, mesh.spec.window_seconds - _EDGE_SECONDS - seconds, pods
    ).astype(int)
    born = [_like(model, number, int(birth), seconds) for number, birth in enumerate(births)]
    of_model = [
        one for one in mesh.series if pod_key(one) == (model.workload.namespace, model.name)
    ]
    series = [one for pod in born for one in _life(mesh, of_model, model, pod)]
    changed = with_series(mesh, [*mesh.series, *series])
    workloads = tuple(
        _more(mesh, workload, of_model, born)
        if f"{workload.namespace}/{workload.name}" == key
        else workload
        for workload in mesh.truth.workloads
    )
    truth = replace(mesh.truth, workloads=workloads)
    return replace(changed, truth=truth, pods=(*mesh.pods, *born))


def _stays(mesh: Mesh, pod: Pod) -> bool:
    whole = pod.birth_seconds <= 0 and pod.death_seconds >= mesh.spec.window_seconds
    return whole and pod.restart_seconds is None


def _generated(number: int) -> str:
    """Return five of the characters that Kubernetes takes for a generated name."""
    letters = "bcdfghjklmnpqrstvwxz"
    return f"shr{letters[number // len(letters)]}{letters[number % len(letters)]}"


def _like(model: Pod, number: int, birth_seconds: int, seconds: int) -> Pod:
    return replace(
        model,
        name=f"{model.created_by_name}-{_generated(number)}",
        uid=f"{number:08d}-{model.uid.partition('-')[2]}",
        ip=f"12.0.{number // 250}.{number % 250 + 1}",
        birth_seconds=birth_seconds,
        death_seconds=birth_seconds + seconds,
        restart_seconds=None,
        age_seconds=0.0,
        container_ids=(f"{number:064x}",),
    )


def _life(mesh: Mesh, of_model: list[Series], model: Pod, pod: Pod) -> Iterator[Series]:
    """Return the series of a pod, cut out of those of its model."""
    begin, end = (
        mesh.spec.start_ms + 1000 * moment for moment in (pod.birth_seconds, pod.death_seconds)
    )
    names = {
        model.name: pod.name,
        model.uid: pod.uid,
        model.container_ids[0]: pod.container_ids[0],
        model.uid.replace("-", ""): pod.uid.replace("-", ""),
        model.ip: pod.ip,
    }
    for series in of_model:
        first, last = np.searchsorted(series.times_ms, [begin, end])
        values = series.values[first:last]
        if series.name.endswith("_total"):
            values = values - np.floor(_value_at(series, begin))
        times = series.times_ms[first : last + 1]
        if family_of(series.name) == "cadvisor":
            times = times[: len(values)]
        elif len(times) > len(values):
            values = np.append(values, STALE)
        if len(times):
            labels = {name: _renamed(value, names) for name, value in series.labels}
            yield labelled(replace(series, times_ms=times, values=values), labels)


def _renamed(value: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        value = value.replace(old, new)
    return value


def _value_at(series: Series, time_ms: int) -> float:
    return float(np.interp(time_ms, series.times_ms, series.values))


def _more(
    mesh: Mesh, workload: WorkloadTruth, of_model: list[Series], born: list[Pod]
) -> WorkloadTruth:
    """Return the truth of a workload with the pods that lived for a moment."""
    window = mesh.spec.window_seconds
    alive = sum(pod.death_seconds - pod.birth_seconds for pod in born) / window

    def mean_total(name: str, **labels: str) -> float:
        """Return what a counter of the model grew by in those lives, over the window."""
        grown = 0.0
        for series in of_model:
            if series.name == name and labels.items() <= dict(series.labels).items():
                edges: Floats = (
                    np.array([[p.birth_seconds, p.death_seconds] for p in born]) * 1000.0
                )
                at_edges = np.interp(edges + mesh.spec.start_ms, series.times_ms, series.values)
                grown += float((at_edges[:, 1] - at_edges[:, 0]).sum())
        return grown / window

    of_a_pod = alive / workload.mean_pods_alive
    cpu = mean_total("container_cpu_usage_seconds_total", container="istio-proxy")
    sent = mean_total("istio_requests_total", reporter="source")
    tcp = mean_total("istio_tcp_sent_bytes_total") + mean_total("istio_tcp_received_bytes_total")
    return replace(
        workload,
        pod_count=workload.pod_count + len(born),
        mean_pods_alive=workload.mean_pods_alive + alive,
        vcpu=workload.vcpu + cpu,
        inbound_rps=workload.inbound_rps + mean_total("istio_requests_total") - sent,
        outbound_rps=workload.outbound_rps + sent,
        tcp_bytes_per_second=workload.tcp_bytes_per_second + tcp,
        reserved_vcpu=workload.reserved_vcpu * (1 + of_a_pod),
        reserved_memory_bytes=workload.reserved_memory_bytes * (1 + of_a_pod),
        memory_bytes=workload.memory_bytes * (1 + of_a_pod),
    )
