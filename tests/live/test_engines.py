"""The same mesh in Prometheus and in VictoriaMetrics: the same answer, and the truth."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.measurement import MeshUsage, measure
from analyzer.measurement.findings import Severity
from analyzer.measurement.snapshot import Snapshot
from analyzer.notebook.api import collect
from analyzer.units import Role
from tests.support import (
    Mesh,
    PrometheusServer,
    ServerProcess,
    VictoriaServer,
    build_mesh,
    default_mesh,
    dialect,
    dialect_mesh,
)

pytestmark = pytest.mark.live

_SPEC = replace(default_mesh(pods=60, hours=6), node_prices=True)
_ENGINES: dict[str, type[ServerProcess]] = {
    "Prometheus": PrometheusServer,
    "VictoriaMetrics": VictoriaServer,
}
_TOTALS = (
    "cpu_vcpu",
    "proxy_rps",
    "tcp_bytes_per_second",
    "http_bytes_per_second",
    "new_connections_per_second",
    "inbound_tcp_bytes_per_second",
    "open_connections",
    "memory_bytes",
    "reserved_vcpu",
    "reserved_memory_bytes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What was measured and fitted of the mesh in one engine."""

    snapshot: Snapshot
    usage: MeshUsage
    calibration: Calibration

    @property
    def sidecar(self) -> RoleCalibration:
        fit = self.calibration.sidecar
        assert isinstance(fit, RoleCalibration), fit
        return fit


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return dialect("kube-prometheus-stack").tell(build_mesh(_SPEC))


@pytest.fixture(scope="module")
def engines(mesh: Mesh, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Engine]:
    found = {}
    for name, kind in _ENGINES.items():
        folder = tmp_path_factory.mktemp(name)
        with kind(folder / "server") as server:
            server.fill(mesh)
            snapshot = collect(
                server.url, days=_SPEC.hours / 24, end=_SPEC.end, path=folder / "snapshot"
            ).snapshot
        usage = measure(snapshot)
        found[name] = Engine(snapshot=snapshot, usage=usage, calibration=calibrate_usage(usage))
    return found


def test_both_are_asked_the_same_and_found_to_speak_alike(engines: dict[str, Engine]) -> None:
    one, other = (engine.snapshot.manifest for engine in engines.values())

    assert one.label_mapping == other.label_mapping
    assert one.window == other.window
    assert one.warnings == other.warnings
    assert (one.cpu_scrape_seconds, one.request_scrape_seconds) == (
        other.cpu_scrape_seconds,
        other.request_scrape_seconds,
    )
    # Only how far back the rates read differs: VictoriaMetrics uses the sample before a range.
    mine, theirs = (
        [(query.name, re.sub(r"\[\w+\]", "[]", query.promql)) for query in of_engine.queries]
        for of_engine in (one, other)
    )
    assert mine == theirs


def test_labels_that_a_store_drops_are_told_by_what_they_take_away(tmp_path: Path) -> None:
    """VictoriaMetrics keeps 30 labels of a series: of federated sums, it loses their sources."""
    mesh = dialect("istio-production-federation").told(dialect_mesh())
    with VictoriaServer(tmp_path / "server") as server:
        server.fill(mesh)
        days, end = mesh.spec.hours / 24, mesh.spec.end
        usage = measure(
            collect(server.url, days=days, end=end, path=tmp_path / "snapshot").snapshot
        )

    sent = mesh.truth.role_sum("sidecar", lambda item: item.outbound_rps)
    found = usage.mean_total(Role.SIDECAR, "proxy_rps")
    assert found == pytest.approx(mesh.truth.proxy_rps - sent, rel=0.01)
    (finding,) = (one for one in usage.findings if one.name == "unattributed_requests")
    assert finding.severity is Severity.SERIOUS
    assert "-maxLabelsPerTimeseries" in finding.fix


@pytest.mark.parametrize("column", _TOTALS)
@pytest.mark.parametrize("role", Role)
def test_totals_agree_within_2_percent(role: Role, column: str, engines: dict[str, Engine]) -> None:
    one, other = (engine.usage.mean_total(role, column) for engine in engines.values())

    assert one is not None
    assert other == pytest.approx(one, rel=0.02)


def test_roles_nodes_and_calls_agree(engines: dict[str, Engine]) -> None:
    one, other = (engine.usage for engine in engines.values())

    columns = ["namespace", "pod", "workload", "node", "role"]
    assert one.proxies[columns].equals(other.proxies[columns])
    assert one.nodes.equals(other.nodes)
    assert other.calls["rps"].sum() == pytest.approx(one.calls["rps"].sum(), rel=0.02)


def test_what_a_request_and_an_idle_proxy_cost_agrees_within_2_percent(
    engines: dict[str, Engine],
) -> None:
    one, other = (engine.sidecar for engine in engines.values())

    assert other.vcpu_per_1000_rps.mid == pytest.approx(one.vcpu_per_1000_rps.mid, rel=0.02)
    assert other.idle_vcpu_per_proxy.mid == pytest.approx(one.idle_vcpu_per_proxy.mid, rel=0.02)


@pytest.mark.parametrize("name", _ENGINES)
def test_each_holds_against_the_truth(name: str, engines: dict[str, Engine], mesh: Mesh) -> None:
    engine, truth = engines[name], mesh.truth
    found = {column: engine.usage.mean_total(Role.SIDECAR, column) for column in _TOTALS}

    assert found == pytest.approx(
        {
            "cpu_vcpu": truth.sidecar_vcpu,
            "proxy_rps": truth.proxy_rps,
            "tcp_bytes_per_second": truth.role_sum(
                "sidecar", lambda item: item.tcp_bytes_per_second
            ),
            "http_bytes_per_second": truth.role_sum(
                "sidecar", lambda item: item.http_bytes_per_second
            ),
            "new_connections_per_second": truth.role_sum(
                "sidecar", lambda item: item.new_connections_per_second
            ),
            "inbound_tcp_bytes_per_second": truth.role_sum(
                "sidecar", lambda item: item.inbound_tcp_bytes_per_second
            ),
            "open_connections": truth.role_sum("sidecar", lambda item: item.open_connections),
            "memory_bytes": truth.sidecar_memory_bytes,
            "reserved_vcpu": truth.sidecar_reserved_vcpu,
            "reserved_memory_bytes": truth.sidecar_reserved_memory_bytes,
        },
        rel=0.01,
    )
    assert engine.sidecar.vcpu_per_1000_rps.mid == pytest.approx(
        truth.mesh_vcpu_per_1000_rps, rel=0.03
    )
    for role in Role:
        assert engine.usage.count(role) == round(truth.mean_pods_alive(role.value)), role


@pytest.mark.parametrize("name", _ENGINES)
def test_the_idle_of_each_is_the_truth_within_10_percent(
    name: str, engines: dict[str, Engine], mesh: Mesh
) -> None:
    """Over the workloads whose idle can be known: TCP's CPU has no requests to fit."""
    known = [item for item in mesh.truth.of_role("sidecar") if item.traffic != "tcp"]
    alive = sum(item.mean_pods_alive for item in known)
    idle = sum(item.mean_pods_alive * item.idle_vcpu for item in known) / alive

    assert engines[name].sidecar.idle_vcpu_per_proxy.mid == pytest.approx(idle, rel=0.1)
