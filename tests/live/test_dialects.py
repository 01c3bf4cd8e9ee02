"""One mesh in every dialect: the same answer, or by name what the dialect makes impossible."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from analyzer.errors import InsufficientData
from analyzer.measurement import MeshUsage, measure
from analyzer.notebook.api import collect
from analyzer.prometheus.label_mapping import Attribution
from analyzer.units import Role
from tests.support import (
    CLUSTERS,
    DIALECTS,
    Dialect,
    Mesh,
    PrometheusServer,
    build_mesh,
    dialect,
    dialect_mesh,
    roles_mesh,
)

pytestmark = [pytest.mark.live, pytest.mark.few(3)]

_SPEC = dialect_mesh()
_IMPOSSIBLE = "empty-container-labels"
_ANSWERED = [one.name for one in DIALECTS if one.name != _IMPOSSIBLE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A mesh as one dialect stores it, and its measurement."""

    dialect: Dialect
    mesh: Mesh
    usage: MeshUsage
    attribution: Attribution


def _measured(mesh: Mesh, folder: Path) -> tuple[MeshUsage, Attribution]:
    with PrometheusServer(folder / "server") as server:
        server.fill(mesh)
        snapshot = collect(
            server.url, days=mesh.spec.hours / 24, end=mesh.spec.end, path=folder / "snapshot"
        ).snapshot
    return measure(snapshot), snapshot.manifest.label_mapping.attribution


@cache
def _answered(folder: Path, name: str) -> Answered:
    one = dialect(name)
    mesh = one.told(_SPEC)
    usage, attribution = _measured(mesh, folder / name)
    return Answered(dialect=one, mesh=mesh, usage=usage, attribution=attribution)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dialects")


@pytest.fixture(params=_ANSWERED)
def answered(request: pytest.FixtureRequest, folder: Path) -> Answered:
    name: str = request.param
    return _answered(folder, name)


# --- every dialect ---


def test_the_totals_of_the_sidecars_are_the_truth_within_a_percent(answered: Answered) -> None:
    usage, truth = answered.usage, answered.mesh.truth

    assert {"sidecar_vcpu", "sidecar_rps"} <= answered.dialect.possible
    cpu, rps = (usage.mean_total(Role.SIDECAR, name) for name in ("cpu_vcpu", "proxy_rps"))
    # Without istio_build nothing shows that the mesh begins in the first step: it reads low.
    tolerance = 0.012 if answered.attribution == Attribution.WORKLOAD else 0.01
    assert (cpu, rps) == pytest.approx((truth.sidecar_vcpu, truth.proxy_rps), rel=tolerance)


def test_proxies_are_counted_by_role_or_named_as_ambiguous(answered: Answered) -> None:
    usage, truth = answered.usage, answered.mesh.truth
    counts = {role: usage.count(role) for role in Role}
    refused = {refusal.subject for refusal in usage.refusals}

    if "roles" in answered.dialect.possible:
        assert refused == set()
        assert counts == {role: truth.pod_count(role.value) for role in Role}
        return
    waypoints = [pod for pod in answered.mesh.pods if pod.workload.role == "waypoint"]
    assert refused == {f"role of {pod.workload.namespace}/{pod.name}" for pod in waypoints}
    assert counts == {role: truth.pod_count(role.value) for role in Role} | {Role.WAYPOINT: 0}


def test_reservations_and_nodes_are_exact_or_known_to_be_missing(answered: Answered) -> None:
    usage, truth = answered.usage, answered.mesh.truth
    totals = [
        usage.mean_total(Role.SIDECAR, name) for name in ("reserved_vcpu", "reserved_memory_bytes")
    ]

    if "reservations" in answered.dialect.possible:
        expected = [truth.sidecar_reserved_vcpu, truth.sidecar_reserved_memory_bytes]
        assert totals == pytest.approx(expected, rel=1e-6)
        assert len(usage.nodes) == truth.node_count
        assert set(usage.nodes["allocatable_vcpu"]) == {truth.node_vcpu}
        return
    assert totals == [None, None]
    assert usage.nodes.empty
    missing = [item.affected for item in usage.warnings if item.name == "missing_metric"]
    for metric in (
        "kube_pod_info",
        "kube_pod_container_resource_requests",
        "kube_node_status_allocatable",
    ):
        assert (metric,) in missing


