"""Which shape the data ask for: cross-validation, with the one-standard-error rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analyzer.calibration.fit.huber import RobustFit
from analyzer.calibration.fit.least_squares import moments_of, solve
from analyzer.calibration.fit.segments import Floats
from analyzer.calibration.panel import Obstacle, Panel
from analyzer.calibration.shapes import (
    AFFINE,
    BY_DIRECTION,
    EXPONENTS,
    FINER,
    Shape,
    is_separable,
    power,
)

__all__ = ["Score", "choose", "cross_validate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well a shape predicts clusters that it was not fitted to.

    Attributes:
        error: mean squared error of a step, in units of its workload's noise; 1 is noise alone.
        standard_error: of that, over clusters.
    """

    shape: Shape
    error: float
    standard_error: float


def choose(panel: Panel, found: Mapping[int, Obstacle], line: RobustFit) -> tuple[Score, ...]:
    """Score every shape; the first returned is the simplest not clearly worse than the best.

    Not clearly worse is: by no more than one standard error of the best one's error (Breiman and
    others, Classification and Regression Trees, 1984, section 3.4.3).
    """
    straight = cross_validate(AFFINE, panel, found, line)
    scores = [straight, _best_power(straight, panel, found, line)]
    if is_separable(panel):
        scores.append(cross_validate(BY_DIRECTION, panel, found, line))
    best = min(scores, key=lambda score: score.error)
    limit = best.error + best.standard_error
    chosen = next(score for score in scores if score.error <= limit)
    return chosen, *(score for score in scores if score is not chosen)


def _best_power(
    straight: Score, panel: Panel, found: Mapping[int, Obstacle], line: RobustFit
) -> Score:
    """Return the best exponent's score; where none comes near a straight line, a rough one's."""
    rough = [cross_validate(power(exponent), panel, found, line) for exponent in EXPONENTS]
    best = min(rough, key=lambda score: score.error)
    if best.error >= straight.error:
        return best
    exponents = [round(best.shape.exponent + step, 2) for step in FINER]
    finer = [cross_validate(power(exponent), panel, found, line) for exponent in exponents]
    return min([best, *finer], key=lambda score: score.error)


def cross_validate(
    shape: Shape, panel: Panel, found: Mapping[int, Obstacle], line: RobustFit
) -> Score:
    """Predict each of a workload's proxies, or block of its time, from its others.

    Args:
        shape: to be tried.
        panel: the observations.
        found: obstacles; these workloads are left out.
        line: a robust straight line, whose weights all shapes are held against.
    """
    problem = shape.problem(panel, found)
    in_units_of_noise = line.weights / panel.workloads.spread(line.scale**2)
    cells = moments_of(problem.design, panel.vcpu, in_units_of_noise, panel.clusters)
    groups = panel.clusters.within(panel.workloads)
    owner = groups.spread(np.arange(len(groups)))
    others = cells.summed(groups).of(owner).without(cells)
    coefficients, _ = solve(others, problem.active[owner], problem.floored)
    used = problem.has_slope[owner]
    losses = cells.loss(coefficients)
    return _score(shape, losses[used], panel.clusters.lengths[used].astype(float))


def _score(shape: Shape, losses: Floats, rows: Floats) -> Score:
    error = float(losses.sum() / rows.sum())
    spread = float(np.sqrt(((losses - error * rows) ** 2).sum())) / float(rows.sum())
    return Score(shape=shape, error=error, standard_error=spread)
