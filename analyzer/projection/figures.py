"""From draws to the figures that a reader sees: prices, modes, savings and nodes."""

import math
from collections.abc import Mapping

import numpy as np

from analyzer.arrays import Floats
from analyzer.projection.choices import Basis
from analyzer.projection.components import ztunnel_vcpu
from analyzer.projection.demand import MeasuredLoad, MeshLoad
from analyzer.projection.modes import MODES, RIGHTSIZED, ModeNeeds
from analyzer.projection.needs import Case
from analyzer.projection.result import (
    Component,
    Footprint,
    Mode,
    NodeZtunnel,
    Price,
    Saved,
    Saving,
    TransferComponent,
)
from analyzer.projection.scenario import Scenario
from analyzer.projection.uncertainty import PRICES, Parameters, saved_between, to_interval
from analyzer.projection.zones import Transfer

_HAIR = 1e-9


def flat_price(scenario: Scenario) -> Price:
    """Return the one price of every node."""
    vcpu, memory_gib = (scenario[name] for name in PRICES)
    return Price(
        vcpu_month_usd=vcpu.mid,
        memory_gib_month_usd=memory_gib.mid,
        source=scenario.assumptions["vcpu_month_usd"].source,
        vcpu_month_usd_range=vcpu if vcpu.low < vcpu.high else None,
        memory_gib_month_usd_range=memory_gib if memory_gib.low < memory_gib.high else None,
    )


def mode_of(mode: ModeNeeds, headline: Basis, parameters: Parameters) -> Mode:
    """Return what a mode needs and costs on every basis that is known of it."""
    bases: dict[Basis, Footprint] = {}
    for basis in mode.bases:
        memory_gib = mode.memory_gib(basis)
        vcpu, usd = mode.vcpu(basis), mode.usd_per_year(basis, parameters)
        bases[basis] = Footprint(
            vcpu=to_interval(vcpu),
            memory_gib=None if memory_gib is None else to_interval(memory_gib),
            usd_per_year=to_interval(usd),
            vcpu_draws=vcpu,
            usd_draws=usd,
        )
    components = tuple(
        Component(
            role=need.role,
            count=need.count,
            vcpu=to_interval(need.vcpu[Basis.USAGE]),
            hottest_vcpu=None if need.hottest_vcpu is None else to_interval(need.hottest_vcpu),
            each_requested_vcpu=(
                None if need.each_requested_vcpu is None else to_interval(need.each_requested_vcpu)
            ),
            provenance=need.provenance,
            need=need,
        )
        for need in mode.needs
    )
    return Mode(
        name=mode.name,
        vcpu=bases[headline].vcpu,
        memory_gib=bases[headline].memory_gib,
        usd_per_year=bases[headline].usd_per_year,
        bases=bases,
        components=components,
        transfer=None if mode.transfer is None else _transfer(mode.transfer),
    )


def _transfer(found: Transfer) -> TransferComponent:
    return TransferComponent(
        count=found.waypoint_count,
        gb_per_month=to_interval(found.gb_per_month.sum(axis=0)),
        usd_per_year=to_interval(found.usd_per_year),
        transfer=found,
    )


def savings_of(
    load: MeshLoad, modes: Mapping[str, ModeNeeds], basis: Basis, parameters: Parameters
) -> tuple[Saving, ...]:
    """Return what each mode saves against the first; nothing where that costs nothing."""
    sidecar, *others = modes.values()
    before = sidecar.usd_per_year(basis, parameters)
    if before[0] == 0:
        return ()
    resized = modes.get(RIGHTSIZED)
    savings = []
    for mode in others:
        # Draw by draw, so that what both modes share does not widen the range.
        difference = saved_between(before, mode.usd_per_year(basis, parameters))
        draws = difference[1:] if len(difference) > 1 else difference
        bases = _saved_by_basis(sidecar, mode, parameters)
        saving = Saving(
            mode=mode.name,
            vcpu=to_interval(saved_between(sidecar.vcpu(Basis.USAGE), mode.vcpu(Basis.USAGE))),
            usd_per_year=bases[basis].usd_per_year,
            percent=bases[basis].percent,
            bases=bases,
            against_rightsized=_beyond(resized, mode, basis, parameters),
            probability_cheaper=float((draws > 0).mean()),
            freed_node_count=freed_nodes(load, sidecar, mode),
        )
        savings.append(saving)
    return tuple(savings)


def _beyond(
    resized: ModeNeeds | None, mode: ModeNeeds, basis: Basis, parameters: Parameters
) -> Saved | None:
    """Return what an ambient mode saves against right-sized sidecars."""
    if resized is None or not MODES[mode.name].is_ambient:
        return None
    return saved(*(each.usd_per_year(basis, parameters) for each in (resized, mode)))


def _saved_by_basis(
    sidecar: ModeNeeds, mode: ModeNeeds, parameters: Parameters
) -> Mapping[Basis, Saved]:
    found = {}
    for basis in (known for known in mode.bases if known in sidecar.bases):
        before, after = (each.usd_per_year(basis, parameters) for each in (sidecar, mode))
        if amount := saved(before, after):
            found[basis] = amount
    return found


def saved(before: Floats, after: Floats) -> Saved | None:
    """Return what is saved, from dollars a year on draws; None where nothing was paid before."""
    if before[0] <= 0:
        return None
    difference = saved_between(before, after)
    # Where the draw of the price is 0, there is nothing to be a part of.
    paid = np.broadcast_to(before, difference.shape) > 0
    share = 100 * difference[paid] / np.broadcast_to(before, difference.shape)[paid]
    return Saved(usd_per_year=to_interval(difference), percent=to_interval(share))


def freed_nodes(load: MeshLoad, sidecar: ModeNeeds, mode: ModeNeeds) -> int | None:
    """Return how many whole mean nodes the CPU and memory requests would free; negative: need.

    By the scarcer of CPU and memory, at the best estimates. An upper bound: the remaining pods have
    to be packed into fewer nodes, and the requests of DaemonSets go with a node.
    """
    before, after = (known.memory_gib(Basis.RESERVED) for known in (sidecar, mode))
    is_known = all(Basis.RESERVED in known.bases for known in (sidecar, mode))
    if not (isinstance(load, MeasuredLoad) and is_known) or before is None or after is None:
        return None
    vcpu_each, memory_each = load.allocatable_vcpu_per_node, load.allocatable_memory_gib_per_node
    if vcpu_each is None or memory_each is None:
        return None
    vcpu = float(sidecar.vcpu(Basis.RESERVED)[0] - mode.vcpu(Basis.RESERVED)[0])
    memory_gib = float(before[0] - after[0])
    freed = min(vcpu / vcpu_each, memory_gib / memory_each)
    # A part of a node is no node, neither freed nor needed. A sum in another order is a hair off.
    return math.trunc(freed + math.copysign(_HAIR, freed))


def ztunnel_nodes(case: Case) -> tuple[NodeZtunnel, ...]:
    """Return what the ztunnel of each node would use while the node exists, the busiest first."""
    used_vcpu = ztunnel_vcpu(case.nodes, case.parameters)
    names = ("node", "passes_rps", "gbit_per_second", "present_share")
    columns = (case.nodes[name] for name in names)
    found = [
        NodeZtunnel(
            node=str(node),
            passes_rps=float(passes),
            gbit_per_second=float(gbit),
            ztunnel_vcpu=to_interval(drawn),
            present_share=float(share),
        )
        for node, passes, gbit, share, drawn in zip(*columns, used_vcpu, strict=True)
    ]
    return tuple(sorted(found, key=lambda item: (-item.ztunnel_vcpu.mid, item.node)))
