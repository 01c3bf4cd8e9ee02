"""Predicted against measured CPU, memory and cost, after namespaces have moved to ambient."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Final, TypedDict

import pandas as pd

from analyzer.calibration.calibrate import calibrate_usage
from analyzer.calibration.result import RoleCalibration
from analyzer.comparison.accounts import (
    costed_sidecars,
    homes_of_shared,
    sidecar_accounts,
    waypoint_accounts,
    ztunnel_account,
)
from analyzer.comparison.attribution import Account, difference, settled
from analyzer.comparison.costs import Accounts, bills_of
from analyzer.comparison.match import Migration, Passes, by_namespace, migration
from analyzer.comparison.nodes import nodes_compared
from analyzer.comparison.result import Compared, Comparison, NamespaceCompared, Status, Whole
from analyzer.comparison.unseen import unseen
from analyzer.measurement.anonymise import HIDDEN_SOURCE
from analyzer.measurement.findings import Finding
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.tables import UNKNOWN_NAMES
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.projection.connections import with_measured_share
from analyzer.projection.demand import MeshLoad, mesh_load, through_waypoints
from analyzer.projection.hardware import on_this_hardware
from analyzer.projection.istio_cni import istio_cni
from analyzer.projection.memory import with_counted
from analyzer.projection.needs import Case
from analyzer.projection.own_costs import own_costs
from analyzer.projection.passing import http_gbit_per_1000_rps
from analyzer.projection.places import even_nodes
from analyzer.projection.scenario import Scenario, default_scenario
from analyzer.projection.uncertainty import drawn
from analyzer.projection.zones import with_price
from analyzer.settings import Setting
from analyzer.units import Reason, Refusal, Role, counted, in_percent, moment

MIN_ASSUMED_SHARE: Final = 0.01
"""Share of the requests through ztunnels that may be assumed unchanged without a warning."""

_SALT: Final = f"Collect both with {Setting.HIDE_NAMES} and the same ISTIO_USAGE_SALT."


def compare(
    before: Snapshot, after: Snapshot, scenario: Scenario | None = None
) -> Comparison | Refusal:
    """Compare the prediction from BEFORE with the measurement in AFTER.

    Args:
        before: a snapshot from before the migration.
        after: a snapshot from after it.
        scenario: the assumptions of the prediction; the defaults, if None.

    Raises:
        InsufficientData: if one of them has no CPU of any proxy.
    """
    if refusal := incomparable(before.manifest, after.manifest):
        return refusal
    found = compare_usage(measure(before), measure(after), scenario or default_scenario())
    if isinstance(found, Refusal) and found.reason == Reason.AMBIGUOUS:
        return salts_differ(before.manifest) or found
    return found


# As of `measure`: the same names repeat in every table.
@pd.option_context("mode.string_storage", "python")
def compare_usage(before: MeshUsage, after: MeshUsage, scenario: Scenario) -> Comparison | Refusal:
    """Compare the prediction from one measured mesh with the same mesh after a migration."""
    moved = migration(before, after)
    if refusal := different(before, after) or nothing_moved(moved):
        return refusal
    first, second = calibrate_usage(before), calibrate_usage(after)
    routes = _Routes(
        ingress_through_waypoint=scenario.ingress_through_waypoint,
        direct_callers=moved.direct_callers,
    )
    calls = through_waypoints(moved.moved_part, **routes)
    points = len(before.observed_points)
    load = mesh_load(moved.moved_part, **routes, keeps_steps=scenario.needs_steps)
    homes = homes_of_shared(moved, load, scenario.waypoint_placement)
    own = dict(own_costs(calls, first, points, points))
    own |= own_costs(calls, first, points, points, waypoint_of=homes)
    here = with_counted(with_measured_share(scenario, before), before)
    here = with_price(on_this_hardware(here, first, http_gbit_per_1000_rps(before)), before)
    parameters = replace(
        drawn(here, first, own=own),
        istio_cni_installed=istio_cni(scenario, before).is_installed,
    )
    if isinstance(first.sidecar, Refusal):
        detail = f"BEFORE has no fit to predict from. {first.sidecar.detail}"
        return _refused(detail, Reason.NO_DATA)
    nodes = load.nodes
    if nodes is None:
        nodes = even_nodes(load.namespaces, max(after.count(Role.ZTUNNEL), 1))
    passes = moved.passes()
    sidecars = costed_sidecars(moved, first, second, first.sidecar)
    accounts = {
        Role.SIDECAR: sidecar_accounts(sidecars),
        Role.ZTUNNEL: {"": ztunnel_account(moved, nodes, passes, parameters, second.ztunnel)},
        Role.WAYPOINT: waypoint_accounts(moved, load, parameters, second.waypoint),
    }
    sums = {role: reduce(add, items.values()) for role, items in accounts.items() if items}
    case = Case(load=replace(load, nodes=nodes), parameters=parameters, own_costs=own)
    bills, unknown = bills_of(
        moved,
        case,
        Accounts(by_namespace=accounts, sums=sums, sidecars=sidecars, passes=passes, homes=homes),
        scenario,
    )
    components = tuple(
        replace(
            settled(role, account),
            bases=bills.of_role(role),
            memory_gib_per_proxy=bills.memory_of_one(role),
        )
        for role, account in sums.items()
        if not account.is_empty
    )
    nodes_then = nodes_compared(before, after, bills.freed_node_count)
    waypoint = _or_why_not(Role.WAYPOINT, second.waypoint)
    ztunnel = _or_why_not(Role.ZTUNNEL, second.ztunnel)
    return Comparison(
        components=components,
        total=replace(difference(Whole.TOTAL, reduce(add, sums.values())), bases=bills.total),
        namespaces=tuple(_namespaces(moved, accounts)),
        waypoint=waypoint,
        ztunnel=ztunnel,
        costs=bills.costs(scenario.basis),
        nodes=nodes_then,
        refusals=(
            *_refusals(moved, components, (waypoint, ztunnel, second.sidecar)),
            *unknown,
            *((nodes_then,) if isinstance(nodes_then, Refusal) else ()),
        ),
        warnings=tuple(_warnings(moved, load, passes)),
    )


class _Routes(TypedDict):
    """Which callers reach waypoints: arguments of `mesh_load` and `through_waypoints`."""

    ingress_through_waypoint: bool
    direct_callers: pd.DataFrame


def _refused(detail: str, reason: Reason) -> Refusal:
    return Refusal(subject="comparison", reason=reason, detail=detail)


def incomparable(before: Manifest, after: Manifest) -> Refusal | None:
    """Return why two snapshots cannot be compared, by their manifests; None if they can."""
    if (before.source == HIDDEN_SOURCE) != (after.source == HIDDEN_SOURCE):
        detail = f"Names are hidden in one snapshot only. {_SALT}"
    elif before.scope != after.scope:
        detail = (
            "The snapshots cover different parts of a mesh. Collect both with the same "
            f"{Setting.NAMESPACES} and {Setting.CLUSTER}."
        )
    elif after.window.start < before.window.end:
        detail = (
            f"AFTER begins at {moment(after.window.start)} UTC, and BEFORE ends later, at "
            f"{moment(before.window.end)} UTC. Give the earlier snapshot first, and use "
            "windows that do not overlap."
        )
    else:
        return None
    return _refused(detail, Reason.AMBIGUOUS)


def different(before: MeshUsage, after: MeshUsage) -> Refusal | None:
    """Return why two meshes are not the same one; None if they may be."""
    if before.clusters and after.clusters and before.clusters != after.clusters:
        first, second = (", ".join(usage.clusters) for usage in (before, after))
        detail = (
            f"BEFORE has the clusters {first}, and AFTER has {second}. Collect both with the same "
            f"{Setting.CLUSTER}."
        )
    elif not _names(before) & _names(after):
        detail = (
            "The snapshots share no namespace and no node: they are of different meshes. Give two "
            "snapshots of one mesh."
        )
    else:
        return None
    return _refused(detail, Reason.AMBIGUOUS)


def _names(usage: MeshUsage) -> set[str]:
    """Return the names of namespaces (of proxies and calls) and nodes."""
    calls = usage.calls
    ends = ("source_workload_namespace", "destination_workload_namespace")
    columns = [usage.proxies["namespace"], usage.nodes["node"], *(calls[end] for end in ends)]
    return {str(name) for column in columns for name in column.unique()} - set(UNKNOWN_NAMES)


def nothing_moved(moved: Migration) -> Refusal | None:
    """Return why AFTER has no ambient to compare with; None if it has."""
    ztunnels, gone = by_namespace(moved.after, Role.ZTUNNEL), moved.workloads["has_moved"].sum()
    if ztunnels["vcpu"].sum() > 0:
        return None
    if not ztunnels.empty:
        detail = (
            "AFTER has ztunnels without CPU samples. Check that Prometheus keeps the kubelet's "
            "metrics of their namespace, and collect AFTER again."
        )
    elif gone:
        workloads = f"{counted(int(gone), 'workload')} {'has' if gone == 1 else 'have'}"
        detail = (
            f"AFTER has no ztunnel, but {workloads} lost all sidecars. Collect AFTER again "
            f"without {Setting.NAMESPACES}, and check that Prometheus keeps the kubelet's metrics "
            "of ztunnel's namespace."
        )
    else:
        detail = "AFTER has no ztunnel: no workload has moved. Collect AFTER after the migration."
    return _refused(detail, Reason.NO_DATA)


def salts_differ(before: Manifest) -> Refusal | None:
    """Return why hidden names do not match; None if names are not hidden."""
    if before.source != HIDDEN_SOURCE:
        return None
    return _refused(f"Names are hidden with different salts. {_SALT}", Reason.AMBIGUOUS)


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
    """Return a measured cost; for a derived or published one, why it was not measured."""
    if isinstance(found, Refusal) or found.not_measured is None:
        return found
    detail = found.not_measured.detail
    return Refusal(subject=f"cost of a {role} in AFTER", reason=Reason.NO_DATA, detail=detail)


def _refusals(
    moved: Migration, components: tuple[Compared, ...], fits: tuple[RoleCalibration | Refusal, ...]
) -> Iterator[Refusal]:
    """Return the refusals; `fits` are those of waypoints, ztunnels and sidecars in AFTER."""
    has_sidecars = any(item.role == Role.SIDECAR and item.measured_count > 0 for item in components)
    for fit in fits if has_sidecars else fits[:2]:
        if isinstance(fit, Refusal):
            yield fit
    for item in components:
        if item.bias_percent is None:
            subject, predicted = f"bias of the {item.role}s", item.predicted_vcpu.mid
            detail = f"AFTER measured no CPU for them: {predicted:.3g} vCPU were predicted."
            yield Refusal(subject=subject, reason=Reason.NO_DATA, detail=detail)
    detail = (
        "A ztunnel serves all pods of its node: its CPU cannot be divided among their namespaces."
    )
    yield Refusal(subject="ztunnels by namespace", reason=Reason.AMBIGUOUS, detail=detail)
    for name in moved.without_cpu:
        detail = "It has requests but no CPU samples, in one snapshot or both."
        yield Refusal(subject=f"comparison of {name}", reason=Reason.NO_DATA, detail=detail)


def _warnings(moved: Migration, load: MeshLoad, passes: Passes) -> Iterator[Finding]:
    yield from unseen("BEFORE", moved.before)
    yield from unseen("AFTER", moved.after)
    if not moved.workloads["has_moved"].any():
        text = "No workload lost its sidecars between BEFORE and AFTER, so no move is measured."
        fix = "Collect AFTER again once namespaces have moved."
        yield Finding(name="nothing_moved", text=text, fix=fix)
    if passes.assumed_rps > MIN_ASSUMED_SHARE * passes.total_rps:
        share = passes.assumed_rps / passes.total_rps
        yield Finding(
            name="ztunnel_requests_assumed",
            text=f"{in_percent(share)} of the requests through ztunnels are assumed unchanged "
            "since BEFORE. Ztunnels do not count requests, and no other proxy in AFTER counts "
            "these.",
        )
    if moved.part_moved:
        count = counted(len(moved.part_moved), "workload")
        verb = "has" if len(moved.part_moved) == 1 else "have"
        yield Finding(
            name="workloads_part_moved",
            text=f"{count} {verb} sidecars in a part of the pods only. The requests of the other "
            "pods have left these sidecars, and appear as less traffic.",
            affected=moved.part_moved,
            fix="Restart these workloads, so that no pod keeps a sidecar, and collect AFTER again.",
        )
    if load.nodes is None:
        text = "The nodes in BEFORE are not known. One node per ztunnel in AFTER is assumed."
        fix = "Scrape kube-state-metrics."
        yield Finding(name="nodes_unknown_before", text=text, fix=fix)
    served = {*by_namespace(moved.after, Role.WAYPOINT).index}
    known = {*moved.workloads["namespace"], *by_namespace(moved.before, Role.WAYPOINT).index}
    if served - known:
        names = ", ".join(sorted(served - known))
        yield Finding(
            name="waypoint_clients_unknown",
            text=f"Waypoints run in namespaces without sidecars in BEFORE ({names}). The "
            "namespaces that use them are not known, so their CPU counts as extra cost.",
            affected=tuple(sorted(served - known)),
        )
