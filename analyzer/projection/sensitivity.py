"""Which assumption moves the answer most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzer.projection.evaluate import evaluate
from analyzer.projection.load import MeshLoad, SidecarFootprint
from analyzer.projection.modes import AMBIENT_WAYPOINT, SIDECAR, Parameters
from analyzer.projection.prices import NodePrices
from analyzer.projection.result import Sensitivity
from analyzer.projection.scenario import Basis, Scenario
from analyzer.units import Interval

__all__ = ["sensitivity"]


def sensitivity(
    load: MeshLoad,
    sidecars: SidecarFootprint,
    scenario: Scenario,
    parameters: Parameters | None,
    basis: Basis,
    prices: NodePrices | None = None,
) -> tuple[Sensitivity, ...]:
    """Move each uncertain assumption to the ends of its range, the others at their best estimate.

    Returns:
        Those that have a range and matter, the one that moves the saving of `ambient-waypoint`
        most first. Empty where that mode could not be evaluated.
    """
    if parameters is None or load.nodes is None:
        return ()
    found = []
    for name, item in scenario.assumptions.items():
        if item.value.low == item.value.high:
            continue
        moved = _moved(parameters, name, item.value)
        modes = evaluate(load, sidecars, moved, draws=2, prices=prices)
        low, high = modes[SIDECAR].usd_per_year(basis, moved) - modes[
            AMBIENT_WAYPOINT
        ].usd_per_year(basis, moved)
        if low != high:
            found.append(
                Sensitivity(
                    mode=AMBIENT_WAYPOINT,
                    assumption=name,
                    low_usd_per_year=float(low),
                    high_usd_per_year=float(high),
                )
            )
    return tuple(
        sorted(found, key=lambda item: -abs(item.high_usd_per_year - item.low_usd_per_year))
    )


def _moved(parameters: Parameters, name: str, value: Interval) -> Parameters:
    """Return two draws: all at their best estimate but one, at its low and its high end."""
    values = {key: np.repeat(array[:1], 2) for key, array in parameters.values.items()}
    values[name] = np.array([value.low, value.high])
    factor = np.ones(2)
    if name == "waypoint_to_sidecar_ratio" and parameters.waypoint_follows_sidecar:
        factor = values[name] / value.mid
    return replace(
        parameters,
        values=values,
        waypoint_idle_vcpu=parameters.waypoint_idle_vcpu[0] * factor,
        waypoint_vcpu_per_1000_rps=parameters.waypoint_vcpu_per_1000_rps[0] * factor,
    )
