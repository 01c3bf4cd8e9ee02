"""The choice between shapes by cross-validation, and what it leaves uncertain.

A curve replaces the straight line if it predicts better, beyond what noise explains, in the
clusters and in blocks of time: noise that all proxies share would bend every line in the same way.
A curve that is not clear still widens the ranges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from scipy import special

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.fit.huber import RobustFit
from analyzer.calibration.fit.jackknife import mean_error, predict_each
from analyzer.calibration.fit.least_squares import moments_of, solve
from analyzer.calibration.fit.parabola import Vertex, vertex
from analyzer.calibration.panel import Panel
from analyzer.calibration.shapes import AFFINE, BY_DIRECTION, Shape, knee, power
from analyzer.calibration.workloads import reduction_of

EXPONENTS: Final = (0.45, 0.65, 0.85)
FINER: Final = (-0.1, -0.05, 0.05, 0.1)
"""Exponents tried first, and offsets from the best one that are tried next. Neighbours 0.05 apart
predict within 1 % of each other over a factor of ten."""

KNEES: Final = (0.3, 0.45, 0.6, 0.75)
BETWEEN_KNEES: Final = 0.075
"""Knees tried, as shares of a workload's highest rate, and the distance of those tried next. With a
knee lower than these, a straight line fits all busy hours; with a higher one, few samples show it.
"""

LEAST_RISE: Final = 0.2
"""Least rise of the cost per request at a knee: a smaller one does not matter."""

CONFIDENCE: Final = 0.9
"""Chance that a curve predicts better than a straight line, from which it is chosen."""

BLOCKS: Final = 8
"""Blocks of time whose noise all workloads may share."""

MOST_ROWS: Final = 400_000
"""Samples from which a shape is chosen. More show nothing new, and take time."""

_EXPONENT_STEP: Final = 0.05
_RISE_STEP: Final = 0.5
_RISES: Final = (0.02, 4.0)
_POWERS: Final = (0.3, 0.98)
"""Distance of the trials that a parabola is laid through, and limits of what it may find."""


class Score(NamedTuple):
    """Error of a shape's predictions for clusters that it was not fitted to."""

    shape: Shape
    error: float  # mean square per sample, in units of its workload's noise; 1 is noise alone
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """The shapes tried, and the uncertainty of the choice between them."""

    scores: tuple[Score, ...] = ()  # the chosen one first
    covariance: Floats  # (2, 2): of idle vcpu per proxy and vcpu per 1000 rps, of the mesh's mean

    @property
    def shape(self) -> Shape:
        """The chosen shape."""
        return self.scores[0].shape if self.scores else AFFINE


