"""From draws to the figures that a reader sees: prices, modes, savings, nodes and namespaces."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats
from analyzer.calibration.result import Calibration
from analyzer.projection.choices import Basis, waypoint_weights
from analyzer.projection.components import waypoint_replicas, ztunnel_vcpu
from analyzer.projection.demand import MeasuredLoad, MeshLoad
from analyzer.projection.modes import ModeNeeds
from analyzer.projection.needs import Case
from analyzer.projection.result import Component, Footprint, Mode, NodeZtunnel, Price, Saving
from analyzer.projection.scenario import Scenario
from analyzer.projection.uncertainty import Parameters, to_interval
from analyzer.units import Refusal

_HAIR = 1e-9


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
    return Mode(
        name=mode.name,
        vcpu=bases[headline].vcpu,
        memory_gib=bases[headline].memory_gib,
        usd_per_year=bases[headline].usd_per_year,
        bases=bases,
        components=components,
    )


def savings_of(
    load: MeshLoad, modes: Mapping[str, ModeNeeds], basis: Basis, parameters: Parameters
) -> tuple[Saving, ...]:
    """Return what each mode saves against the first; nothing where that costs nothing."""
    sidecar, *others = modes.values()
    before = sidecar.usd_per_year(basis, parameters)
    if before[0] == 0:
        return ()
    # Where the draw of the price is nil, there is nothing to be a part of.
    paid, savings = before > 0, []
    for mode in others:
        # Draw by draw, so that what both modes share does not widen the range.
        saved = before - mode.usd_per_year(basis, parameters)
        draws = saved[1:] if len(saved) > 1 else saved
        saving = Saving(
            mode=mode.name,
            vcpu=to_interval(sidecar.vcpu(Basis.USAGE) - mode.vcpu(Basis.USAGE)),
            usd_per_year=to_interval(saved),
            percent=to_interval(100 * saved[paid] / before[paid]),
            probability_cheaper=float((draws > 0).mean()),
            freed_node_count=freed_nodes(load, sidecar, mode),
        )
        savings.append(saving)
    return tuple(savings)


def freed_nodes(load: MeshLoad, sidecar: ModeNeeds, mode: ModeNeeds) -> int | None:
    """Return how many mean nodes the reservations that fall away would fill.

    By the scarcer of CPU and memory, at the best estimates. An upper bound: what is left has to be
    packed into fewer nodes, and reservations of DaemonSets go with a node.
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
    # What was added up in another order is a hair off, and must not cost a whole node.
    return math.floor(min(vcpu / vcpu_each, memory_gib / memory_each) + _HAIR)


def ztunnel_nodes(case: Case) -> tuple[NodeZtunnel, ...]:
    """Return what the ztunnel of each node would use, the busiest first."""
    used_vcpu = ztunnel_vcpu(case.nodes, case.parameters)
    columns = (case.nodes[name] for name in ("node", "passes_rps", "gbit_per_second"))
    found = [
        NodeZtunnel(
            node=str(node),
            passes_rps=float(passes),
            gbit_per_second=float(gbit),
            ztunnel_vcpu=to_interval(drawn),
        )
        for node, passes, gbit, drawn in zip(*columns, used_vcpu, strict=True)
    ]
    return tuple(sorted(found, key=lambda item: (-item.ztunnel_vcpu.mid, item.node)))


def rank_namespaces(case: Case, calibration: Calibration) -> pd.DataFrame:
    """Divide the best estimates among the namespaces, and order them by what moving saves.

    What a ztunnel uses for traffic follows the traffic; what it uses at rest follows the sidecars
    it replaces, but in the cumulative saving, where it is spent before the first namespace moves.
    """
    load, parameters = case.load, case.parameters
    namespaces = load.namespaces
    frame = namespaces[["namespace", "sidecar_count", "proxy_rps", "sidecar_vcpu"]]
    if not case.has_ambient:
        return frame
    idle_vcpu = parameters["ztunnel_idle_vcpu_per_node"][0] * len(case.nodes)
    share = namespaces["sidecar_count"] / namespaces["sidecar_count"].sum()
    carried = _carried_by_ztunnels(namespaces, parameters)
    replicas = waypoint_replicas(load, parameters)
    rps = namespaces["waypoint_rps"].to_numpy(float) / replicas
    frame = frame.assign(
        ambient_l4_vcpu=idle_vcpu * share + carried,
        waypoint_vcpu=parameters.likely_waypoint_vcpu(rps) * replicas,
        waypoint_replicas=replicas.astype(int),
        waypoint_extrapolated=is_extrapolated(rps, calibration),
    )
    needed = waypoint_weights(parameters.placement, namespaces)
    saving = frame["sidecar_vcpu"] - frame["ambient_l4_vcpu"]
    saving_waypoint = saving - frame["waypoint_vcpu"]
    frame = frame.assign(
        saving_l4_vcpu=saving,
        saving_waypoint_vcpu=saving_waypoint,
        waypoint_costs_more=saving_waypoint < 0,
        gained_vcpu=frame["sidecar_vcpu"] - carried - needed * frame["waypoint_vcpu"],
    ).sort_values(["gained_vcpu", "namespace"], ascending=[False, True], ignore_index=True)
    gained = frame.pop("gained_vcpu")
    return frame.assign(cumulative_saving_vcpu=gained.cumsum() - idle_vcpu)


def _carried_by_ztunnels(namespaces: pd.DataFrame, parameters: Parameters) -> pd.Series:
    connections = parameters["ztunnel_vcpu_per_1000_new_connections_per_second"][0] / 1000
    per_unit = {
        "proxy_rps": parameters["ztunnel_vcpu_per_1000_rps"][0] / 1000,
        "gbit_per_second": parameters["ztunnel_vcpu_per_gbit_per_second"][0],
        "new_connections_per_second": connections,
    }
    return namespaces[list(per_unit)].mul(pd.Series(per_unit)).sum(axis=1)


def is_extrapolated(rps: Floats, calibration: Calibration) -> Bools:
    """Tell the waypoint replicas at whose rate no proxy was seen; one at rest only idles."""
    waypoint = calibration.waypoint
    if isinstance(waypoint, Refusal):
        return np.zeros(rps.shape, dtype=bool)
    return waypoint.extrapolates(rps) & (rps > 0)
