"""Figures from outside: each has its unit, its source and the value that its source gives."""

import re
from pathlib import Path

import pytest

from analyzer.data import (
    BLOG,
    PublishedConstants,
    assumptions,
    published_constants,
    sample_path,
    schema_path,
)
from analyzer.defaults import DEFAULT_SAMPLE
from analyzer.errors import UsageError
from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.usage import measure
from analyzer.units import Interval, Role

MIB, GIB = 1024.0**2, 1024.0**3

SIDECAR_VCPU_PER_1000_RPS = {
    # istio.io/v1.3/docs/concepts/performance-and-scalability: "The Envoy proxy uses 0.6 vCPU".
    "istio-1.1": 0.6,
    # istio.io/v1.4 and v1.5, istio.io repository at 01eb742 (1.7): 0.5.
    "istio-1.4": 0.5,
    # istio.io/v1.12, v1.13, v1.15, v1.16: 0.35 in the summary.
    "istio-1.12": 0.35,
    # istio.io/v1.23 (headed Istio 1.22), istio.io issue 15335: 0.5.
    "istio-1.20": 0.5,
    # istio.io/docs/ops/deployment/performance-and-scalability, headed Istio 1.24: 0.20.
    "istio-1.24": 0.20,
}

OTHERS = {
    # By set: vCPU per 1000 requests/s of a sidecar, a ztunnel and a waypoint.
    # BuoyantIO/great-sidecar-debate: 2.97 vCPU of sidecars at 600 client requests/s, which make
    # 1800 calls and 3600 passes; ztunnels 1.204, waypoints 1.375.
    "buoyant-1.25": (2.97 / 3.6, 1.204 / 3.6, 1.375 / 1.8),
    # Netcracker's model, fitted: 0.048-0.053 a pass; waypoint 0.18.
    "netcracker-1.30": (None, 0.05, 0.18),
    # Least squares on uds-core's paired runs.
    "uds-core-2025": (0.26, 0.05, None),
    # istio.io PR 13179: shares of the sidecars' CPU.
    "solo-2023": (None, None, None),
}

