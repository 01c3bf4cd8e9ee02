"""The shapes a fit may take, from the simplest: what each makes of the observations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.calibration.fit.least_squares import Problem
from analyzer.calibration.fit.segments import Bools, Floats
from analyzer.calibration.panel import Obstacle, Panel

__all__ = [
    "AFFINE",
    "BY_DIRECTION",
    "COLLINEAR",
    "EXPONENTS",
    "FINER",
    "Shape",
    "is_separable",
    "left_out",
    "power",
]

COLLINEAR: Final = 0.9
"""Share of one column's variance that others explain beyond which they cannot be told apart: a
variance inflation of 10, the customary limit."""

EXPONENTS: Final = (0.45, 0.65, 0.85)
"""Exponents tried first."""

FINER: Final = (-0.1, -0.05, 0.05, 0.1)
"""Steps from the best of them that are tried next. Neighbours 0.05 apart predict within 1 % of each
other over a factor of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How CPU follows from traffic, but for the coefficients.

    Attributes:
        name: for people.
        exponent: of the request rate; 1 for a straight line.
        by_direction: whether inbound requests, outbound ones and bytes have a cost each.
    """

    name: str
    exponent: float = 1.0
    by_direction: bool = False

    def basis(self, panel: Panel) -> Floats:
        """Return what the CPU of traffic is proportional to, shape (n,)."""
        return panel.rps if self.exponent == 1 else panel.rps**self.exponent

    def design(self, panel: Panel) -> Floats:
        """Return the columns to fit, shape (2, n): one, basis; or (5, n): and in, out, gbit."""
        columns = [np.ones_like(panel.rps), self.basis(panel)]
        if self.by_direction:
            columns += [
                panel.inbound_rps,
                panel.outbound_rps,
                np.nan_to_num(panel.gbit_per_second),
            ]
        return np.array(columns)

    def problem(self, panel: Panel, found: Mapping[int, Obstacle]) -> Problem:
        """Return what is to be fitted, workload by workload.

        Idle may not be below zero, nor what directions and bytes cost. What all requests cost may:
        where noise hides it, half of all estimates come out too low, and cutting these off would
        push the mean of the mesh up.
        """
        return Problem(
            design=self.design(panel),
            target=panel.vcpu,
            segments=panel.workloads,
            active=self._active(panel, found),
            floored=(0, 2, 3, 4) if self.by_direction else (0,),
        )

    def _active(self, panel: Panel, found: Mapping[int, Obstacle]) -> Bools:
        """Return which columns each workload's traffic can tell apart, shape (g, k)."""
        columns = 5 if self.by_direction else 2
        active = np.zeros((len(panel.workloads), columns), dtype=bool)
        active[:, :2] = True
        if self.by_direction:
            has_bytes, has_directions = _separable(panel)
            active[has_directions, 1] = False
            active[has_directions, 2:4] = True
            active[has_bytes, 4] = True
        for number, obstacle in found.items():
            active[number] = False
            active[number, 0] = obstacle.is_all_idle
        return active


AFFINE: Final = Shape(name="affine")
BY_DIRECTION: Final = Shape(name="affine in inbound, outbound and bytes", by_direction=True)


def power(exponent: float) -> Shape:
    """Return the concave shape of this exponent."""
    return Shape(name=f"power {exponent:g}", exponent=exponent)


def is_separable(panel: Panel) -> bool:
    """Tell whether any workload's traffic can be told apart by direction, or from its bytes."""
    return any(told.any() for told in _separable(panel))


def left_out(panel: Panel, has_slope: Bools) -> tuple[str, ...]:
    """Return which terms could not be fitted apart in which part of the workloads, and why."""
    has_bytes, has_directions = (told[has_slope] for told in _separable(panel))
    count = len(has_bytes)
    remarks = []
    if not has_directions.all():
        remarks.append(
            f"inbound and outbound requests rise and fall together in {(~has_directions).sum()} "
            f"of {count} workloads, where one figure stands for both"
        )
    if not has_bytes.all():
        remarks.append(
            f"bytes are not known, or follow requests, in {(~has_bytes).sum()} of {count} "
            "workloads, where they are part of the cost of a request"
        )
    return tuple(remarks)


def _separable(panel: Panel) -> tuple[Bools, Bools]:
    """Tell the workloads whose bytes, and whose directions, vary on their own."""
    correlations = panel.correlations
    between, total = correlations[:, 0, 1], correlations[:, 3, 2]
    with_in, with_out = correlations[:, 0, 2], correlations[:, 1, 2]
    has_directions = between**2 < COLLINEAR
    # The share of the bytes' variance that both directions together explain.
    together = np.divide(
        with_in**2 + with_out**2 - 2 * with_in * with_out * between,
        1 - between**2,
        out=np.ones_like(between),
        where=has_directions,
    )
    explained = np.where(has_directions, together, total**2)
    is_known = panel.workloads.sum(np.isnan(panel.gbit_per_second)) == 0
    return (explained < COLLINEAR) & is_known, has_directions
