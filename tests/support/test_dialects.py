"""Dialects say what their installations say, and lose no more of the truth than they claim."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import requests

from tests.support import (
    CLUSTERS,
    DIALECTS,
    EVERY_ANSWER,
    SMALL_MESH,
    STALE,
    STILL_MESH,
    Dialect,
    Mesh,
    PrometheusServer,
    Series,
    ServerProcess,
    ServerStartError,
    VictoriaServer,
    build_mesh,
    cluster_truth,
    completed,
    dialect,
    dialect_mesh,
    retained_from,
    roles_mesh,
    unseen,
    with_gap,
    with_instance_types,
    with_pod_labels,
    with_short_lives,
    with_streams,
    with_throttling,
)

CPU = "container_cpu_usage_seconds_total"
MEMORY = "container_memory_working_set_bytes"
REQUESTS = "istio_requests_total"
BY_POD = "node_namespace_pod_container"
NAMES = [one.name for one in DIALECTS]

# Labels of the exporters' own, whatever scrapes them.
ISTIO = """
    __name__ reporter request_protocol response_code response_flags connection_security_policy
    source_workload source_workload_namespace source_principal source_app source_version
    source_canonical_service source_canonical_revision source_cluster
    destination_workload destination_workload_namespace destination_principal destination_app
    destination_version destination_canonical_service destination_canonical_revision
    destination_cluster
    destination_service destination_service_name destination_service_namespace
"""
CADVISOR = "__name__ id name image namespace pod container cpu"
POD_INFO = """
    __name__ namespace pod uid node host_ip pod_ip created_by_kind created_by_name host_network
"""


class Added(NamedTuple):
    """What a dialect adds to those labels or, with a minus, takes from them."""

    istio: str
    """On requests that shop/catalog receives."""
    cadvisor: str | None
    """On CPU of proxies; None when there is none. A bar separates what two jobs add."""
    state: str | None
    """On kube_pod_info; None when there is none."""


MONITOR = "namespace pod container job instance"
KUBELET = "job metrics_path instance node endpoint service"
STATE = "container job instance endpoint service"
EXPORTED = "exported_namespace exported_pod"
NODES_JOB = """
    job instance kubernetes_io_hostname kubernetes_io_os node_kubernetes_io_instance_type
    topology_kubernetes_io_zone
"""
POD_LABELS = """
    app version pod_template_hash security_istio_io_tlsMode service_istio_io_canonical_name
    service_istio_io_canonical_revision
