"""The third step of the program: from measured use to what each mode costs for the same traffic."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from analyzer.arrays import Bools
from analyzer.calibration.result import Calibration
from analyzer.data import published_constants
from analyzer.errors import InsufficientData
from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.memory import release_unused
from analyzer.projection import figures
from analyzer.projection.ambiguous import both_savings, with_ambiguous
from analyzer.projection.choices import Basis, Named, Shared
from analyzer.projection.connections import with_measured_share
from analyzer.projection.control_plane import with_control_plane
from analyzer.projection.decision import Decision, Outcome, decide, without_ambient
from analyzer.projection.demand import NO_GROWTH, Growth, mesh_load, through_waypoints, within
from analyzer.projection.hardware import REQUEST_COST, on_this_hardware
from analyzer.projection.istio_cni import IstioCni, istio_cni
from analyzer.projection.memory import with_counted
from analyzer.projection.modes import MODES, RIGHTSIZED, SIDECAR, ModeNeeds, evaluate
from analyzer.projection.namespaces import (
    is_extrapolated,
    stakes,
    vcpu_of_namespaces,
    ztunnel_idle_vcpu,
)
from analyzer.projection.needs import Case
from analyzer.projection.own_costs import own_costs
from analyzer.projection.passing import http_gbit_per_1000_rps
from analyzer.projection.prices import NodePrices, node_prices, without_price
from analyzer.projection.published import reference
from analyzer.projection.result import NOTHING_TO_SAVE, Price, Projection, Saving, Workings
from analyzer.projection.rightsizing.applied import requests_of
from analyzer.projection.rightsizing.mesh import recommended, unanswered
from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.projection.rightsizing.scope import scoped
from analyzer.projection.rightsizing.warnings import warnings_of
from analyzer.projection.saved import SavedWithOne
from analyzer.projection.scenario import Scenario, default_scenario
from analyzer.projection.sensitivity import break_even_request, sensitivity, sweeps
from analyzer.projection.uncertainty import drawn, to_interval
from analyzer.projection.waypoints import (
    beyond_one_thread,
    placed,
    replicas_of,
    while_present,
)
from analyzer.projection.zone_choices import zone_transfer
from analyzer.projection.zones import in_no_zone, partly_zoned, unpriced, with_price
from analyzer.settings import Setting
from analyzer.units import Provenance, Reason, Refusal


def project(
    snapshot: Snapshot,
    calibration: Calibration,
    scenario: Scenario | None = None,
    *,
    force_short: bool = False,
) -> Projection:
    """Return what each mode costs for the traffic in a snapshot.

    Args:
        snapshot: what was measured.
        calibration: what its proxies cost.
        scenario: what to assume where that does not tell; the defaults, if None.
        force_short: recommends requests of sidecars also from less than a day.
    """
    return project_usage(
        measure(snapshot), calibration, scenario or default_scenario(), force_short=force_short
    )


# As of `measure`: the same names repeat in every table.
@pd.option_context("mode.string_storage", "python")
def project_usage(
    usage: MeshUsage,
    calibration: Calibration,
    scenario: Scenario,
    *,
    node_count: int | None = None,
    force_short: bool = False,
) -> Projection:
    """Return what each mode costs for the traffic of a measured mesh; arguments as `project`.

    Raises:
        InsufficientData: if what was measured cannot answer the scenario: no step in its working
            hours, no node with a price, or no cost of a request where the traffic is to grow.
        UsageError: if `node_count` is not from 1 to `MOST_NODES`.
    """
    fitted_points = len(usage.observed_points)
    growth = _growth(scenario, calibration)
    # Requests have to hold in all hours, also where only some of them count.
    rightsizing = rightsize(usage, calibration, scenario, force_short=force_short)
    release_unused(usage.steps.size)
    usage = within(usage, scenario.working_hours)
    http_gbit = http_gbit_per_1000_rps(usage)
    scenario = with_counted(with_measured_share(scenario, usage), usage)
    scenario = on_this_hardware(scenario, calibration, http_gbit)
    scenario = with_price(scenario, usage)
    question = _Question(
        calibration=calibration,
        scenario=scenario,
        node_count=node_count,
        fitted_points=fitted_points,
        cni=istio_cni(scenario, usage),
        requests=requests_of(rightsizing),
        growth=growth,
    )
    case = _case(usage, question)
    modes = evaluate(case)
    basis = scenario.basis if scenario.basis in modes[SIDECAR].bases else Basis.USAGE
    moved = SavedWithOne(case, basis)
    savings = tuple(
        replace(saving, break_even_ztunnel_vcpu_per_1000_rps=found)
        for saving in figures.savings_of(case.load, modes, basis, case.parameters)
        for found in [
            break_even_request(moved, saving.mode) if MODES[saving.mode].is_ambient else None
        ]
    )
    price = _price(scenario, modes[SIDECAR], case.prices, basis)
    what_matters = sensitivity(case, scenario, moved) if case.has_ambient else ()
    shown = tuple(figures.mode_of(mode, basis, case.parameters) for mode in modes.values())
    if case.has_ambient:
        shown = with_control_plane(modes, shown, usage, case.parameters, basis)
    decision = without_ambient(basis, _resized(savings, case))
    if case.has_ambient and savings:
        most = what_matters[0].assumption if what_matters else ""
        decision = decide(stakes(case, basis), basis, most)
    return Projection(
        price=price,
        basis=basis,
        modes=shown,
        savings=savings,
        namespaces=_namespaces(case, calibration, decision),
        decision=decision,
        ztunnel_vcpu_per_1000_rps=(
            to_interval(case.parameters[REQUEST_COST]) if case.has_ambient else None
        ),
        sensitivity=what_matters,
        sweeps=sweeps(case, basis) if case.has_ambient and savings else (),
        nodes=figures.ztunnel_nodes(case) if case.has_ambient else (),
        zone_transfer=zone_transfer(case, scenario, basis),
        rightsizing=rightsizing,
        load=case.load,
        waypoint_placement=scenario.waypoint_placement,
        istio_cni=question.cni if case.has_ambient else None,
        references=tuple(
            reference(constants, case.load, scenario, price)
            for constants in published_constants().values()
        ),
        refusals=(
            *_refusals(usage, case, calibration, modes, savings, scenario),
            *unanswered(rightsizing, has_requests=Basis.RESERVED in modes[SIDECAR].bases),
            *in_no_zone(case.load),
        ),
        warnings=(
            *_unpriced(case, basis),
            *_extrapolated(case, calibration),
            *_on_one_thread(case),
            *_placed_nowhere(case),
            *(partly_zoned(case.load) if case.has_ambient else ()),
            *_ambiguous(usage, question, basis, savings),
            *rightsizing.warnings,
        ),
        workings=Workings(
            scenario=scenario,
            parameters=case.parameters,
            node_prices=case.prices,
            own_costs=case.own_costs,
            http_gbit_per_1000_rps=http_gbit,
            zones_are_missing=usage.zones_were_asked and case.load.zones is None,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What a mesh is projected with; `fitted_points` is the calibration's number of intervals."""

    calibration: Calibration
    scenario: Scenario
    node_count: int | None
    fitted_points: int
    cni: IstioCni
    requests: pd.DataFrame | None
    growth: Growth


