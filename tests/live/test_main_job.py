"""The main job on 300 pods and a day, against the truth that the mesh was made from."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analyzer.data import schema_path
from analyzer.report.charts import CHARTS
from tests.live.command import Outcome, run, run_cold
from tests.support import FilledMesh, MeshCache, PrometheusServer, Truth, default_mesh

pytestmark = pytest.mark.live

TABLES = ("modes", "namespaces", "workloads", "nodes", "timeline", "proxies")


@pytest.fixture(scope="module")
def filled(mesh_cache: MeshCache) -> FilledMesh:
    return mesh_cache.filled(default_mesh(pods=300, hours=24))


@pytest.fixture(scope="module")
def truth(filled: FilledMesh) -> Truth:
    return filled.truth


@pytest.fixture(scope="module")
def server(
    filled: FilledMesh, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    with filled.serve(tmp_path_factory.mktemp("main") / "server") as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("answers") / "out"


@pytest.fixture(scope="module")
def analyzed(server: PrometheusServer, filled: FilledMesh, folder: Path) -> Outcome:
    end = filled.spec.end.isoformat()
    return run_cold(
        "analyze", "-p", server.url, "--days", 1, "--end", end, "-o", folder, "--format", "json"
    )


@pytest.fixture(scope="module")
def answer(analyzed: Outcome) -> dict[str, Any]:
    assert analyzed.status == 0, analyzed.stderr
    return analyzed.document


def test_the_mesh_slope_is_within_3_percent_of_the_truth(
    answer: dict[str, Any], truth: Truth
) -> None:
    slope = answer["calibration"]["sidecar"]["vcpu_per_1000_rps"]

    assert slope["mid"] == pytest.approx(truth.mesh_vcpu_per_1000_rps, rel=0.03)
    assert slope["low"] <= slope["mid"] <= slope["high"]


def test_the_mean_idle_is_within_10_percent_of_the_truth(
    answer: dict[str, Any], truth: Truth
) -> None:
    """Over the workloads whose idle can be known: TCP's CPU has no requests to fit."""
    known = [workload for workload in truth.of_role("sidecar") if workload.traffic != "tcp"]
    alive = sum(workload.mean_pods_alive for workload in known)
    idle = sum(workload.mean_pods_alive * workload.idle_vcpu for workload in known) / alive

    assert answer["calibration"]["sidecar"]["idle_vcpu_per_proxy"]["mid"] == pytest.approx(
        idle, rel=0.1
    )


def test_every_workload_is_within_its_reach_of_the_truth(
    answer: dict[str, Any], truth: Truth
) -> None:
    fitted = {
        (item["namespace"], item["workload"]): item["vcpu_per_1000_rps"]["mid"]
        for item in answer["calibration"]["workloads"]
        if "vcpu_per_1000_rps" in item and item["provenance"] == "measured"
    }
    chosen = {
        (item.namespace, item.name): item.vcpu_per_1000_rps
        for item in truth.of_role("sidecar")
        if item.traffic == "http"
    }

    assert fitted.keys() == chosen.keys()
    for workload, slope in chosen.items():
        assert fitted[workload] == pytest.approx(slope, rel=0.2), workload


def test_workloads_without_traffic_borrow_their_slope_and_say_so(
    answer: dict[str, Any], truth: Truth
) -> None:
    borrowed = {
        (item["namespace"], item["workload"]): item
        for item in answer["calibration"]["workloads"]
        if item["provenance"] == "derived"
    }
    silent = {
        (item.namespace, item.name): item.idle_vcpu
        for item in truth.of_role("sidecar")
        if item.traffic == "none"
    }

    assert borrowed.keys() == silent.keys()
    for workload, idle_vcpu in silent.items():
        assert borrowed[workload]["own_share"] == 0
        assert borrowed[workload]["idle_vcpu_per_proxy"]["mid"] == pytest.approx(idle_vcpu, rel=0.1)


