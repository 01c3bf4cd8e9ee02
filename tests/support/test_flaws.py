"""What completes a mesh, and what makes its data bad."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from tests.support import (
    STALE,
    build_mesh,
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
from tests.support.telling import (
    CPU,
    REQUESTS,
    all_vcpu,
    generated,
    growth,
    total,
    values,
)


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
