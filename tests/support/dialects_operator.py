"""Installations by the Prometheus operator: kube-prometheus-stack and OpenShift."""

from dataclasses import replace

from tests.support.completing import completed
from tests.support.dialect import Dialect
from tests.support.labels import Labels
from tests.support.layout import Pod, node_ip, node_name
from tests.support.mesh import Mesh
from tests.support.pod_labels import pod_labels
from tests.support.scraping import Exposed, Job, Jobs, scrape
from tests.support.spec import MeshSpec, WorkloadSpec

_DROPPED = frozenset(
    {
        "container_cpu_cfs_throttled_seconds_total",
        "container_cpu_system_seconds_total",
        "container_cpu_user_seconds_total",
    }
)
"""What kube-prometheus-stack's kubelet monitor drops by default; periods it keeps."""


def kubelet_labels(pod: Pod) -> Labels:
    """Return the labels of the kubelet's target that exposes a pod's cgroups."""
    return {
        "job": "kubelet",
        "metrics_path": "/metrics/cadvisor",
        "instance": f"{node_ip(pod.node)}:10250",
        "node": node_name(pod.node),
        "namespace": "kube-system",
        "endpoint": "https-metrics",
        "service": "kube-prometheus-stack-kubelet",
    }


def _kubelet(exposed: Exposed) -> Labels | None:
    return None if exposed.name in _DROPPED else kubelet_labels(exposed.own)


def monitored_pod(pod: Pod, job: str, port: int = 15020) -> Labels:
    """Return the labels that the operator gives any target of a PodMonitor.

    An `endpoint` is not among them: Istio's monitors name no port.
    """
    return {
        "namespace": pod.workload.namespace,
        "pod": pod.name,
        "container": "istio-proxy",
        "job": job,
        "instance": f"{pod.ip}:{port}",
    }


def _envoy(exposed: Exposed) -> Labels:
    return monitored_pod(exposed.own, "istio-system/envoy-stats-monitor")


def _old_envoy(exposed: Exposed) -> Labels:
    return {**_envoy(exposed), "pod_name": exposed.own.name}


def state_labels(instance: str = "10.0.1.2:8080") -> Labels:
    """Return the labels of kube-state-metrics's target, a container of a pod like any other."""
    return {
        "job": "kube-state-metrics",
        "instance": instance,
        "namespace": "monitoring",
        "pod": "kube-prometheus-stack-kube-state-metrics-7d9c5b8f6d-x2x4k",
        "container": "kube-state-metrics",
        "endpoint": "http",
        "service": "kube-prometheus-stack-kube-state-metrics",
    }


def opencost_labels() -> Labels:
    """Return the labels of OpenCost's target."""
    return {
        "job": "opencost",
        "instance": "10.0.1.3:9003",
        "namespace": "opencost",
        "pod": "opencost-5c8f7d9b4-k4k2m",
        "container": "opencost",
        "endpoint": "http",
        "service": "opencost",
    }


KUBE_PROMETHEUS_JOBS: Jobs = {
    "envoy": [Job(target=_envoy)],
    "cadvisor": [Job(target=_kubelet, honor_labels=True)],
    "state": [Job(target=lambda _: state_labels(), honor_labels=True)],
    "prices": [Job(target=lambda _: opencost_labels(), honor_labels=True)],
}


def kube_prometheus(mesh: Mesh) -> Mesh:
    """Tell a mesh by kube-prometheus-stack, the most common of all."""
    return scrape(completed(mesh), KUBE_PROMETHEUS_JOBS)


def _old_pod_monitor(mesh: Mesh) -> Mesh:
    jobs = {**KUBE_PROMETHEUS_JOBS, "envoy": [Job(target=_old_envoy)]}
    return scrape(completed(mesh), jobs)


