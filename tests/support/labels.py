"""The label sets that Istio, cAdvisor, kube-state-metrics and OpenCost really give."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.layout import Pod, node_ip, node_name
from tests.support.spec import WorkloadSpec
from tests.support.truth import destination

Labels = dict[str, str]

_UNKNOWN = "unknown"
_TAG = "1.24.2"
_TRUST_DOMAIN = "cluster.local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One end of a request, as Istio names it."""

    namespace: str = _UNKNOWN
    workload: str = _UNKNOWN
    host: str = _UNKNOWN
    """The service asked for; only of meaning for a destination."""

    @property
    def known(self) -> bool:
        """Tell whether Istio knows the workload."""
        return self.workload != _UNKNOWN

    def labels(self, side: str) -> Labels:
        """Return the labels that both a source and a destination have."""
        principal = f"spiffe://{_TRUST_DOMAIN}/ns/{self.namespace}/sa/{self.workload}"
        return {
            f"{side}_workload": self.workload,
            f"{side}_workload_namespace": self.namespace,
            f"{side}_principal": principal if self.known else _UNKNOWN,
            f"{side}_app": self.workload,
            f"{side}_version": "v1" if self.known else _UNKNOWN,
            f"{side}_canonical_service": self.workload,
            f"{side}_canonical_revision": "v1" if self.known else "latest",
            f"{side}_cluster": "Kubernetes" if self.known else _UNKNOWN,
        }


def peer(key: str | None) -> Peer:
    """Return the end that "namespace/name" or the host name of a service outside means."""
    if key is None:
        return Peer()
    if "/" not in key:
        return Peer(host=key)
    namespace, name = key.split("/")
    return Peer(namespace=namespace, workload=name, host=f"{name}.{namespace}.svc.{_TRUST_DOMAIN}")


def istio_labels(*, reporter: str, source: Peer, target: Peer, protocol: str) -> Labels:
    """Return the full set of Istio's standard labels."""
    labels = {
        "reporter": reporter,
        **source.labels("source"),
        **target.labels("destination"),
        "destination_service": target.host,
        "destination_service_name": target.workload if target.known else target.host,
        "destination_service_namespace": target.namespace,
        "request_protocol": protocol,
        "response_flags": "-",
        # A client's proxy does not know what the server's side of the connection was.
        "connection_security_policy": _UNKNOWN if reporter == "source" else "mutual_tls",
    }
    if protocol != "tcp":
        labels["response_code"] = "200"
    return labels


def caller_of(pod: Pod, workloads: Sequence[WorkloadSpec]) -> Peer:
    """Return the workload whose requests a pod receives: one a pod, so that series stay few."""
    workload = pod.workload
    if workload.callers:
        return peer(workload.callers[pod.ordinal % len(workload.callers)])
    if workload.role == "waypoint":
        # Clients of an ambient namespace have no sidecar of their own.
        return peer(f"{workload.namespace}/client")
    callers = [other.key for other in workloads if workload.key in other.calls]
    return peer(callers[pod.ordinal % len(callers)] if callers else None)


def inbound_target(pod: Pod) -> Peer:
    """Return the workload that answers: the pod's own, or the one behind a waypoint."""
    is_waypoint = pod.workload.role == "waypoint"
    return peer(destination(pod) if is_waypoint else pod.workload.key)


def envoy_target(pod: Pod) -> Labels:
    """Return what scraping adds to the series of a pod's proxy."""
    return {
        "namespace": pod.workload.namespace,
        "pod": pod.name,
        "job": "envoy-stats",
        "instance": f"{pod.ip}:15020",
    }


def build_labels(pod: Pod) -> Labels:
    """Return the labels of istio_build."""
    component = "ztunnel" if pod.workload.role == "ztunnel" else "proxy"
    return {**envoy_target(pod), "component": component, "tag": _TAG}


def pod_cgroup(pod: Pod) -> Labels:
    """Return cAdvisor's labels of a pod's own cgroup: no container, no image, no name."""
    return {
        "id": f"/kubepods/burstable/pod{pod.uid}",
        "namespace": pod.workload.namespace,
        "pod": pod.name,
        "job": "kubelet",
        "metrics_path": "/metrics/cadvisor",
        "instance": f"{node_ip(pod.node)}:10250",
    }


def container_cgroup(pod: Pod, container: str, container_id: str) -> Labels:
    """Return cAdvisor's labels of a container."""
    images = {"ztunnel": "ztunnel", "app": "app"}
    image = images.get(pod.workload.role if container == "istio-proxy" else "app", "proxyv2")
    cgroup = pod_cgroup(pod)
    return {
        **cgroup,
        "id": f"{cgroup['id']}/{container_id}",
        "name": container_id,
        "container": container,
        "image": f"istio/{image}:{_TAG}",
    }


def _state(labels: Labels) -> Labels:
    return {**labels, "job": "kube-state-metrics", "instance": "10.0.1.2:8080"}


def pod_info(pod: Pod) -> Labels:
    """Return the labels of kube_pod_info."""
    by_kind = "ReplicaSet" if pod.workload.kind == "Deployment" else pod.workload.kind
    return _state(
        {
            "namespace": pod.workload.namespace,
            "pod": pod.name,
            "uid": pod.uid,
            "node": node_name(pod.node),
            "host_ip": node_ip(pod.node),
            "pod_ip": pod.ip,
            "created_by_kind": by_kind,
            "created_by_name": pod.created_by_name,
            "host_network": "false",
        }
    )


def reservation(pod: Pod, resource: str) -> Labels:
    """Return the labels of kube_pod_(init_)container_resource_requests of the proxy."""
    return _state(
        {
            "namespace": pod.workload.namespace,
            "pod": pod.name,
            "uid": pod.uid,
            "container": "istio-proxy",
            "node": node_name(pod.node),
            "resource": resource,
            "unit": "core" if resource == "cpu" else "byte",
        }
    )


def allocatable(node: int, resource: str) -> Labels:
    """Return the labels of kube_node_status_allocatable."""
    unit = "core" if resource == "cpu" else "byte"
    return _state({"node": node_name(node), "resource": resource, "unit": unit})


def node_info(node: int) -> Labels:
    """Return the labels of kube_node_info."""
    return _state(
        {
            "node": node_name(node),
            "kernel_version": "6.1.0",
            "os_image": "Linux",
            "container_runtime_version": "containerd://1.7.22",
            "kubelet_version": "v1.31.4",
            "provider_id": f"example:///zone-a/{node_name(node)}",
            "system_uuid": f"00000000-0000-4000-8000-{node:012d}",
            "internal_ip": node_ip(node),
        }
    )


def node_price(node: int) -> Labels:
    """Return the labels of OpenCost's node prices; its `instance` is the node's name."""
    return {
        "node": node_name(node),
        "instance": node_name(node),
        "instance_type": "general-16",
        "region": "region-1",
        "provider_id": f"example:///zone-a/{node_name(node)}",
        "job": "opencost",
    }
