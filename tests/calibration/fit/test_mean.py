"""The mean is fitted where noise is skewed, and the robust centre elsewhere: the law is known."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.huber import RobustFit, fit_robustly
from analyzer.calibration.fit.least_squares import Problem
from analyzer.calibration.fit.mean import MeanFit, fit_mean
from analyzer.calibration.fit.segments import Segments
from tests.calibration.problems import numbered_terms

IDLE, SLOPE = 0.02, 0.0004
GROUPS, PODS, STEPS = 5, 8, 288

SEEDS = range(6)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Groups of one law, and the fits of their target."""

    problem: Problem
    robust: RobustFit
    mean: MeanFit

    @property
    def errors(self) -> Floats:
        """Errors of intercept and slope of the mean of the groups, as shares of the truth."""
        return np.asarray(self.mean.fit.coefficients.mean(axis=0) / [IDLE, SLOPE] - 1)

    @property
    def robust_errors(self) -> Floats:
        return np.asarray(self.robust.coefficients.mean(axis=0) / [IDLE, SLOPE] - 1)

    @property
    def left(self) -> Floats:
        """What the fits leave of each group's target, as a share."""
        sums = self.problem.segments.sum
        return np.asarray(sums(self.mean.fit.residuals) / sums(self.problem.target))


def loads(seed: int) -> Floats:
    """Return rates of shape (groups, pods, steps): a day with a wave."""
    rng = np.random.default_rng(seed)
    wave = 1 + 0.7 * np.sin(np.linspace(0, 2 * np.pi, STEPS) + rng.uniform(0, 6, (GROUPS, 1, 1)))
    return np.asarray(100 * wave * rng.lognormal(0, 0.1, (GROUPS, PODS, STEPS)))


def law(rps: Floats) -> Floats:
    return IDLE + SLOPE * rps


def fitted(rps: Floats, target: Floats) -> Case:
    design = np.array([np.ones(rps.size), rps.ravel()])
    rows = np.arange(rps.size)
    problem = Problem(
        terms=numbered_terms(2),
        design=design,
        target=target.ravel(),
        segments=Segments.of(rows // (PODS * STEPS)),
        active=np.ones((GROUPS, 2), dtype=bool),
    )
    robust = fit_robustly(problem)
    clusters = Segments.of(rows // STEPS)
    return Case(problem=problem, robust=robust, mean=fit_mean(problem, robust, clusters))


def log_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return np.exp(rng.normal(-(0.5**2) / 2, 0.5, shape))


def bursts(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return a factor of mean one: in 5 % of steps it is several times as high."""
    size = (rng.random(shape) < 0.05) * rng.exponential(1.6, shape)
    return np.asarray((1 + size) / (1 + 0.05 * 1.6) * (1 + 0.05 * rng.normal(size=shape)))


Noise = Callable[[np.random.Generator, tuple[int, ...]], Floats]


@pytest.mark.parametrize("noise", [log_normal, bursts])
def test_the_mean_is_recovered_from_skewed_noise(noise: Noise) -> None:
    errors, robust_errors = [], []
    for seed in SEEDS:
        rps, rng = loads(seed), np.random.default_rng(100 + seed)
        case = fitted(rps, law(rps) * noise(rng, rps.shape))
        errors.append(case.errors)
        robust_errors.append(case.robust_errors)
        assert case.mean.is_mean.all()
        # Not zero: residuals are weighted.
        assert np.abs(case.left).max() < 0.02

    assert (np.abs(np.mean(errors, axis=0)) < 0.015).all()
    # Else there would be nothing to correct.
    assert (np.mean(robust_errors, axis=0) < -0.05).all()


def test_bursts_at_any_load_are_idle() -> None:
    """A push of configuration costs the same whether there are requests or not."""
    rps, rng = loads(1), np.random.default_rng(1)
    pushes = 0.5 * IDLE * rng.poisson(0.3, rps.shape)

    case = fitted(rps, law(rps) * (1 + 0.02 * rng.normal(size=rps.shape)) + pushes)

    idle, slope = case.errors
    assert idle == pytest.approx(0.15, abs=0.03)
    assert abs(slope) < 0.02


def test_the_robust_fit_stays_for_symmetric_noise() -> None:
    for seed in SEEDS:
        rps, rng = loads(seed), np.random.default_rng(100 + seed)
        # Student's t has far tails.
        case = fitted(rps, law(rps) * (1 + 0.05 * rng.standard_t(3, rps.shape)))

        assert case.mean.is_mean.sum() <= 1
        same = ~case.mean.is_mean
        before, after = case.robust.coefficients, case.mean.fit.coefficients
        assert (before[same] == after[same]).all()


def test_requests_that_cost_nothing_do_not_flatten_the_line() -> None:
    """Now and then a sample has requests of other steps too: much load without its CPU."""
    rps, rng = loads(3), np.random.default_rng(3)
    vcpu = law(rps) * (1 + 0.05 * rng.normal(size=rps.shape))
    seen = rps * np.where(rng.random(rps.shape) < 0.04, 1.8, 1.0)

    case = fitted(seen, vcpu)

    assert not case.mean.is_mean.any()
    assert case.errors == pytest.approx(case.robust_errors)
    assert (np.abs(case.errors) < 0.03).all()
    # Least squares would have been further off.
    design, target = case.problem.design, case.problem.target
    weights = np.sqrt(case.robust.variance_weights)
    plain = np.linalg.lstsq((design * weights).T, target * weights, rcond=None)[0]
    assert plain[1] / SLOPE - 1 < 2 * case.errors[1] < 0


def with_faults(share: float, times: float) -> tuple[Case, Bools]:
    rps, rng = loads(4), np.random.default_rng(4)
    is_wrong = rng.random(rps.shape) < share
    noise = 1 + 0.05 * rng.normal(size=rps.shape)
    return fitted(rps, law(rps) * noise * np.where(is_wrong, times, 1.0)), is_wrong.ravel()


def test_rare_samples_beyond_all_others_are_cut_and_their_effect_is_returned() -> None:
    case, is_wrong = with_faults(0.01, 8)

    weights = case.mean.fit.robust_weights
    assert (weights[is_wrong] == 0).all()
    assert (weights[~is_wrong] > 0).all()
    assert (np.abs(case.errors) < 0.01).all()
    # One sample in a hundred has seven times its CPU too much.
    whole = case.mean.left_out.mean(axis=0) / [IDLE, SLOPE]
    assert whole == pytest.approx([0.07, 0.07], abs=0.03)


def test_samples_that_add_up_to_much_are_cut_too() -> None:
    case, is_wrong = with_faults(0.05, 9)

    assert (case.mean.fit.robust_weights[is_wrong] == 0).all()
    assert (np.abs(case.errors) < 0.01).all()


def test_nothing_is_left_out_without_such_samples() -> None:
    case, _ = with_faults(0.0, 1)

    assert not case.mean.left_out.any()
    assert case.mean.fit is case.robust