def _case(usage: MeshUsage, question: _Question) -> Case:
    calibration, scenario = question.calibration, question.scenario
    load = mesh_load(
        usage,
        node_count=question.node_count,
        growth=question.growth,
        requests=question.requests,
        ingress_through_waypoint=scenario.ingress_through_waypoint,
        keeps_steps=scenario.needs_steps,
    )
    calls = through_waypoints(usage, ingress_through_waypoint=scenario.ingress_through_waypoint)
    points = len(usage.observed_points)
    own = dict(own_costs(calls, calibration, points, question.fitted_points))
    if isinstance(scenario.waypoint_placement, Shared):
        names = scenario.waypoint_placement.waypoint_of(set(load.namespaces["namespace"]))
        own |= own_costs(calls, calibration, points, question.fitted_points, waypoint_of=names)
    parameters = drawn(scenario, calibration, load.ranges, own)
    return Case(
        load=load,
        own_costs=own,
        parameters=replace(parameters, istio_cni_installed=question.cni.is_installed),
        prices=node_prices(usage, scenario),
    )


def _resized(savings: tuple[Saving, ...], case: Case) -> Outcome | None:
    """Return what right-sizing all sidecars saves; None where that is not known."""
    found = next((item for item in savings if item.mode == RIGHTSIZED), None)
    if found is None:
        return None
    count = len(case.load.namespaces)
    return Outcome(namespace_count=count, usd_per_year=found.usd_per_year, percent=found.percent)


