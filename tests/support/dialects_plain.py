"""Installations by hand, by old Kubernetes, and by Google."""

from tests.support.completing import completed
from tests.support.dialect import EVERY_ANSWER, Dialect
from tests.support.dialects_operator import KUBE_PROMETHEUS_JOBS, state_labels
from tests.support.labels import Labels, envoy_target
from tests.support.layout import node_ip, node_name
from tests.support.mesh import Mesh
from tests.support.scraping import Exposed, Job, Jobs, labelled, scrape, with_series


def _kubelet(exposed: Exposed) -> Labels:
    return {
        "job": "kubelet",
        "metrics_path": "/metrics/cadvisor",
        "instance": f"{node_ip(exposed.own.node)}:10250",
    }


def _state(_: Exposed) -> Labels:
    return {"job": "kube-state-metrics", "instance": "10.0.1.2:8080"}


def _opencost(_: Exposed) -> Labels:
    return {"job": "opencost", "instance": "10.0.1.3:9003"}


PLAIN_JOBS: Jobs = {
    "envoy": [Job(target=lambda exposed: envoy_target(exposed.own))],
    "cadvisor": [Job(target=_kubelet, honor_labels=True)],
    "state": [Job(target=_state, honor_labels=True)],
    "prices": [Job(target=_opencost, honor_labels=True)],
}
"""A configuration written by hand: no label more than needed."""


def _old_kubelet(mesh: Mesh) -> Mesh:
    """Rename the labels that kubelets used to give."""
    renamed = {"pod": "pod_name", "container": "container_name"}
    told = scrape(completed(mesh), KUBE_PROMETHEUS_JOBS)
    return with_series(
        told,
        (
            labelled(one, {renamed.get(n, n): v for n, v in one.labels})
            if one.name.startswith("container_")
            else one
            for one in told.series
        ),
    )


OLD_KUBELET = Dialect(name="old-kubelet", tell=_old_kubelet)
"""Kubelets of long ago: pod_name and container_name on cAdvisor's series.

Rests on cAdvisor's labels in the kubelet; the version of the change is not known.
"""


def _exported_state(mesh: Mesh) -> Mesh:
    jobs = {**PLAIN_JOBS, "state": [Job(target=lambda _: state_labels())]}
    return scrape(completed(mesh), jobs)


EXPORTED_STATE = Dialect(name="state-without-honor-labels", tell=_exported_state)
"""kube-state-metrics scraped without honorLabels: exported_namespace, _pod and _container.

Rests on the facts of kube-state-metrics. Its own `namespace`, `pod` and `container` are then those
of kube-state-metrics: whoever joins by them joins everything to one pod.
"""


def _by_instance(mesh: Mesh) -> Mesh:
    def envoy(exposed: Exposed) -> Labels | None:
        pod = exposed.own
        if pod.workload.role == "ztunnel":
            return None
        return {"job": "envoy-stats", "instance": f"{pod.ip}:15090"}

    return scrape(completed(mesh), {**PLAIN_JOBS, "envoy": [Job(target=envoy)]})


BY_INSTANCE = Dialect(
    name="istio-option-2",
    tell=_by_instance,
    possible=EVERY_ANSWER - {"tcp_bytes"},
    limits=(
        "bytes of ztunnels: they have no port called *-envoy-prom; everything else of a pod only "
        "through its address: join the host of `instance` with kube_pod_info's pod_ip"
    ),
)
"""The job envoy-stats that istio.io recommends for a Prometheus of one's own ("Option 2").

Rests on what scraping adds for pod attribution: the job keeps ports called *-envoy-prom and
relabels nothing, so that istio_* has neither pod nor namespace, only `instance`.
"""

_GOOGLE = {"project_id": "example-project", "location": "europe-west1", "cluster": "cluster-1"}


def _google_envoy(exposed: Exposed) -> Labels:
    pod = exposed.own
    own = {"namespace": pod.workload.namespace, "pod": pod.name}
    if pod.workload.role == "ztunnel":
        # Its port has a number here, so the operator gives no container; a DaemonSet's
        # instance is its node's.
        instance = f"{node_name(pod.node)}:15020"
        return {**_GOOGLE, **own, "job": "ztunnel", "instance": instance}
    on_every_node = pod.workload.kind == "DaemonSet"
    host = node_name(pod.node) if on_every_node else pod.name
    return {
        **_GOOGLE,
        **own,
        "container": "istio-proxy",
        "job": "istio-proxies",
        "instance": f"{host}:http-envoy-prom",
    }


def _google_kubelet(exposed: Exposed) -> Labels:
    node = node_name(exposed.own.node)
    return {
        **_GOOGLE,
        "job": "gmp-kubelet-cadvisor",
        "instance": f"{node}:metrics/cadvisor",
        "node": node,
    }


def _google_state(_: Exposed) -> Labels:
    pod = "kube-state-metrics-0"
    return {
        **_GOOGLE,
        "job": "kube-state-metrics",
        "namespace": "gmp-public",
        "pod": pod,
        "container": "kube-state-metrics",
        "instance": f"{pod}:k8s-objects",
    }


def _google(mesh: Mesh) -> Mesh:
    jobs: Jobs = {
        "envoy": [Job(target=_google_envoy)],
        "cadvisor": [Job(target=_google_kubelet)],
        "state": [Job(target=_google_state)],
    }
    return scrape(completed(mesh), jobs)


GOOGLE = Dialect(name="google-managed-prometheus", tell=_google)
"""Google Managed Prometheus, all by PodMonitoring resources.

Rests on what scraping adds for pod attribution and on the operator's own target labels: project_id,
location and cluster on everything, which no exporter can override; labels are never honored, so
that kube-state-metrics's become exported_*; `instance` is the pod's name (a DaemonSet's: the
node's) and the port. (A ClusterPodMonitoring that adds no metadata would leave
kube-state-metrics's labels as they are.) Kubelets are scraped every 30 s there; here as often as
in the spec.
"""