ASSUMED = {
    # ambientmesh.io, 2025-07-10: "between $22 and $30 a month ... let's be conservative".
    "vcpu_month_usd": (22, 22, 22),
    # A node's price over its vCPUs has its memory in it.
    "memory_gib_month_usd": (0, 0, 0),
    # The post's first column.
    "waypoint_replicas": (2, 2, 2),
    # Between 0.88-1.10 of Buoyant and 0.25 / 0.20 of the Istio 1.24 page; 41 % / 27 % of the drafts
    # in istio.io PR 15727; 42 % of the CPU of two sidecars in istio.io PR 13179.
    "waypoint_to_sidecar_ratio": (0.85, 1.15, 41 / 27),
    # 0.06 / 0.20 of the Istio 1.24 page; uds-core and Buoyant at 1200 client requests/s.
    "ztunnel_to_sidecar_ratio": (0.16, 0.06 / 0.20, 0.46),
    # 0.06 of the Istio 1.24 page; 0.048-0.053 measured for Netcracker's model; 7 % in PR 15727.
    "ztunnel_vcpu_per_1000_rps": (0.048, 0.06, 0.07),
    # Least squares on the paired runs of defenseunicorns/uds-core istio-metrics, 2025-03.
    "ztunnel_idle_vcpu_per_node": (0.001, 0.003, 0.01),
    # Netcracker's ambient sizing model: 0.13-0.20 per Gbit/s measured.
    "ztunnel_vcpu_per_gbit_per_second": (0.13, 0.165, 0.2),
    # 41-45 MiB a sidecar: defenseunicorns/uds-core istio-metrics, 2025-03.
    # 105 MiB: the largest of 42 sidecars of kubeflow, community-distribution PR 3557.
    "sidecar_memory_gib_per_proxy": (45 / 1024, (45 * 105) ** 0.5 / 1024, 105 / 1024),
    # Netcracker's model, MiB: 64 + 0.008 a pod + 0.004 a service + 0.03 a connection. Least: 12 MB.
    "ztunnel_memory_gib_per_node": (12e6 / GIB, 64 / 1024, 64 / 1024),
    "ztunnel_memory_gib_per_1000_pods": (0, 8 / 1024, 8 / 1024),
    "ztunnel_memory_gib_per_1000_services": (0, 4 / 1024, 4 / 1024),
    "ztunnel_memory_gib_per_1000_open_connections": (0, 30 / 1024, 30 / 1024),
    "cluster_pods": (0, 0, 0),
    "cluster_services": (0, 0, 0),
    # The same model: 33 + 0.092 a cluster + 0.018 a host. Buoyant: 194-203 of three replicas.
    "waypoint_memory_gib_per_replica": (33 / 1024, 33 / 1024, 66 / 1024),
    "waypoint_memory_gib_per_1000_clusters": (92 / 1024,) * 3,
    "waypoint_memory_gib_per_1000_hosts": (18 / 1024,) * 3,
    # The Istio 1.24 page: 1 vCPU and 1.5 GB for 2,000 sidecars. uds-core: 2.9 millicores for 91
    # proxies, and 27 MiB for 50. Netcracker: 2 MiB a proxy, padded.
    "istiod_vcpu_per_1000_proxies": (0.03, 1 / 2, 1.0),
    "istiod_memory_gib_per_1000_proxies": (
        27 / 50 * 1000 / 1024,
        1.5e9 / 2 / GIB,
        2 * 1000 / 1024,
    ),
    # No source.
    "istiod_ztunnel_to_sidecar_ratio": (0.1, 1, 10),
    "istiod_fixed_share": (0, 0.5, 1),
    # Requests of istio's charts: ztunnel 200m and 512Mi, waypoint 100m and 128Mi.
    "ztunnel_reserved_vcpu_per_node": (0.2, 0.2, 0.2),
    "ztunnel_reserved_memory_gib_per_node": (0.5, 0.5, 0.5),
    "waypoint_reserved_vcpu_per_replica": (0.1, 0.1, 0.1),
    "waypoint_reserved_memory_gib_per_replica": (0.125, 0.125, 0.125),
    # istio-cni: 100m and 100Mi. A waypoint's limit: 2. Autoscalers of the charts: 80 %.
    "istio_cni_reserved_vcpu_per_node": (0.1, 0.1, 0.1),
    "istio_cni_reserved_memory_gib_per_node": (100 * MIB / GIB,) * 3,
    "waypoint_limit_vcpu_per_replica": (2, 2, 2),
    "waypoint_target_utilisation_share": (0.8, 0.8, 0.8),
    "waypoint_spare_replicas": (0, 0, 0),
    # Netcracker's model: 0.32-0.43 measured, 0.45 in it; half of istio/ztunnel issue 1288: 2 vCPU
    # at 72,000 a minute.
    "ztunnel_vcpu_per_1000_new_connections_per_second": (0.32, 0.45, 0.9),
    # The same model: 0.04 for 1000 that stay open, 0.32 for a waypoint's Gbit/s, 0.26 a gateway's.
    "ztunnel_vcpu_per_1000_open_connections": (0.02, 0.04, 0.08),
    "waypoint_vcpu_per_gbit_per_second": (0.26, 0.32, 0.4),
    # It assumes a tenth of the requests on a new connection.
    "http_new_connection_share": (0, 0.1, 0.3),
    # istio.io's load tests: 1 KB each way, and 4 connections.
    "http_bytes_per_request": (2048 / 8, 2048, 8 * 2048),
    "open_connections_per_proxy": (0, 0.5, 4),
    "traffic_growth_factor": (1, 1, 1),
    # KRR's strategy "simple": 95th percentile, 15 % of memory. VPA's recommender: a margin of 15 %.
    "rightsizing_percentile": (95, 95, 95),
    "rightsizing_headroom_share": (0.1, 0.1, 0.1),
    "rightsizing_unseen_headroom_share": (0.15, 0.15, 0.15),
    "rightsizing_memory_headroom_share": (0.15, 0.15, 0.15),
    # No source; Istio's chart has a CPU limit of 20 times the request.
    "rightsizing_memory_limit_share": (1, 1, 1),
    "rightsizing_limit_factor": (10, 10, 10),
    # Ports and subsets of a Service; seven clusters of Istio, an inbound one, four of istiod.
    "scope_clusters_per_called_workload": (1, 2, 4),
    "scope_fixed_clusters": (8, 7 + 1 + 4, 25),
    # AWS: 0.01 out of a zone and 0.01 into the other. Azure bills nothing.
    "zone_transfer_usd_per_gb": (0, 0.02, 0.02),
}