def test_every_proxy_is_on_its_node(answered: Answered) -> None:
    assert "placement" in answered.dialect.possible
    proxies = answered.usage.proxies
    found = {tuple(row) for row in proxies[["namespace", "pod", "node"]].to_numpy().tolist()}
    told = {
        (pod.workload.namespace, pod.name, f"node-{pod.node:02d}") for pod in answered.mesh.pods
    }

    assert {
        (ns.rpartition("/")[2], pod, node.rpartition("/")[2]) for ns, pod, node in found
    } == told
    assert len(found) == len(proxies) == len(answered.mesh.pods)


def test_tcp_is_the_truth_or_not_known(answered: Answered) -> None:
    usage, truth = answered.usage, answered.mesh.truth
    found = {
        role: usage.mean_total(role, "tcp_bytes_per_second")
        for role in (Role.SIDECAR, Role.ZTUNNEL)
    }
    true = {
        role: truth.role_sum(role.value, lambda item: item.tcp_bytes_per_second) for role in found
    }

    if "tcp_bytes" in answered.dialect.possible:
        assert found == pytest.approx(true, rel=0.01)
    elif answered.attribution == Attribution.ADDRESS:
        assert found == {
            Role.SIDECAR: pytest.approx(true[Role.SIDECAR], rel=0.01),
            Role.ZTUNNEL: None,
        }
    else:
        assert found == {Role.SIDECAR: None, Role.ZTUNNEL: None}


def test_http_bytes_and_new_connections_are_the_truth_or_not_known(answered: Answered) -> None:
    """Wherever requests are known by pod so are their bytes: nothing but pods leads them back."""
    usage, truth = answered.usage, answered.mesh.truth
    true = {
        "http_bytes_per_second": truth.role_sum("sidecar", lambda w: w.http_bytes_per_second),
        "new_connections_per_second": truth.role_sum(
            "sidecar", lambda w: w.new_connections_per_second
        ),
        "open_connections": truth.role_sum("sidecar", lambda w: w.open_connections),
    }
    found = {column: usage.mean_total(Role.SIDECAR, column) for column in true}

    by_pod = "rps_per_pod" in answered.dialect.possible
    assert found == (pytest.approx(true, rel=0.01) if by_pod else dict.fromkeys(true))


def test_requests_of_a_pod_are_its_own_or_said_to_be_its_workloads_mean(
    answered: Answered,
) -> None:
    findings = {finding.name for finding in answered.usage.findings}

    assert ("by_workload" in findings) == ("rps_per_pod" not in answered.dialect.possible)
    assert ("by_address" in findings) == (answered.attribution == Attribution.ADDRESS)


# --- what one dialect makes impossible, and what it must not do ---


def test_without_containers_the_cpu_of_sidecars_is_refused_with_what_mends_it(
    tmp_path: Path,
) -> None:
    one = dialect(_IMPOSSIBLE)
    assert "sidecar_vcpu" not in one.possible

    with pytest.raises(InsufficientData) as caught:
        _measured(one.told(_SPEC), tmp_path)
    message = str(caught.value)
    assert "have no container name" in message
    assert "keep the label `container`" in message