def test_the_measured_sidecars_are_within_1_percent_of_the_truth(
    answer: dict[str, Any], truth: Truth
) -> None:
    measured = answer["measured"]

    assert measured["sidecar_vcpu"] == pytest.approx(truth.sidecar_vcpu, rel=0.01)
    assert measured["sidecar_reserved_vcpu"] == pytest.approx(truth.sidecar_reserved_vcpu, rel=0.01)
    assert measured["sidecar_memory_gib"] == pytest.approx(
        truth.sidecar_memory_bytes / 1024**3, rel=0.02
    )


def test_gateways_waypoints_and_ztunnels_are_counted_apart(
    answer: dict[str, Any], truth: Truth
) -> None:
    mesh = answer["mesh"]

    for role in ("sidecar", "gateway", "waypoint", "ztunnel"):
        assert mesh[f"{role}_count"] == round(truth.mean_pods_alive(role)), role
    assert mesh["node_count"] == truth.node_count
    others = truth.role_sum("gateway", lambda item: item.vcpu)
    # Had the gateways been in, the figure above would not be within 1 %.
    assert others > 0.1 * truth.sidecar_vcpu


def test_requests_are_counted_by_proxy_and_by_call(answer: dict[str, Any], truth: Truth) -> None:
    assert answer["mesh"]["proxy_rps"] == pytest.approx(truth.proxy_rps, rel=0.01)
    assert answer["mesh"]["mesh_rps"] == pytest.approx(truth.mesh_rps, rel=0.01)


def test_the_dashboard_ratio_smears_idle_into_the_slope(
    answer: dict[str, Any], truth: Truth
) -> None:
    sidecar = answer["calibration"]["sidecar"]

    assert sidecar["ratio_vcpu_per_1000_rps"] == pytest.approx(
        truth.ratio_vcpu_per_1000_rps, rel=0.01
    )
    assert sidecar["ratio_vcpu_per_1000_rps"] > 1.2 * sidecar["vcpu_per_1000_rps"]["mid"]


def test_the_measured_cpu_is_divided_without_remainder(answer: dict[str, Any]) -> None:
    parts = answer["calibration"]["decomposition"]
    named = ("idle_vcpu", "traffic_vcpu", "tcp_vcpu", "excluded_vcpu", "unexplained_vcpu")

    assert sum(parts[name] for name in named) == pytest.approx(parts["measured_vcpu"], rel=1e-8)
    assert abs(parts["unexplained_vcpu"]) < 0.03 * parts["measured_vcpu"]


def test_the_answer_keeps_what_its_schema_promises(answer: dict[str, Any]) -> None:
    schema = json.loads(schema_path().read_text())

    jsonschema.Draft202012Validator(schema).validate(answer)


def test_the_report_is_written_beside_the_snapshot(answer: dict[str, Any], folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}

    assert names == {
        "snapshot",
        "result.json",
        "report.md",
        "report.html",
        *(f"{name}.csv" for name in (*TABLES, "findings")),
        *(f"{name}.png" for name in CHARTS),
    }
    assert json.loads((folder / "result.json").read_text()) == answer
    assert (folder / "cost.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_snapshot_gives_the_same_bytes(answer: dict[str, Any], folder: Path) -> None:
    assert answer
    first, second = (run("calibrate", folder / "snapshot", "--format", "json") for _ in range(2))

    assert first.status == 0
    assert first.stdout == second.stdout


def test_a_day_of_300_pods_takes_few_requests(
    answer: dict[str, Any], server: PrometheusServer
) -> None:
    assert answer
    assert len(server.query_log()) <= 36


def test_doctor_says_that_the_question_can_be_answered(
    server: PrometheusServer, filled: FilledMesh
) -> None:
    outcome = run("doctor", "-p", server.url, "--days", 1, "--end", filled.spec.end.isoformat())

    assert outcome.status == 0
    text = " ".join(outcome.stdout.split())
    assert "warn node_cpu_hourly_cost: " in text
    assert "Scrape OpenCost" in text
    assert "yes Cost of the ambient" in text
    assert " 600 s" in text
