"""The names of an installation: the labels that identify the pod of a series.

Prometheus stores a series as its scrape configuration relabels it. The same proxy is
`pod="a"`, `pod_name="a"`, `exported_pod="a"` or only `instance="10.0.0.7:15090"`, and it may be
there twice, scraped by two jobs or by a pair of Prometheus servers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

SCRAPE_LABELS: Final = (
    "job",
    "instance",
    "endpoint",
    "metrics_path",
    "service",
    "prometheus",
    "prometheus_replica",
    "replica",
    "monitor",
    "receive_replica",
)
"""Labels that differ between scrapes of one target. All series of a proxy within one scrape add up;
two scrapes of it are duplicates, and only the larger counts."""


ISTIO_LABELS: Final = (
    "reporter",
    *(
        f"{end}_{name}"
        for end in ("source", "destination")
        for name in (
            "workload",
            "workload_namespace",
            "principal",
            "app",
            "version",
            "canonical_service",
            "canonical_revision",
            "cluster",
        )
    ),
    "destination_service",
    "destination_service_name",
    "destination_service_namespace",
    "request_protocol",
    "response_flags",
    "connection_security_policy",
    "response_code",
    "grpc_response_status",
)
"""Labels that Envoy itself writes on its request counters (istio/proxy:
source/extensions/filters/http/istio_stats/istio_stats.cc). Telemetry resources may add others."""

CLUSTER_LABELS: Final = ("cluster", "cluster_name")
"""What installations call the label that identifies a cluster, the more usual one first."""

CPU_COUNTER: Final = "container_cpu_usage_seconds_total"

CPU_RULES: Final = (
    "node_namespace_pod_container:container_cpu_usage_seconds_total:sum_rate5m",
    "node_namespace_pod_container:container_cpu_usage_seconds_total:sum_irate",
)
"""Recording rules of kube-prometheus that hold the containers' CPU, the better one first."""


class Exporter(StrEnum):
    """Who makes a series."""

    PROXY = "proxy"
    """Envoy or ztunnel itself."""
    CADVISOR = "cadvisor"
    """The kubelet."""
    STATE = "state"
    """kube-state-metrics."""
    PRICES = "prices"
    """OpenCost."""


class Attribution(StrEnum):
    """How a proxy's own series are attributed to its pod."""

    POD = "pod"
    """They carry its name."""
    ADDRESS = "address"
    """They carry its address, which kube-state-metrics knows: Istio's scrape job by `instance`."""
    WORKLOAD = "workload"
    """They carry neither: Istio's federation of recording rules. Each of a workload's pods is
    given an equal part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of the labels that identify the pod of one exporter's series."""

    namespace: str = "namespace"
    pod: str = "pod"
    container: str = "container"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMapping:
    """The names of an installation: the labels on each exporter's series, and more.

    Attributes:
        cluster: the label that differs between clusters; a label that is absent is harmless.
        state_cluster: what kube-state-metrics calls it; None: the same, with the same values. ""
            where it has none. If it is not None, pods are matched without their cluster.
        cpu: the metric of the containers' CPU: cAdvisor's counter, or where it is not kept the
            recording rule made from it.
        replica_labels: labels beside `SCRAPE_LABELS` that differ between scrapes of one target.
    """

    proxy: Names = field(default_factory=Names)
    cadvisor: Names = field(default_factory=Names)
    state: Names = field(default_factory=Names)
    cluster: str = "cluster"
    state_cluster: str | None = None
    cpu: str = CPU_COUNTER
    attribution: Attribution = Attribution.POD
    replica_labels: tuple[str, ...] = ()

    def labels_of_pod(self, exporter: Exporter) -> tuple[str, ...]:
        """Return the labels that identify one pod of an exporter, cluster first."""
        if exporter == Exporter.PROXY and self.attribution == Attribution.ADDRESS:
            return self.cluster, "instance"
        if exporter == Exporter.PROXY and self.attribution == Attribution.WORKLOAD:
            return (self.cluster,)
        names = self.names(exporter)
        cluster = self.cluster_of_state if exporter == Exporter.STATE else self.cluster
        return cluster, names.namespace, names.pod

    @property
    def cluster_of_state(self) -> str:
        """The label of the clusters on series of kube-state-metrics, perhaps absent."""
        return self.state_cluster or self.cluster

    def names(self, exporter: Exporter) -> Names:
        """Return the names on an exporter's series."""
        own = {Exporter.PROXY: self.proxy, Exporter.CADVISOR: self.cadvisor}
        return {**own, Exporter.STATE: self.state}.get(exporter, Names())

    def canonical(self, exporter: Exporter) -> Mapping[str, str]:
        """Return what each of an exporter's labels is called in our tables.

        An address takes the place of the pod until it is attributed to one.
        """
        labels = self.labels_of_pod(exporter)
        if exporter == Exporter.PROXY and self.attribution == Attribution.ADDRESS:
            return dict(zip(labels, ("cluster", "pod"), strict=True))
        ours = dict(zip(labels, ("cluster", "namespace", "pod"), strict=False))
        return {**ours, self.names(exporter).container: "container"}

    @property
    def is_recorded(self) -> bool:
        """Whether the CPU comes from a recording rule."""
        return self.cpu != CPU_COUNTER

    @property
    def placeholders(self) -> Mapping[str, str]:
        """Return what query files call these labels."""
        values = {
            "cluster": self.cluster,
            "state_cluster": self.cluster_of_state,
            "state_on": ", ".join(
                self.labels_of_pod(Exporter.STATE)[0 if self.state_cluster is None else 1 :]
            ),
            "cpu": self.cpu,
        }
        for exporter in (Exporter.PROXY, Exporter.CADVISOR, Exporter.STATE):
            names = self.names(exporter)
            values[exporter] = ", ".join(self.labels_of_pod(exporter))
            values[f"{exporter}_namespace"] = names.namespace
            values[f"{exporter}_pod"] = names.pod
            values[f"{exporter}_container"] = names.container
        for name, exporter in (("scrape", Exporter.CADVISOR), ("proxy_scrape", Exporter.PROXY)):
            # A label named twice in one `by` would be an error in some engines.
            taken = self.labels_of_pod(exporter)
            known = dict.fromkeys((*SCRAPE_LABELS, *self.replica_labels))
            values[name] = ", ".join(label for label in known if label not in taken)
        others = {*self.labels_of_pod(Exporter.PROXY), *SCRAPE_LABELS, *self.replica_labels}
        values["istio"] = ", ".join(label for label in ISTIO_LABELS if label not in others)
        # Which scrape job of which cluster, where no cluster label was detected too.
        site = (*CLUSTER_LABELS, "job")
        values["site"] = ", ".join(label for label in site if label != self.cluster)
        return values
