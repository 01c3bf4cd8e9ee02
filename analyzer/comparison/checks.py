"""Whether two snapshots can be held against each other, and why not."""

from typing import Final

from analyzer.comparison.match import Migration, by_namespace
from analyzer.measurement.anonymise import HIDDEN_SOURCE
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.tables import UNKNOWN_NAMES
from analyzer.measurement.usage import MeshUsage
from analyzer.settings import Setting
from analyzer.units import Reason, Refusal, Role

_SALT: Final = f"collect both with {Setting.HIDE_NAMES} and the same ISTIO_USAGE_SALT"


def refused(detail: str, reason: Reason) -> Refusal:
    """Return that nothing can be compared."""
    return Refusal(subject="comparison", reason=reason, detail=detail)


def incomparable(before: Manifest, after: Manifest) -> Refusal | None:
    """Return why two snapshots cannot be held against each other, as they say themselves."""
    if (before.source == HIDDEN_SOURCE) != (after.source == HIDDEN_SOURCE):
        detail = f"names are hidden in one snapshot and told in the other: {_SALT}, or both without"
        return refused(detail, Reason.AMBIGUOUS)
    if before.scope != after.scope:
        detail = (
            "the snapshots are of different parts of a mesh: collect both with the same "
            f"{Setting.NAMESPACES} and {Setting.CLUSTER}"
        )
        return refused(detail, Reason.AMBIGUOUS)
    if after.window.start < before.window.end:
        detail = (
            f"AFTER begins at {after.window.start:%Y-%m-%d %H:%M}, before BEFORE ends at "
            f"{before.window.end:%Y-%m-%d %H:%M}: give the earlier snapshot first, and two that "
            "do not overlap"
        )
        return refused(detail, Reason.AMBIGUOUS)
    return None


def different(before: MeshUsage, after: MeshUsage) -> Refusal | None:
    """Return why two meshes are not the same one."""
    if before.clusters and after.clusters and before.clusters != after.clusters:
        first, second = (", ".join(usage.clusters) for usage in (before, after))
        detail = (
            f"BEFORE is of the clusters {first}, AFTER of {second}: give {Setting.CLUSTER} to both"
        )
        return refused(detail, Reason.AMBIGUOUS)
    if not _names(before) & _names(after):
        detail = "no namespace and no node is in both snapshots: they are of different meshes"
        return refused(detail, Reason.AMBIGUOUS)
    return None


def _names(usage: MeshUsage) -> set[str]:
    """Return what a mesh has that keeps its name: namespaces of proxies and calls, and nodes."""
    calls = usage.calls
    ends = ("source_workload_namespace", "destination_workload_namespace")
    columns = [usage.proxies["namespace"], usage.nodes["node"], *(calls[end] for end in ends)]
    return {str(name) for column in columns for name in column.unique()} - set(UNKNOWN_NAMES)


def nothing_moved(moved: Migration) -> Refusal | None:
    """Return why there is no ambient to compare with, if there is none."""
    ztunnels = by_namespace(moved.after, Role.ZTUNNEL)
    if ztunnels.empty:
        gone = int(moved.workloads["has_moved"].sum())
        detail = "AFTER has no ztunnel: nothing has moved"
        if gone:
            detail = (
                f"AFTER shows no ztunnel, though {gone} workloads have lost their sidecars: "
                f"collect it again without {Setting.NAMESPACES}, and see that the kubelet's "
                "metrics of ztunnel's namespace are kept"
            )
        return refused(detail, Reason.NO_DATA)
    if not ztunnels["vcpu"].sum() > 0:
        return refused("AFTER holds no CPU of its ztunnels", Reason.NO_DATA)
    return None


def salts_differ(before: Manifest) -> Refusal | None:
    """Return why nothing has the same name in both, where names are hidden."""
    if before.source != HIDDEN_SOURCE:
        return None
    return refused(f"names are hidden with different salts: {_SALT}", Reason.AMBIGUOUS)