UNIT_WORDS = {
    "usd": "USD",
    "vcpu": "vCPU",
    "gib": "GiB",
    "rps": "requests per second",
    "gbit": "Gbit/s",
    "gb": "GB",
    "node": "node",
    "replica": "replica",
    "proxy": "proxy",
    "month": "month",
    "replicas": "replicas",
}


def test_the_assumptions_are_those_that_are_expected() -> None:
    assert set(assumptions()) == set(ASSUMED)


@pytest.mark.parametrize("name", list(ASSUMED))
def test_an_assumption_has_the_value_of_its_source(name: str) -> None:
    value = assumptions()[name].value

    # The ratio's upper end is written with two decimals.
    assert (value.low, value.mid, value.high) == pytest.approx(ASSUMED[name], rel=1e-3)


@pytest.mark.parametrize("name", list(ASSUMED))
def test_an_assumption_names_its_source_and_its_unit(name: str) -> None:
    item = assumptions()[name]

    assert item.name == name
    assert len(item.source) > 20
    for part in re.split(r"_+", name):
        assert UNIT_WORDS.get(part, "") in item.unit, f"{name} says {part}, its unit does not"


def test_an_assumption_whose_sources_differ_has_a_range() -> None:
    ranged = {name for name, item in assumptions().items() if item.value.low < item.value.high}

    assert ranged == {name for name, (low, _, high) in ASSUMED.items() if low < high}


def test_the_posts_figures_are_the_posts() -> None:
    post = published_constants()[BLOG]

    # "0.6 vCPU for 1000 requests per second", used per pod and per waypoint; "0.3 vCPU per node
    # instance".
    assert (post.sidecar_vcpu_per_proxy, post.waypoint_vcpu_per_replica) == (0.6, 0.6)
    assert post.ztunnel_vcpu_per_node == 0.3
    assert not post.needs_requests
    assert post.sidecar_vcpu_per_1000_rps is None


def test_the_posts_constants_come_first_then_istios_then_those_of_others() -> None:
    assert list(published_constants()) == [BLOG, *SIDECAR_VCPU_PER_1000_RPS, *OTHERS]


@pytest.mark.parametrize(("name", "vcpu"), SIDECAR_VCPU_PER_1000_RPS.items())
def test_a_release_has_the_figure_of_its_page(name: str, vcpu: float) -> None:
    release = published_constants()[name]

    assert release.sidecar_vcpu_per_1000_rps == vcpu
    assert release.needs_requests
    assert release.sidecar_vcpu_per_proxy is None
    covered = [int(minor) for minor in re.findall(r"1\.(\d+)", release.title)]
    assert min(covered) <= int(name.removeprefix("istio-1.")) <= max(covered)


def test_only_the_current_page_of_istio_has_ambient() -> None:
    for name in SIDECAR_VCPU_PER_1000_RPS:
        release = published_constants()[name]
        found = (release.ztunnel_vcpu_per_1000_rps, release.waypoint_vcpu_per_1000_rps)
        # Istio 1.24: ztunnel 0.06, waypoint 0.25 vCPU at 1000 requests per second.
        assert found == ((0.06, 0.25) if name == "istio-1.24" else (None, None))


@pytest.mark.parametrize("name", OTHERS)
def test_a_set_of_others_has_the_figures_of_its_source_and_its_conditions(name: str) -> None:
    found = published_constants()[name]
    figures = (
        found.sidecar_vcpu_per_1000_rps,
        found.ztunnel_vcpu_per_1000_rps,
        found.waypoint_vcpu_per_1000_rps,
    )

    for figure, expected in zip(figures, OTHERS[name], strict=True):
        assert (figure is None) == (expected is None)
        assert figure is None or figure == pytest.approx(expected, rel=0.02)
    assert len(found.conditions) > 40


def test_the_draft_of_2023_has_shares_of_the_sidecars() -> None:
    found = published_constants()["solo-2023"]

    # L4 18 %, L4 with L7 60 %.
    assert found.ztunnel_share == 0.18
    assert found.waypoint_share == pytest.approx(0.60 - 0.18)


@pytest.mark.parametrize("name", list(published_constants()))
def test_published_figures_name_their_source(name: str) -> None:
    constants: PublishedConstants = published_constants()[name]

    assert constants.name == name
    assert len(constants.source) > 20
    assert len(constants.title) > 10