class _Trial(NamedTuple):
    """How a shape predicts each cluster from the others."""

    score: Score
    losses: Floats  # (c,): of each cluster
    in_blocks: Floats  # (BLOCKS,): of each block of time

    @property
    def shape(self) -> Shape:
        return self.score.shape

    @property
    def loss(self) -> float:
        return float(self.losses.sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Samples of workloads that can be fitted, and the weights that shapes are compared with."""

    panel: Panel
    weights: Floats  # (n,)
    scale: Floats  # (g,): standard deviation of a residual of weight 1
    block: Ints  # (n,): block of the window

    @classmethod
    def of(cls, panel: Panel, fit: RobustFit) -> Sample:
        """Take every workload that can be fitted; of many, evenly chosen ones."""
        chosen = panel.is_fitted
        share = min(MOST_ROWS / max(int(panel.workloads.lengths[chosen].sum()), 1), 1.0)
        # The n-th workload is taken if n times the share passes a whole number.
        passed = np.floor(share * np.cumsum(chosen) + (1 - share))
        chosen &= np.diff(passed, prepend=0.0) > 0
        rows, part = panel.workloads.spread(chosen), panel.part(chosen)
        points, place = np.unique(part.point, return_inverse=True)
        return cls(
            panel=part,
            weights=fit.weights[rows],
            scale=fit.scale[chosen],
            block=np.asarray(place * BLOCKS // len(points), dtype=np.int64),
        )

    def trial(self, shape: Shape) -> _Trial:
        """Predict each proxy of a workload, or each block of its time, from the others."""
        panel, problem = self.panel, shape.problem(self.panel)
        precision = self.weights / panel.workloads.spread(self.scale**2)
        found = predict_each(problem, precision, panel.clusters, panel.is_fitted)
        left = panel.vcpu.copy()
        for column, values in zip(problem.design, found.coefficients.T, strict=True):
            left -= column * panel.clusters.spread(values)
        error = mean_error(found.losses, panel.clusters.lengths)
        in_blocks = np.bincount(self.block, precision * left**2, minlength=BLOCKS)
        return _Trial(Score(shape, *error), found.losses, in_blocks)

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


def choose(panel: Panel, line: RobustFit, within: frozenset[int] = frozenset()) -> Choice:
    """Cross-validate every shape, with the weights of a straight line.

    The power or the knee that predicts best is chosen if it is clearly better than the line.
    Separate costs of directions and bytes are chosen if their error is more than one standard error
    lower (Breiman and others, Classification and Regression Trees, 1984, section 3.4.3).
    `within` are the workloads whose pods have terms of their own.
    """
    if not panel.is_fitted.any():
        return Choice(covariance=np.zeros((2, 2)))
    sample = Sample.of(panel, line)
    straight = sample.trial(AFFINE.within_pods(within))
    powers, knees = _powers(sample, straight), _knees(sample, straight)
    curves = [trial for trial in (powers.best, knees.best) if trial is not None]
    clear = [trial for trial in curves if is_better(trial, straight)]
    first = min(clear, key=lambda trial: trial.loss, default=straight)
    scores = [first.score, *(trial.score for trial in (straight, *curves) if trial is not first)]
    covariance = np.zeros((2, 2)) if clear else _doubt(sample, straight.shape, [powers, knees])
    has_parts = sample.panel.has_directions.any() or sample.panel.has_bytes.any()
    if has_parts:
        parts = sample.trial(BY_DIRECTION.within_pods(within)).score
        if parts.error + parts.standard_error < first.score.error:
            return Choice(scores=(parts, *scores), covariance=np.zeros((2, 2)))
        scores.append(parts)
    return Choice(scores=tuple(scores), covariance=covariance)


def is_better(curve: _Trial, straight: _Trial) -> bool:
    """Return whether a curve predicts better, by each cluster and by each block of time."""
    gains = straight.losses - curve.losses, straight.in_blocks - curve.in_blocks
    return all(_chance(gain) > CONFIDENCE for gain in gains)


def _chance(gains: Floats) -> float:
    """Return the chance that the mean of what these are drawn from is positive."""
    count = len(gains)
    error = float(gains.std()) * np.sqrt(count / max(count - 1, 1))
    if count < 2 or error == 0:
        return 0.0
    return float(special.stdtr(count - 1, gains.mean() * np.sqrt(count) / error))


class _Family(NamedTuple):
    """Curves that differ in one number, which is `still` for a straight line."""

    best: _Trial | None  # None if no curve of the family bends the way it should
    of: Callable[[float], Shape]
    found: Vertex  # of the losses, near a straight line
    still: float


def _vertex(trials: Sequence[_Trial], at: Sequence[float]) -> Vertex:
    """Return the number that predicts best, from three trials, with its standard error."""
    ways = (
        vertex(np.array(at), np.array([trial.losses for trial in trials])),
        vertex(np.array(at), np.array([trial.in_blocks for trial in trials])),
    )
    return Vertex(ways[0].at, float(np.hypot(ways[0].standard_error, ways[1].standard_error)))


def _powers(sample: Sample, straight: _Trial) -> _Family:
    """Search the best exponent below 1; only roughly if a straight line is better."""
    within = straight.shape.within

    def of(exponent: float) -> Shape:
        return power(exponent).within_pods(within)

    best = min((sample.trial(of(p)) for p in EXPONENTS), key=lambda trial: trial.loss)
    beside = [sample.trial(of(1 - _EXPONENT_STEP)), straight, sample.trial(of(1 + _EXPONENT_STEP))]
    near = _vertex(beside, [1 - _EXPONENT_STEP, 1, 1 + _EXPONENT_STEP])
    if min(best.loss, beside[0].loss) < straight.loss:
        around = [round(best.shape.exponent + step, 2) for step in FINER]
        best = min(best, *(sample.trial(of(p)) for p in around), key=lambda trial: trial.loss)
    return _Family(best, of, near, 1.0)


def _knees(sample: Sample, straight: _Trial) -> _Family:
    """Search the best knee; only roughly if a straight line is better."""
    within, step = straight.shape.within, _RISE_STEP

    def at(share: float) -> Callable[[float], Shape]:
        return lambda rise: knee(share, rise).within_pods(within)

    def tried(shares: Sequence[float], rise: float) -> _Trial:
        return min((sample.trial(at(s)(rise)) for s in shares), key=lambda trial: trial.loss)

    best = tried(KNEES, step)
    of = at(best.shape.knee)
    near = _vertex([sample.trial(of(-step)), straight, best], [-step, 0, step])
    rise = float(np.clip(near.at, *_RISES))
    if rise < LEAST_RISE:
        return _Family(None, of, near, 0.0)
    share = best.shape.knee
    best = tried([share - BETWEEN_KNEES, share, share + BETWEEN_KNEES], rise)
    of = at(best.shape.knee)
    return _Family(_refined(sample, of, rise)[0], of, near, 0.0)


def _refined(sample: Sample, of: Callable[[float], Shape], start: float) -> tuple[_Trial, Vertex]:
    """Lay a parabola through the losses beside `start`, and return the best trial."""
    is_power = of(start).exponent != 1
    step = _EXPONENT_STEP if is_power else _RISE_STEP / 2
    beside = [start - step, start, start + step]
    found = _vertex([sample.trial(of(number)) for number in beside], beside)
    ends = _POWERS if is_power else _RISES
    number = round(float(np.clip(found.at, start - 2 * step, start + 2 * step)), 2)
    return sample.trial(of(float(np.clip(number, *ends)))), found


def _doubt(sample: Sample, line: Shape, families: Sequence[_Family]) -> Floats:
    """Return the covariance of a straight line from a curve that is not clear, (2, 2).

    The square of what the curve changes, less what noise alone changes, estimates the square of
    the line's error without bias. Below that noise it is zero, so that most straight lines keep
    their ranges.
    """

    def excess(family: _Family) -> float:
        noise = max(family.found.standard_error, np.finfo(float).tiny)
        bend = (family.found.at - family.still) / noise
        return 1 - 1 / max(bend**2, 1)

    family = max(families, key=excess)
    if not excess(family) > 0:
        return np.zeros((2, 2))
    lowest, highest = (-0.5, 1.0) if family.still == 0 else (0.5, 1.3)
    bent = family.of(float(np.clip(family.found.at, lowest, highest)))
    change = sample.mean_costs(bent) - sample.mean_costs(line)
    return np.asarray(excess(family) * np.outer(change, change))


def sharpened(choice: Choice, panel: Panel, fit: RobustFit) -> Choice:
    """Return the choice of a curve, its number estimated with the weights of the curve's own fit.

    A straight line's weights are those of its own predictions: they let the curve look straighter.
    """
    shape, sample = choice.shape, Sample.of(panel, fit)
    if not shape.is_curve:
        return choice

    def of(number: float) -> Shape:
        curve = power(number) if shape.exponent != 1 else knee(shape.knee, number)
        return curve.within_pods(shape.within)

    trial, found = _refined(sample, of, shape.exponent if shape.exponent != 1 else shape.rise)
    best = trial.shape
    number, most = (best.exponent, 0.2) if best.exponent != 1 else (best.rise, 2.0)
    reach = min(found.standard_error, most)
    halves = [(sample.mean_costs(of(number + reach)) - sample.mean_costs(of(number - reach))) / 2]
    if best.rise:
        # Evenly likely anywhere between the knees tried beside it.
        beside = [replace(best, knee=best.knee + side * BETWEEN_KNEES / 2) for side in (1, -1)]
        costs = [sample.mean_costs(curve) for curve in beside]
        halves.append((costs[0] - costs[1]) / 2 / np.sqrt(3))
    score = choice.scores[0]._replace(shape=best)
    covariance = sum((np.outer(half, half) for half in halves), np.zeros((2, 2)))
    return Choice(scores=(score, *choice.scores[1:]), covariance=covariance)
