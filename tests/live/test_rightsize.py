"""From a Prometheus to patched manifests: each step is the one that a user takes."""

import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.report.patches.files import KustomizeApi
from analyzer.report.patches.quantities import CPU, MEMORY
from tests.report.patches.kubectl import (
    Object,
    annotations_in,
    built,
    key_of,
    manifest,
    write_base,
)
from tests.support import PrometheusServer
from tests.support.objects import SPEC, mesh_with_objects, pods_of

pytestmark = pytest.mark.live

HAND = pods_of(mesh_with_objects(), "hand")[0].created_by_name

OBJECTS = [
    ("Rollout", "shop", "back"),
    ("Deployment", "shop", "front"),
    ("StatefulSet", "shop", "store"),
    ("CronJob", "jobs", "nightly"),
    ("Job", "jobs", "once-28501"),
    ("ReplicaSet", "jobs", HAND),
    ("Deployment", "jobs", "lost"),
]
"""All that the cluster has. Sidecars of back and front were killed for memory."""

KILLED = {("Rollout", "shop", "back"), ("Deployment", "shop", "front")}
UNKNOWN = {("Deployment", "jobs", "lost")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a snapshot, and with one that hides names."""
    folder = tmp_path_factory.mktemp("rightsize")
    with PrometheusServer(folder / "server") as server:
        server.fill(mesh_with_objects())
        window = ["--days", SPEC.hours / 24, "--end", SPEC.end.isoformat()]
        run("collect", "-p", server.url, *window, "-o", folder / "mesh.snapshot")
        hidden = [*window, "--hide-names", "-o", folder / "hidden.snapshot"]
        run("collect", "-p", server.url, *hidden)
    return folder


@pytest.fixture
def snapshot(folder: Path) -> Path:
    return folder / "mesh.snapshot"


def run(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(argument) for argument in (*arguments, "--quiet")])
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("style", ["annotations", "defaults"])
@pytest.mark.parametrize("api", KustomizeApi, ids=lambda api: f"kustomize {api}")
def test_a_snapshot_becomes_manifests_with_the_recommended_requests(
    snapshot: Path, api: KustomizeApi, style: str, tmp_path: Path
) -> None:
    run(
        "rightsize", snapshot, "--force-short", "-o", tmp_path, "--style", style,
        "--kustomize-api", api,
    )  # fmt: skip
    found = json.loads((tmp_path / "rightsizing.json").read_text(encoding="utf-8"))
    folders = ("shop", "jobs") if api == KustomizeApi.OLD else ("",)
    results: dict[tuple[str, str, str], Object] = {}
    for folder in folders:
        theirs = [manifest(*item) for item in OBJECTS if folder in {"", item[1]}]
        write_base(tmp_path / "base" / folder, theirs)
        has_patches = (tmp_path / "patches" / folder).is_dir()
        made = built(tmp_path / ("patches" if has_patches else "base") / folder, api)
        results |= {key_of(item): item for item in made}

    assert results.keys() == set(OBJECTS)
    for key, item in results.items():
        expected = expected_of(key, found, style)
        assert {name: annotations_in(item).get(name) for name in (CPU, MEMORY)} == expected, key
        if key[0] != "Rollout":
            kubernetes_validate.validate(item, "1.35", strict=True)


def expected_of(
    key: tuple[str, str, str], found: dict[str, Any], style: str
) -> dict[str, str | None]:
    """Return what the annotations of an object must be."""
    nothing = dict.fromkeys((CPU, MEMORY))
    if key in UNKNOWN:
        return nothing
    (workload,) = (
        item
        for item in found["workloads"]
        if (item["kind"], item["namespace"], item["owner"]) == key
    )
    assert ("recommended" in workload) == (key not in KILLED)
    resources = workload.get("recommended")
    if style == "annotations" and resources is None:
        return nothing
    if style == "defaults":
        names = ("request_vcpu", "request_memory_gib")
        if resources and all(resources[name] <= found["default"][name] for name in names):
            return nothing
        resources = resources or workload["today"]
    return {
        CPU: f"{round(1000 * resources['request_vcpu'])}m",
        MEMORY: f"{round(1024 * resources['request_memory_gib'])}Mi",
    }


def test_an_owner_that_is_not_known_is_listed(snapshot: Path) -> None:
    found = json.loads(run("rightsize", snapshot, "--force-short", "--format", "json"))
    subjects = {item["subject"] for item in found["refusals"]}

    assert subjects == {"requests of shop/back", "requests of shop/front", "patch of jobs/lost"}


def test_hidden_names_are_in_no_patch(folder: Path, tmp_path: Path) -> None:
    hidden = folder / "hidden.snapshot"
    run("rightsize", hidden, "--force-short", "-o", tmp_path, "--style", "defaults")
    found = json.loads((tmp_path / "rightsizing.json").read_text(encoding="utf-8"))

    assert {path.name for path in tmp_path.iterdir()} == {
        f"rightsizing.{end}" for end in ("json", "csv", "md")
    }
    assert found["patches"] == []
    (refusal,) = (item for item in found["refusals"] if item["subject"] == "patches")
    assert "--hide-names" in refusal["detail"]


def test_one_base_for_several_namespaces_is_refused_for_an_old_kustomize(snapshot: Path) -> None:
    """Each kustomization would build the others' objects without their patches."""
    chosen = ["rightsize", snapshot, "--force-short", "--kustomize-api", "2", "--base"]
    done = CliRunner().invoke(cli, list(map(str, [*chosen, "../../base"])))

    assert (done.exit_code, done.stdout) == (2, "")
    assert "{namespace}" in done.stderr
    assert run(*chosen, "../../base/{namespace}")
