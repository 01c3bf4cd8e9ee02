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
from analyzer.calibration.panel import Panel
from analyzer.calibration.shapes import AFFINE, BY_DIRECTION, Shape, knee, power
from analyzer.calibration.trials import Sample, Score, Trial, best_number, is_better, weight

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

_EXPONENT_STEP: Final = 0.05
_RISE_STEP: Final = 0.5
"""Distance of the trials that a parabola is laid through."""


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
    below that of the line (Breiman and others, Classification and Regression Trees, 1984, section
    3.4.3), and below that of a clear curve.
    `within` are the workloads whose pods have terms of their own.
    """
    if not panel.is_fitted.any():
        return Choice(covariance=np.zeros((2, 2)))
    sample = Sample.of(panel, line)
    straight = sample.trial(AFFINE.within_pods(within))
    curves = [_best_power(sample, straight)]
    if not within:
        # Pods of unequal speed are apart at high rates, too: that would look like a knee.
        curves += _best_knee(sample, straight)
    clear = [trial for trial in curves if is_better(trial, straight)]
    first = min(clear, key=lambda trial: trial.loss, default=straight)
    scores = [first.score, *(trial.score for trial in (straight, *curves) if trial is not first)]
    covariance = np.zeros((2, 2)) if clear else _doubt(sample, straight, curves)
    has_parts = sample.panel.has_directions.any() or sample.panel.has_bytes.any()
    if has_parts:
        parts = sample.trial(BY_DIRECTION.within_pods(within)).score
        least = min(straight.score.error - parts.standard_error, first.score.error)
        if parts.error < least:
            return Choice(scores=(parts, *scores), covariance=np.zeros((2, 2)))
        scores.append(parts)
    return Choice(scores=tuple(scores), covariance=covariance)


def _best_power(sample: Sample, straight: Trial) -> Trial:
    """Search the best exponent below 1; only roughly if a straight line is better."""

    def best_of(exponents: Sequence[float], *known: Trial) -> Trial:
        trials = [sample.trial(_curve(straight.shape, exponent)) for exponent in exponents]
        return min([*known, *trials], key=lambda trial: trial.loss)

    best = best_of([*EXPONENTS, 1 - _EXPONENT_STEP])
    if best.loss >= straight.loss:
        return best
    around = [round(best.shape.exponent + step, 2) for step in FINER]
    return best_of([exponent for exponent in around if exponent < 1], best)


def _best_knee(sample: Sample, straight: Trial) -> list[Trial]:
    """Search the best knee; return none if cost per request does not rise."""

    def best_of(shares: Sequence[float], rise: float) -> Trial:
        shapes = (_bent(straight.shape, share, rise) for share in shares)
        return min(map(sample.trial, shapes), key=lambda trial: trial.loss)

    best = best_of(KNEES, _RISE_STEP)
    down = sample.trial(replace(best.shape, rise_share=-_RISE_STEP))
    rise = best_number([down, straight, best], [-_RISE_STEP, 0.0, _RISE_STEP]).at
    if rise < LEAST_RISE:
        return []
    share, rise = best.shape.knee_share, min(rise, _RISE.ends[1])
    best = best_of([share - BETWEEN_KNEES, share, share + BETWEEN_KNEES], rise)
    return [sample.trial(_refined(sample, best.shape)[-1].shape)]


class _Dial(NamedTuple):
    """A number of a curve that is estimated."""

    step: float  # between the trials that a parabola is laid through
    ends: tuple[float, float]  # limits of what may be found

    def found(self, sample: Sample, of: Callable[[float], Shape], start: float) -> _Found:
        """Lay a parabola through the losses beside `start`."""
        beside = [start - self.step, start, start + self.step]
        trials = [sample.trial(of(number)) for number in beside]
        found = best_number(trials, beside)
        near = np.clip(found.at, start - 2 * self.step, start + 2 * self.step)
        number = round(float(np.clip(near, *self.ends)), 2)
        # Losses are not quite a parabola.
        if trials[1].loss < sample.trial(of(number)).loss:
            number = start
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
    if not shape.rise_share:
        return [_EXPONENT.found(sample, lambda p: _curve(shape, p), shape.exponent)]
    share, rise = shape.knee_share, shape.rise_share
    rises = _RISE.found(sample, lambda number: _bent(shape, share, number), rise)
    rise = rises.shape.rise_share
    knees = _KNEE.found(sample, lambda number: _bent(shape, number, rise), share)
    share = knees.shape.knee_share
    return [knees, _RISE.found(sample, lambda number: _bent(shape, share, number), rise)]


def _doubt(sample: Sample, straight: Trial, curves: Sequence[Trial]) -> Floats:
    """Return the covariance of a straight line from curves that are not clear, (2, 2).

    It is the square of what the likeliest curve changes, times its weight: most straight lines keep
    their ranges, because they predict better than any curve.
    """
    likeliest = max(curves, key=lambda trial: weight(trial, straight))
    share = weight(likeliest, straight)
    if share == 0:
        return np.zeros((2, 2))
    change = sample.mean_costs(likeliest.shape) - sample.mean_costs(straight.shape)
    return np.asarray(share * np.outer(change, change))


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
