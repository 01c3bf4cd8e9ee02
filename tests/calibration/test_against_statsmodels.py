"""The core is the textbook's: the same figures as statsmodels and linearmodels, frame by frame.

Ten frames are fitted as ten segments of one problem, all at once, and compared one by one.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.calibration.fit.huber import RobustFit, Stopping, fit_robustly
from analyzer.calibration.fit.jackknife import sandwich
from analyzer.calibration.fit.student import interval
from tests.calibration.problems import Frame, Joined, drawn, joined

SEEDS = range(10)

each_frame = pytest.mark.parametrize("seed", SEEDS)


@cache
def frames() -> tuple[Frame, ...]:
    return tuple(drawn(seed) for seed in SEEDS)


@cache
def together() -> Joined:
    return joined(frames())


@cache
def weighted() -> tuple[RobustFit, Floats]:
    """Return the fits by weighted least squares of all frames, and their covariances."""
    every = together()
    fit = fit_robustly(
        every.problem,
        variance_weights=every.weights,
        threshold=np.inf,
        stopping=Stopping(tolerance=1e-14),
    )
    return fit, sandwich(every.problem, fit, every.clusters)


@cache
def robust() -> RobustFit:
    every = together()
    return fit_robustly(
        every.problem,
        variance_weights=every.ones,
        threshold=1.345,
        stopping=Stopping(tolerance=1e-13, scale_rounds=2000, most_rounds=2000),
    )


def of_frame(values: Floats, seed: int) -> Floats:
    """Return one frame's part of coefficients, shape (g, k), or covariances, shape (g, k, k)."""
    width = frames()[seed].design.shape[1]
    assert not values[seed, width:].any()
    own = values[seed, :width]
    return own if own.ndim == 1 else own[:, :width]


def oracle(frame: Frame) -> Any:  # noqa: ANN401 - statsmodels has no types
    import statsmodels.api as sm

    model = sm.WLS(frame.target, frame.design, weights=frame.weights)
    return model.fit(cov_type="cluster", cov_kwds={"groups": frame.clusters}, use_t=True)


def assert_same_covariance(covariance: Floats, expected: Floats, *, rel: float) -> None:
    """Compare element by element; one near zero in units of the two deviations it is made of."""
    deviation = np.sqrt(np.diag(expected))
    assert covariance / np.outer(deviation, deviation) == pytest.approx(
        expected / np.outer(deviation, deviation), rel=rel, abs=rel
    )


def test_the_frames_differ_in_length_and_in_columns() -> None:
    assert {frame.design.shape[1] for frame in frames()} == {2, 3, 4}
    assert len({len(frame.target) for frame in frames()}) == len(SEEDS)


@each_frame
def test_weighted_least_squares_estimates_are_those_of_statsmodels(seed: int) -> None:
    fit, _ = weighted()

    expected = oracle(frames()[seed]).params

    assert of_frame(fit.coefficients, seed) == pytest.approx(expected, rel=1e-8)


@each_frame
def test_the_cluster_covariance_is_that_of_statsmodels(seed: int) -> None:
    _, covariances = weighted()

    expected = oracle(frames()[seed]).cov_params()

    assert_same_covariance(of_frame(covariances, seed), expected, rel=1e-8)


@each_frame
def test_the_cluster_covariance_is_that_of_linearmodels(seed: int) -> None:
    from linearmodels.iv import IV2SLS

    _, covariances = weighted()
    frame = frames()[seed]

    model = IV2SLS(frame.target, frame.design, None, None, weights=frame.weights)
    expected = model.fit(cov_type="clustered", clusters=frame.clusters, debiased=True)

    assert_same_covariance(of_frame(covariances, seed), expected.cov.to_numpy(), rel=1e-8)


@each_frame
def test_an_interval_of_a_cost_is_that_of_statsmodels_above_zero(seed: int) -> None:
    fit, covariances = weighted()
    frame = frames()[seed]
    mid, variance = fit.coefficients[seed, 1], covariances[seed, 1, 1]

    low, high = oracle(frame).conf_int(alpha=0.1)[1]

    shown = interval(float(mid), float(variance), frame.cluster_count - 1)
    assert shown.high == pytest.approx(high, rel=1e-8)
    assert shown.low == pytest.approx(max(low, min(mid, 0.0)), rel=1e-8)


@each_frame
def test_hubers_estimates_and_scale_are_those_of_statsmodels(seed: int) -> None:
    import statsmodels.api as sm

    frame = frames()[seed]
    model = sm.RLM(frame.target, frame.design, M=sm.robust.norms.HuberT(1.345))

    expected = model.fit(scale_est="mad", tol=1e-14, maxiter=2000, conv="coefs")

    assert of_frame(robust().coefficients, seed) == pytest.approx(expected.params, rel=1e-6)
    assert robust().scale[seed] == pytest.approx(expected.scale, rel=1e-6)
    rows = np.repeat(np.arange(len(SEEDS)), together().problem.segments.lengths) == seed
    assert robust().robust_weights[rows] == pytest.approx(expected.weights, rel=1e-6)
    # Else the comparison would be one of least squares.
    assert (expected.weights < 1).mean() > 0.05
