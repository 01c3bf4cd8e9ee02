"""Shapes by how well they predict samples that they were not fitted to.

A curve is better than a straight line if it predicts better beyond what noise explains, over
clusters and over blocks of time: noise that all proxies share bends the lines of all of them in the
same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy import special

from analyzer.arrays import Floats, Ints
from analyzer.calibration.fit.huber import RobustFit
from analyzer.calibration.fit.jackknife import mean_error, predict_each
from analyzer.calibration.fit.least_squares import moments_of, solve
from analyzer.calibration.fit.parabola import Vertex, vertex
from analyzer.calibration.fit.segments import TIME_BLOCKS, time_blocks
from analyzer.calibration.panel import MOST_ROWS, Panel
from analyzer.calibration.shapes import Shape
from analyzer.calibration.workloads import reduction_of

CHANCE: Final = 0.05
"""Chance that noise makes a straight line look like a curve. It is divided by the numbers that the
samples decide (Bonferroni): one for an exponent, two for a knee and its rise."""

LIKELY: Final = 0.7
"""Chance that a curve predicts better, from which it counts. In one of ten meshes whose cost is
straight, a curve reaches it."""

LEAST_GROUPS: Final = 2
"""Least number of clusters, for the spread between them."""


class Score(NamedTuple):
    """Error of a shape's predictions for clusters that it was not fitted to."""

    shape: Shape
    error: float  # mean square per sample, in units of its workload's noise; 1 is noise alone
    standard_error: float


class Trial(NamedTuple):
    """How a shape predicts each cluster from the others."""

    score: Score
    losses: Floats  # (c,): of each cluster
    in_blocks: Floats  # (TIME_BLOCKS,): of each block of time

    @property
    def shape(self) -> Shape:
        """The shape that was tried."""
        return self.score.shape

    @property
    def loss(self) -> float:
        """The sum of squares over all clusters."""
        return float(self.losses.sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Samples of workloads that can be fitted, and the weights that shapes are compared with."""

    panel: Panel
    weights: Floats  # (n,): inverse variances of the noise
    block: Ints  # (n,): block of the window

    @classmethod
    def of(cls, panel: Panel, fit: RobustFit) -> Sample:
        """Take every workload that can be fitted; of many, evenly chosen ones."""
        chosen = panel.is_fitted
        share = min(MOST_ROWS / max(int(panel.workloads.lengths[chosen].sum()), 1), 1.0)
        # The n-th workload is taken if n times the share passes a whole number.
        passed = np.floor(share * np.cumsum(chosen) + (1 - share))
        chosen &= np.diff(passed, prepend=0.0) > 0
        part, mine = panel.part(chosen), fit.part(chosen, panel.workloads.spread(chosen))
        return cls(
            panel=part,
            weights=mine.weights / part.workloads.spread(mine.scale**2),
            block=time_blocks(part.point),
        )

    def trial(self, shape: Shape) -> Trial:
        """Predict each proxy of a workload, or each block of its time, from the others."""
        panel, problem = self.panel, shape.problem(self.panel)
        found = predict_each(problem, self.weights, panel.clusters)
        left = panel.vcpu.copy()
        for column, values in zip(problem.design, found.coefficients.T, strict=True):
            left -= column * panel.clusters.spread(values)
        error = mean_error(found.losses, panel.clusters.lengths)
        in_blocks = np.bincount(self.block, self.weights * left**2, minlength=TIME_BLOCKS)
        return Trial(Score(shape, *error), found.losses, in_blocks.astype(float))

    def mean_costs(self, shape: Shape) -> Floats:
        """Return idle vcpu per proxy and marginal vcpu per 1000 rps of all workloads, (2,)."""
        panel, problem = self.panel, shape.problem(self.panel)
        moments = moments_of(problem.design, problem.target, self.weights, panel.workloads)
        coefficients, _ = solve(moments, problem.active, problem.floored)
        idle, slope = np.einsum("gij,gj->ig", reduction_of(shape, panel), coefficients)
        time, marginal = panel.workloads.lengths, panel.workloads.sum(shape.marginal(panel))
        return np.array(
            [idle @ time / time.sum(), 1000 * slope @ marginal / max(panel.rps.sum(), 1e-300)]
        )


def cross_validate(shape: Shape, panel: Panel, fit: RobustFit) -> Score:
    """Predict each proxy of a workload, or each block of its time, from the others."""
    return Sample.of(panel, fit).trial(shape).score


def is_better(curve: Trial, straight: Trial) -> bool:
    """Return whether a curve predicts clearly better, over clusters and over blocks of time."""
    return weight(curve, straight) == 1


def weight(curve: Trial, straight: Trial) -> float:
    """Return the weight of a curve beside a straight line, by how likely it predicts better.

    The less likely of two decides: over clusters, and over blocks of time. A weight of 1 is clearly
    better, and one of 0 is a chance of LIKELY or less.
    """
    numbers = 2 if curve.shape.rise_share else 1
    gains = straight.losses - curve.losses, straight.in_blocks - curve.in_blocks
    least = min(map(_chance, gains))
    return float(np.clip((least - LIKELY) / (1 - CHANCE / numbers - LIKELY), 0.0, 1.0))


def _chance(gains: Floats) -> float:
    """Return the chance that the mean of what these are drawn from is positive."""
    count = len(gains)
    error = float(gains.std()) * np.sqrt(count / max(count - 1, 1))
    if count < LEAST_GROUPS or error == 0:
        return 0.0
    return float(special.stdtr(count - 1, gains.mean() * np.sqrt(count) / error))


def best_number(trials: Sequence[Trial], at: Sequence[float]) -> Vertex:
    """Return the number that predicts best, from three trials, with its standard error."""
    ways = (
        vertex(np.array(at), np.array([trial.losses for trial in trials])),
        vertex(np.array(at), np.array([trial.in_blocks for trial in trials])),
    )
    return Vertex(ways[0].at, float(np.hypot(ways[0].standard_error, ways[1].standard_error)))
