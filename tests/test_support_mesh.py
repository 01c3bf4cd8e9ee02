"""The truth that a test mesh reports is that of its series."""

import hashlib
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from functools import cache

import numpy as np
import pytest

from tests.support import (
    BACK,
    FRONT,
    SMALL_MESH,
    STALE,
    STILL_MESH,
    Mesh,
    Series,
    build_mesh,
    default_mesh,
    remote_write,
)

CPU = "container_cpu_usage_seconds_total"
REQUESTS = "istio_requests_total"


@cache
def mixed() -> Mesh:
    return build_mesh(replace(default_mesh(pods=60, hours=3), churn=0.2, restarts=0.2))


def by_pod(mesh: Mesh) -> dict[tuple[str, str], list[Series]]:
    found: defaultdict[tuple[str, str], list[Series]] = defaultdict(list)
    for series in mesh.series:
        labels = dict(series.labels)
        if "pod" in labels:
            found[labels["namespace"], labels["pod"]].append(series)
    return found


def increments(series: Series) -> float:
    """Return what a counter counted, resets and staleness taken into account."""
    values = series.values[~np.isnan(series.values)]
    steps = np.diff(values)
    return float(np.where(steps < 0, values[1:], steps).sum())


def rate(series: Series) -> float:
    return increments(series) / (float(series.times_ms[-1] - series.times_ms[0]) / 1000)


# --- spec ---


def test_a_call_to_nobody_is_refused() -> None:
    lost = replace(FRONT, calls=("shop/nobody",))

    with pytest.raises(ValueError, match="shop/front: calls shop/nobody"):
        replace(SMALL_MESH, workloads=(lost,))


def test_a_start_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        replace(SMALL_MESH, start=datetime(2024, 5, 14))  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize("pods", [40, 61, 300, 1234])
def test_the_default_mesh_has_as_many_pods_as_asked(pods: int) -> None:
    assert sum(workload.pods for workload in default_mesh(pods=pods).workloads) == pods


# --- truth ---


def test_a_proxy_without_noise_obeys_its_law_to_the_bit() -> None:
    mesh = build_mesh(STILL_MESH)

    for workload, rps in ((FRONT, 150), (BACK, 50)):
        vcpu = workload.idle_vcpu + workload.vcpu_per_1000_rps * rps / 1000
        for pod in (pod for pod in mesh.pods if pod.workload.name == workload.name):
            (proxy,) = mesh.named(CPU, pod=pod.name, container="istio-proxy")
            assert rate(proxy) == pytest.approx(vcpu, rel=1e-9)


def test_the_truth_is_what_the_definitions_say() -> None:
    truth = build_mesh(STILL_MESH).truth

    front_rps, back_rps = 4 * 150, 6 * 50
    slope = (front_rps * 0.2 + back_rps * 0.6) / (front_rps + back_rps)
    assert truth.mesh_vcpu_per_1000_rps == pytest.approx(slope)
    assert truth.mean_idle_vcpu_per_proxy == pytest.approx((4 * 0.01 + 6 * 0.004) / 10)
    assert truth.proxy_rps == pytest.approx(900)
    assert truth.mesh_rps == pytest.approx(4 * 100 + 6 * 50)
    assert truth.sidecar_vcpu == pytest.approx(10 * 0.0064 + 900 * slope / 1000)
    assert truth.sidecar_reserved_vcpu == pytest.approx(1.0)
    assert truth.sidecar_reserved_memory_bytes == pytest.approx(10 * 128 * 1024**2)
    assert truth.namespace_inbound_rps == pytest.approx({"shop": 700})


def test_calls_that_leave_the_mesh_count_at_their_source() -> None:
    outward = replace(FRONT, calls=("shop/back", "bank.example.com"))
    spec = replace(
        STILL_MESH, workloads=(replace(outward, trough_to_peak=1.0), STILL_MESH.workloads[1])
    )

    # Half of the front pods send their 50 requests/s to the bank.
    assert build_mesh(spec).truth.mesh_rps == pytest.approx(700 + 2 * 50)


@pytest.mark.parametrize("reporter", ["destination", "source"])
def test_request_counters_add_up_to_the_truth(reporter: str) -> None:
    mesh = mixed()
    found = sum(increments(one) for one in mesh.named(REQUESTS, reporter=reporter))

    ours = [w for w in mesh.truth.workloads if w.role != "waypoint"]
    true = sum(w.inbound_rps if reporter == "destination" else w.outbound_rps for w in ours)
    assert found / mesh.spec.window_seconds == pytest.approx(true, rel=0.02)


def test_cpu_counters_add_up_to_the_truth() -> None:
    mesh = mixed()
    found = sum(increments(one) for one in mesh.named(CPU, container="istio-proxy"))

    true = sum(workload.vcpu for workload in mesh.truth.workloads)
    assert found / mesh.spec.window_seconds == pytest.approx(true, rel=0.02)


def test_noise_has_the_spread_and_the_memory_it_was_given() -> None:
    spec = replace(STILL_MESH, noise_cv=0.1, noise_rho=0.6, hours=24, pod_load_sigma=0.0)
    (front, *_) = (replace(w, pods=60) for w in spec.workloads)
    mesh = build_mesh(replace(spec, workloads=(front, spec.workloads[1])))

    factors = []
    for pod in (pod for pod in mesh.pods if pod.workload.name == "front"):
        (proxy,) = mesh.named(CPU, pod=pod.name, container="istio-proxy")
        steps = np.diff(proxy.values) / np.diff(proxy.times_ms / 1000)
        factors.append(steps[::5] / 0.04)
    table = np.array([row[:280] for row in factors])
    assert table.mean() == pytest.approx(1, abs=0.005)
    assert table.std() == pytest.approx(0.1, abs=0.01)
    assert np.corrcoef(table[:, :-1].ravel(), table[:, 1:].ravel())[0, 1] == pytest.approx(
        0.6, abs=0.05
    )