def test_the_default_of_a_ztunnel_is_the_current_page() -> None:
    page = published_constants()["istio-1.24"]

    assert assumptions()["ztunnel_vcpu_per_1000_rps"].value.mid == page.ztunnel_vcpu_per_1000_rps
    # "$22 per month per vCPU".
    assert assumptions()["vcpu_month_usd"].value == Interval.exactly(22)


def test_what_depends_on_hardware_names_a_set_with_the_cost_of_a_sidecar() -> None:
    named = {name: item.hardware for name, item in assumptions().items() if item.hardware}

    assert named == {
        "ztunnel_idle_vcpu_per_node": "uds-core-2025",
        "ztunnel_vcpu_per_gbit_per_second": "netcracker-1.30",
        "ztunnel_vcpu_per_1000_new_connections_per_second": "netcracker-1.30",
        "ztunnel_vcpu_per_1000_open_connections": "netcracker-1.30",
        "waypoint_vcpu_per_gbit_per_second": "netcracker-1.30",
    }
    # Netcracker measured no sidecars: its gateway is the stand-in.
    assert published_constants()["uds-core-2025"].hardware_vcpu_per_1000_rps == 0.26
    assert published_constants()["netcracker-1.30"].hardware_vcpu_per_1000_rps == 0.23


def test_ratios_differ_between_sources_by_factors() -> None:
    log_normal = {name for name, item in assumptions().items() if item.is_log_normal}

    assert log_normal == {
        "istiod_memory_gib_per_1000_proxies",
        "istiod_vcpu_per_1000_proxies",
        "istiod_ztunnel_to_sidecar_ratio",
        "sidecar_memory_gib_per_proxy",
        "waypoint_to_sidecar_ratio",
        "ztunnel_to_sidecar_ratio",
        "ztunnel_vcpu_per_1000_new_connections_per_second",
        "ztunnel_vcpu_per_1000_open_connections",
        "waypoint_vcpu_per_gbit_per_second",
        "http_bytes_per_request",
    }


def sample_files() -> list[Path]:
    return [path for path in sample_path("fleet").rglob("*") if path.is_file()]


def test_the_sample_is_small_enough_to_ship() -> None:
    assert 0 < sum(path.stat().st_size for path in sample_files()) < 1024**2


def test_the_sample_loads_and_is_marked_as_simulated() -> None:
    snapshot = load_snapshot(sample_path("fleet"))

    assert "simulated mesh" in snapshot.manifest.note.lower()
    assert "not what Istio costs" in snapshot.manifest.note


def test_the_sample_holds_a_mesh_to_look_at() -> None:
    usage = measure(load_snapshot(sample_path("fleet")))

    assert usage.count(Role.SIDECAR) > 100
    assert usage.count(Role.GATEWAY) > 0
    assert len(usage.observed_points) > 100
    assert not usage.calls.empty


def test_the_sample_has_what_else_may_cost_its_proxies_cpu() -> None:
    steps = measure(load_snapshot(sample_path("fleet"))).of_role(Role.SIDECAR)
    clusters = steps["configured_clusters"]

    carried = steps[steps["proxy_rps"] > 0]
    assert (carried["http_bytes_per_second"] > 500 * carried["proxy_rps"]).all()
    assert (steps["new_connections_per_second"] > 0).any()
    assert clusters.isna().mean() < 0.001
    assert set(clusters.dropna()) == {14, 96}
    # Now and then, and too little to distort what a request costs.
    assert 0 < steps["throttled_share"].max() < 0.01
    assert steps["resets"].sum() > 0


def test_the_sample_names_no_machine_but_a_loopback_address() -> None:
    manifest = load_snapshot(sample_path("fleet")).manifest

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", manifest.source)


def test_the_sample_is_there_by_its_name_and_others_are_not() -> None:
    assert sample_path() == sample_path(DEFAULT_SAMPLE)
    assert sample_path("fleet") != sample_path()
    with pytest.raises(UsageError, match=r"'nothing'; .*fleet, lab"):
        sample_path("nothing")


@pytest.mark.parametrize("name", ["../../calibration", "", ".", "/"])
def test_no_name_leads_out_of_the_samples(name: str) -> None:
    with pytest.raises(UsageError, match="no bundled sample"):
        sample_path(name)


def test_the_schema_is_there() -> None:
    assert schema_path().is_file()