def _ambiguous(
    usage: MeshUsage, question: _Question, basis: Basis, savings: tuple[Saving, ...]
) -> Iterator[Finding]:
    """Yield the savings with and without the proxies of ambiguous role, where that matters."""
    everything = with_ambiguous(usage) if savings else None
    if everything is not None:
        case = _case(everything, question)
        with_them = figures.savings_of(case.load, evaluate(case), basis, case.parameters)
        yield both_savings(usage, savings, with_them)


def _namespaces(case: Case, calibration: Calibration, decision: Decision) -> pd.DataFrame:
    """Return the namespaces with their vCPU and what is decided of each, in that order."""
    frame = vcpu_of_namespaces(case, calibration)
    if not case.has_ambient:
        return frame
    if decision.by_namespace:
        decided = decision.frame
        frame = decided[["namespace"]].merge(frame).merge(decided)
    else:
        order = ["gained_vcpu", "namespace"]
        frame = frame.sort_values(order, ascending=[False, True], ignore_index=True)
    gained = frame.pop("gained_vcpu")
    return frame.assign(cumulative_saving_vcpu=gained.cumsum() - ztunnel_idle_vcpu(case))


def rightsize(
    usage: MeshUsage, calibration: Calibration, scenario: Scenario, *, force_short: bool = False
) -> Rightsizing:
    """Return recommended requests for the sidecars; arguments and errors as `project_usage`.

    They need no fit, unless the traffic is to grow.
    """
    growth = _growth(scenario, calibration)
    found = recommended(usage, scenario, growth, force_short=force_short)
    scope, warnings = scoped(usage, calibration, scenario), warnings_of(found, usage)
    return replace(found, scope=scope, warnings=warnings)


def _growth(scenario: Scenario, calibration: Calibration) -> Growth:
    """Return how the scenario's traffic differs from the measured one.

    Raises:
        InsufficientData: if it differs, and the cost of a request is not known.
    """
    sidecar, factor = calibration.sidecar, scenario["traffic_growth_factor"].mid
    if factor == 1:
        return NO_GROWTH
    if isinstance(sidecar, Refusal):
        # Else ambient would grow, and the sidecars would not.
        raise InsufficientData(f"traffic_growth_factor {factor:g} needs the {sidecar}")
    return Growth(factor=factor, sidecar_vcpu_per_rps=sidecar.vcpu_per_1000_rps.mid / 1000)


def _price(
    scenario: Scenario, sidecars: ModeNeeds, prices: NodePrices | None, basis: Basis
) -> Price:
    """Return the flat price, or the mean one of the nodes that the sidecars run on."""
    of_sidecars = sidecars.needs[0].month_usd
    if prices is None or of_sidecars is None:
        return figures.flat_price(scenario)
    vcpu, memory_gib = (float(price[0]) for price in of_sidecars[basis])
    return Price(vcpu_month_usd=vcpu, memory_gib_month_usd=memory_gib, source=prices.source)


def _unpriced(case: Case, basis: Basis) -> Iterator[Finding]:
    if case.prices and (finding := without_price(case.prices, case.load, basis)):
        yield finding


