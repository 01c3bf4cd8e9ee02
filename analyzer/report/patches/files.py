"""Patches as files: a kustomization for each cluster, and the values of istiod."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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

_META: Final = re.compile(r"[.\\+*?()|\[\]{}^$]")


class KustomizeApi(StrEnum):
    """What a kustomization is written for."""

    CURRENT = "5"
    """The current kustomize: resources, and patches with their targets."""
    OLD = "2"
    """Kustomize 2, which kubectl had up to release 1.20: bases and patchesStrategicMerge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How patches are laid out in folders, and where the objects are that they change.

    Attributes:
        api: what kustomizations are written for.
        base: where the objects are, as each kustomization names it; "{cluster}" and "{namespace}"
            become the names of the folders of its own. "": a folder `base` beside that of the
            patches.
    """

    api: KustomizeApi = KustomizeApi.CURRENT
    base: str = ""

    def folder(self, patch: Patch) -> str:
        """Return the folder of a patch and its kustomization, with "/" between folders.

        Kustomize 2 finds an object by its name alone, and moves it to the namespace of the patch.
        So each namespace has a kustomization, whose base has no other's objects.
        """
        is_split = self.api == KustomizeApi.OLD
        names = [patch.cluster, patch.namespace if is_split else ""]
        return "/".join([FOLDER, *map(file_name, filter(None, names))])

    def path(self, patch: Patch) -> str:
        """Return the path of a patch, with "/" between folders."""
        return f"{self.folder(patch)}/{patch.file}"

    def base_of(self, patch: Patch) -> str:
        """Return the base of a patch's kustomization."""
        depth = self.folder(patch).count("/") + 1
        of_namespace = "/{namespace}" if self.api == KustomizeApi.OLD else ""
        base = self.base or f"{'../' * depth}base{of_namespace}"
        for key, name in (("cluster", patch.cluster), ("namespace", patch.namespace)):
            base = base.replace(f"{{{key}}}", file_name(name))
        return base

    def mixes_namespaces(self, patches: Iterable[Patch]) -> bool:
        """Return whether kustomizations of several namespaces have the same base.

        Each would build the objects of all namespaces, and only its own with patches.
        """
        folders = {(patch.cluster, self.folder(patch)) for patch in patches}
        is_shared = bool(self.base) and "{namespace}" not in self.base
        return is_shared and len(folders) > len({cluster for cluster, _ in folders})


def patch_files(found: Patches, layout: Layout) -> Mapping[str, bytes]:
    """Return the content of each file by its path, which has "/" between folders."""
    texts: dict[str, str] = {}
    for folder in dict.fromkeys(map(layout.folder, found.items)):
        patches = [patch for patch in found.items if layout.folder(patch) == folder]
        texts[f"{folder}/{KUSTOMIZATION}"] = to_yaml(_kustomization(patches, layout))
        texts |= {layout.path(patch): to_yaml(_body(patch, layout.api)) for patch in patches}
    if found.default is not None:
        texts[VALUES] = "".join(_values(found.default))
    return {path: f"{MARK}\n{text}".encode() for path, text in texts.items()}


def patch_facts(patch: Patch, layout: Layout) -> Mapping[str, object]:
    """Return by key what a patch is for, and where it is."""
    where = f"{patch.cluster}/" if patch.cluster else ""
    return {
        "namespace": f"{where}{patch.namespace}",
        "kind": patch.kind,
        "owner": patch.owner,
        "is_today": patch.is_today,
        "annotations": annotations_of(patch.resources),
        "file": layout.path(patch),
    }


def _body(patch: Patch, api: KustomizeApi) -> Mapping[str, Node]:
    template = patch.template
    annotations: dict[str, str | None] = {**annotations_of(patch.resources)}
    metadata = {"name": patch.owner}
    if api == KustomizeApi.CURRENT:
        if patch.removes_cpu_limit:
            # Removes a limit that the base sets. Kustomize 2 would write the null into the result.
            annotations[CPU_LIMIT] = None
        metadata["namespace"] = patch.namespace
    return {
        "apiVersion": template.api_version,
        "kind": patch.kind,
        "metadata": metadata,
        **template.around(annotations),
    }


def _kustomization(patches: Sequence[Patch], layout: Layout) -> Mapping[str, Node]:
    base = layout.base_of(patches[0])
    if layout.api == KustomizeApi.OLD:
        return {"bases": [base], "patchesStrategicMerge": [patch.file for patch in patches]}
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [base],
        "patches": [{"path": patch.file, "target": _target(patch)} for patch in patches],
    }


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
    yield "# They reach gateways of the Gateway API too, not those of the Helm chart gateway.\n"
    if default.limit_vcpu is None:
        yield "# The chart's own CPU limit stays: neither leaving it out nor null removes it.\n"
    yield to_yaml({"global": {"proxy": {"resources": container_resources(default)}}})