# --- series ---


def test_a_pod_has_at_most_eight_series_at_a_time() -> None:
    for series in by_pod(mixed()).values():
        moments = np.unique(np.concatenate([one.times_ms for one in series]))
        alive = [(one.times_ms[0] <= moments) & (moments <= one.times_ms[-1]) for one in series]
        assert 5 <= np.sum(alive, axis=0).max() <= 8


def test_no_two_series_have_the_same_labels() -> None:
    labels = [series.labels for series in mixed().series]

    assert len(set(labels)) == len(labels)
    assert all(list(pairs) == sorted(pairs) for pairs in labels)


def test_the_same_seed_gives_the_same_samples() -> None:
    def fingerprint(seed: int) -> str:
        digest = hashlib.sha256()
        for series in build_mesh(replace(SMALL_MESH, seed=seed, churn=0.3, restarts=0.3)).series:
            digest.update(remote_write.encoded_labels(series.labels))
            digest.update(remote_write.encoded_samples(series))
        return digest.hexdigest()

    assert fingerprint(1) == fingerprint(1) != fingerprint(2)


def test_each_role_reports_as_istio_does() -> None:
    mesh = mixed()
    reporters = defaultdict(set)
    for name in (REQUESTS, "istio_tcp_sent_bytes_total"):
        for series in mesh.named(name):
            labels = dict(series.labels)
            key = labels["namespace"], labels["pod"]
            reporters[key].add((labels["request_protocol"], labels["reporter"]))

    allowed = {
        "gateway": {("http", "source")},
        "waypoint": {("http", "waypoint")},
        "ztunnel": {("tcp", "destination")},
    }
    for pod in mesh.pods:
        seen = reporters[pod.workload.namespace, pod.name]
        if pod.workload.role != "sidecar":
            assert seen == allowed[pod.workload.role]
        else:
            assert (("http", "destination") in seen) == pod.workload.has_inbound_http


def test_an_application_tells_quiet_sidecars_from_gateways() -> None:
    mesh = mixed()
    with_app = {dict(one.labels)["pod"] for one in mesh.named(CPU, container="app")}

    for pod in mesh.pods:
        quiet = pod.workload.role == "sidecar" and not pod.workload.has_inbound_http
        assert (pod.name in with_app) == quiet


def test_the_pod_cgroup_counts_the_proxy_and_the_application() -> None:
    mesh = build_mesh(STILL_MESH)

    for pod in mesh.pods:
        proxy, cgroup = mesh.named(CPU, pod=pod.name)
        assert "container" not in dict(cgroup.labels)
        assert rate(cgroup) > rate(proxy) + 0.02


def test_native_sidecars_reserve_as_init_containers() -> None:
    mesh = build_mesh(SMALL_MESH)

    assert len(mesh.named("kube_pod_container_resource_requests", resource="cpu")) == FRONT.pods
    assert len(mesh.named("kube_pod_init_container_resource_requests", unit="byte")) == BACK.pods


def test_a_restarted_proxy_counts_from_zero_again() -> None:
    mesh = mixed()
    restarted = [pod for pod in mesh.pods if pod.restart_seconds is not None]
    assert len(restarted) == 12

    for pod in mesh.pods:
        lives = mesh.named(CPU, pod=pod.name, container="istio-proxy")
        assert len(lives) == (2 if pod in restarted else 1)
        for series in mesh.named(REQUESTS, pod=pod.name):
            values = series.values[~np.isnan(series.values)]
            assert np.sum(np.diff(values) < 0) == (pod in restarted)
            assert (values == np.floor(values)).all()


def test_a_replaced_pod_ends_where_its_successor_begins() -> None:
    mesh = mixed()
    born_later = [pod for pod in mesh.pods if pod.birth_seconds > 0]
    died_early = [pod for pod in mesh.pods if pod.death_seconds < mesh.spec.window_seconds]
    assert len(born_later) == len(died_early) > 5
    assert all(pod.workload.kind != "StatefulSet" for pod in died_early)

    for pod in died_early:
        death_ms = mesh.spec.start_ms + 1000 * pod.death_seconds
        (info,) = mesh.named("kube_pod_info", pod=pod.name)
        assert info.values[-1:].tobytes() == np.float64(STALE).tobytes()
        assert info.times_ms[-2] < death_ms <= info.times_ms[-1]


def test_cpu_runs_behind_the_requests() -> None:
    punctual = build_mesh(STILL_MESH)
    late = build_mesh(replace(STILL_MESH, cpu_lag_seconds=15.0))

    for one, other in zip(punctual.named(CPU), late.named(CPU), strict=True):
        lag_seconds = (one.values[5:] - other.values[5:]) / rate(one)
        assert (lag_seconds >= -1e-6).all()
        assert (lag_seconds <= 15.5).all()
        assert np.ptp(lag_seconds) <= 1.0 + 1e-6


def test_targets_are_scraped_at_their_own_moments() -> None:
    scrapes = {series.times_ms[0] for series in build_mesh(SMALL_MESH).named(REQUESTS)}

    assert len(scrapes) == len(SMALL_MESH.workloads[0].calls) * 10
