"""The metrics that are asked for, each with what to do where it is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analyzer.prometheus.label_mapping import CPU_COUNTER

CPU: Final = CPU_COUNTER
REQUESTS: Final = "istio_requests_total"

POD_LABELS: Final = (
    "--metric-labels-allowlist=pods=[security.istio.io/tlsMode,"
    "gateway.networking.k8s.io/gateway-class-name,gateway.istio.io/managed]"
)
"""The flag of kube-state-metrics for the labels that tell roles apart."""

ESSENTIAL: Final[Mapping[str, str]] = {
    CPU: "scrape the kubelet's cAdvisor: job with metrics_path /metrics/cadvisor "
    "(kube-prometheus-stack: kubelet.serviceMonitor.cAdvisor: true)",
    REQUESTS: "scrape the proxies: Istio's samples/addons/extras/prometheus-operator.yaml, or "
    "path /stats/prometheus of port 15020 of every pod",
    "container_memory_working_set_bytes": "keep container_memory_working_set_bytes in cAdvisor's "
    "metricRelabelings",
    "istio_build": "keep istio_build when scraping the proxies",
    "kube_pod_info": "install kube-state-metrics with honorLabels: true",
    "kube_pod_container_resource_requests": "install kube-state-metrics with honorLabels: true, "
    "resources pods",
    "kube_node_status_allocatable": "install kube-state-metrics, resources nodes",
}
"""The metrics that an answer rests on, each with what to do where it is missing."""

OPTIONAL: Final[Mapping[str, str]] = {
    "istio_tcp_sent_bytes_total": "no TCP traffic through the mesh, or TCP metrics are disabled "
    "in a Telemetry resource",
    "istio_tcp_connections_opened_total": "no TCP traffic through the mesh, or TCP metrics are "
    "disabled in a Telemetry resource: what opening connections costs would not be recognised",
    "istio_request_bytes_sum": "keep it and istio_response_bytes_sum when scraping the proxies and "
    "in Telemetry resources: what large requests cost would not be told from what many cost",
    "istio_request_messages_total": "no gRPC through the mesh, or its message counters are off: "
    "long streams would not be recognised",
    "envoy_cluster_manager_active_clusters": "keep it when scraping the proxies: what a large "
    "configuration costs would not be recognised",
    "container_cpu_cfs_periods_total": "no proxy has a CPU limit, or the counter is dropped: "
    "throttling would not be recognised",
    "kube_pod_container_resource_limits": "no proxy has a limit, or kube-state-metrics does not "
    "tell it",
    "kube_pod_labels": f"let kube-state-metrics tell them: {POD_LABELS}",
    "kube_node_labels": "let kube-state-metrics tell them: --metric-labels-allowlist=nodes="
    "[node.kubernetes.io/instance-type]",
    "node_cpu_hourly_cost": "scrape OpenCost for the prices of your nodes",
    "node_ram_hourly_cost": "scrape OpenCost for the prices of your nodes",
}
"""Metrics without which the answer stands, and can be less sure."""
