"""The choice between shapes by cross-validation, and what it leaves uncertain.

A curve that is clearly better replaces the straight line. Its exponent, or its knee and its rise,
are estimates, and their error is part of the ranges. A curve that is not clear widens the ranges of
the line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Floats
from analyzer.calibration.fit.huber import RobustFit
from analyzer.calibration.fit.parabola import Vertex
from analyzer.calibration.panel import Panel
from analyzer.calibration.shapes import AFFINE, BY_DIRECTION, Shape, knee, power
from analyzer.calibration.trials import Sample, Score, Trial, best_number, is_better

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

NOISE: Final = 2.0
"""Standard errors by which an exponent may differ from 1 by noise. Of straight lines, 5 % differ by
more."""

_EXPONENT_STEP: Final = 0.05
_RISE_STEP: Final = 0.5
"""Distance of the trials that a parabola is laid through."""

_DOUBTED: Final = (0.5, 1.3)
"""Limits of an exponent that is not clear."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """The shapes tried, and the uncertainty of the choice between them."""

    scores: tuple[Score, ...] = ()  # the chosen one first
    covariance: Floats  # (2, 2): of idle vcpu per proxy and vcpu per 1000 rps, of the mesh's mean

    @property
    def shape(self) -> Shape:
        """The chosen shape."""
        return self.scores[0].shape if self.scores else AFFINE


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
    found, below = _power_near_one(sample, straight)
    curves = [_best_power(sample, straight, below)]
    if not within:
        # Pods of unequal speed are apart at high rates, too: that would look like a knee.
        curves += _best_knee(sample, straight)
    clear = [trial for trial in curves if is_better(trial, straight)]
    first = min(clear, key=lambda trial: trial.loss, default=straight)
    scores = [first.score, *(trial.score for trial in (straight, *curves) if trial is not first)]
    covariance = np.zeros((2, 2)) if clear else _doubt(sample, straight.shape, found)
    has_parts = sample.panel.has_directions.any() or sample.panel.has_bytes.any()
    if has_parts:
        parts = sample.trial(BY_DIRECTION.within_pods(within)).score
        if parts.error + parts.standard_error < first.score.error:
            return Choice(scores=(parts, *scores), covariance=np.zeros((2, 2)))
        scores.append(parts)
    return Choice(scores=tuple(scores), covariance=covariance)


def _power_near_one(sample: Sample, straight: Trial) -> tuple[Vertex, Trial]:
    """Return the best exponent by a parabola beside a straight line, and the trial below 1."""
    numbers = [1 - _EXPONENT_STEP, 1.0, 1 + _EXPONENT_STEP]
    below, above = (sample.trial(_curve(straight.shape, p)) for p in (numbers[0], numbers[2]))
    return best_number([below, straight, above], numbers), below


def _best_power(sample: Sample, straight: Trial, below: Trial) -> Trial:
    """Search the best exponent below 1; only roughly if a straight line is better."""

    def best_of(exponents: Sequence[float], *known: Trial) -> Trial:
        trials = [sample.trial(_curve(straight.shape, exponent)) for exponent in exponents]
        return min([*known, *trials], key=lambda trial: trial.loss)

    best = best_of(EXPONENTS)
    if min(best.loss, below.loss) >= straight.loss:
        return best
    return best_of([round(best.shape.exponent + step, 2) for step in FINER], best)


def _best_knee(sample: Sample, straight: Trial) -> list[Trial]:
    """Search the best knee; return none if cost per request does not rise."""

    def best_of(shares: Sequence[float], rise: float) -> Trial:
        shapes = (_bent(straight.shape, share, rise) for share in shares)
        return min(map(sample.trial, shapes), key=lambda trial: trial.loss)

    best = best_of(KNEES, _RISE_STEP)
    down = sample.trial(replace(best.shape, rise=-_RISE_STEP))
    rise = best_number([down, straight, best], [-_RISE_STEP, 0.0, _RISE_STEP]).at
    if rise < LEAST_RISE:
        return []
    share, rise = best.shape.knee, min(rise, _RISE.ends[1])
    best = best_of([share - BETWEEN_KNEES, share, share + BETWEEN_KNEES], rise)
    return [sample.trial(_refined(sample, best.shape)[-1].shape)]


class _Dial(NamedTuple):
    """A number of a curve that is estimated."""

    step: float  # between the trials that a parabola is laid through
    ends: tuple[float, float]  # limits of what may be found

    def found(self, sample: Sample, of: Callable[[float], Shape], start: float) -> _Found:
        """Lay a parabola through the losses beside `start`."""
        beside = [start - self.step, start, start + self.step]
        found = best_number([sample.trial(of(number)) for number in beside], beside)
        near = np.clip(found.at, start - 2 * self.step, start + 2 * self.step)
        number = round(float(np.clip(near, *self.ends)), 2)
        reach = min(found.standard_error, 4 * self.step)
        return _Found(of(number), (of(number - reach), of(number + reach)))


class _Found(NamedTuple):
    """A curve, and those one standard error below and above it."""

    shape: Shape
    ends: tuple[Shape, Shape]


_EXPONENT: Final = _Dial(_EXPONENT_STEP, (0.3, 0.98))
_RISE: Final = _Dial(_RISE_STEP / 2, (0.02, 4.0))
_KNEE: Final = _Dial(BETWEEN_KNEES / 2, (0.15, 0.9))


def _curve(shape: Shape, exponent: float) -> Shape:
    """Return the power with the terms of a shape."""
    return power(exponent).within_pods(shape.within)


def _bent(shape: Shape, share: float, rise: float) -> Shape:
    """Return the knee with the terms of a shape."""
    return knee(share, rise).within_pods(shape.within)


def _refined(sample: Sample, shape: Shape) -> list[_Found]:
    """Return the best curve near this one, from each number of it in turn; the last is final."""
    if not shape.rise:
        return [_EXPONENT.found(sample, lambda p: _curve(shape, p), shape.exponent)]
    share, rise = shape.knee, shape.rise
    rises = _RISE.found(sample, lambda number: _bent(shape, share, number), rise)
    rise = rises.shape.rise
    knees = _KNEE.found(sample, lambda number: _bent(shape, number, rise), share)
    share = knees.shape.knee
    return [knees, _RISE.found(sample, lambda number: _bent(shape, share, number), rise)]


def _doubt(sample: Sample, line: Shape, found: Vertex) -> Floats:
    """Return the covariance of a straight line from an exponent that is not clear, (2, 2).

    The square of what the exponent changes, less what noise alone changes, estimates the square of
    the line's error without bias. Below that noise it is zero, so that most straight lines keep
    their ranges.
    """
    bend = (found.at - 1) / max(found.standard_error, np.finfo(float).tiny)
    excess = 1 - 1 / max((bend / NOISE) ** 2, 1.0)
    if excess == 0:
        return np.zeros((2, 2))
    bent = _curve(line, float(np.clip(found.at, *_DOUBTED)))
    change = sample.mean_costs(bent) - sample.mean_costs(line)
    return np.asarray(excess * np.outer(change, change))


def sharpened(choice: Choice, panel: Panel, fit: RobustFit) -> Choice:
    """Return the choice of a curve, its number estimated with the weights of the curve's own fit.

    A straight line's weights are those of its own predictions: they let the curve look straighter.
    """
    if not choice.shape.is_curve:
        return choice
    sample = Sample.of(panel, fit)
    found, covariance = _refined(sample, choice.shape), np.zeros((2, 2))
    shape = found[-1].shape
    for ends in (each.ends for each in found):
        low, high = map(sample.mean_costs, ends)
        covariance += np.outer(high - low, high - low) / 4
    score = choice.scores[0]._replace(shape=shape)
    return Choice(scores=(score, *choice.scores[1:]), covariance=covariance)