def test_two_jobs_of_the_same_envoy_do_not_double_the_requests(folder: Path) -> None:
    twice = _answered(folder, "two-jobs-of-one-envoy")
    series = twice.mesh.named("istio_requests_total")
    jobs = {dict(one.labels)["job"] for one in series}
    calls = twice.usage.calls["rps"].sum() / len(twice.usage.observed_points)

    assert len(jobs) == 2
    assert len(series) == 2 * len(build_mesh(_SPEC).named("istio_requests_total"))
    assert twice.usage.mean_total(Role.SIDECAR, "proxy_rps") == pytest.approx(
        twice.mesh.truth.proxy_rps, rel=0.01
    )
    assert calls == pytest.approx(twice.mesh.truth.mesh_rps, rel=0.01)
    (finding,) = (one for one in twice.usage.findings if one.name == "duplicate_scrapes")
    assert "the metrics of 30 proxies" in finding.text


def test_a_pair_of_prometheus_does_not_double_the_cpu(folder: Path) -> None:
    pair = _answered(folder, "pair-of-prometheus")
    replicas = {
        dict(one.labels)["prometheus_replica"]
        for one in pair.mesh.named("container_cpu_usage_seconds_total", container="istio-proxy")
    }

    assert len(replicas) == 2
    for role in Role:
        true = pair.mesh.truth.role_sum(role.value, lambda item: item.vcpu)
        assert pair.usage.mean_total(role, "cpu_vcpu") == pytest.approx(true, rel=0.01), role
    (finding,) = (one for one in pair.usage.findings if one.name == "duplicate_scrapes")
    assert "the CPU of 40 proxies" in finding.text


@pytest.mark.parametrize("name", ["two-clusters", "two-clusters-by-cluster-name"])
def test_two_clusters_are_two_meshes_in_one(name: str, folder: Path) -> None:
    usage = _answered(folder, name).usage
    rows = usage.of_role(Role.SIDECAR)
    cluster = rows["namespace"].str.partition("/")[0]
    totals = rows["proxy_rps"].groupby(cluster).sum() / len(usage.observed_points)
    truth = build_mesh(_SPEC).truth

    assert usage.clusters == tuple(CLUSTERS)
    assert totals.to_dict() == pytest.approx(
        {name: share * truth.proxy_rps for name, share in CLUSTERS.items()}, rel=0.01
    )


# --- every role, many times ---


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Answered:
    one = dialect("kube-prometheus-stack")
    mesh = one.told(roles_mesh())
    usage, attribution = _measured(mesh, tmp_path_factory.mktemp("roles"))
    return Answered(dialect=one, mesh=mesh, usage=usage, attribution=attribution)


def test_every_proxy_is_counted_in_its_role(roles: Answered) -> None:
    counts = {role: roles.usage.count(role) for role in Role}

    expected = (200, 3, 5, 4)
    assert counts == dict(zip(Role, expected, strict=True))
    told = {(pod.workload.namespace, pod.name): pod.workload.role for pod in roles.mesh.pods}
    found = roles.usage.proxies.set_index(["namespace", "pod"])["role"]
    assert found.to_dict() == told
    assert sum(pod.workload.native for pod in roles.mesh.pods) == 100
    assert roles.usage.refusals == ()


def test_the_cpu_of_the_sidecars_is_that_of_the_sidecars_alone(roles: Answered) -> None:
    truth = roles.mesh.truth
    found = {role: roles.usage.mean_total(role, "cpu_vcpu") for role in Role}
    true = {role: truth.role_sum(role.value, lambda item: item.vcpu) for role in Role}

    assert found == pytest.approx(true, rel=0.005)
    # Had any one proxy of another role been among the sidecars, that would show.
    smallest = min(item.vcpu / item.pod_count for item in truth.workloads if item.role != "sidecar")
    off = abs((found[Role.SIDECAR] or 0.0) - true[Role.SIDECAR])
    assert off < smallest / 2


@pytest.mark.parametrize("column", ["reserved_vcpu", "reserved_memory_bytes"])
def test_what_each_role_reserves_is_exact(column: str, roles: Answered) -> None:
    truth = roles.mesh.truth

    for role in Role:
        true = truth.role_sum(role.value, lambda item: getattr(item, column))
        assert roles.usage.mean_total(role, column) == pytest.approx(true, rel=1e-9), role
