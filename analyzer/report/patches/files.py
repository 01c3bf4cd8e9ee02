"""Patches as files: a kustomization for each cluster, and the values of istiod."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from analyzer.projection.rightsizing.result import Resources
from analyzer.report.patches.choosing import Patch, Patches
from analyzer.report.patches.names import file_name
from analyzer.report.patches.quantities import CPU_LIMIT, annotations_of, container_resources
from analyzer.report.patches.yaml import Node, to_yaml

FOLDER: Final = "patches"
VALUES: Final = "values.yaml"
KUSTOMIZATION: Final = "kustomization.yaml"

MARK: Final = "# Written by istio-usage."
"""The first line of each file: a later run replaces and removes only such files."""

DEFAULT_BASE: Final = "../base"

_META: Final = re.compile(r"[.\\+*?()|\[\]{}^$]")


class KustomizeApi(StrEnum):
    """What a kustomization is written for."""

    CURRENT = "5"
    """Kustomize 4 and 5: resources, and patches with their targets."""
    OLD = "2"
    """Kustomize 2, which kubectl had up to release 1.20: bases and patchesStrategicMerge."""


def patch_files(
    found: Patches, api: KustomizeApi = KustomizeApi.CURRENT, base: str = DEFAULT_BASE
) -> Mapping[str, bytes]:
    """Return the content of each file by its path, which has "/" between folders.

    `base` is where the objects are, as a kustomization names it.
    """
    texts: dict[str, str] = {}
    for cluster in found.clusters:
        patches = [patch for patch in found.items if patch.cluster == cluster]
        texts[f"{_folder(cluster)}/{KUSTOMIZATION}"] = _kustomization(patches, api, base)
        texts |= {path_of(patch): to_yaml(_body(patch, api)) for patch in patches}
    if found.default is not None:
        texts[VALUES] = "".join(_values(found.default))
    return {path: f"{MARK}\n{text}".encode() for path, text in texts.items()}


def path_of(patch: Patch) -> str:
    """Return the path of a patch, which has "/" between folders."""
    return f"{_folder(patch.cluster)}/{patch.file}"


def patch_facts(patch: Patch) -> Mapping[str, object]:
    """Return by key what a patch is for, and where it is."""
    where = f"{patch.cluster}/" if patch.cluster else ""
    return {
        "namespace": f"{where}{patch.namespace}",
        "kind": patch.kind,
        "owner": patch.owner,
        "is_today": patch.is_today,
        "annotations": annotations_of(patch.resources),
        "file": path_of(patch),
    }


def _folder(cluster: str) -> str:
    return f"{FOLDER}/{file_name(cluster)}" if cluster else FOLDER


def _body(patch: Patch, api: KustomizeApi) -> Mapping[str, Node]:
    template = patch.template
    annotations: dict[str, str | None] = {**annotations_of(patch.resources)}
    if api == KustomizeApi.CURRENT:
        # Removes a limit that the base sets. Kustomize 2 would write the null into the result.
        annotations.setdefault(CPU_LIMIT, None)
    return {
        "apiVersion": template.api_version,
        "kind": patch.kind,
        "metadata": {"name": patch.owner, "namespace": patch.namespace},
        **template.around(annotations),
    }


def _kustomization(patches: list[Patch], api: KustomizeApi, base: str) -> str:
    if api == KustomizeApi.OLD:
        files: list[Node] = [patch.file for patch in patches]
        return to_yaml({"bases": [base], "patchesStrategicMerge": files})
    return to_yaml(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [base],
            "patches": [{"path": patch.file, "target": _target(patch)} for patch in patches],
        }
    )


def _target(patch: Patch) -> Mapping[str, Node]:
    # Names are regular expressions here: "a.b" would patch "axb" too.
    return {
        "group": patch.template.group,
        "kind": patch.kind,
        "name": _META.sub(r"\\\g<0>", patch.owner),
        "namespace": _META.sub(r"\\\g<0>", patch.namespace),
    }


def _values(default: Resources) -> Iterator[str]:
    yield "# Values of the Helm chart istiod. An IstioOperator has the same below spec.values.\n"
    if default.limit_vcpu is None:
        yield "# The chart's own CPU limit stays: neither leaving it out nor null removes it.\n"
    yield to_yaml({"global": {"proxy": {"resources": container_resources(default)}}})
