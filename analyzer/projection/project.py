"""The third step of the program: from measured use to what each mode costs for the same traffic."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.calibration.result import Calibration
from analyzer.data import published_constants
from analyzer.errors import InsufficientData
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.projection.choices import Placement
from analyzer.projection.components import Parameters, waypoint_replicas
from analyzer.projection.demand import Demand, MeshLoad, mesh_load
from analyzer.projection.draws import to_interval
from analyzer.projection.modes import SIDECAR, ModeNeeds, evaluate
from analyzer.projection.namespaces import is_extrapolated, rank_namespaces
from analyzer.projection.nodes import freed_nodes, ztunnel_nodes
from analyzer.projection.prices import NodePrices, node_prices
from analyzer.projection.published import reference
from analyzer.projection.result import (
    NOTHING_TO_SAVE,
    Component,
    Footprint,
    Mode,
    Price,
    Projection,
    Saving,
    Workings,
)
from analyzer.projection.scenario import Basis, Scenario, default_scenario
from analyzer.projection.sensitivity import sensitivity
from analyzer.projection.sweeps import sweeps
from analyzer.projection.uncertainty import drawn, exact, with_measured
from analyzer.projection.working_hours import within
from analyzer.units import Provenance, Reason, Refusal

__all__ = ["project", "project_usage"]


def project(
    snapshot: Snapshot, calibration: Calibration, scenario: Scenario | None = None
) -> Projection:
    """Return what each mode costs for the traffic in a snapshot.

    Args:
        snapshot: what was measured.
        calibration: what its proxies cost.
        scenario: what to assume where that does not tell; the defaults, if None.
    """
    return project_usage(measure(snapshot), calibration, scenario or default_scenario())


def project_usage(
    usage: MeshUsage,
    calibration: Calibration,
    scenario: Scenario,
    *,
    node_count: int | None = None,
) -> Projection:
    """Return what each mode costs for the traffic of a measured mesh; arguments as `project`.

    Raises:
        InsufficientData: if what was measured cannot answer the scenario: no step in its working
            hours, no node with a price, or no cost of a request where the traffic is to grow.
    """
    usage = within(usage, scenario.working_hours)
    prices = node_prices(usage, scenario)
    load = mesh_load(usage, node_count=node_count, demand=_demand(scenario, calibration))
    if load.sidecars is None:  # pragma: no cover - a measured mesh has its footprint
        raise ValueError("a measured load has a sidecar footprint")
    measured = with_measured(scenario, calibration.ztunnel)
    parameters = drawn(measured, calibration)
    draws = len(parameters["vcpu_month_usd"]) if parameters else 1
    modes = evaluate(load, load.sidecars, parameters, draws, prices)
    flat = parameters or exact(scenario)
    basis = scenario.basis if scenario.basis in modes[SIDECAR].bases else Basis.USAGE
    savings = _savings(load, modes, basis, flat)
    price = _price(scenario, modes[SIDECAR], prices, basis)
    return Projection(
        load=load,
        price=price,
        basis=basis,
        modes=tuple(_mode(mode, basis, flat) for mode in modes.values()),
        savings=savings,
        namespaces=rank_namespaces(load, parameters, calibration),
        sensitivity=sensitivity(load, load.sidecars, measured, parameters, basis, prices),
        waypoint_placement=scenario.waypoint_placement.rule,
        sweeps=sweeps(load, modes, parameters, basis, prices),
        nodes=ztunnel_nodes(load, parameters),
        references=tuple(
            reference(constants, load, scenario, price)
            for constants in published_constants().values()
        ),
        refusals=_refusals(load, calibration, modes, savings, scenario),
        warnings=_warnings(load, calibration, parameters),
        workings=Workings(scenario=measured, parameters=parameters, node_prices=prices),
    )


def _demand(scenario: Scenario, calibration: Calibration) -> Demand:
    sidecar, growth_factor = calibration.sidecar, scenario["traffic_growth_factor"].mid
    slope = 0.0 if isinstance(sidecar, Refusal) else sidecar.vcpu_per_1000_rps.mid
    if isinstance(sidecar, Refusal) and growth_factor != 1:
        # Else ambient would grow, and the sidecars would not.
        raise InsufficientData(f"traffic_growth_factor {growth_factor:g} needs the {sidecar}")
    return Demand(
        growth_factor=growth_factor,
        sidecar_vcpu_per_rps=slope / 1000,
        ingress_through_waypoint=scenario.ingress_through_waypoint,
    )


def _price(
    scenario: Scenario, sidecars: ModeNeeds, prices: NodePrices | None, basis: Basis
) -> Price:
    """Return the flat price, or the mean one of the nodes that the sidecars run on."""
    of_sidecars = sidecars.needs[0].month_usd
    if prices is None or of_sidecars is None:
        return Price(
            vcpu_month_usd=scenario["vcpu_month_usd"].mid,
            memory_gib_month_usd=scenario["memory_gib_month_usd"].mid,
            source=scenario.assumptions["vcpu_month_usd"].source,
        )
    vcpu, memory_gib = (float(price[0]) for price in of_sidecars[basis])
    return Price(vcpu_month_usd=vcpu, memory_gib_month_usd=memory_gib, source=prices.source)


def _mode(mode: ModeNeeds, headline: Basis, parameters: Parameters) -> Mode:
    bases: dict[Basis, Footprint] = {}
    for basis in mode.bases:
        memory_gib = mode.memory_gib(basis)
        bases[basis] = Footprint(
            vcpu=to_interval(mode.vcpu(basis)),
            memory_gib=None if memory_gib is None else to_interval(memory_gib),
            usd_per_year=to_interval(mode.usd_per_year(basis, parameters)),
        )
    return Mode.on(
        headline,
        name=mode.name,
        components=tuple(
            Component(
                role=need.role,
                count=need.count,
                vcpu=to_interval(need.vcpu[Basis.USAGE]),
                provenance=need.provenance,
                hottest_vcpu=None if need.hottest_vcpu is None else to_interval(need.hottest_vcpu),
                need=need,
            )
            for need in mode.needs
        ),
        bases=bases,
    )


def _savings(
    load: MeshLoad, modes: Mapping[str, ModeNeeds], basis: Basis, parameters: Parameters
) -> tuple[Saving, ...]:
    sidecar, *others = modes.values()
    if sidecar.usd_per_year(basis, parameters)[0] == 0:
        return ()
    return tuple(_saving(load, sidecar, mode, basis, parameters) for mode in others)


def _saving(
    load: MeshLoad, sidecar: ModeNeeds, mode: ModeNeeds, basis: Basis, parameters: Parameters
) -> Saving:
    """Compare draw by draw, so that what both modes share does not widen the range."""
    before = sidecar.usd_per_year(basis, parameters)
    saved = before - mode.usd_per_year(basis, parameters)
    # Where the draw of the price is nil, there is nothing to be a part of.
    paid = before > 0
    return Saving(
        mode=mode.name,
        vcpu=to_interval(sidecar.vcpu(Basis.USAGE) - mode.vcpu(Basis.USAGE)),
        usd_per_year=to_interval(saved),
        percent=to_interval(100 * saved[paid] / before[paid]),
        probability_cheaper=float((saved[1:] > 0).mean()),
        freed_node_count=freed_nodes(load, sidecar, mode),
    )


def _warnings(
    load: MeshLoad, calibration: Calibration, parameters: Parameters | None
) -> tuple[str, ...]:
    if parameters is None:
        return ()
    return (
        *_extrapolated(load, calibration, parameters),
        *_placed_nowhere(load, parameters.placement),
    )


def _extrapolated(
    load: MeshLoad, calibration: Calibration, parameters: Parameters
) -> tuple[str, ...]:
    waypoint = calibration.waypoint
    if isinstance(waypoint, Refusal) or waypoint.fitted_rps is None:
        return ()
    replicas = waypoint_replicas(load, parameters)
    rps = load.namespaces["waypoint_rps"].to_numpy(float) / replicas
    outside = is_extrapolated(rps, calibration)
    if not outside.any():
        return ()
    low, high = waypoint.fitted_rps
    seen = "waypoints" if waypoint.provenance == Provenance.MEASURED else "sidecars"
    warning = (
        f"the waypoints of {outside.sum()} of {len(rps)} namespaces would run at rates outside "
        f"{low:.3g}-{high:.3g} requests/s, where no {seen} were seen: their cost is extrapolated"
    )
    return (warning,)


def _placed_nowhere(load: MeshLoad, placement: Placement) -> tuple[str, ...]:
    """Tell names that are none of this mesh: a misspelt one would make ambient look cheap."""
    strange = sorted(set(placement.names) - set(load.namespaces["namespace"]))
    if not strange:
        return ()
    names = ", ".join(strange)
    return (
        f"waypoint_placement names namespaces without sidecars, which get no waypoint: {names}",
    )


def _refusals(
    load: MeshLoad,
    calibration: Calibration,
    modes: Mapping[str, ModeNeeds],
    savings: tuple[Saving, ...],
    scenario: Scenario,
) -> tuple[Refusal, ...]:
    refusals = []
    if load.nodes is None:
        detail = "the number of nodes is not known: install kube-state-metrics, or give --nodes"
        refusals.append(Refusal(subject="ambient modes", reason=Reason.NO_DATA, detail=detail))
    if isinstance(calibration.waypoint, Refusal):
        refusals.append(calibration.waypoint)
    if len(modes) > 1 and not savings:
        refusals.append(NOTHING_TO_SAVE)
    sidecars = load.sidecars
    if sidecars is not None and sidecars.memory_gib is None and len(modes) > 1:
        each_gib = scenario["sidecar_memory_gib_per_proxy"].mid
        detail = f"not measured by this Prometheus; taken as {each_gib:.3g} GiB each"
        refusals.append(
            Refusal(subject="memory of the sidecars", reason=Reason.NO_DATA, detail=detail)
        )
    if Basis.RESERVED not in modes[SIDECAR].bases:
        detail = "no CPU request of any sidecar is known: install kube-state-metrics"
        if scenario.basis != Basis.USAGE:
            detail += f"; the dollars are of usage, not of {scenario.basis} as asked"
        refusals.append(
            Refusal(subject="reserved and billed", reason=Reason.NO_DATA, detail=detail)
        )
    return tuple(refusals)
