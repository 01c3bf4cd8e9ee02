"""Proxies that run into their CPU limit, or nearly so."""

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from tests.support.layout import Pod
from tests.support.mesh import Mesh
from tests.support.sampling import counted, with_value
from tests.support.scraping import labelled, pod_key, pods_by_name, with_series
from tests.support.series import Series
from tests.support.truth import Truth

_CPU = "container_cpu_usage_seconds_total"
_PERIODS_PER_SECOND = 10.0
"""Of the kernel's default, periods of 100 ms."""


def with_throttling(
    mesh: Mesh, keys: Collection[str], *, share: float = 0.4, limit_vcpu: float | None = None
) -> Mesh:
    """Return a mesh that counts periods, of which some workloads spend a share throttled.

    Workloads are "namespace/name". All proxies with a CPU limit count periods (ztunnels have none),
    the others without ever being throttled. With `limit_vcpu` those workloads never use more than
    that, so that their CPU is flat in their load; the truth then has the CPU that is left to them.
    """
    pods = pods_by_name(mesh)
    found: list[Series] = []
    shares: dict[str, list[float]] = {key: [] for key in keys}
    for series in mesh.series:
        key = pod_key(series)
        if key is None or pods[key].workload.role == "ztunnel" or not _is_proxy_cpu(series):
            found.append(series)
            continue
        pod = pods[key]
        throttled = pod.workload.key in shares
        used = _flattened(series, limit_vcpu) if throttled and limit_vcpu else series
        if throttled:
            shares[pod.workload.key].append(_grown(used) / _grown(series))
        found.append(used)
        found.extend(_periods(series, pod, share if throttled else 0.0))
    limits = _limits(mesh, pods, keys, limit_vcpu) if limit_vcpu else ()
    changed = with_series(mesh, [*found, *limits])
    left = {key: float(np.mean(of_pods)) for key, of_pods in shares.items()}
    return replace(changed, truth=_with_less_cpu(mesh.truth, left))


def _is_proxy_cpu(series: Series) -> bool:
    return series.name == _CPU and dict(series.labels).get("container") == "istio-proxy"


def _flattened(series: Series, limit_vcpu: float) -> Series:
    """Return a CPU counter that never grows faster than a limit lets it."""
    most = np.diff(series.times_ms, prepend=series.times_ms[:1]) / 1000 * limit_vcpu
    steps = np.diff(series.values, prepend=series.values[:1])
    return replace(series, values=series.values[0] + np.cumsum(np.minimum(steps, most)))


def _grown(series: Series) -> float:
    return float(counted(series.values)[-1])


def _periods(cpu: Series, pod: Pod, share: float) -> Iterator[Series]:
    """Return the counters of periods and of throttled ones, and of the seconds lost in these.

    The third is what kube-prometheus-stack drops.
    """
    own = {name: value for name, value in cpu.labels if name != "cpu"}
    is_first_life = own["name"] == pod.container_ids[0]
    age_seconds = pod.age_seconds if is_first_life else 0.0
    seconds = age_seconds + (cpu.times_ms - cpu.times_ms[0]) / 1000
    periods = np.floor(seconds * _PERIODS_PER_SECOND)
    throttled = np.floor(periods * share)
    for name, values in (
        ("container_cpu_cfs_periods_total", periods),
        ("container_cpu_cfs_throttled_periods_total", throttled),
        ("container_cpu_cfs_throttled_seconds_total", throttled / _PERIODS_PER_SECOND / 2),
    ):
        yield labelled(replace(cpu, values=values), {**own, "__name__": name})


def _limits(
    mesh: Mesh, pods: dict[tuple[str, str], Pod], keys: Collection[str], limit_vcpu: float
) -> Iterator[Series]:
    """Return the CPU limits of the workloads that run into them."""
    for series in mesh.named("kube_pod_info"):
        info = dict(series.labels)
        pod = pods[info["namespace"], info["pod"]]
        if pod.workload.key in keys:
            names = ("namespace", "pod", "uid", "node", "job", "instance")
            family = "init_container" if pod.workload.native else "container"
            labels = {
                "__name__": f"kube_pod_{family}_resource_limits",
                **{name: info[name] for name in names},
                "container": "istio-proxy",
                "resource": "cpu",
                "unit": "core",
            }
            yield with_value(labelled(series, labels), limit_vcpu)


def _with_less_cpu(truth: Truth, left: dict[str, float]) -> Truth:
    workloads = tuple(
        replace(workload, vcpu=workload.vcpu * left.get(f"{workload.namespace}/{workload.name}", 1))
        for workload in truth.workloads
    )
    return replace(truth, workloads=workloads)
