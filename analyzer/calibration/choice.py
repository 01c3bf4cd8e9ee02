"""Which shape the data ask for: cross-validation, with the one-standard-error rule."""

from typing import NamedTuple

from analyzer.calibration import shapes
from analyzer.calibration.fit.huber import RobustFit
from analyzer.calibration.fit.jackknife import prediction_error
from analyzer.calibration.panel import Panel
from analyzer.calibration.shapes import Shape


class Score(NamedTuple):
    """How well a shape predicts clusters that it was not fitted to."""

    shape: Shape
    error: float
    """Mean squared error of a step, in units of its workload's noise; 1 is noise alone."""
    standard_error: float


def choose(panel: Panel, line: RobustFit) -> tuple[Score, ...]:
    """Score every shape; the first returned is the simplest not clearly worse than the best.

    Not clearly worse is: by no more than one standard error of the best one's error (Breiman and
    others, Classification and Regression Trees, 1984, section 3.4.3). All are compared by the
    weights of a straight line.
    """
    straight = cross_validate(shapes.AFFINE, panel, line)
    scores = [straight, _best_power(straight, panel, line)]
    if panel.has_directions.any() or panel.has_bytes.any():
        scores.append(cross_validate(shapes.BY_DIRECTION, panel, line))
    best = min(scores, key=lambda score: score.error)
    limit = best.error + best.standard_error
    chosen = next(score for score in scores if score.error <= limit)
    return chosen, *(score for score in scores if score is not chosen)


def _best_power(straight: Score, panel: Panel, line: RobustFit) -> Score:
    """Return the best exponent's score; where none comes near a straight line, a rough one's."""
    rough = [cross_validate(shapes.power(exponent), panel, line) for exponent in shapes.EXPONENTS]
    best = min(rough, key=lambda score: score.error)
    if best.error >= straight.error:
        return best
    exponents = [round(best.shape.exponent + step, 2) for step in shapes.FINER]
    finer = [cross_validate(shapes.power(exponent), panel, line) for exponent in exponents]
    return min([best, *finer], key=lambda score: score.error)


def cross_validate(shape: Shape, panel: Panel, line: RobustFit) -> Score:
    """Predict each of a workload's proxies, or block of its time, from its others."""
    in_units_of_noise = line.weights / panel.workloads.spread(line.scale**2)
    errors = prediction_error(
        shape.problem(panel), in_units_of_noise, panel.clusters, panel.is_fitted
    )
    return Score(shape, *errors)
