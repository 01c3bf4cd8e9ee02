"""Which workloads have a patch, with which resources, and why others have none."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from analyzer.projection.choices import LimitPolicy
from analyzer.projection.rightsizing.default import has_owner, is_served, is_wasteful
from analyzer.projection.rightsizing.result import Recommendation, Resources, Rightsizing
from analyzer.report.patches.names import file_name
from analyzer.report.patches.templates import TEMPLATES, Template
from analyzer.settings import Setting
from analyzer.units import Reason, Refusal


class Style(StrEnum):
    """How recommendations reach the sidecars."""

    ANNOTATIONS = "annotations"
    """A patch for each workload."""
    DEFAULTS = "defaults"
    """The default of istiod, and a patch for each workload that must differ from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """The resources that one object's pods ask for their sidecars.

    Attributes:
        cluster: "" where the snapshot has one cluster.
        namespace: without the cluster.
        is_today: whether these are today's: the mesh's new default must not reach the workload.
        removes_cpu_limit: whether a CPU limit of the object goes: the pods shall have none.
    """

    cluster: str
    namespace: str
    kind: str
    owner: str
    resources: Resources
    is_today: bool = False
    removes_cpu_limit: bool = False

    @property
    def template(self) -> Template:
        """Where the pod template is in an object of this kind."""
        return TEMPLATES[self.kind]

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{file_name(self.namespace, self.owner, self.kind.lower())}.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patches:
    """The patches of a mesh, in the order of its workloads.

    Attributes:
        default: what istiod gives every other sidecar; None where it stays as it is.
        refusals: workloads that need a patch and have none.
    """

    style: Style
    default: Resources | None
    items: tuple[Patch, ...]
    refusals: tuple[Refusal, ...]


def patches_of(
    found: Rightsizing, style: Style = Style.ANNOTATIONS, *, are_names_hidden: bool = False
) -> Patches:
    """Return the patches that bring recommendations to the sidecars.

    Where names are hidden there is none, and no default: it would reach those that need a patch.
    """
    if are_names_hidden:
        detail = f"The snapshot hides names. Collect one without {Setting.HIDE_NAMES}."
        without = Refusal(subject="patches", reason=Reason.NO_DATA, detail=detail)
        return Patches(style=style, default=None, items=(), refusals=(without,))
    default = found.default if style == Style.DEFAULTS else None
    needed = tuple(_needed(found, default))
    # An object with several workloads would have one patch for each of them.
    objects = Counter(map(_object, (item for item, _ in needed)))
    items: list[Patch] = []
    refusals: list[Refusal] = []
    for item, resources in needed:
        refusal = _obstacle(item, resources, objects[_object(item)])
        if refusal:
            refusals.append(refusal)
            continue
        cluster, _, namespace = item.namespace.rpartition("/")
        items.append(
            Patch(
                cluster=cluster,
                namespace=namespace,
                kind=item.kind,
                owner=item.owner,
                resources=resources,
                is_today=item.recommended is None,
                removes_cpu_limit=_removes_cpu_limit(found, item, resources),
            )
        )
    return Patches(style=style, default=default, items=tuple(items), refusals=tuple(refusals))


def _needed(
    found: Rightsizing, default: Resources | None
) -> Iterator[tuple[Recommendation, Resources]]:
    """Yield the workloads that shall not get the default, each with what it gets instead."""
    for item in found.workloads:
        if item.recommended is None:
            # The default would change what must stay: nothing is known to suffice besides it.
            if default is not None:
                yield item, item.today
        elif default is None or not is_served(default, item) or is_wasteful(default, item):
            yield item, item.recommended


def _removes_cpu_limit(found: Rightsizing, item: Recommendation, resources: Resources) -> bool:
    """Return whether no CPU limit is meant: one that was not measured may be there, and stays."""
    is_chosen = found.policy.cpu_limit == LimitPolicy.NONE and item.recommended is not None
    return resources.limit_vcpu is None and (found.are_limits_known or is_chosen)


def _object(item: Recommendation) -> tuple[str, str, str]:
    return item.namespace, item.kind, item.owner


def _obstacle(item: Recommendation, resources: Resources, object_count: int) -> Refusal | None:
    """Return why a workload has no patch."""
    reason, detail = Reason.NO_DATA, ""
    if resources.request_vcpu is None or resources.request_memory_gib is None:
        # One annotation alone erases the others' defaults.
        detail = "Its CPU and memory requests are not both known, and a patch sets them together."
    elif not has_owner(item):
        detail = (
            "No known controller starts its pods. Check that kube_pod_owner is scraped, or set the "
            "annotations where its pods are defined."
        )
    elif item.kind not in TEMPLATES:
        detail = (
            f"The place of the pod template in a {item.kind} is not known. Set the annotations in "
            "its pod template."
        )
    elif object_count > 1:
        reason = Reason.AMBIGUOUS
        detail = f"{item.kind} {item.owner} starts the pods of {object_count} workloads."
    if not detail:
        return None
    subject = f"patch of {item.namespace}/{item.workload}"
    return Refusal(subject=subject, reason=reason, detail=detail)
