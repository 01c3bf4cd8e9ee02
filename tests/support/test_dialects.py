"""Dialects store what their installations store, and lose no more of the truth than they claim."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from tests.support import (
    DIALECTS,
    EVERY_ANSWER,
    SMALL_MESH,
    STALE,
    Dialect,
)
from tests.support.telling import (
    CPU,
    NAMES,
    REQUESTS,
    all_rps,
    all_vcpu,
    found_names,
    label_names,
    told,
    total,
)

# The exporters' own labels, with any scraper.
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
    # Staleness markers survive all arithmetic; there must be no other NaN.
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
