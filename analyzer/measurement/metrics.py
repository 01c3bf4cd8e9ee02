"""The metrics that queries read: what is lost where one is missing, and how to get it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from analyzer.prometheus.label_mapping import CPU_COUNTER

CPU: Final = CPU_COUNTER
REQUESTS: Final = "istio_requests_total"
PODS: Final = "kube_pod_info"

LABELLED_PROXIES: Final = "istio_requests_total of labelled pods"
"""What `survey_series_count` calls series of proxies with labels of their pods."""

CORE_COUNTERS: Final = "container_cpu_usage_seconds_total of cores"
"""What `survey_series_count` calls CPU counters of single cores."""

POD_LABELS: Final = (
    "--metric-labels-allowlist=pods=[security.istio.io/tlsMode,"
    "gateway.networking.k8s.io/gateway-class-name,gateway.istio.io/managed]"
)
"""The flag of kube-state-metrics for the labels that identify roles."""

START_WITH_POD_LABELS: Final = f"Start kube-state-metrics with {POD_LABELS}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric that may be missing.

    Attributes:
        lost: what the answer lacks without it, as a sentence.
        fix: how to get it, as one or two sentences.
    """

    lost: str
    fix: str

    def __str__(self) -> str:
        """Return both."""
        return f"{self.lost} {self.fix}"


_TCP_FIX: Final = "If there is TCP traffic, enable TCP metrics in the Telemetry resource."
_PRICES: Final = Metric(
    lost="Prices of single nodes are unknown.", fix="Scrape OpenCost to price each node."
)

ESSENTIAL: Final[Mapping[str, Metric]] = {
    CPU: Metric(
        lost="CPU of the proxies is unknown.",
        fix="Scrape the kubelet's cAdvisor (metrics_path: /metrics/cadvisor). In "
        "kube-prometheus-stack set kubelet.serviceMonitor.cAdvisor: true.",
    ),
    REQUESTS: Metric(
        lost="Requests through the proxies are unknown.",
        fix="Scrape the path /stats/prometheus on port 15020 of every pod. With the Prometheus "
        "operator apply Istio's samples/addons/extras/prometheus-operator.yaml.",
    ),
    "container_memory_working_set_bytes": Metric(
        lost="Memory of the proxies is unknown.",
        fix="Keep container_memory_working_set_bytes in cAdvisor's metricRelabelings.",
    ),
    "istio_build": Metric(
        lost="An idle proxy looks like one that is not scraped, and ztunnels are harder to "
        "recognise.",
        fix="Keep istio_build when scraping the proxies.",
    ),
    PODS: Metric(
        lost="Nodes, IPs and owners of pods are unknown.",
        fix="Install kube-state-metrics and scrape it with honorLabels: true.",
    ),
    "kube_pod_container_resource_requests": Metric(
        lost="CPU and memory requests of the proxies are unknown, so billed cost is too.",
        fix="Install kube-state-metrics with the pods resource, and scrape it with "
        "honorLabels: true.",
    ),
    "kube_node_status_allocatable": Metric(
        lost="Number and size of the nodes are unknown.",
        fix="Install kube-state-metrics with the nodes resource.",
    ),
}
"""The metrics that an answer rests on."""

OPTIONAL: Final[Mapping[str, Metric]] = {
    "istio_tcp_sent_bytes_total": Metric(
        lost="No TCP traffic is visible, so its cost in ztunnels is unknown.", fix=_TCP_FIX
    ),
    "istio_tcp_connections_opened_total": Metric(
        lost="The cost of opening TCP connections is unknown.", fix=_TCP_FIX
    ),
    "istio_tcp_connections_closed_total": Metric(
        lost="The cost of open TCP connections is unknown.", fix=_TCP_FIX
    ),
    "istio_request_bytes_sum": Metric(
        lost="The cost of large requests cannot be separated from the cost of many requests.",
        fix="Keep it and istio_response_bytes_sum in the scrape job and in Telemetry resources.",
    ),
    "istio_request_messages_total": Metric(
        lost="Long gRPC streams are not recognised.",
        fix="If there is gRPC traffic, enable its message counters in the Telemetry resource.",
    ),
    "envoy_cluster_manager_active_clusters": Metric(
        lost="The cost of a large Envoy configuration is not recognised.",
        fix="Keep it when scraping the proxies.",
    ),
    "envoy_cluster_manager_cds_update_success": Metric(
        lost="CPU of configuration updates cannot be separated from idle CPU.",
        fix="Keep it and envoy_listener_manager_lds_update_success when scraping the proxies.",
    ),
    "envoy_listener_downstream_cx_total": Metric(
        lost="CPU of new HTTP connections cannot be separated from that of requests.",
        fix="If clients open many connections, include it in the proxyStatsMatcher of Istio.",
    ),
    "container_cpu_cfs_periods_total": Metric(
        lost="CPU throttling is not recognised.",
        fix="If proxies have CPU limits, keep it in cAdvisor's metricRelabelings.",
    ),
    "kube_pod_container_resource_limits": Metric(
        lost="CPU and memory limits of the proxies are unknown.",
        fix="If proxies have limits, keep it when scraping kube-state-metrics.",
    ),
    "kube_pod_labels": Metric(
        lost="Roles are derived from what the proxies report.", fix=START_WITH_POD_LABELS
    ),
    "kube_node_labels": Metric(
        lost="Instance types of the nodes are unknown.",
        fix="Start kube-state-metrics with "
        "--metric-labels-allowlist=nodes=[node.kubernetes.io/instance-type].",
    ),
    "kube_node_info": Metric(
        lost="The cloud provider of the nodes is unknown, so traffic between zones has no price.",
        fix="Keep it when scraping kube-state-metrics.",
    ),
    "kube_pod_container_status_restarts_total": Metric(
        lost="Sidecars killed for memory are not recognised.",
        fix="Keep it and kube_pod_container_status_last_terminated_reason when scraping "
        "kube-state-metrics.",
    ),
    "kube_replicaset_owner": Metric(
        lost="Kind and name of the owners of pods are unknown, so rightsizing writes patches for "
        "StatefulSets and DaemonSets only.",
        fix="Start kube-state-metrics with the replicasets and jobs resources.",
    ),
    "node_cpu_hourly_cost": _PRICES,
    "node_ram_hourly_cost": _PRICES,
}
"""Metrics without which there is an answer that may be less sure."""

AUTOSCALERS: Final = "kube_horizontalpodautoscaler_spec_max_replicas"

NORMALLY_ABSENT: Final = frozenset({AUTOSCALERS, "kube_limitrange"})
"""Metrics of objects that many clusters do not have: where there is none, nothing is lost."""
