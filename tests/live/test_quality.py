"""Every finding about the data: a mesh that triggers it, and others that do not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from analyzer.measurement import MeshUsage, measure
from analyzer.measurement.findings import Finding, Severity
from analyzer.notebook.api import collect
from tests.support import (
    Mesh,
    PrometheusServer,
    Series,
    build_mesh,
    dialect,
    dialect_mesh,
    retained_from,
    unseen,
    with_gap,
    with_instance_types,
    with_pod_labels,
    with_short_lives,
    with_streams,
    with_throttling,
)
from tests.support.scraping import with_series

pytestmark = [pytest.mark.live, pytest.mark.few(2)]

_SPEC = dialect_mesh()
_HTTP_ONLY = replace(
    _SPEC, workloads=tuple(item for item in _SPEC.workloads if item.namespace != "data")
)
_FAST = replace(_HTTP_ONLY, envoy_scrape_seconds=15, cadvisor_scrape_seconds=15)


_OF_ZTUNNELS = "ztunnel_requests_unknown"


def _stack(mesh: Mesh) -> Mesh:
    return dialect("kube-prometheus-stack").tell(mesh)


def _mesh() -> Mesh:
    return build_mesh(_HTTP_ONLY)


def _silenced(mesh: Mesh, namespace: str) -> Mesh:
    """Switch Istio's metrics off in a namespace: of its Envoys only their build is left."""
    kept = (
        one
        for one in mesh.series
        if dict(one.labels).get("namespace") != namespace
        or not one.name.startswith("istio_")
        or one.name == "istio_build"
    )
    return with_series(mesh, kept)


def _thinned(mesh: Mesh) -> Mesh:
    """Return a mesh of which every fourth sample is left, but of its last hour all."""
    last_ms = mesh.spec.start_ms + mesh.spec.window_seconds * 1000 - 3_600_000

    def kept(one: Series) -> Series:
        chosen = (one.times_ms >= last_ms) | (np.arange(one.times_ms.size) % 4 == 0)
        return replace(one, times_ms=one.times_ms[chosen], values=one.values[chosen])

    return with_series(mesh, map(kept, mesh.series))


_FLAWED: Mapping[str, Callable[[], Mesh]] = {
    "cpu_without_requests": lambda: _stack(unseen(_mesh(), "payments", {"envoy"})),
    "requests_without_cpu": lambda: _stack(unseen(_mesh(), "payments", {"cadvisor"})),
    "requests_not_reported": lambda: _silenced(_stack(_mesh()), "payments"),
    "tcp_only": lambda: _stack(build_mesh(_SPEC)),
    "ambiguous_roles": lambda: dialect("istio-production-federation").told(_SPEC),
    "grpc_streams": lambda: _stack(with_streams(_mesh(), "shop/catalog")),
    "throttled": lambda: _stack(with_throttling(_mesh(), ["shop/frontend"])),
    "short_lives": lambda: _stack(with_short_lives(_mesh(), "shop/frontend")),
    "short_retention": lambda: _stack(retained_from(_mesh(), hours=0.6)),
    "gaps": lambda: _stack(with_gap(_mesh(), after_hours=1, hours=0.4)),
    "recorded_cpu": lambda: dialect("recording-rules").told(_HTTP_ONLY),
    "by_address": lambda: dialect("istio-option-2").told(_HTTP_ONLY),
    "by_workload": lambda: dialect("istio-production-federation").told(_SPEC),
    "instance_types": lambda: _stack(with_instance_types(_mesh())),
    "duplicate_scrapes": lambda: dialect("two-jobs-of-one-envoy").told(_HTTP_ONLY),
    "counter_resets": lambda: _stack(build_mesh(replace(_HTTP_ONLY, restarts=0.3))),
    "nodes_of_proxies": lambda: dialect("istio-sample-addon").told(_HTTP_ONLY),
    "coarse_scrapes": lambda: _stack(_mesh()),
    "thinned_samples": lambda: _stack(_thinned(build_mesh(_FAST))),
    "no_pod_labels": lambda: _stack(_mesh()),
}


@cache
def _usage(folder: Path, name: str) -> MeshUsage:
    mesh = _FLAWED[name]() if name else _stack(with_pod_labels(build_mesh(_FAST)))
    with PrometheusServer(folder / f"{name}-server") as server:
        server.fill(mesh)
        snapshot = collect(
            server.url,
            days=mesh.spec.hours / 24,
            end=mesh.spec.end,
            path=folder / f"{name}-snapshot",
        ).snapshot
    return measure(snapshot)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quality")


