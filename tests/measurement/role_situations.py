"""Situations of proxies as they are stored, each with its role and its source.

The one table of them: a hidden role is `UNKNOWN`, and its signs are then named.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from analyzer.measurement.role_rules import UNKNOWN
from analyzer.prometheus.query import load_query
from analyzer.units import Role
from tests.measurement.snapshots import Rows, steady

ISTIOS_METRICS = "istio.io/docs/reference/config/metrics"
OLD_WAYPOINTS = "istio/istio issue 50225"
GATEWAYS_SEND = "istio/istio issues 19237, 31468, 32196 and 31642"
CHART = "istio/istio manifests/charts/gateway"
TEMPLATES = "istio/istio manifests/charts/istio-control/istio-discovery/files"

_HASH = "7c6566694f-8drf8"

_Series = tuple[str, tuple[str, ...], float]
"""The name of a query, a series of its answer, and its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One proxy.

    Attributes:
        workload: of the pod; its creator is known where `kind` is.
        kind: of the object that created the pod; "": kube-state-metrics is not there.
        beside: another container in the pod: all the time, once, never; None: no containers are
            known of any pod.
        inbound, outbound: the workloads that it reports as destination and as source.
        tcp: the reporters of its TCP bytes.
        component: of istio_build; "": it is not scraped.
        state_labels: class, managed and tlsMode as kube-state-metrics has them.
        metric_labels: labels of its pod on its metrics.
    """

    name: str
    source: str
    role: str
    workload: str
    namespace: str = "shop"
    kind: str = "ReplicaSet"
    container: str = "istio-proxy"
    beside: str | None = "never"
    inbound: tuple[str, ...] = ()
    outbound: tuple[str, ...] = ()
    waypoint: bool = False
    tcp: tuple[str, ...] = ()
    component: str = "proxy"
    state_labels: tuple[str, str, str] = ("", "", "")
    metric_labels: Mapping[str, str] = field(default_factory=dict)
    neighbours: tuple[str, ...] = ()
    """Other workloads in the namespace that have sidecars."""

    @property
    def pod(self) -> str:
        """The pod's name, as its controller makes it."""
        return f"{self.workload}-x2lk5" if self.kind == "DaemonSet" else f"{self.workload}-{_HASH}"

    @property
    def tables(self) -> dict[str, Rows]:
        """The tables of a snapshot that holds it, and other pods with applications."""
        rows: dict[str, list[tuple[str | float, ...]]] = {}
        for name, labels, value in (*self._of_others(), *self._of_its_pod(), *self._reports()):
            rows.setdefault(name, []).extend(steady(name, labels, value))
        if self.beside == "once":
            seen = steady("application_containers", self._here, 1.0)
            rows["application_containers"].append(seen[0])
        return dict(rows)

    @property
    def _here(self) -> tuple[str, str]:
        return self.namespace, self.pod

    def _of_others(self) -> Iterator[_Series]:
        for workload in ("db", *self.neighbours):
            pod = self.namespace, f"{workload}-0"
            yield "proxy_cpu_vcpu", (*pod, "istio-proxy"), 0.1
            yield "inbound_requests_rps", (*pod, self.namespace, workload), 1.0
            if self.beside is not None:
                yield "application_containers", pod, 1.0

    def _of_its_pod(self) -> Iterator[_Series]:
        yield "proxy_cpu_vcpu", (*self._here, self.container), 0.1
        if self.beside == "always":
            yield "application_containers", self._here, 1.0
        if self.kind:
            is_set = self.kind == "ReplicaSet"
            creator = f"{self.workload}-{_HASH.partition('-')[0]}" if is_set else self.workload
            place = (*self._here, "node-1", "10.0.0.7", self.kind, creator)
            yield "pod_placement", place, 1.0
        if any(self.state_labels):
            yield "pod_labels", (*self._here, *self.state_labels), 1.0
        if self.metric_labels:
            names = load_query("proxy_pod_labels").labels[3:]
            labels = tuple(self.metric_labels.get(name, "") for name in names)
            yield "proxy_pod_labels", (*self._here, *labels), 1.0

    def _reports(self) -> Iterator[_Series]:
        for side, ends in (("inbound", self.inbound), ("outbound", self.outbound)):
            for end in ends:
                yield f"{side}_requests_rps", (*self._here, self.namespace, end), 5.0
        if self.waypoint:
            yield "waypoint_requests_rps", self._here, 5.0
        for reporter in self.tcp:
            yield "proxy_tcp_bytes_per_second", (*self._here, reporter), 1e6
        if self.component:
            yield "proxy_build", (*self._here, self.component), 10.0


