"""How the saving changes along one choice: how much needs L7, and how many replicas that takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from analyzer.calibration.fit.segments import Floats
from analyzer.projection.choices import Basis
from analyzer.projection.components import Parameters, waypoint_need
from analyzer.projection.demand import MeshLoad
from analyzer.projection.draws import to_interval
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT, SIDECAR, ModeNeeds
from analyzer.projection.prices import NodePrices
from analyzer.projection.result import Sweep, SweepPoint

__all__ = ["sweeps"]

L7_SHARES: Final = tuple(step / 10 for step in range(11))
REPLICAS: Final = (1, 2, 3, 4, 5)


def sweeps(
    load: MeshLoad,
    modes: Mapping[str, ModeNeeds],
    parameters: Parameters | None,
    basis: Basis,
    prices: NodePrices | None,
) -> tuple[Sweep, ...]:
    """Return the sweeps; none where ambient could not be evaluated."""
    if parameters is None or AMBIENT_L4 not in modes:
        return ()
    sidecar, ztunnel = modes[SIDECAR], modes[AMBIENT_L4].needs
    has_http = load.namespaces["has_http"].to_numpy(float)

    def saving(weights: Floats, drawn: Parameters) -> Floats:
        waypoint = waypoint_need(load, drawn, weights, prices)
        mode = ModeNeeds(name=AMBIENT_WAYPOINT, needs=(*ztunnel, waypoint))
        return sidecar.usd_per_year(basis, drawn) - mode.usd_per_year(basis, drawn)

    chosen = parameters.placement.weights(load.namespaces)
    by_share = [saving(share * has_http, parameters) for share in L7_SHARES]
    by_replicas = [saving(chosen, _with_replicas(parameters, count)) for count in REPLICAS]
    return (
        _sweep("l7_share", L7_SHARES, by_share),
        _sweep("waypoint_replicas", REPLICAS, by_replicas),
    )


def _with_replicas(parameters: Parameters, count: int) -> Parameters:
    some = np.full_like(parameters["waypoint_replicas"], count)
    return replace(parameters, values={**parameters.values, "waypoint_replicas": some})


def _sweep(name: str, choices: Sequence[float], savings: Sequence[Floats]) -> Sweep:
    mids = np.array([saving[0] for saving in savings])
    crossing = np.flatnonzero((mids[:-1] >= 0) & (mids[1:] < 0))
    break_even = None
    if len(crossing):
        at = int(crossing[0])
        step = choices[at + 1] - choices[at]
        break_even = choices[at] + step * float(mids[at] / (mids[at] - mids[at + 1]))
    points = tuple(
        SweepPoint(choice=float(choice), usd_per_year=to_interval(saving))
        for choice, saving in zip(choices, savings, strict=True)
    )
    return Sweep(name=name, points=points, break_even=break_even)