KUBE_PROMETHEUS_STACK = Dialect(name="kube-prometheus-stack", tell=kube_prometheus)
"""kube-prometheus-stack with the PodMonitor that Istio ships since 1.25.

Rests on what scraping adds for pod attribution: the operator adds namespace, container, pod, job
and instance to every PodMonitor's target, so `container` is on istio_* too, and `endpoint`
only where a monitor names a port; on cAdvisor's labels; and on kube-state-metrics being scraped
with honorLabels, by which a metric without a label takes the target's: kube_pod_info has the
container "kube-state-metrics", kube_node_info its namespace and pod.
"""

ISTIO_1_24_POD_MONITOR = Dialect(name="kube-prometheus-stack-istio-1.24", tell=_old_pod_monitor)
"""The PodMonitor that Istio shipped through 1.24: `pod_name` beside the operator's `pod`."""


def _openshift_spec(spec: MeshSpec) -> MeshSpec:
    """Scrape every 30 s, and put ztunnel where OpenShift's operator does."""

    def moved(workload: WorkloadSpec) -> WorkloadSpec:
        is_ztunnel = workload.role == "ztunnel" and workload.namespace == "istio-system"
        return replace(workload, namespace="ztunnel") if is_ztunnel else workload

    return replace(
        spec,
        workloads=tuple(moved(workload) for workload in spec.workloads),
        envoy_scrape_seconds=30.0,
        cadvisor_scrape_seconds=30.0,
        state_scrape_seconds=30.0,
    )


_MONITORS = {"waypoint": "istio-waypoint-monitor", "ztunnel": "istio-ztunnel-monitor"}


def _openshift_envoy(exposed: Exposed) -> Labels:
    pod = exposed.own
    monitor = _MONITORS.get(pod.workload.role, "istio-proxies-monitor")
    found = {n: v for n, v in pod_labels(pod).items() if n in {"app", "version"}}
    job = f"{pod.workload.namespace}/{monitor}"
    return {**monitored_pod(pod, job), **found, "mesh_id": "mesh-1"}


def _openshift(mesh: Mesh) -> Mesh:
    jobs = {**KUBE_PROMETHEUS_JOBS, "envoy": [Job(target=_openshift_envoy)]}
    return scrape(completed(mesh), jobs)


OPENSHIFT = Dialect(name="openshift-service-mesh-3", tell=_openshift, respec=_openshift_spec)
"""OpenShift Service Mesh 3 with user-workload monitoring, as its documentation sets it up.

Rests on its PodMonitors: one in every namespace of the mesh (hence a job of every namespace), 30 s,
with app, version and mesh_id; ztunnel in the namespace `ztunnel`. Its kubelets and
kube-state-metrics are as kube-prometheus sets them.
"""


def _agentgateway(mesh: Mesh) -> Mesh:
    """Rename the waypoints' containers, and lose what the monitor does not keep."""

    def waypoint(exposed: Exposed) -> bool:
        return exposed.pod is not None and exposed.pod.workload.role == "waypoint"

    def envoy(exposed: Exposed) -> Labels | None:
        return None if waypoint(exposed) else _envoy(exposed)

    told = scrape(completed(mesh), {**KUBE_PROMETHEUS_JOBS, "envoy": [Job(target=envoy)]})
    waypoints = {
        (pod.workload.namespace, pod.name) for pod in mesh.pods if pod.workload.role == "waypoint"
    }
    return _with_container(told, waypoints, "agentgateway")


def _with_container(mesh: Mesh, pods: set[tuple[str, str]], container: str) -> Mesh:
    def renamed(labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        own = dict(labels)
        if (own.get("namespace", ""), own.get("pod", "")) not in pods:
            return labels
        return tuple(
            (n, container if (n, v) == ("container", "istio-proxy") else v) for n, v in labels
        )

    return replace(
        mesh, series=tuple(replace(one, labels=renamed(one.labels)) for one in mesh.series)
    )


AGENTGATEWAY = Dialect(
    name="agentgateway-waypoints",
    tell=_agentgateway,
    limits="requests of waypoints: Istio's PodMonitor keeps only containers called istio-proxy",
)
"""Waypoints by agentgateway (Istio 1.31, behind a flag): their container has its own name.

Rests on the chart of such waypoints and on the keep rule of Istio's PodMonitor.
"""
