"""What is particular to each dialect."""

from collections import Counter

import numpy as np
import pytest

from tests.support import (
    CLUSTERS,
    cluster_truth,
    dialect,
    with_throttling,
)
from tests.support.telling import (
    BY_POD,
    CPU,
    MEMORY,
    REQUESTS,
    all_vcpu,
    generated,
    growth,
    told,
    total,
    values,
)


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