"""
GOOGLE = "project_id location cluster"
OPERATOR = Added(MONITOR, KUBELET, STATE)
RULES = Added(MONITOR, None, STATE)


def operator_and(more: str) -> Added:
    return Added(f"{MONITOR} {more}", f"{KUBELET} {more}", f"{STATE} {more}")


ADDED = {
    "kube-prometheus-stack": OPERATOR,
    "kube-prometheus-stack-istio-1.24": Added(f"{MONITOR} pod_name", KUBELET, STATE),
    "istio-sample-addon": Added(f"{POD_LABELS} namespace pod node job instance", NODES_JOB, None),
    "istio-sample-addon-1.12": Added(
        f"{POD_LABELS} kubernetes_namespace kubernetes_pod_name job instance", NODES_JOB, None
    ),
    "old-kubelet": Added(MONITOR, f"{KUBELET} -pod -container pod_name container_name", STATE),
    "openshift-service-mesh-3": Added(f"{MONITOR} app version mesh_id", KUBELET, STATE),
    "google-managed-prometheus": Added(
        f"{MONITOR} {GOOGLE}",
        f"job instance node {GOOGLE}",
        f"{EXPORTED} container job instance {GOOGLE}",
    ),
    "state-without-honor-labels": Added(
        "namespace pod job instance", "job metrics_path instance", f"{EXPORTED} {STATE}"
    ),
    "istio-option-2": Added("job instance", "job metrics_path instance", "job instance"),
    "istio-production-federation": Added(f"{POD_LABELS} node job", KUBELET, STATE),
    "two-jobs-of-one-envoy": OPERATOR,
    "pair-of-prometheus": operator_and("prometheus prometheus_replica"),
    "two-cadvisors": Added(MONITOR, f"{KUBELET} | job instance", STATE),
    "two-kube-state-metrics": OPERATOR,
    "two-clusters": operator_and("cluster"),
    "two-clusters-by-cluster-name": operator_and("cluster_name"),
    "opencost": OPERATOR,
    "opencost-exported-instance": OPERATOR,
    "opencost-exported-node": OPERATOR,
    "recording-rules": RULES,
    "recording-rules-irate": RULES,
    "empty-container-labels": Added(MONITOR, f"{KUBELET} -container -name -image", STATE),
    "agentgateway-waypoints": OPERATOR,
}


@cache
def told(name: str) -> Mesh:
    return dialect(name).told(dialect_mesh())


@cache
def generated() -> Mesh:
    return build_mesh(dialect_mesh())


def label_names(own: str, added: str) -> frozenset[str]:
    words = added.split()
    gone = {word[1:] for word in words if word.startswith("-")}
    return frozenset({*own.split(), *words} - gone - {f"-{word}" for word in gone})


def found_names(series: Iterable[Series]) -> set[frozenset[str]]:
    return {frozenset(dict(one.labels)) for one in series}


def growth(series: Series) -> float:
    """Return what a counter counted per second of the window, the slow and obvious way."""
    values = series.values[~np.isnan(series.values)]
    steps = np.diff(values)
    span_seconds = float(series.times_ms[-1] - series.times_ms[0]) / 1000
    return float(np.where(steps < 0, values[1:], steps).sum()) / span_seconds


def total(mesh: Mesh, metric: str, **labels: str) -> float:
    return sum(growth(one) for one in mesh.named(metric, **labels))


def all_rps(mesh: Mesh) -> float:
    return sum(workload.proxy_rps for workload in mesh.truth.workloads)


def all_vcpu(mesh: Mesh) -> float:
    return sum(workload.vcpu for workload in mesh.truth.workloads)


def values(mesh: Mesh, metric: str, label: str) -> set[str]:
    return {dict(one.labels).get(label, "") for one in mesh.named(metric)}


# --- all dialects ---


@pytest.mark.parametrize("name", NAMES)
def test_no_two_series_of_a_dialect_are_the_same(name: str) -> None:
    labels = [one.labels for one in told(name).series]

    assert len(set(labels)) == len(labels)
    assert all(list(pairs) == sorted(pairs) for pairs in labels)


@pytest.mark.parametrize("name", NAMES)
def test_samples_of_a_dialect_are_in_order_and_within_the_window(name: str) -> None:
    mesh = told(name)
    end_ms = mesh.spec.start_ms + mesh.spec.window_seconds * 1000

    for one in mesh.series:
        assert one.times_ms.size
        assert (np.diff(one.times_ms) > 0).all()
        assert mesh.spec.start_ms <= one.times_ms[0]
        assert one.times_ms[-1] < end_ms


@pytest.mark.parametrize("one", DIALECTS, ids=NAMES)
def test_what_a_dialect_makes_impossible_has_a_reason(one: Dialect) -> None:
    assert one.possible <= EVERY_ANSWER
    assert one.possible == EVERY_ANSWER or one.limits


@pytest.mark.parametrize("name", NAMES)
def test_a_dialect_has_exactly_the_labels_it_claims(name: str) -> None:
    mesh = told(name)
    added = ADDED[name]

    received = mesh.named(REQUESTS, destination_workload="catalog", reporter="destination")
    assert found_names(received) == {label_names(ISTIO, added.istio)}
    # Where cAdvisor knows containers, the pods' own cgroups are beside the point.
    of_proxies = [
        one
        for one in mesh.named(CPU)
        if name == "empty-container-labels" or "istio-proxy" in dict(one.labels).values()
    ]
    jobs = added.cadvisor.split("|") if added.cadvisor else []
    assert found_names(of_proxies) == {label_names(CADVISOR, one) for one in jobs}
    infos = mesh.named("kube_pod_info")
    assert found_names(infos) == ({label_names(POD_INFO, added.state)} if added.state else set())
    assert added.state or not [one for one in mesh.series if one.name.startswith("kube_")]


@pytest.mark.parametrize("one", DIALECTS, ids=NAMES)
def test_a_dialect_can_tell_of_pods_that_come_and_go(one: Dialect) -> None:
    mesh = one.told(replace(SMALL_MESH, churn=0.3, restarts=0.3))

    labels = [series.labels for series in mesh.series]
    assert len(set(labels)) == len(labels)
    # Staleness markers survive all arithmetic; other NaN are nobody's.
    for series in mesh.series:
        assert set(series.values[np.isnan(series.values)].view(np.uint64)) <= {
            np.float64(STALE).view(np.uint64)
        }
        assert (np.diff(series.times_ms) > 0).all()


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("kube-prometheus-stack", 1),
        ("istio-sample-addon-1.12", 1),
        ("istio-option-2", 1),
        ("openshift-service-mesh-3", 1),
        ("google-managed-prometheus", 1),
        ("istio-production-federation", 1),
        ("two-jobs-of-one-envoy", 2),
        ("pair-of-prometheus", 2),
        ("two-clusters", 1),
    ],
)
def test_requests_of_a_dialect_add_up_to_the_truth(name: str, times: int) -> None:
    mesh = told(name)

    assert total(mesh, REQUESTS) == pytest.approx(times * all_rps(mesh), rel=0.01)


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("kube-prometheus-stack", 1),
        ("istio-sample-addon", 1),
        ("google-managed-prometheus", 1),
        ("istio-production-federation", 1),
        ("pair-of-prometheus", 2),
        ("two-cadvisors", 2),
        ("two-clusters-by-cluster-name", 1),
    ],
)
def test_cpu_of_a_dialect_adds_up_to_the_truth(name: str, times: int) -> None:
    mesh = told(name)

    found = total(mesh, CPU, container="istio-proxy")
    assert found == pytest.approx(times * all_vcpu(mesh), rel=0.01)


# --- one dialect at a time ---


def test_istio_and_kube_state_metrics_carry_the_labels_of_their_targets() -> None:
    mesh = told("kube-prometheus-stack")

    assert values(mesh, REQUESTS, "container") == {"istio-proxy"}
    assert values(mesh, REQUESTS, "job") == {"istio-system/envoy-stats-monitor"}
    assert values(mesh, "kube_pod_info", "container") == {"kube-state-metrics"}
    assert values(mesh, "kube_node_info", "namespace") == {"monitoring"}
    reserved = mesh.named("kube_pod_container_resource_requests")
    assert {dict(one.labels)["container"] for one in reserved} == {"istio-proxy", "app"}


def test_a_pair_of_prometheus_scrapes_at_different_times() -> None:
    mesh = told("pair-of-prometheus")
    first, second = (
        mesh.named(
            REQUESTS,
            destination_workload="catalog",
            prometheus_replica=f"prometheus-kube-prometheus-stack-prometheus-{replica}",
        )
        for replica in (0, 1)
    )

    assert len(first) == len(second) == 13
    for one, other in zip(first, second, strict=True):
        assert other.times_ms[0] - one.times_ms[0] == 11_317
        assert not np.intersect1d(one.times_ms, other.times_ms).size


def test_the_old_pod_monitor_says_pod_twice() -> None:
    for one in told("kube-prometheus-stack-istio-1.24").named(REQUESTS):
        assert dict(one.labels)["pod"] == dict(one.labels)["pod_name"]


def test_throttled_seconds_are_dropped_and_periods_are_kept() -> None:
    throttled = with_throttling(generated(), ["shop/catalog"])
    names = {one.name for one in dialect("kube-prometheus-stack").tell(throttled).series}

    assert "container_cpu_cfs_throttled_seconds_total" not in names
    assert "container_cpu_cfs_throttled_periods_total" in names
    assert "container_cpu_cfs_throttled_seconds_total" in {
        one.name for one in dialect("istio-option-2").tell(throttled).series
    }


def test_the_sample_addon_tells_roles_by_pod_labels() -> None:
    mesh = told("istio-sample-addon")

    managed = Counter(
        dict(one.labels).get("gateway_istio_io_managed") for one in mesh.named("istio_build")
    )
    assert managed == {
        "istio.io-mesh-controller": 2, "istio.io-gateway-controller": 2, None: 36,
    }  # fmt: skip
    assert values(mesh, CPU, "instance") == {f"node-0{number}" for number in range(4)}
    assert not values(mesh, CPU, "node") - {""}


def test_openshift_scrapes_twice_a_minute_and_keeps_ztunnel_to_itself() -> None:
    mesh = told("openshift-service-mesh-3")

    assert values(mesh, "istio_tcp_sent_bytes_total", "job") == {
        "ztunnel/istio-ztunnel-monitor", "data/istio-proxies-monitor",
    }  # fmt: skip
    (one, *_) = mesh.named(REQUESTS, namespace="media")
    assert dict(one.labels)["job"] == "media/istio-waypoint-monitor"
    assert np.median(np.diff(one.times_ms)) == pytest.approx(30_000, abs=200)


def test_google_puts_its_own_pod_where_others_put_the_pod() -> None:
    mesh = told("google-managed-prometheus")

    assert values(mesh, "kube_pod_info", "pod") == {"kube-state-metrics-0"}
    assert values(mesh, "kube_pod_info", "exported_pod") == {pod.name for pod in mesh.pods}
    reserved = mesh.named("kube_pod_init_container_resource_requests")
    assert "istio-proxy" in {dict(one.labels)["exported_container"] for one in reserved}
    assert values(mesh, "istio_build", "container") == {"istio-proxy", ""}


def test_an_instance_leads_to_its_pod_by_kube_pod_info() -> None:
    mesh = told("istio-option-2")
    pod_at = {
        dict(one.labels)["pod_ip"]: dict(one.labels)["pod"] for one in mesh.named("kube_pod_info")
    }

    found = {
        pod_at[dict(one.labels)["instance"].removesuffix(":15090")] for one in mesh.named(REQUESTS)
    }
    loaded = {pod.name for pod in mesh.pods if pod.workload.traffic == "http"}
    assert found == loaded
    ztunnels = {pod.ip for pod in mesh.pods if pod.workload.role == "ztunnel"}
    scraped = {
        dict(one.labels)["instance"].partition(":")[0]
        for metric in (REQUESTS, "istio_build", "istio_tcp_sent_bytes_total")
        for one in mesh.named(metric)
    }
    assert not ztunnels & scraped


def test_a_federation_has_requests_and_nothing_else_of_istio() -> None:
    mesh = told("istio-production-federation")

    assert {one.name for one in mesh.series if one.name.startswith("istio_")} == {REQUESTS}
    of_a_workload = mesh.named(REQUESTS, reporter="destination", destination_workload="catalog")
    # One series a caller, node and template, however many pods.
    assert len(of_a_workload) < 6 * 2
    assert sum(growth(one) for one in of_a_workload) == pytest.approx(
        next(w.inbound_rps for w in mesh.truth.workloads if w.name == "catalog"), rel=0.01
    )


@pytest.mark.parametrize("name", ["two-clusters", "two-clusters-by-cluster-name"])
def test_each_of_two_clusters_has_its_own_truth(name: str) -> None:
    mesh = told(name)
    label = name.removeprefix("two-clusters-by-").replace("-", "_")
    label = "cluster" if name == "two-clusters" else label

    for cluster in CLUSTERS:
        truth = cluster_truth(generated().truth, cluster)
        own = {label: cluster}
        assert total(mesh, REQUESTS, **own) == pytest.approx(
            sum(workload.proxy_rps for workload in truth.workloads), rel=0.01
        )
        assert total(mesh, CPU, container="istio-proxy", **own) == pytest.approx(
            sum(workload.vcpu for workload in truth.workloads), rel=0.01
        )
        assert truth.mesh_vcpu_per_1000_rps == pytest.approx(mesh.truth.mesh_vcpu_per_1000_rps)
    assert mesh.truth.pod_count("sidecar") == 64


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("opencost", {"node", "instance"}),
        ("opencost-exported-instance", {"node", "exported_instance"}),
        ("opencost-exported-node", {"exported_node", "exported_instance"}),
    ],
)
def test_prices_name_their_node_somewhere(name: str, where: set[str]) -> None:
    mesh = told(name)
    nodes = {f"node-0{number}" for number in range(4)}

    places = {
        label
        for label in ("node", "instance", "exported_node", "exported_instance")
        if values(mesh, "node_cpu_hourly_cost", label) == nodes
    }
    assert places == where


@pytest.mark.parametrize(
    ("name", "rules"),
    [("recording-rules", {"sum_rate5m", "sum_irate"}), ("recording-rules-irate", {"sum_irate"})],
)
def test_recorded_rates_average_to_the_truth(name: str, rules: set[str]) -> None:
    mesh = told(name)

    assert not mesh.named(CPU)
    assert {one.name for one in mesh.series if ":" in one.name} == {
        f"{BY_POD}:{MEMORY}", *(f"{BY_POD}:{CPU}:{rule}" for rule in rules),
    }  # fmt: skip
    for rule in rules:
        found = mesh.named(f"{BY_POD}:{CPU}:{rule}", container="istio-proxy")
        assert set(dict(found[0].labels)) == {"__name__", "namespace", "pod", "container", "node"}
        mean = sum(float(one.values.mean()) for one in found)
        assert mean == pytest.approx(all_vcpu(mesh), rel=0.01)


def test_without_container_labels_a_pods_cpu_is_all_there_is() -> None:
    mesh = told("empty-container-labels")

    assert values(mesh, CPU, "container") == {""}
    assert values(mesh, CPU, "pod") == {pod.name for pod in mesh.pods}
    alone = [pod.name for pod in mesh.pods if pod.workload.role != "sidecar"]
    found = sum(total(mesh, CPU, pod=pod) for pod in alone)
    true = sum(w.vcpu for w in mesh.truth.workloads if w.role != "sidecar")
    assert found == pytest.approx(true, rel=0.01)
    assert total(mesh, CPU) > 1.2 * all_vcpu(mesh)


def test_agentgateway_is_no_istio_proxy() -> None:
    mesh = told("agentgateway-waypoints")

    waypoints = {pod.name for pod in mesh.pods if pod.workload.role == "waypoint"}
    named = {
        dict(one.labels)["pod"]
        for metric in (CPU, "kube_pod_container_info", "kube_pod_container_resource_requests")
        for one in mesh.named(metric, container="agentgateway")
    }
    assert named == waypoints
    assert not mesh.named(REQUESTS, reporter="waypoint")


# --- what completes a mesh ---


def test_istio_init_reserves_what_the_proxy_does() -> None:
    mesh = completed(generated())

    def reserved(container: str) -> dict[str, float]:
        return {
            dict(one.labels)["pod"]: float(one.values[0])
            for family in ("container", "init_container")
            for one in mesh.named(
                f"kube_pod_{family}_resource_requests", container=container, resource="cpu"
            )
        }

    first = reserved("istio-init") | reserved("istio-validation")
    proxies = reserved("istio-proxy")
    assert first == {name: amount for name, amount in proxies.items() if name in first}
    assert len(first) == 32
    restartable = mesh.named("kube_pod_init_container_info", restart_policy="Always")
    assert {dict(one.labels)["container"] for one in restartable} == {"istio-proxy"}
    assert len(restartable) == sum(pod.workload.native for pod in mesh.pods)


def test_every_sidecar_has_an_application_and_no_other_proxy_has() -> None:
    mesh = completed(generated())

    for metric in (CPU, "kube_pod_container_info"):
        found = {dict(one.labels)["pod"] for one in mesh.named(metric, container="app")}
        assert found == {pod.name for pod in mesh.pods if pod.workload.role == "sidecar"}


def test_the_mesh_of_roles_has_the_roles_asked_for() -> None:
    mesh = build_mesh(roles_mesh(hours=0.5))

    counts = {role: mesh.truth.pod_count(role) for role in ("gateway", "waypoint", "ztunnel")}
    assert counts == {"gateway": 3, "waypoint": 5, "ztunnel": 4}
    sidecars = [pod for pod in mesh.pods if pod.workload.role == "sidecar"]
    assert (len(sidecars), sum(pod.workload.native for pod in sidecars)) == (200, 100)
    ztunnels = {pod.workload.namespace for pod in mesh.pods if pod.workload.role == "ztunnel"}
    assert ztunnels == {"istio-system", "kube-system"}
    reserved = sum(pod.workload.reserved_vcpu for pod in sidecars)
    assert mesh.truth.sidecar_reserved_vcpu == pytest.approx(reserved)


# --- what makes data bad ---


def test_a_gap_has_no_samples_and_both_sides_of_it_have() -> None:
    mesh = with_gap(generated(), after_hours=0.5, hours=1.0, families={"envoy"})
    hours = [(one.times_ms - mesh.spec.start_ms) / 3_600_000 for one in mesh.named(REQUESTS)]

    for times in hours:
        assert not ((times >= 0.5) & (times < 1.5)).any()
        assert times[0] < 0.5
        assert times[-1] >= 1.5
    assert mesh.named(CPU)[0].times_ms.size == generated().named(CPU)[0].times_ms.size


def test_short_retention_has_no_begin() -> None:
    mesh = retained_from(generated(), hours=1.5)

    assert len(mesh.series) == len(generated().series)
    earliest = min(int(one.times_ms[0]) for one in mesh.series)
    assert earliest >= mesh.spec.start_ms + 5_400_000


def test_the_unseen_are_missing_from_one_side_only() -> None:
    dark = unseen(generated(), "payments", {"envoy"})

    assert not dark.named(REQUESTS, namespace="payments")
    assert not dark.named("istio_build", namespace="payments")
    assert dark.named(CPU, namespace="payments", container="istio-proxy")
    assert dark.named(REQUESTS, reporter="source", destination_workload="api")
    assert not completed(dark).named("istio_build", namespace="payments")
    unmeasured = unseen(generated(), "payments", {"cadvisor"})
    assert unmeasured.named(REQUESTS, namespace="payments")
    assert not completed(unmeasured).named(CPU, namespace="payments")


def test_a_stream_is_one_request_and_many_messages() -> None:
    mesh = with_streams(generated(), "shop/catalog", messages_per_stream=500)
    called = {"destination_workload": "catalog", "destination_workload_namespace": "shop"}

    before = total(generated(), REQUESTS, **called)
    assert total(mesh, REQUESTS, **called) == pytest.approx(before / 500, rel=0.05)
    assert values(mesh, REQUESTS, "request_protocol") == {"http", "grpc"}
    for direction in ("request", "response"):
        found = mesh.named(f"istio_{direction}_messages_total", **called)
        assert sum(growth(one) for one in found) == pytest.approx(before)
        assert not {"response_code", "grpc_response_status"} & set(dict(found[0].labels))


@pytest.mark.parametrize("limit_vcpu", [None, 0.02])
def test_throttled_proxies_count_throttled_periods(limit_vcpu: float | None) -> None:
    mesh = with_throttling(generated(), ["shop/catalog"], share=0.4, limit_vcpu=limit_vcpu)

    shares = defaultdict(set)
    for one in mesh.named("container_cpu_cfs_periods_total"):
        own = dict(one.labels)
        (throttled,) = mesh.named("container_cpu_cfs_throttled_periods_total", id=own["id"])
        catalog = own["pod"].startswith("catalog")
        shares[catalog].add(round(growth(throttled) / growth(one), 3))
        assert growth(one) == pytest.approx(10, rel=0.01)
    assert shares == {True: {0.4}, False: {0.0}}
    assert not mesh.named("container_cpu_cfs_periods_total", namespace="istio-system")
    found = total(mesh, CPU, container="istio-proxy")
    assert found == pytest.approx(all_vcpu(mesh), rel=0.01)


def test_a_limit_makes_cpu_flat() -> None:
    mesh = with_throttling(generated(), ["shop/catalog"], limit_vcpu=0.02)
    whole = completed(mesh)

    for one in mesh.named(CPU, namespace="shop", container="istio-proxy"):
        pod = dict(one.labels)["pod"]
        if pod.startswith("catalog"):
            assert growth(one) <= 0.02 * (1 + 1e-9)
            (limit,) = whole.named(
                "kube_pod_container_resource_limits",
                pod=pod, container="istio-proxy", resource="cpu",
            )  # fmt: skip
            assert limit.values[0] == 0.02
    assert mesh.truth.sidecar_vcpu < generated().truth.sidecar_vcpu


def test_nodes_of_several_types_say_so_everywhere() -> None:
    mesh = with_instance_types(
        build_mesh(replace(dialect_mesh(), node_prices=True)), ["general-16", "burst-16"]
    )
    types = {"general-16", "burst-16"}

    by_state = dialect("kube-prometheus-stack").tell(mesh)
    assert values(by_state, "kube_node_labels", "label_node_kubernetes_io_instance_type") == types
    assert values(by_state, "node_cpu_hourly_cost", "instance_type") == types
    by_labels = dialect("istio-sample-addon").tell(mesh)
    assert values(by_labels, CPU, "node_kubernetes_io_instance_type") == types


def test_an_allow_list_shows_the_roles_of_pods() -> None:
    assert not generated().named("kube_pod_labels")
    shown = with_pod_labels(generated()).named("kube_pod_labels")

    classes = Counter(
        dict(one.labels).get("label_gateway_networking_k8s_io_gateway_class_name") for one in shown
    )
    assert classes == {"istio-waypoint": 2, "istio": 2, None: 36}
    modes = Counter(dict(one.labels).get("label_security_istio_io_tls_mode") for one in shown)
    assert modes == {"istio": 32, None: 8}
    (only,) = {
        frozenset(dict(one.labels)) - {"__name__", "namespace", "pod", "uid", "job", "instance"}
        for one in with_pod_labels(generated(), ["app"]).named("kube_pod_labels")
    }
    assert only == {"label_app"}


def test_short_lived_pods_count_in_the_truth() -> None:
    mesh = with_short_lives(generated(), "shop/catalog", pods=5, seconds=240)
    born = {pod.name: pod for pod in mesh.pods}.keys() - {pod.name for pod in generated().pods}

    assert len(born) == 5
    for name in born:
        (cpu,) = mesh.named(CPU, pod=name, container="istio-proxy")
        assert 3 <= cpu.times_ms.size <= 5
        (counted,) = mesh.named(REQUESTS, pod=name)
        assert counted.values.view(np.uint64)[-1] == np.float64(STALE).view(np.uint64)
        assert 0 <= counted.values[0] < 120 * 90 * 3
    assert mesh.truth.pod_count("sidecar") == 37
    assert mesh.truth.mean_pods_alive("sidecar") == pytest.approx(32 + 5 * 240 / 7200)
    assert 1.001 < mesh.truth.sidecar_vcpu / generated().truth.sidecar_vcpu < 1.02


# --- engines ---


def get(url: str, params: dict[str, str | float] | None = None) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, params=params, timeout=30)


def ask(server: ServerProcess, promql: str, **more: float) -> list[dict[str, Any]]:
    path = "query_range" if "step" in more else "query"
    asked: dict[str, str | float] = {"query": promql, **more}
    answer = get(f"{server.url}/api/v1/{path}", asked).json()
    assert answer["status"] == "success", answer
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result


def ask_number(server: ServerProcess, promql: str, time: float) -> float:
    (found,) = ask(server, promql, time=time)
    return float(found["value"][1])


def ask_mean(server: ServerProcess, promql: str, mesh: Mesh) -> float:
    start, end = mesh.spec.start.timestamp(), mesh.spec.end.timestamp()
    (found,) = ask(server, promql, start=start + 300, end=end, step=300)
    assert len(found["values"]) == 24
    return float(np.mean([float(value) for _, value in found["values"]]))


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    with PrometheusServer(tmp_path_factory.mktemp("prometheus")) as server:
        server.fill(told("kube-prometheus-stack"))
        yield server


@pytest.fixture(scope="module")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaServer]:
    with VictoriaServer(tmp_path_factory.mktemp("victoria")) as server:
        assert (
            server.fill(told("kube-prometheus-stack")) == told("kube-prometheus-stack").sample_count
        )
        yield server


TRUE_SUMS: dict[str, Callable[[Mesh], float]] = {
    f'sum(rate({CPU}{{container="istio-proxy"}}[5m]))': all_vcpu,
    f"sum(rate({REQUESTS}[5m]))": all_rps,
    f'sum(rate({REQUESTS}{{reporter="destination"}}[5m]))': lambda mesh: sum(
        w.inbound_rps for w in mesh.truth.workloads if w.role == "sidecar"
    ),
    'sum(kube_pod_init_container_resource_requests{container="istio-proxy", resource="cpu"})': (
        lambda mesh: sum(p.workload.reserved_vcpu for p in mesh.pods if p.workload.native)
    ),
}


@pytest.mark.live
@pytest.mark.parametrize("promql", TRUE_SUMS)
def test_two_engines_give_the_truth_back(
    promql: str, prometheus: PrometheusServer, victoria: VictoriaServer
) -> None:
    mesh = told("kube-prometheus-stack")
    true = TRUE_SUMS[promql](mesh)

    means = [ask_mean(server, promql, mesh) for server in (prometheus, victoria)]
    assert means[0] == pytest.approx(true, rel=0.01)
    assert means[1] == pytest.approx(means[0], rel=0.02)
    whole = promql.replace("[5m]", "[2h]")
    numbers = [ask_number(s, whole, mesh.spec.end.timestamp()) for s in (prometheus, victoria)]
    assert numbers[0] == pytest.approx(true, rel=0.01)
    assert numbers[1] == pytest.approx(numbers[0], rel=0.02)


@pytest.mark.live
@pytest.mark.parametrize("server_type", [PrometheusServer, VictoriaServer])
def test_engines_agree_on_federated_sums(server_type: type[ServerProcess], tmp_path: Path) -> None:
    mesh = told("istio-production-federation")

    with server_type(tmp_path) as server:
        server.fill(mesh)
        found = ask_number(server, f"sum(rate({REQUESTS}[2h]))", mesh.spec.end.timestamp())
    assert found == pytest.approx(all_rps(mesh), rel=0.02)


@pytest.mark.live
def test_victoria_metrics_serves_again_what_it_was_given(tmp_path: Path) -> None:
    asked = SMALL_MESH.end.timestamp() - 60
    with VictoriaServer(tmp_path) as server:
        server.fill(build_mesh(STILL_MESH))
        assert ask_number(server, "count(kube_pod_info)", asked) == 10
        url = server.url
    with pytest.raises(requests.ConnectionError):
        get(f"{url}/health")
    with VictoriaServer(tmp_path) as server:
        assert ask_number(server, "count(kube_pod_info)", asked) == 10


@pytest.mark.live
def test_a_failed_start_of_victoria_metrics_has_its_last_words(tmp_path: Path) -> None:
    server = VictoriaServer(tmp_path, flags=["-no-such-flag"])

    with pytest.raises(ServerStartError, match="victoria-metrics ended at once: "):
        server.start()
