"""Where the pod template is in each kind of object that starts pods."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from analyzer.report.patches.yaml import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The pod template of a kind: the kind's API, and the keys that lead to the template.

    Attributes:
        group: of the API, as a selector of kustomize names it.
        is_immutable: whether the API server refuses a changed template.
    """

    group: str
    version: str
    path: tuple[str, ...] = ("spec", "template")
    is_immutable: bool = False

    @property
    def api_version(self) -> str:
        """The group and version as an object has them."""
        return f"{self.group}/{self.version}"

    def around(self, annotations: Mapping[str, str | None]) -> Mapping[str, Node]:
        """Return the part of an object that sets annotations on its pods."""
        node: Mapping[str, Node] = {"metadata": {"annotations": annotations}}
        for key in reversed(self.path):
            node = {key: node}
        return node


TEMPLATES: Final[Mapping[str, Template]] = {
    "Deployment": Template(group="apps", version="v1"),
    "StatefulSet": Template(group="apps", version="v1"),
    "DaemonSet": Template(group="apps", version="v1"),
    "ReplicaSet": Template(group="apps", version="v1"),
    "Job": Template(group="batch", version="v1", is_immutable=True),
    "CronJob": Template(
        group="batch", version="v1", path=("spec", "jobTemplate", "spec", "template")
    ),
    # A custom resource of Argo Rollouts. Annotations are a map, which kustomize merges by key in
    # an object whose schema it does not know, too.
    "Rollout": Template(group="argoproj.io", version="v1alpha1"),
}
"""By kind, as kube-state-metrics writes it. An owner of another kind has no patch."""
