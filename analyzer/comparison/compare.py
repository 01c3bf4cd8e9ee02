"""Predicted against measured, after all or some namespaces have moved from sidecars to ambient."""

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import add
from typing import Final

from analyzer.calibration.calibrate import calibrate_usage
from analyzer.calibration.result import RoleCalibration
from analyzer.comparison.accounts import sidecar_accounts, waypoint_accounts, ztunnel_account
from analyzer.comparison.attribution import Account, difference, settled
from analyzer.comparison.match import Migration, Passes, by_namespace, migration
from analyzer.comparison.result import Compared, Comparison, NamespaceCompared, Status, Whole
from analyzer.measurement.anonymise import HIDDEN_SOURCE
from analyzer.measurement.findings import Finding
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.tables import UNKNOWN_NAMES
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.projection.demand import MeshLoad, even_nodes, mesh_load
from analyzer.projection.scenario import Scenario, default_scenario
from analyzer.projection.uncertainty import drawn, with_measured
from analyzer.settings import Setting
from analyzer.units import Reason, Refusal, Role

MIN_ASSUMED_SHARE: Final = 0.01
"""Share of the ztunnels' passes that may be taken to be as before without a word."""

_SALT: Final = f"collect both with {Setting.HIDE_NAMES} and the same ISTIO_USAGE_SALT"


def compare(
    before: Snapshot, after: Snapshot, scenario: Scenario | None = None
) -> Comparison | Refusal:
    """Hold what BEFORE predicts against what AFTER measures.

    Args:
        before: a snapshot from before the migration.
        after: one from after it.
        scenario: what the prediction assumed; the defaults, if None.

    Raises:
        InsufficientData: if one of them holds no CPU of any proxy.
    """
    if refusal := incomparable(before.manifest, after.manifest):
        return refusal
    found = compare_usage(measure(before), measure(after), scenario or default_scenario())
    if isinstance(found, Refusal) and found.reason == Reason.AMBIGUOUS:
        return salts_differ(before.manifest) or found
    return found


def compare_usage(before: MeshUsage, after: MeshUsage, scenario: Scenario) -> Comparison | Refusal:
    """Hold what a mesh predicts against what it became."""
    moved = migration(before, after)
    if refusal := different(before, after) or nothing_moved(moved):
        return refusal
    first, second = calibrate_usage(before), calibrate_usage(after)
    parameters = drawn(with_measured(scenario, first.ztunnel), first)
    if isinstance(first.sidecar, Refusal):
        detail = f"BEFORE has no fit to predict from: {first.sidecar}"
        return _refused(detail, Reason.NO_DATA)
    load = mesh_load(moved.moved_part, ingress_through_waypoint=scenario.ingress_through_waypoint)
    nodes = load.nodes
    if nodes is None:
        nodes = even_nodes(load.namespaces, max(after.count(Role.ZTUNNEL), 1))
    passes = moved.passes()
    accounts = {
        Role.SIDECAR: sidecar_accounts(moved, first, second, first.sidecar),
        Role.ZTUNNEL: {"": ztunnel_account(moved, nodes, passes, parameters, second.ztunnel)},
        Role.WAYPOINT: waypoint_accounts(moved, load, parameters, second.waypoint),
    }
    sums = {role: reduce(add, items.values()) for role, items in accounts.items() if items}
    components = tuple(
        settled(role, account) for role, account in sums.items() if not account.is_empty
    )
    waypoint = _or_why_not(Role.WAYPOINT, second.waypoint)
    ztunnel = _or_why_not(Role.ZTUNNEL, second.ztunnel)
    return Comparison(
        components=components,
        total=difference(Whole.TOTAL, reduce(add, sums.values())),
        namespaces=tuple(_namespaces(moved, accounts)),
        waypoint=waypoint,
        ztunnel=ztunnel,
        refusals=tuple(_refusals(moved, components, (waypoint, ztunnel, second.sidecar))),
        warnings=tuple(_warnings(moved, load, passes)),
    )


def _refused(detail: str, reason: Reason) -> Refusal:
    return Refusal(subject="comparison", reason=reason, detail=detail)


def incomparable(before: Manifest, after: Manifest) -> Refusal | None:
    """Return why two snapshots cannot be held against each other, as they say themselves."""
    if (before.source == HIDDEN_SOURCE) != (after.source == HIDDEN_SOURCE):
        detail = f"names are hidden in one snapshot and told in the other: {_SALT}, or both without"
    elif before.scope != after.scope:
        detail = (
            "the snapshots are of different parts of a mesh: collect both with the same "
            f"{Setting.NAMESPACES} and {Setting.CLUSTER}"
        )
    elif after.window.start < before.window.end:
        detail = (
            f"AFTER begins at {after.window.start:%Y-%m-%d %H:%M}, before BEFORE ends at "
            f"{before.window.end:%Y-%m-%d %H:%M}: give the earlier snapshot first, and two that "
            "do not overlap"
        )
    else:
        return None
    return _refused(detail, Reason.AMBIGUOUS)


def different(before: MeshUsage, after: MeshUsage) -> Refusal | None:
    """Return why two meshes are not the same one."""
    if before.clusters and after.clusters and before.clusters != after.clusters:
        first, second = (", ".join(usage.clusters) for usage in (before, after))
        detail = (
            f"BEFORE is of the clusters {first}, AFTER of {second}: give {Setting.CLUSTER} to both"
        )
    elif not _names(before) & _names(after):
        detail = "no namespace and no node is in both snapshots: they are of different meshes"
    else:
        return None
    return _refused(detail, Reason.AMBIGUOUS)


