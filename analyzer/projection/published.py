"""Published benchmarks applied to a mesh: those of the Solo.io post, and of each release."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.data import PublishedConstants, complete_constants
from analyzer.errors import UsageError
from analyzer.projection.choices import Basis
from analyzer.projection.components import COMPONENTS, Part
from analyzer.projection.decision import Why, undecided
from analyzer.projection.demand import MeshLoad, StatedLoad
from analyzer.projection.figures import flat_price, mode_of, savings_of
from analyzer.projection.modes import AMBIENT_WAYPOINT_ALL, MODES, SIDECAR, ModeNeeds
from analyzer.projection.needs import Need
from analyzer.projection.result import NOTHING_TO_SAVE, Price, Projection, Reference, Saving, Sweep
from analyzer.projection.scenario import Scenario
from analyzer.projection.sensitivity import REPLICA_COUNTS, REPLICAS, sweep
from analyzer.projection.uncertainty import with_drawn_prices
from analyzer.settings import Setting
from analyzer.units import MONTHS_PER_YEAR, Interval, Provenance, Reason, Refusal

_HYPOTHETICAL: Final = tuple(kind for kind in MODES.values() if kind.is_hypothetical)


def reference(
    constants: PublishedConstants, load: MeshLoad, scenario: Scenario, price: Price
) -> Reference:
    """Apply published constants to a mesh, with the answer's price of a vCPU and replicas."""
    modes = _modes(constants, load, scenario)
    vcpu = {name: float(mode.vcpu(Basis.USAGE)[0]) for name, mode in modes.items()}
    usd_per_vcpu_year = price.vcpu_month_usd * MONTHS_PER_YEAR
    ranged = price.vcpu_month_usd_range
    return Reference(
        name=constants.name,
        title=constants.title,
        source=constants.source,
        remark=constants.remark,
        conditions=constants.conditions,
        vcpu=vcpu,
        usd_per_year={mode: value * usd_per_vcpu_year for mode, value in vcpu.items()},
        usd_per_year_range={
            mode: ranged.scaled(value * MONTHS_PER_YEAR) for mode, value in vcpu.items() if ranged
        },
        component_vcpu={
            name: {need.role: float(need.vcpu[Basis.USAGE][0]) for need in mode.needs}
            for name, mode in modes.items()
        },
        is_per_proxy=constants.has_sidecars and not constants.needs_requests,
        is_share=constants.ztunnel_share is not None,
    )


def project_constants(
    constants: PublishedConstants, load: StatedLoad, scenario: Scenario
) -> Projection:
    """Project a hypothetical mesh from published constants alone.

    Raises:
        UsageError: if the constants need a request rate, and `load` has none; or if they have no
            sidecars.
    """
    if not constants.has_sidecars:
        raise UsageError(
            f"The constants {constants.name!r} have no sidecars, so nothing can be compared. Give "
            f"one of {', '.join(complete_constants())}."
        )
    if constants.needs_requests and load.proxy_rps <= 0:
        raise UsageError(
            f"The constants {constants.name!r} are per 1000 requests per second, and no rate is "
            f"given. Set {Setting.PROXY_RPS} to the total of all proxies."
        )
    modes, parameters = _modes(constants, load, scenario), with_drawn_prices(scenario)
    savings = savings_of(load, modes, Basis.USAGE, parameters)
    return Projection(
        price=flat_price(scenario),
        basis=Basis.USAGE,
        modes=tuple(mode_of(mode, Basis.USAGE, parameters) for mode in modes.values()),
        savings=savings,
        sweeps=_sweeps(constants, load, scenario) if savings else (),
        namespaces=load.namespaces.iloc[:0],
        decision=undecided(Basis.USAGE, Why.NOTHING_MEASURED),
        load=load,
        refusals=tuple(_refusals(constants, modes, savings, load, scenario)),
    )


def _sweeps(
    constants: PublishedConstants, load: StatedLoad, scenario: Scenario
) -> tuple[Sweep, ...]:
    """Return the saving by the replicas of each waypoint; nothing if waypoints have no cost."""
    parameters, replicas = with_drawn_prices(scenario), scenario.assumptions[REPLICAS]

    def saving(count: float) -> Floats:
        changed = {REPLICAS: replace(replicas, value=Interval.exactly(count))}
        modes = _modes(constants, load, scenario.with_assumptions(changed))
        before, after = (
            modes[name].usd_per_year(Basis.USAGE, parameters)
            for name in (SIDECAR, AMBIENT_WAYPOINT_ALL)
        )
        return before - after

    if AMBIENT_WAYPOINT_ALL not in _modes(constants, load, scenario):
        return ()
    return (sweep(REPLICAS, REPLICA_COUNTS, saving),)


def _modes(
    constants: PublishedConstants, load: MeshLoad, scenario: Scenario
) -> dict[str, ModeNeeds]:
    """Return the modes for which the constants cover all components."""
    modes = {}
    for kind in _HYPOTHETICAL:
        needs = [_need(constants, part, load, scenario) for part in kind.parts]
        known = tuple(need for need in needs if need is not None)
        if len(known) == len(needs):
            modes[kind.name] = ModeNeeds(name=kind.name, needs=known)
    return modes


def _need(
    constants: PublishedConstants, part: Part, load: MeshLoad, scenario: Scenario
) -> Need | None:
    kind, size = COMPONENTS[part.role], part.size(load, scenario)
    of_one, of_requests = kind.cost_vcpu(constants)
    share = kind.sidecar_share(constants) if load.sidecars else None
    if size is None or (of_one is None and of_requests is None and share is None):
        return None
    vcpu = (of_one or 0.0) * size.unit_count + (of_requests or 0.0) * size.rps / 1000
    if share is not None and load.sidecars:
        vcpu += share * load.sidecars.vcpu
    return Need(
        role=part.role,
        count=size.unit_count,
        provenance=Provenance.PUBLISHED,
        vcpu={Basis.USAGE: np.array([vcpu])},
        memory_gib={Basis.USAGE: np.array([size.unit_count * scenario[kind.memory].mid])},
    )


def _refusals(
    constants: PublishedConstants,
    modes: Mapping[str, ModeNeeds],
    savings: tuple[Saving, ...],
    load: StatedLoad,
    scenario: Scenario,
) -> Iterator[Refusal]:
    lacking = [kind for kind in _HYPOTHETICAL if kind.name not in modes]
    unsized = [
        kind for kind in lacking if any(part.size(load, scenario) is None for part in kind.parts)
    ]
    for kind in unsized:
        detail = "The namespaces with HTTP are known only from a snapshot."
        yield Refusal(subject=kind.name, reason=Reason.NOT_ASKED, detail=detail)
    detail = "CPU requests are known only from a snapshot."
    yield Refusal(subject="requested and billed", reason=Reason.NOT_ASKED, detail=detail)
    for kind in lacking:
        if kind not in unsized:
            detail = f"{constants.title} has no figures for its components."
            yield Refusal(subject=kind.name, reason=Reason.NO_DATA, detail=detail)
    if len(modes) > 1 and not savings:
        yield NOTHING_TO_SAVE