def _extrapolated(case: Case, calibration: Calibration) -> Iterator[Finding]:
    waypoint = calibration.waypoint
    if isinstance(waypoint, Refusal) or waypoint.fitted_rps is None:
        return
    waypoints = placed(case.load, case.parameters.placement)
    rps = while_present(waypoints)[0] / replicas_of(waypoints, case.parameters)
    # Of namespaces without a waypoint too: other modes give them one, unless they share.
    counted = waypoints.exist | (not isinstance(case.parameters.placement, Shared))
    outside = is_extrapolated(rps, calibration) & counted
    if outside.any():
        low, high = waypoint.fitted_rps
        seen = "waypoints" if waypoint.provenance == Provenance.MEASURED else "sidecars"
        names = tuple(map(str, waypoints.table["namespace"][outside]))
        yield Finding(
            name="waypoint_extrapolated",
            text=f"Waypoint cost is extrapolated in {_some(names, counted)}: no {seen} were seen "
            f"at such rates, only at {low:.3g}-{high:.3g} requests/s.",
            affected=names,
        )


def _on_one_thread(case: Case) -> Iterator[Finding]:
    """Yield the waypoints that are sized for threads which ztunnels may not use."""
    if not case.has_ambient:
        return
    waypoints = placed(case.load, case.parameters.placement)
    busy = beyond_one_thread(waypoints, case.parameters)
    if busy.any():
        limit_vcpu = case.parameters["waypoint_limit_vcpu_per_replica"][0]
        threads = math.ceil(limit_vcpu)
        names = tuple(map(str, waypoints.table["namespace"][busy]))
        yield Finding(
            name="waypoint_on_one_thread",
            severity=Severity.INFO,
            text=f"Waypoints in {_some(names, waypoints.exist)} are sized for {threads} threads in "
            "each replica. A connection that a ztunnel pools uses only one of them.",
            affected=names,
            fix=f"To size for one thread, set waypoint_limit_vcpu_per_replica = "
            f"{limit_vcpu / threads:.3g} in the scenario.",
        )


def _some(names: tuple[str, ...], counted: Bools) -> str:
    """Return how many of the counted namespaces these are, or which one."""
    if len(names) == 1:
        return f"namespace {names[0]}"
    return f"{len(names):,} of {counted.sum():,} namespaces"


def _placed_nowhere(case: Case) -> Iterator[Finding]:
    """Warn of names that are none of this mesh: a misspelt one would make ambient look cheap."""
    placement = case.parameters.placement
    names = set(placement.names) if isinstance(placement, Named | Shared) else set()
    if strange := sorted(names - set(case.load.namespaces["namespace"])):
        yield Finding(
            name="placement_unknown_namespace",
            text=f"waypoint_placement names namespaces without sidecars: {', '.join(strange)}. "
            "They get no waypoint.",
            affected=tuple(strange),
            fix="Check the spelling.",
        )


def _refusals(
    usage: MeshUsage,
    case: Case,
    calibration: Calibration,
    modes: Mapping[str, ModeNeeds],
    savings: tuple[Saving, ...],
    scenario: Scenario,
) -> Iterator[Refusal]:
    if case.load.nodes is None:
        detail = "the number of nodes is not known: install kube-state-metrics, or give "
        detail += f"{Setting.NODE_COUNT}"
        if not usage.nodes.empty:
            detail = "no node runs DaemonSets, so no ztunnel can run: move the pods to other nodes"
        yield Refusal(subject="ambient modes", reason=Reason.NO_DATA, detail=detail)
    if isinstance(calibration.waypoint, Refusal):
        yield calibration.waypoint
    if case.has_ambient and not savings:
        yield NOTHING_TO_SAVE
    if case.load.sidecars.memory_gib is None and case.has_ambient:
        each_gib = scenario["sidecar_memory_gib_per_proxy"]
        detail = f"not measured by this Prometheus; taken as {each_gib.mid:.3g} GiB each"
        if each_gib.low < each_gib.high:
            detail += f" ({each_gib.low:.3g} to {each_gib.high:.3g})"
        yield Refusal(subject="memory of the sidecars", reason=Reason.NO_DATA, detail=detail)
    if Basis.RESERVED not in modes[SIDECAR].bases:
        detail = "no CPU request of any sidecar is known: install kube-state-metrics"
        if scenario.basis != Basis.USAGE:
            detail += f"; the dollars are of usage, not of {scenario.basis} as asked"
        yield Refusal(subject="requested and billed", reason=Reason.NO_DATA, detail=detail)
    if case.has_ambient:
        yield from unpriced(usage, scenario)