def sidecar(
    name: str,
    source: str,
    workload: str = "web",
    **facts: Any,  # noqa: ANN401 - fields of Situation
) -> Situation:
    """Return a sidecar that receives its own workload's requests, unless the facts differ."""
    usual = Situation(
        name=name, source=source, role=Role.SIDECAR, workload=workload, inbound=(workload,),
        beside="always",
    )  # fmt: skip
    return replace(usual, **facts)


def gateway(
    name: str,
    source: str,
    workload: str = "istio-ingressgateway",
    **facts: Any,  # noqa: ANN401 - fields of Situation
) -> Situation:
    """Return a gateway that sends in its own name, unless the facts differ."""
    usual = Situation(
        name=name, source=source, role=Role.GATEWAY, workload=workload, outbound=(workload,),
        namespace="istio-system",
    )  # fmt: skip
    return replace(usual, **facts)


def waypoint(
    name: str,
    source: str,
    workload: str = "waypoint",
    **facts: Any,  # noqa: ANN401 - fields of Situation
) -> Situation:
    """Return a waypoint, of which the facts are yet to be given."""
    usual = Situation(name=name, source=source, role=Role.WAYPOINT, workload=workload)
    return replace(usual, **facts)


SITUATIONS = (
    sidecar("1.10, client and server", ISTIOS_METRICS, outbound=("web",)),
    sidecar("1.10, containers unknown", ISTIOS_METRICS, beside=None),
    sidecar(
        "1.12, labels on its metrics, client only", "istio/istio samples/addons/prometheus.yaml",
        inbound=(), outbound=("web",), beside=None,
        metric_labels={"security_istio_io_tlsMode": "istio", "app": "web"},
    ),
    sidecar("1.16, client only", ISTIOS_METRICS, inbound=(), outbound=("web",)),
    sidecar("1.18, TCP only", ISTIOS_METRICS, inbound=(), tcp=("destination",)),
    sidecar("1.20, no traffic", ISTIOS_METRICS, inbound=()),
    sidecar("1.22, in a pod of a CronJob's Job", "istio/istio pkg/kube/inject: deployment names",
        "backup", kind="Job", beside="always"),
    sidecar("1.26, named by a label", "istio/istio label service.istio.io/workload-name",
        inbound=("canonical",), outbound=("canonical",)),
    sidecar("1.27, native", "istio/istio pilot/pkg/features: ENABLE_NATIVE_SIDECARS"),
    sidecar("1.29, native, client only, containers unknown",
        "istio/istio pilot/pkg/features: ENABLE_NATIVE_SIDECARS",
        inbound=(), outbound=("web",), beside=None, role=UNKNOWN),
    sidecar("1.24, an application called a gateway", "Spring Cloud Gateway in a mesh",
        "api-gateway", outbound=("api-gateway",)),
    sidecar("1.24, labelled, client only, containers unknown", TEMPLATES,
        inbound=(), outbound=("web",), beside=None, state_labels=("", "", "istio")),
    gateway("1.10, ingress", GATEWAYS_SEND),
    gateway("1.14, egress", GATEWAYS_SEND, "istio-egressgateway"),
    gateway("1.14, containers unknown", GATEWAYS_SEND, beside=None),
    gateway("1.16, east-west, TCP only", ISTIOS_METRICS, "istio-eastwestgateway", outbound=(),
        tcp=("source",)),
    gateway("1.18, of the chart, no traffic", CHART, "istio-ingress", namespace="istio-ingress",
        outbound=()),
    gateway("1.18, another name", CHART, "front-door", namespace="edge"),
    gateway("1.20, with a log shipper", "cloudfoundry/cf-k8s-networking pull 63", beside="always"),
    gateway("1.20, with an authorisation service", "istio-ecosystem/authservice issue 15",
        "front-door", namespace="edge", beside="always",
        state_labels=("istio", "istio.io-gateway-controller", "")),
    gateway("1.20, with a secrets agent and a name of its own", CHART, "shop-gateway",
        namespace="edge", beside="always", role=UNKNOWN),
    gateway("1.22, with a helper, labels on its metrics", CHART, "front-door", namespace="edge",
        beside="always", metric_labels={"istio": "ingressgateway", "app": "front-door"}),
    gateway("1.22, with an init container", CHART, beside="once"),
    gateway("1.24, of the Gateway API, no kube-state-metrics", f"{TEMPLATES}/kube-gateway.yaml",
        "shop-istio", namespace="shop", kind="",
        metric_labels={"gateway_networking_k8s_io_gateway_name": "shop"}),
    gateway("1.26, east-west of ambient mode", f"{TEMPLATES}/waypoint.yaml", "eastwest",
        outbound=(), waypoint=True,
        state_labels=("istio-east-west", "istio.io-eastwest-controller", "")),
    gateway("1.30, agentgateway", "istio.io/news/releases/1.30.x/announcing-1.30",
        "models-istio-agentgateway", outbound=(), container="agentgateway", component=""),
    waypoint("1.18, of a service account", OLD_WAYPOINTS, "echo-istio-waypoint", inbound=("echo",)),
    waypoint("1.20, of a service account, no kube-state-metrics", OLD_WAYPOINTS,
        "echo-istio-waypoint", kind="", inbound=("echo",)),
    waypoint("1.21, of a namespace", OLD_WAYPOINTS, "namespace-istio-waypoint",
        inbound=("echo", "cart")),
    waypoint("1.21, labels on its metrics", OLD_WAYPOINTS, "l7", inbound=("echo",), kind="",
        beside=None, metric_labels={"gateway_istio_io_managed": "istio.io-mesh-controller"}),
    waypoint("1.21, before sidecars, containers unknown", "istio/istio issue 43730", "l7",
        beside=None, inbound=("cart",), neighbours=("cart",)),
    waypoint("1.21, with a helper", OLD_WAYPOINTS, "l7", beside="always", inbound=("echo", "cart")),
    waypoint("1.21, with a helper, of one workload", OLD_WAYPOINTS, "l7", beside="always",
        inbound=("cart",), neighbours=("cart",), role=UNKNOWN),
    waypoint("1.21, of one workload, containers unknown", OLD_WAYPOINTS, "l7", beside=None,
        inbound=("echo",), role=UNKNOWN),
    waypoint("1.21, of one workload, with a helper, by its name", OLD_WAYPOINTS, "echo-waypoint",
        beside="always", inbound=("echo",)),
    waypoint("1.21, no traffic", TEMPLATES),
    waypoint("1.21, no traffic and no name", TEMPLATES, "l7", role=UNKNOWN),
    waypoint("1.21, TCP only", "istio/istio issue 42320", tcp=("destination",)),
    waypoint("1.21, TCP only and no name", "istio/istio issue 42320", "l7", tcp=("destination",),
        role=UNKNOWN),
    waypoint("1.21, workload labels dropped", OLD_WAYPOINTS, "l7", inbound=("unknown",)),
    waypoint("1.22", "istio/istio issue 51313", "l7", waypoint=True),
    waypoint("1.24, for other namespaces, with a helper", "istio/istio issue 61538", "l7",
        waypoint=True, beside="always"),
    waypoint("1.26, TCP only", TEMPLATES, "l7", tcp=("waypoint",)),
    waypoint("1.28, labelled, reports as a sidecar", "two signs that Istio never gives together",
        inbound=("waypoint",), state_labels=("istio-waypoint", "istio.io-mesh-controller", ""),
        role=UNKNOWN),
    waypoint("1.31, agentgateway", f"{TEMPLATES}/agentgateway-waypoint.yaml",
        container="agentgateway", component=""),
    waypoint("1.31, agentgateway, labelled", f"{TEMPLATES}/agentgateway-waypoint.yaml", "l7",
        container="agentgateway", component="",
        state_labels=("istio-agentgateway-waypoint", "istio.io-mesh-controller", "")),
    *(
        Situation(
            name=name, source="istio/ztunnel README.md, istio/istio manifests/charts/ztunnel",
            role=Role.ZTUNNEL, workload=workload, namespace=namespace, kind=kind,
            component=component, tcp=("source", "destination"), metric_labels=labels,
        )
        for name, workload, namespace, kind, component, labels in (
            ("1.22, ztunnel in kube-system, no istio_build", "ztunnel", "kube-system", "DaemonSet",
                "", {}),
            ("1.24, ztunnel under another name", "mesh-node", "ztunnel", "DaemonSet", "ztunnel",
                {}),
            ("1.28, ztunnel, no kube-state-metrics, labels on its metrics", "mesh-node", "ambient",
                "", "", {"app": "ztunnel"}),
            ("1.28, ztunnel, no kube-state-metrics, no istio_build", "ztunnel", "ambient", "", "",
                {}),
        )
    ),
)  # fmt: skip
