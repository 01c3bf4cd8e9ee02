"""One mesh before and after a part of it moved, each from a real Prometheus, then compared."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analyzer.data import schema_path
from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.usage import measure
from analyzer.units import Role
from tests.live.command import Outcome, run
from tests.support import FilledMesh, MeshCache, after_migration, before_migration

pytestmark = pytest.mark.live

_BEFORE = before_migration()
_AFTER = after_migration(waypoint_factor=1.3)


@pytest.fixture(scope="module")
def snapshots(mesh_cache: MeshCache, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("compared")
    before, after = (
        _collected(mesh_cache.filled(spec), folder / name)
        for name, spec in (("before", _BEFORE), ("after", _AFTER))
    )
    return before, after


def _collected(filled: FilledMesh, folder: Path, *options: str, **environment: str) -> Path:
    start, end = filled.spec.start.isoformat(), filled.spec.end.isoformat()
    with filled.serve(folder / "server") as server:
        window = ("--start", start, "--end", end)
        asked = ("collect", "-p", server.url, *window, "-o", folder / "snapshot", *options)
        outcome = run(*asked, **environment)
    assert outcome.status == 0, outcome.stderr
    return folder / "snapshot"


@pytest.fixture(scope="module")
def compared(snapshots: tuple[Path, Path]) -> Outcome:
    return run("compare", *snapshots, "--format", "json", "-o", snapshots[0].parent / "out")


@pytest.fixture(scope="module")
def answer(compared: Outcome) -> dict[str, Any]:
    assert compared.status == 0, compared.stderr
    return compared.document


def _component(answer: dict[str, Any], role: str) -> dict[str, Any]:
    (found,) = [item for item in answer["components"] if item["role"] == role]
    return dict(found)


def test_a_planted_waypoint_error_of_30_percent_is_found_and_named(answer: dict[str, Any]) -> None:
    waypoint = _component(answer, "waypoint")

    assert (answer["largest"]["role"], answer["largest"]["cause"]) == ("waypoint", "unit_cost")
    assert re.search(r"\b0\.[56]\d* ", answer["outcome"])
    assert waypoint["measured_cost"]["vcpu_per_1000_rps"]["mid"] == pytest.approx(0.598, rel=0.05)
    assert waypoint["predicted_cost"]["vcpu_per_1000_rps"]["mid"] == pytest.approx(0.46, rel=0.05)
    # 1200 requests/s at 0.138 more for 1000 of them.
    assert waypoint["parts_vcpu"]["unit_cost"] == pytest.approx(0.166, rel=0.2)


def test_what_is_measured_is_the_truth(answer: dict[str, Any], mesh_cache: MeshCache) -> None:
    truth = mesh_cache.filled(_AFTER).truth

    for role in ("sidecar", "waypoint", "ztunnel"):
        vcpu = sum(item.vcpu for item in truth.workloads if item.role == role)
        assert _component(answer, role)["measured_vcpu"] == pytest.approx(vcpu, rel=0.02), role


def test_sidecars_and_ztunnels_are_as_predicted(answer: dict[str, Any]) -> None:
    for role in ("sidecar", "ztunnel"):
        item = _component(answer, role)
        assert item["predicted_at_after_vcpu"]["mid"] == pytest.approx(
            item["measured_vcpu"], rel=0.05
        ), role


def test_only_billing_has_moved(answer: dict[str, Any]) -> None:
    statuses = {item["namespace"]: item["status"] for item in answer["namespaces"]}

    assert statuses == {"billing": "moved", "shop": "stayed"}


def test_the_parts_add_up_to_the_difference(answer: dict[str, Any]) -> None:
    for item in (*answer["components"], answer["total"]):
        assert sum(item["parts_vcpu"].values()) == pytest.approx(item["difference_vcpu"], abs=1e-8)


def test_memory_of_each_role_is_that_of_the_kubelet(
    answer: dict[str, Any], snapshots: tuple[Path, Path]
) -> None:
    usage = measure(load_snapshot(snapshots[1]))

    for role in (Role.SIDECAR, Role.WAYPOINT, Role.ZTUNNEL):
        item = _component(answer, role)
        memory_bytes = usage.mean_total(role, "memory_bytes")
        assert memory_bytes is not None
        measured = item["bases"]["usage"]["memory_gib"]["measured"]["mid"]
        assert measured == pytest.approx(memory_bytes / 2**30, rel=0.01), role
        # Of the 50 MiB that they have on average, each has its own.
        assert item["memory_gib_per_proxy"]["measured"] == pytest.approx(50 / 1024, rel=0.3), role


def test_the_saving_of_requests_is_exact(answer: dict[str, Any]) -> None:
    """From 24 sidecars to 10, two waypoints and four ztunnels: 0.4 vCPU less."""
    saving = answer["savings"]["reserved"]

    assert answer["basis"] == "billed"
    assert answer["prices"]["before"] == answer["prices"]["after"]
    assert saving["before_usd_per_year"]["mid"] == pytest.approx(24 * 0.1 * 22 * 12, rel=1e-3)
    assert saving["realised_usd_per_year"]["mid"] == pytest.approx(0.4 * 22 * 12, rel=1e-2)
    # The default of waypoint replicas is what was predicted.
    replicas = _component(answer, "waypoint")["predicted_count"]
    predicted = (24 - 10 - replicas - 4 * 2) * 0.1 * 22 * 12
    assert saving["predicted_usd_per_year"]["mid"] == pytest.approx(predicted, rel=1e-2)


def test_the_nodes_are_those_of_kube_state_metrics(answer: dict[str, Any]) -> None:
    for when in ("before", "after"):
        nodes = answer["nodes"][when]
        assert nodes["node_count"] == pytest.approx(4)
        assert nodes["node_hours_per_week"] == pytest.approx(4 * 168)
        assert nodes["allocatable_vcpu"] == pytest.approx(64)
    assert answer["nodes"]["predicted_freed_node_count"] == 0


def test_the_answer_keeps_what_its_schema_promises(answer: dict[str, Any]) -> None:
    schema = json.loads(schema_path("comparison").read_text())

    jsonschema.Draft202012Validator(schema).validate(answer)


def test_what_after_says_a_waypoint_and_a_ztunnel_cost_is_told(answer: dict[str, Any]) -> None:
    assert answer["calibration"]["waypoint"]["provenance"] == "measured"
    assert answer["calibration"]["ztunnel"]["idle_vcpu_per_proxy"]["mid"] == pytest.approx(
        0.003, abs=0.003
    )


def test_the_files_are_written(
    answer: dict[str, Any], compared: Outcome, snapshots: tuple[Path, Path]
) -> None:
    folder = snapshots[0].parent / "out"

    assert "Wrote comparison.json, comparison.md, comparison.csv" in compared.stderr
    assert "$" in (folder / "comparison.html").read_text()
    assert (folder / "savings.csv").read_text().count("\n") == 1 + len(answer["savings"])
    assert json.loads((folder / "comparison.json").read_text()) == answer
    assert answer["outcome"] in (folder / "comparison.md").read_text().replace("\\", "")


def test_the_same_snapshots_give_the_same_bytes(
    compared: Outcome, snapshots: tuple[Path, Path]
) -> None:
    assert run("compare", *snapshots, "--format", "json").stdout == compared.stdout


def test_snapshots_the_wrong_way_round_are_refused(snapshots: tuple[Path, Path]) -> None:
    outcome = run("compare", *reversed(snapshots))

    assert outcome.status == 3
    assert outcome.stdout == ""
    assert "Give the earlier snapshot first" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_a_snapshot_compared_with_itself_is_refused(snapshots: tuple[Path, Path]) -> None:
    outcome = run("compare", snapshots[0], snapshots[0])

    assert outcome.status == 3


def test_hidden_names_meet_again_by_their_salt_and_else_are_refused(
    mesh_cache: MeshCache, tmp_path: Path, answer: dict[str, Any]
) -> None:
    before, after, other = (
        _collected(mesh_cache.filled(spec), tmp_path / name, "--hide-names", ISTIO_USAGE_SALT=salt)
        for name, spec, salt in (
            ("before", _BEFORE, "one"),
            ("after", _AFTER, "one"),
            ("other", _AFTER, "two"),
        )
    )

    matched = run("compare", before, after, "--format", "json")
    unmatched = run("compare", before, other)

    assert matched.status == 0
    assert matched.document["outcome"] == answer["outcome"]
    assert (unmatched.status, unmatched.stdout) == (3, "")
    assert "different salts" in unmatched.stderr
    assert "--hide-names" in unmatched.stderr
