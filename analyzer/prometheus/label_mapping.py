"""The names of an installation: the labels that identify the pod of a series.

Prometheus stores a series as its scrape configuration relabels it. The same proxy is
`pod="a"`, `pod_name="a"`, `exported_pod="a"` or only `instance="10.0.0.7:15090"`, and it may be
there twice, scraped by two jobs or by a pair of Prometheus servers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from analyzer.prometheus.promql import Spelling, spelled

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
    """The names of the labels that identify the pod of one exporter's series.

    Attributes:
        also: names on the series that lack the label `pod`, such as those of another scrape job.
        has_copies: whether series without the label `pod` are copies of those that have it.
    """

    namespace: str = "namespace"
    pod: str = "pod"
    container: str = "container"
    node: str = "node"
    also: tuple["Names", ...] = ()
    has_copies: bool = False

    @property
    def each(self) -> tuple["Names", ...]:
        """These names alone, and then each of the others."""
        return (replace(self, also=()), *self.also)


_USUAL: Final = Names()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMapping:
    """The names of an installation: the labels on each exporter's series, and more.

    Attributes:
        cluster: the label that differs between clusters; a label that is absent is harmless.
        state_cluster: what kube-state-metrics calls it; None: the same, with the same values. ""
            where it has none. If it is not None, pods are matched without their cluster.
        cpu: the metric of the containers' CPU: cAdvisor's counter, or where it is not kept the
            recording rule made from it.
        node: the label of a node on the series of kube-state-metrics about nodes.
        replica_labels: labels beside `SCRAPE_LABELS` that differ between scrapes of one target.
        spelling: how the server reads a label name with dots in a query.
    """

    proxy: Names = field(default_factory=Names)
    cadvisor: Names = field(default_factory=Names)
    state: Names = field(default_factory=Names)
    cluster: str = "cluster"
    state_cluster: str | None = None
    cpu: str = CPU_COUNTER
    node: str = "node"
    attribution: Attribution = Attribution.POD
    replica_labels: tuple[str, ...] = ()
    spelling: Spelling = Spelling.LEFT_OUT

    def labels_of_pod(self, exporter: Exporter) -> tuple[str, ...]:
        """Return the labels that identify one pod of an exporter, cluster first.

        Where scrape jobs use several names, all of them.
        """
        if exporter == Exporter.PROXY and self.attribution == Attribution.ADDRESS:
            return self.cluster, "instance"
        if exporter == Exporter.PROXY and self.attribution == Attribution.WORKLOAD:
            return (self.cluster,)
        pairs = [(names.namespace, names.pod) for names in self.names(exporter).each]
        cluster = self.cluster_of_state if exporter == Exporter.STATE else self.cluster
        return cluster, *dict.fromkeys(label for pair in pairs for label in pair)

    @property
    def cluster_of_state(self) -> str:
        """The label of the clusters on series of kube-state-metrics, perhaps absent."""
        return self.state_cluster or self.cluster

    def names(self, exporter: Exporter) -> Names:
        """Return the names on an exporter's series."""
        own = {Exporter.PROXY: self.proxy, Exporter.CADVISOR: self.cadvisor}
        return {**own, Exporter.STATE: self.state}.get(exporter, _USUAL)

    def canonical(self, exporter: Exporter) -> Mapping[str, str]:
        """Return what each of an exporter's labels is called in our tables.

        An address takes the place of the pod until it is attributed to one.
        """
        ours = {self.labels_of_pod(exporter)[0]: "cluster"}
        if exporter == Exporter.PROXY and self.attribution == Attribution.ADDRESS:
            return {**ours, "instance": "pod"}
        nodes = {self.node} if exporter == Exporter.STATE else set()
        for names in self.names(exporter).each:
            if exporter != Exporter.PROXY or self.attribution == Attribution.POD:
                ours |= {names.namespace: "namespace", names.pod: "pod"}
            ours[names.container] = "container"
            nodes.add(names.node)
        return {**ours, **dict.fromkeys(nodes - {"node"}, "node")}

    @property
    def is_recorded(self) -> bool:
        """Whether the CPU comes from a recording rule."""
        return self.cpu != CPU_COUNTER

    def spelled(self, label: str) -> str:
        """Return a label's name as it is written in a query of this server."""
        return spelled(label, self.spelling)

    # Some fifty queries are rendered with the same names.
    @property
    @lru_cache  # noqa: B019 - a value, of which few are ever made
    def raw_placeholders(self) -> Mapping[str, str]:
        """Return the names that query files write within quotes, as label_replace() needs them."""
        values: dict[str, str] = {}
        for exporter in (Exporter.PROXY, Exporter.CADVISOR, Exporter.STATE):
            names = self.names(exporter)
            values[f"{exporter}_namespace"] = names.namespace
            values[f"{exporter}_pod"] = names.pod
            values[f"{exporter}_container"] = names.container
            values[f"{exporter}_node"] = names.node
        return values

    @property
    @lru_cache  # noqa: B019 - as before
    def placeholders(self) -> Mapping[str, str]:
        """Return what query files call these labels."""
        of_state = list(map(self.spelled, self.labels_of_pod(Exporter.STATE)))
        values = {
            "cluster": self.cluster,
            "state_cluster": self.cluster_of_state,
            "state_on": ", ".join(of_state[0 if self.state_cluster is None else 1 :]),
            "cpu": self.cpu,
            "node": self.spelled(self.node),
        }
        values |= {name: self.spelled(raw) for name, raw in self.raw_placeholders.items()}
        for exporter in (Exporter.PROXY, Exporter.CADVISOR, Exporter.STATE):
            values[exporter] = ", ".join(map(self.spelled, self.labels_of_pod(exporter)))
        for name, exporter in (("scrape", Exporter.CADVISOR), ("proxy_scrape", Exporter.PROXY)):
            # A label named twice in one `by` would be an error in some engines.
            taken = self.labels_of_pod(exporter)
            known = dict.fromkeys((*SCRAPE_LABELS, *self.replica_labels))
            values[name] = ", ".join(self.spelled(label) for label in known if label not in taken)
        others = {*self.labels_of_pod(Exporter.PROXY), *SCRAPE_LABELS, *self.replica_labels}
        values["istio"] = ", ".join(label for label in ISTIO_LABELS if label not in others)
        # Which scrape job of which cluster, where no cluster label was detected too.
        site = (*CLUSTER_LABELS, "job")
        values["site"] = ", ".join(label for label in site if label != self.cluster)
        return values
