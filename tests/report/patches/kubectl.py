"""Two releases of kubectl that build kustomizations, and manifests to build on."""

import subprocess
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from analyzer.report.patches.files import KustomizeApi
from tests.support.binaries import find_binary

Object = dict[str, Any]

KUBECTL = {KustomizeApi.CURRENT: "kubectl", KustomizeApi.OLD: "kubectl-debian"}
"""The program that has each kustomize; neither needs a cluster for it."""

API_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Rollout": "argoproj.io/v1alpha1",
}


def built(folder: Path, api: KustomizeApi) -> list[Object]:
    """Return the objects that kustomize makes of a folder."""
    return list(yaml.safe_load_all(run(folder, api).stdout))


def run(folder: Path, api: KustomizeApi) -> subprocess.CompletedProcess[str]:
    """Run kustomize on a folder; it must succeed."""
    done = tried(folder, api)
    assert done.returncode == 0, done.stderr
    return done


def tried(folder: Path, api: KustomizeApi) -> subprocess.CompletedProcess[str]:
    """Run kustomize on a folder."""
    command = [str(find_binary(KUBECTL[api])), "kustomize", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def manifest(
    kind: str, namespace: str, name: str, annotations: Mapping[str, str] | None = None
) -> Object:
    """Return an object of a kind; its pod template has no annotations if they are None."""
    labels = {"app": "x"}
    container = {"name": "application", "image": "application:1", "args": ["--port=80"]}
    pod: Object = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    if annotations is not None:
        pod["metadata"]["annotations"] = dict(annotations)
    if "Job" in kind:
        pod["spec"]["restartPolicy"] = "Never"
    spec: Object = {"template": pod}
    if kind == "CronJob":
        spec = {"schedule": "0 0 * * *", "jobTemplate": {"spec": spec}}
    elif kind != "Job":
        spec["selector"] = {"matchLabels": labels}
    if kind == "StatefulSet":
        spec["serviceName"] = "x"
    metadata = {"name": name, "namespace": namespace, "annotations": {"owner": "team"}}
    return {
        "apiVersion": API_VERSIONS[kind],
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    }


def write_base(folder: Path, objects: Iterable[Object]) -> None:
    """Write objects with their kustomization."""
    folder.mkdir(parents=True)
    # PyYAML takes 1e3 for text and leaves it bare, which others read as a number.
    text = yaml.safe_dump_all(objects, default_style='"')
    (folder / "all.yaml").write_text(text, encoding="utf-8")
    (folder / "kustomization.yaml").write_text("resources: [all.yaml]\n", encoding="utf-8")


def template_of(item: Object) -> Object:
    """Return the pod template of an object."""
    spec: Object = item["spec"]
    found: Object = (spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec)["template"]
    return found


def annotations_in(item: Object) -> Mapping[str, str]:
    """Return the annotations of an object's pod template."""
    found: Mapping[str, str] = template_of(item)["metadata"].get("annotations") or {}
    return found


def without_annotations(item: Object) -> Object:
    """Return an object without those of its pod template."""
    copied = deepcopy(item)
    template_of(copied)["metadata"].pop("annotations", None)
    return copied


def key_of(item: Object) -> tuple[str, str, str]:
    """Return kind, namespace and name of an object."""
    return item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]
