"""From draws to the figures that a reader sees: modes, prices and savings."""

from collections.abc import Mapping

from analyzer.projection.choices import Basis
from analyzer.projection.demand import MeasuredLoad, MeshLoad
from analyzer.projection.modes import ModeNeeds
from analyzer.projection.nodes import freed_nodes
from analyzer.projection.result import Component, Footprint, Mode, Price, Saving
from analyzer.projection.scenario import Scenario
from analyzer.projection.uncertainty import Parameters, to_interval


def flat_price(scenario: Scenario) -> Price:
    """Return the one price of every node."""
    return Price(
        vcpu_month_usd=scenario["vcpu_month_usd"].mid,
        memory_gib_month_usd=scenario["memory_gib_month_usd"].mid,
        source=scenario.assumptions["vcpu_month_usd"].source,
    )


def mode_of(mode: ModeNeeds, headline: Basis, parameters: Parameters) -> Mode:
    """Return what a mode needs and costs on every basis that is known of it."""
    bases: dict[Basis, Footprint] = {}
    for basis in mode.bases:
        memory_gib = mode.memory_gib(basis)
        bases[basis] = Footprint(
            vcpu=to_interval(mode.vcpu(basis)),
            memory_gib=None if memory_gib is None else to_interval(memory_gib),
            usd_per_year=to_interval(mode.usd_per_year(basis, parameters)),
        )
    components = tuple(
        Component(
            role=need.role,
            count=need.count,
            vcpu=to_interval(need.vcpu[Basis.USAGE]),
            hottest_vcpu=None if need.hottest_vcpu is None else to_interval(need.hottest_vcpu),
            provenance=need.provenance,
            need=need,
        )
        for need in mode.needs
    )
    return Mode.on(headline, name=mode.name, bases=bases, components=components)


def savings_of(
    load: MeshLoad, modes: Mapping[str, ModeNeeds], basis: Basis, parameters: Parameters
) -> tuple[Saving, ...]:
    """Return what each mode saves against the first; nothing where that costs nothing."""
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
    draws = saved[1:] if len(saved) > 1 else saved
    return Saving(
        mode=mode.name,
        vcpu=to_interval(sidecar.vcpu(Basis.USAGE) - mode.vcpu(Basis.USAGE)),
        usd_per_year=to_interval(saved),
        percent=to_interval(100 * saved[paid] / before[paid]),
        probability_cheaper=float((draws > 0).mean()),
        freed_node_count=(
            freed_nodes(load, sidecar, mode) if isinstance(load, MeasuredLoad) else None
        ),
    )