def _names(usage: MeshUsage) -> set[str]:
    """Return what a mesh has that keeps its name: namespaces of proxies and calls, and nodes."""
    calls = usage.calls
    ends = ("source_workload_namespace", "destination_workload_namespace")
    columns = [usage.proxies["namespace"], usage.nodes["node"], *(calls[end] for end in ends)]
    return {str(name) for column in columns for name in column.unique()} - set(UNKNOWN_NAMES)


def nothing_moved(moved: Migration) -> Refusal | None:
    """Return why there is no ambient to compare with, if there is none."""
    ztunnels, gone = by_namespace(moved.after, Role.ZTUNNEL), moved.workloads["has_moved"].sum()
    if ztunnels["vcpu"].sum() > 0:
        return None
    if not ztunnels.empty:
        detail = "AFTER holds no CPU of its ztunnels"
    elif gone:
        detail = (
            f"AFTER shows no ztunnel, though {gone} workloads have lost their sidecars: collect it "
            f"again without {Setting.NAMESPACES}, and see that the kubelet's metrics of ztunnel's "
            "namespace are kept"
        )
    else:
        detail = "AFTER has no ztunnel: nothing has moved"
    return _refused(detail, Reason.NO_DATA)


def salts_differ(before: Manifest) -> Refusal | None:
    """Return why nothing has the same name in both, where names are hidden."""
    if before.source != HIDDEN_SOURCE:
        return None
    return _refused(f"names are hidden with different salts: {_SALT}", Reason.AMBIGUOUS)


def _namespaces(
    moved: Migration, accounts: Mapping[Role, Mapping[str, Account]]
) -> Iterator[NamespaceCompared]:
    statuses = moved.statuses
    counts = moved.workloads.groupby("namespace")[["before_count", "after_count"]].sum()
    ambient = by_namespace(moved.before, Role.WAYPOINT).index
    for name in sorted({*statuses, *accounts[Role.WAYPOINT]}):
        before, after = counts.reindex([name]).fillna(0.0).to_numpy(float)[0].tolist()
        yield NamespaceCompared(
            namespace=name,
            status=statuses.get(name, Status.AMBIENT if name in ambient else Status.NEW),
            before_sidecar_count=before,
            after_sidecar_count=after,
            components=tuple(
                settled(role, accounts[role][name])
                for role in (Role.SIDECAR, Role.WAYPOINT)
                if name in accounts[role] and not accounts[role][name].is_empty
            ),
        )


def _or_why_not(role: Role, found: RoleCalibration | Refusal) -> RoleCalibration | Refusal:
    """Return what was measured; of what was derived or published, why it was not measured."""
    if isinstance(found, Refusal) or found.not_measured is None:
        return found
    detail = found.not_measured.detail
    return Refusal(subject=f"cost of a {role} by AFTER", reason=Reason.NO_DATA, detail=detail)


def _refusals(
    moved: Migration, components: tuple[Compared, ...], fits: tuple[RoleCalibration | Refusal, ...]
) -> Iterator[Refusal]:
    """Tell what cannot be said, given the fits of waypoints, ztunnels and sidecars after."""
    has_sidecars = any(item.role == Role.SIDECAR and item.measured_count > 0 for item in components)
    for fit in fits if has_sidecars else fits[:2]:
        if isinstance(fit, Refusal):
            yield fit
    for item in components:
        if item.bias_percent is None:
            subject, predicted = f"bias of the {item.role}s", item.predicted_vcpu.mid
            detail = f"none uses any CPU in AFTER; {predicted:.3g} vCPU were predicted"
            yield Refusal(subject=subject, reason=Reason.NO_DATA, detail=detail)
    detail = "a ztunnel serves all pods of its node; its CPU cannot be divided among them"
    yield Refusal(subject="ztunnels by namespace", reason=Reason.AMBIGUOUS, detail=detail)
    for name in moved.without_cpu:
        detail = "its requests are known and its CPU is not, in one snapshot or both"
        yield Refusal(subject=f"comparison of {name}", reason=Reason.NO_DATA, detail=detail)


def _warnings(moved: Migration, load: MeshLoad, passes: Passes) -> Iterator[Finding]:
    if not moved.workloads["has_moved"].any():
        text = "No workload lost its sidecars between BEFORE and AFTER."
        yield Finding(name="nothing_moved", text=text)
    if passes.assumed_rps > MIN_ASSUMED_SHARE * passes.total_rps:
        share = 100 * passes.assumed_rps / passes.total_rps
        yield Finding(
            name="ztunnel_requests_assumed",
            text=f"{share:.0f} % of the requests through ztunnels are assumed to be as in BEFORE: "
            "ztunnels do not count requests, and no other proxy in AFTER sees these.",
        )
    if load.nodes is None:
        text = "BEFORE has no nodes: assumed to be one for each ztunnel in AFTER."
        yield Finding(name="nodes_unknown_before", text=text)
    served = {*by_namespace(moved.after, Role.WAYPOINT).index}
    known = {*moved.workloads["namespace"], *by_namespace(moved.before, Role.WAYPOINT).index}
    if served - known:
        names = ", ".join(sorted(served - known))
        yield Finding(
            name="waypoint_clients_unknown",
            text=f"Waypoints run in namespaces that had no sidecars ({names}): the namespaces that "
            "they serve are not known. They count as added cost.",
            affected=tuple(sorted(served - known)),
        )
