"""Which assumption moves the answer most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzer.projection.components import Parameters
from analyzer.projection.demand import MeshLoad
from analyzer.projection.modes import AMBIENT_WAYPOINT, SIDECAR, evaluate
from analyzer.projection.prices import NodePrices
from analyzer.projection.result import Sensitivity
from analyzer.projection.scenario import Basis, Scenario
from analyzer.projection.sidecars import SidecarFootprint

__all__ = ["sensitivity"]


def sensitivity(
    load: MeshLoad,
    sidecars: SidecarFootprint,
    scenario: Scenario,
    parameters: Parameters | None,
    basis: Basis,
    prices: NodePrices | None = None,
) -> tuple[Sensitivity, ...]:
    """Move each uncertain figure to the ends of its range, the others at their best estimate.

    Returns:
        Assumptions and fitted figures that have a range and matter, the one that moves the saving
        of `ambient-waypoint` most first. Empty where that mode could not be evaluated.
    """
    if parameters is None or load.nodes is None:
        return ()
    assumed = {name: item.value for name, item in scenario.assumptions.items()}
    found = []
    for name, value in {**assumed, **parameters.waypoint_fit}.items():
        if value.low == value.high:
            continue
        # One end at a time: how many replicas there are follows the best estimates of each.
        low, high = (
            _saved(load, sidecars, _moved(parameters, name, end, value.mid), basis, prices)
            for end in (value.low, value.high)
        )
        if low != high:
            found.append(
                Sensitivity(
                    mode=AMBIENT_WAYPOINT,
                    assumption=name,
                    low_usd_per_year=low,
                    high_usd_per_year=high,
                )
            )
    return tuple(
        sorted(found, key=lambda item: -abs(item.high_usd_per_year - item.low_usd_per_year))
    )


def _saved(
    load: MeshLoad,
    sidecars: SidecarFootprint,
    parameters: Parameters,
    basis: Basis,
    prices: NodePrices | None,
) -> float:
    modes = evaluate(load, sidecars, parameters, draws=1, prices=prices)
    before, after = (
        modes[name].usd_per_year(basis, parameters) for name in (SIDECAR, AMBIENT_WAYPOINT)
    )
    return float(before[0] - after[0])


def _moved(parameters: Parameters, name: str, value: float, mid: float) -> Parameters:
    """Return the best estimates alone, but one of them moved from its own to a value."""
    values = {key: array[:1] for key, array in parameters.values.items()}
    moved = value / mid if mid else 1.0
    of_ratio = name == "waypoint_to_sidecar_ratio" and parameters.waypoint_follows_sidecar
    idle = moved if of_ratio or name.endswith("_idle_vcpu_per_proxy") else 1.0
    slope = moved if of_ratio or name in _slopes(parameters) else 1.0
    if name in values:
        values[name] = np.array([value])
    return replace(
        parameters,
        values=values,
        waypoint_idle_vcpu=parameters.waypoint_idle_vcpu[:1] * idle,
        waypoint_vcpu_per_1000_rps=parameters.waypoint_vcpu_per_1000_rps[:1] * slope,
    )


def _slopes(parameters: Parameters) -> set[str]:
    return {name for name in parameters.waypoint_fit if name.endswith("_vcpu_per_1000_rps")}