def _found(usage: MeshUsage, name: str) -> Finding:
    return next(finding for finding in usage.findings if finding.name == name)


def test_a_mesh_without_a_flaw_is_short_and_has_ztunnels(folder: Path) -> None:
    names = {finding.name for finding in _usage(folder, "").findings}

    assert names == {"short_window", _OF_ZTUNNELS}


def test_what_ztunnels_do_not_count_is_a_limit_and_no_flaw(folder: Path) -> None:
    finding = _found(_usage(folder, ""), _OF_ZTUNNELS)

    assert (finding.severity, finding.moves_totals) == (Severity.INFO, False)


@pytest.mark.parametrize("name", _FLAWED)
def test_each_flaw_is_found(folder: Path, name: str) -> None:
    finding = _found(_usage(folder, name), name)

    assert finding.text
    assert "\n" not in str(finding)


@pytest.mark.parametrize("name", _FLAWED)
def test_no_flaw_is_taken_for_another(folder: Path, name: str) -> None:
    """These meshes share coarse scrapes, no pod labels and ztunnels, and are hours long."""
    also = {
        "by_workload": {"ambiguous_roles", "cpu_without_requests"},
        "ambiguous_roles": {"by_workload", "cpu_without_requests"},
        "short_retention": {"sparse_window"},
        # The steps at both ends of the gap are covered in part.
        "gaps": {"sparse_window"},
    }
    shared = {"coarse_scrapes", "no_pod_labels", "short_window", _OF_ZTUNNELS}
    names = {finding.name for finding in _usage(folder, name).findings}

    assert names - shared - also.get(name, set()) == {name} - shared


@pytest.mark.parametrize(
    ("name", "pods"),
    [
        ("cpu_without_requests", 9),
        ("requests_without_cpu", 9),
        # The other four are called from within their own namespace only, which no proxy reports.
        ("requests_not_reported", 5),
        ("tcp_only", 3),
        ("throttled", 8),
        ("short_lives", 10),
        ("ambiguous_roles", 2),
    ],
)
def test_the_affected_proxies_are_named(folder: Path, name: str, pods: int) -> None:
    finding = _found(_usage(folder, name), name)

    assert len(finding.affected) == pods
    assert all(pod.count("/") == 1 for pod in finding.affected)
    assert str(pods) in finding.text


def test_what_has_no_requests_is_weighed_by_its_cpu(folder: Path) -> None:
    usage = _usage(folder, "cpu_without_requests")
    finding = _found(usage, "cpu_without_requests")
    truth = build_mesh(_HTTP_ONLY).truth
    payments = truth.namespace_sidecar_vcpu["payments"] / truth.sidecar_vcpu

    assert finding.cpu_share == pytest.approx(payments, rel=0.02)
    assert finding.severity is Severity.SERIOUS
    assert usage.known_share("cpu_vcpu", "proxy_rps") == pytest.approx(1 - payments, rel=0.02)


def test_what_has_no_cpu_is_weighed_by_its_requests(folder: Path) -> None:
    usage = _usage(folder, "requests_without_cpu")
    finding = _found(usage, "requests_without_cpu")
    truth = build_mesh(_HTTP_ONLY).truth
    rps = sum(item.proxy_rps for item in truth.of_role("sidecar") if item.namespace == "payments")

    assert finding.rps_share == pytest.approx(rps / truth.proxy_rps, rel=0.02)
    assert usage.known_share("proxy_rps", "cpu_vcpu") == pytest.approx(
        1 - rps / truth.proxy_rps, rel=0.02
    )


def test_pod_labels_are_the_first_evidence_of_a_role(folder: Path) -> None:
    usage = _usage(folder, "")
    truth = build_mesh(_FAST).truth
    evidence = usage.proxies.groupby("role")["evidence"].unique()

    assert set(evidence["sidecar"]) == {"label tlsMode"}
    assert set(evidence["waypoint"]) == {"label gateway-class-name"}
    for role in ("sidecar", "gateway", "waypoint", "ztunnel"):
        assert (usage.proxies["role"] == role).sum() == truth.pod_count(role)
