"""Which assumption moves the answer most, and how the saving changes along one choice."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.projection import components
from analyzer.projection.choices import Basis, Share
from analyzer.projection.hardware import REQUEST_COST
from analyzer.projection.modes import AMBIENT_WAYPOINT, MODES, SIDECAR, mode_of, needs_of
from analyzer.projection.needs import Case
from analyzer.projection.result import Sensitivity, Sweep, SweepPoint
from analyzer.projection.saved import SavedWithOne
from analyzer.projection.scenario import Scenario
from analyzer.projection.uncertainty import Parameters, to_interval
from analyzer.projection.unseen import DEVIATES, UNSEEN_TIME

_MOST_VCPU: Final = 1e3
"""For 1000 requests/s: more than any proxy costs."""

_CLOSE: Final = 1e-12
"""Share of the cost that is looked for, and a cost, up to which two are the same."""

REPLICAS: Final = "waypoint_replicas"
REPLICA_COUNTS: Final = range(1, 6)
"""The replicas of each waypoint for which the saving is shown."""

_L7_SHARES: Final = tuple(step / 10 for step in range(11))


def sensitivity(case: Case, scenario: Scenario, saved: SavedWithOne) -> tuple[Sensitivity, ...]:
    """Move each uncertain figure to the ends of its range, the others at their best estimate.

    Assumptions, fitted figures and unseen time are returned where they have a range and matter, the
    one that moves the saving of `ambient-waypoint` most first. Ambient must be one that can be
    evaluated.
    """
    ranges = {name: item.value for name, item in scenario.assumptions.items()}
    found = []
    ranges |= case.parameters.fitted
    ranges |= {} if case.parameters.ranges.are_exact else {UNSEEN_TIME: DEVIATES}
    for name, value in ranges.items():
        # The cost of a pass that follows the sidecars has no range of its own.
        if value.low == value.high or (name == REQUEST_COST and name in case.parameters.following):
            continue
        # One end at a time: how many replicas there are follows the best estimates of each.
        low, high = (
            saved.usd_per_year(AMBIENT_WAYPOINT, name, end) for end in (value.low, value.high)
        )
        if low != high:
            found.append((name, low, high))
    found.sort(key=lambda item: -abs(item[2] - item[1]))
    return tuple(
        Sensitivity(
            mode=AMBIENT_WAYPOINT, assumption=name, low_usd_per_year=low, high_usd_per_year=high
        )
        for name, low, high in found
    )


def break_even_request(saved: SavedWithOne, mode: str) -> float | None:
    """Return up to which cost of a pass, in vCPU per 1000 requests/s, a mode saves.

    All else is at its best estimate. 0: it saves at no cost; None: it saves at any, as nothing
    passes or only what is requested is paid.
    """

    def saved_usd(vcpu: float) -> float:
        return saved.usd_per_year(mode, REQUEST_COST, vcpu)

    at_none, at_most = saved_usd(0.0), saved_usd(_MOST_VCPU)
    if at_none <= 0:
        return 0.0
    if at_most > 0:
        return None
    return crossing(saved_usd, (0.0, at_none), (_MOST_VCPU, at_most))


def crossing(
    saved_usd: Callable[[float], float], above: tuple[float, float], below: tuple[float, float]
) -> float:
    """Return the cost between two at which the saving becomes zero; each is (vcpu, usd).

    The line through both ends is followed. An end that stays counts half (the Illinois method), so
    that both ends move. SciPy's root finders would do, but importing them takes longer than the
    rest of a projection.
    """
    stayed = None
    while below[0] - above[0] > (close := _CLOSE * (1 + below[0])):
        vcpu = (above[0] * below[1] - below[0] * above[1]) / (below[1] - above[1])
        # A step of less than half of what is close would be lost in rounding.
        vcpu = min(max(vcpu, above[0] + close / 2), below[0] - close / 2)
        usd = saved_usd(vcpu)
        if usd > 0:
            above, stays = (vcpu, usd), "below"
            below = (below[0], below[1] / 2) if stayed == stays else below
        else:
            below, stays = (vcpu, usd), "above"
            above = (above[0], above[1] / 2) if stayed == stays else above
        stayed = stays
    return below[0]


def sweeps(case: Case, basis: Basis) -> tuple[Sweep, ...]:
    """Return the saving along the share of namespaces that need L7, and along replicas."""
    parameters, sidecar = case.parameters, needs_of(SIDECAR, case)
    placed = components.WAYPOINTS_PLACED
    others = [
        (part.need(case), part.transfer(case))
        for part in MODES[AMBIENT_WAYPOINT].parts
        if part is not placed
    ]

    def saving(changed: Parameters) -> Floats:
        with_it = replace(case, parameters=changed)
        mode = mode_of(
            AMBIENT_WAYPOINT,
            [*others, (placed.need(with_it), placed.transfer(with_it))],
        )
        return sidecar.usd_per_year(basis, parameters) - mode.usd_per_year(basis, parameters)

    def with_replicas(count: float) -> Parameters:
        some = np.full_like(parameters[REPLICAS], count)
        return replace(parameters, values={**parameters.values, REPLICAS: some})

    return (
        sweep("l7_share", _L7_SHARES, lambda at: saving(replace(parameters, placement=Share(at)))),
        sweep(REPLICAS, REPLICA_COUNTS, lambda count: saving(with_replicas(count))),
    )


def sweep(name: str, choices: Sequence[float], saving: Callable[[float], Floats]) -> Sweep:
    """Return what is saved along a choice; `saving` gives it on draws, the best estimate first."""
    savings = [saving(choice) for choice in choices]
    mids = np.array([saved[0] for saved in savings])
    crossing = np.flatnonzero((mids[:-1] >= 0) & (mids[1:] < 0))
    break_even = None
    if len(crossing):
        at = int(crossing[0])
        step = choices[at + 1] - choices[at]
        break_even = choices[at] + step * float(mids[at] / (mids[at] - mids[at + 1]))
    points = tuple(
        SweepPoint(choice=float(choice), usd_per_year=to_interval(saved))
        for choice, saved in zip(choices, savings, strict=True)
    )
    return Sweep(name=name, points=points, break_even=break_even)
