"""Predicted against measured, after all or some namespaces have moved from sidecars to ambient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analyzer.calibration.calibrate import calibrate_usage
from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.comparison.accounts import sidecar_accounts, waypoint_accounts, ztunnel_account
from analyzer.comparison.attribution import Account, added_up, difference, settled
from analyzer.comparison.checks import (
    different,
    incomparable,
    nothing_moved,
    refused,
    salts_differ,
)
from analyzer.comparison.match import Migration, Passes, by_namespace, migration
from analyzer.comparison.result import Compared, Comparison, NamespaceCompared, Status, Whole
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.projection.demand import MeshLoad, even_nodes, mesh_load
from analyzer.projection.scenario import Scenario, default_scenario
from analyzer.projection.uncertainty import drawn, with_measured
from analyzer.units import Provenance, Reason, Refusal, Role

MIN_ASSUMED_SHARE: Final = 0.01
"""Share of the ztunnels' passes that may be taken to be as before without a word."""


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
    refusal = incomparable(before.manifest, after.manifest)
    if refusal:
        return refusal
    found = compare_usage(measure(before), measure(after), scenario or default_scenario())
    if isinstance(found, Refusal) and found.reason == Reason.AMBIGUOUS:
        return salts_differ(before.manifest) or found
    return found


def compare_usage(before: MeshUsage, after: MeshUsage, scenario: Scenario) -> Comparison | Refusal:
    """Hold what a mesh predicts against what it became."""
    moved = migration(before, after)
    refusal = different(before, after) or nothing_moved(moved)
    if refusal:
        return refusal
    first, second = calibrate_usage(before), calibrate_usage(after)
    parameters = drawn(with_measured(scenario, first.ztunnel), first)
    if isinstance(first.sidecar, Refusal):
        return refused(f"BEFORE has no fit to predict from: {first.sidecar}", Reason.NO_DATA)
    load = mesh_load(moved.moved_part, ingress_through_waypoint=scenario.ingress_through_waypoint)
    nodes = load.nodes
    if nodes is None:
        nodes = even_nodes(load.namespaces, max(after.count(Role.ZTUNNEL), 1))
    passes = moved.passes()
    accounts = {
        Role.SIDECAR: sidecar_accounts(moved, first, second, first.sidecar),
        Role.ZTUNNEL: {"": ztunnel_account(moved, nodes, passes, parameters, second.ztunnel)},
        Role.WAYPOINT: waypoint_accounts(moved, load, parameters, _measured(second.waypoint)),
    }
    return _comparison(moved, accounts, second, _warnings(moved, load, passes))


def _comparison(
    moved: Migration,
    accounts: Mapping[Role, Mapping[str, Account]],
    after: Calibration,
    warnings: tuple[str, ...],
) -> Comparison:
    sums = {role: added_up(items.values()) for role, items in accounts.items() if items}
    components = tuple(
        settled(role, account) for role, account in sums.items() if not account.is_empty
    )
    total = difference(Whole.TOTAL, added_up(sums.values()))
    waypoint, ztunnel = (
        _or_why_not(role, item)
        for role, item in ((Role.WAYPOINT, after.waypoint), (Role.ZTUNNEL, after.ztunnel))
    )
    return Comparison(
        components=components,
        total=total,
        namespaces=tuple(_namespaces(moved, accounts)),
        waypoint=waypoint,
        ztunnel=ztunnel,
        refusals=(
            *_refusals(components, (waypoint, ztunnel), after),
            *(
                Refusal(
                    subject=f"comparison of {name}",
                    reason=Reason.NO_DATA,
                    detail="its requests are known and its CPU is not, in one snapshot or both",
                )
                for name in moved.without_cpu
            ),
        ),
        warnings=warnings,
    )


def _namespaces(
    moved: Migration, accounts: Mapping[Role, Mapping[str, Account]]
) -> list[NamespaceCompared]:
    statuses = moved.statuses
    counts = moved.workloads.groupby("namespace")[["before_count", "after_count"]].sum()
    ambient = by_namespace(moved.before, Role.WAYPOINT).index
    found = []
    for name in sorted({*statuses, *accounts[Role.WAYPOINT]}):
        before, after = counts.reindex([name]).fillna(0.0).to_numpy(float)[0].tolist()
        found.append(
            NamespaceCompared(
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
        )
    return found


def _measured(role: RoleCalibration | Refusal) -> RoleCalibration | None:
    is_fit = isinstance(role, RoleCalibration) and role.provenance == Provenance.MEASURED
    return role if is_fit and isinstance(role, RoleCalibration) else None


def _or_why_not(role: Role, found: RoleCalibration | Refusal) -> RoleCalibration | Refusal:
    """Return what was measured; of what was derived or published, why it was not measured."""
    if isinstance(found, Refusal) or found.not_measured is None:
        return found
    return Refusal(
        subject=f"cost of a {role} by AFTER",
        reason=Reason.NO_DATA,
        detail=found.not_measured.detail,
    )


def _refusals(
    components: tuple[Compared, ...],
    fits: tuple[RoleCalibration | Refusal, ...],
    after: Calibration,
) -> tuple[Refusal, ...]:
    present = {item.role for item in components if item.measured_count > 0}
    found = [item for item in fits if isinstance(item, Refusal)]
    if Role.SIDECAR in present and isinstance(after.sidecar, Refusal):
        found.append(after.sidecar)
    found += [
        Refusal(
            subject=f"bias of the {item.role}s",
            reason=Reason.NO_DATA,
            detail=f"none uses any CPU in AFTER; {item.predicted_vcpu.mid:.3g} vCPU were predicted",
        )
        for item in components
        if item.bias_percent is None
    ]
    found.append(
        Refusal(
            subject="ztunnels by namespace",
            reason=Reason.AMBIGUOUS,
            detail="a ztunnel serves all pods of its node; its CPU cannot be divided among them",
        )
    )
    return tuple(found)


def _warnings(moved: Migration, load: MeshLoad, passes: Passes) -> tuple[str, ...]:
    warnings = []
    if not moved.workloads["has_moved"].any():
        warnings.append("no workload has lost its sidecars between BEFORE and AFTER")
    if passes.assumed_rps > MIN_ASSUMED_SHARE * passes.total_rps:
        warnings.append(
            f"ztunnels count no requests: {passes.assumed_rps / passes.total_rps:.0%} of what "
            "passes them is taken to be as before, because no waypoint, sidecar or gateway that "
            "is left would see it"
        )
    if load.nodes is None:
        warnings.append("BEFORE does not tell its nodes: taken as one for each ztunnel in AFTER")
    served = {*by_namespace(moved.after, Role.WAYPOINT).index}
    known = {*moved.workloads["namespace"], *by_namespace(moved.before, Role.WAYPOINT).index}
    if served - known:
        names = ", ".join(sorted(served - known))
        warnings.append(
            f"waypoints run in namespaces that had no sidecars ({names}): whom they serve is not "
            "known, and they count as added"
        )
    return tuple(warnings)
