"""Istio's own sample Prometheus, old and new."""

from tests.support.completing import completed
from tests.support.dialect import EVERY_ANSWER, Dialect
from tests.support.labels import Labels
from tests.support.layout import node_name
from tests.support.mesh import Mesh
from tests.support.pod_labels import node_labels, pod_labels, scraped_name
from tests.support.scraping import Exposed, Job, Jobs, scrape


def _mapped(labels: Labels) -> Labels:
    """Return Kubernetes labels as a labelmap rule puts them on series."""
    return {scraped_name(name): value for name, value in labels.items()}


def _pods_job(exposed: Exposed) -> Labels:
    pod = exposed.own
    return {
        **_mapped(pod_labels(pod)),
        "job": "kubernetes-pods",
        "instance": f"{pod.ip}:15020",
        "namespace": pod.workload.namespace,
        "pod": pod.name,
        "node": node_name(pod.node),
    }


def _old_pods_job(exposed: Exposed) -> Labels:
    found = _pods_job(exposed)
    renamed = {"namespace": "kubernetes_namespace", "pod": "kubernetes_pod_name"}
    return {renamed.get(n, n): v for n, v in found.items() if n != "node"}


def _nodes_job(mesh: Mesh) -> Job:
    of_nodes = {name: _mapped(labels) for name, labels in node_labels(mesh).items()}

    def target(exposed: Exposed) -> Labels:
        node = node_name(exposed.own.node)
        return {**of_nodes[node], "job": "kubernetes-nodes-cadvisor", "instance": node}

    return Job(target=target)


def addon_jobs(mesh: Mesh) -> Jobs:
    """Return the jobs of the sample Prometheus; kube-state-metrics and OpenCost are not there."""
    return {
        "envoy": [Job(target=_pods_job, honor_labels=True)],
        "cadvisor": [_nodes_job(mesh)],
    }


def _addon(mesh: Mesh) -> Mesh:
    whole = completed(mesh)
    return scrape(whole, addon_jobs(whole))


def _old_addon(mesh: Mesh) -> Mesh:
    whole = completed(mesh)
    jobs = {**addon_jobs(whole), "envoy": [Job(target=_old_pods_job, honor_labels=True)]}
    return scrape(whole, jobs)


_LIMITS = (
    "reservations, and which sidecars are native: there is no kube-state-metrics; "
    "install it and have it scraped"
)

SAMPLE_ADDON = Dialect(
    name="istio-sample-addon",
    tell=_addon,
    possible=EVERY_ANSWER - {"reservations"},
    limits=_LIMITS,
)
"""The sample add-on of Istio 1.21 and later (of 1.13, but for `node` on istio_*).

Rests on what scraping adds for pod attribution: the job of pods maps every pod label onto istio_*
and adds namespace, pod and node; the job of nodes' cAdvisor has the node's name for `instance` and
every node label, and no label `node`; kube-state-metrics is disabled.
"""

OLD_SAMPLE_ADDON = Dialect(
    name="istio-sample-addon-1.12",
    tell=_old_addon,
    possible=EVERY_ANSWER - {"reservations"},
    limits=_LIMITS,
)
"""The sample add-on through Istio 1.12: kubernetes_pod_name and kubernetes_namespace on istio_*.

Rests on what scraping adds for pod attribution. The node of a pod is cAdvisor's `instance`.
"""
