"""How sure an estimate is: the jackknife is leaving out each cluster in turn, and nothing else."""

from functools import cache

import numpy as np
import pytest

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.huber import RobustFit, Stopping, fit_robustly
from analyzer.calibration.fit.jackknife import (
    jackknife,
    leave_one_out,
    mean_error,
    predict_each,
    sandwich,
)
from analyzer.calibration.fit.least_squares import Problem, moments_of
from analyzer.calibration.fit.segments import Segments
from analyzer.calibration.fit.student import half_width
from tests.calibration.problems import Frame, Joined, drawn, joined, numbered_terms

IDLE, SLOPE = 0.02, 0.0004


def plain(every: Joined) -> RobustFit:
    """Return weighted least squares."""
    return fit_robustly(
        every.problem,
        variance_weights=every.weights,
        threshold=np.inf,
        stopping=Stopping(tolerance=1e-13),
    )


def estimate(frame: Frame, rows: Bools) -> Floats:
    """Return weighted least squares of some of the rows, by numpy alone."""
    root = np.sqrt(frame.weights[rows])
    design, target = frame.design[rows] * root[:, None], frame.target[rows] * root
    size = np.sqrt((design**2).sum(axis=0))
    return np.asarray(np.linalg.lstsq(design / size, target)[0] / size)


def left_out_in_turn(frame: Frame) -> Floats:
    """Return what each cluster moves the estimate by, shape (clusters, k)."""
    whole = estimate(frame, np.ones(len(frame.target), dtype=bool))
    return np.array(
        [
            whole - estimate(frame, frame.clusters != cluster)
            for cluster in range(frame.cluster_count)
        ]
    )


def assert_same(covariance: Floats, expected: Floats, *, rel: float = 1e-6) -> None:
    """Compare in units of the deviations that each element is made of."""
    unit = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert covariance / unit == pytest.approx(expected / unit, rel=rel, abs=rel)


# --- the jackknife ---


@pytest.mark.parametrize("seed", range(10))
def test_the_jackknife_is_fitting_anew_without_each_cluster(seed: int) -> None:
    frames = [drawn(seed), drawn(seed + 100)]
    every = joined(frames)

    covariances = jackknife(every.problem, plain(every), every.clusters)

    for number, frame in enumerate(frames):
        moves, count, width = left_out_in_turn(frame), frame.cluster_count, frame.design.shape[1]
        expected = np.sum([np.outer(move, move) for move in moves], axis=0) * (count - 1) / count
        assert_same(covariances[number, :width, :width], expected)
        assert not covariances[number, width:].any()


def test_a_cluster_moves_the_estimate_from_where_it_would_be_without_it() -> None:
    frame = drawn(4)
    every = joined([frame])
    problem, fit = every.problem, plain(every)
    parts = moments_of(problem.design, problem.target, every.weights, every.clusters)
    scores = parts.cross - parts.gram @ fit.coefficients[0]

    moves = leave_one_out(
        parts.gram, scores, every.clusters.within(problem.segments), problem.active
    )

    expected = left_out_in_turn(frame)
    assert moves == pytest.approx(expected, rel=1e-6, abs=1e-6 * np.abs(expected).min())


def test_a_mean_of_equal_clusters_varies_as_the_means_of_the_clusters_do() -> None:
    means = np.random.default_rng(3).normal(1, 0.1, 6)
    # Ten copies of six values know no more than the six.
    frame = Frame(
        design=np.ones((60, 1)),
        target=np.repeat(means, 10),
        weights=np.ones(60),
        clusters=np.repeat(np.arange(6), 10),
    )
    every = joined([frame])

    covariance = jackknife(every.problem, plain(every), every.clusters)

    assert covariance[0] == pytest.approx(means.var(ddof=1) / 6)


def test_with_many_clusters_the_sandwich_and_the_jackknife_agree_and_with_few_it_is_wider() -> None:
    many = joined([drawn(seed, rows=(4000, 4000), clusters=(400, 400)) for seed in range(20)])
    few = joined([drawn(seed, rows=(60, 60), clusters=(6, 6)) for seed in range(100)])

    def ratios(every: Joined) -> Floats:
        fit = plain(every)
        wide = jackknife(every.problem, fit, every.clusters)
        narrow = sandwich(every.problem, fit, every.clusters)
        return np.asarray(wide[:, 1, 1] / narrow[:, 1, 1])

    assert np.median(ratios(many)) == pytest.approx(1, abs=0.03)
    assert np.median(ratios(few)) > 1.2


def test_a_column_held_at_zero_has_no_variance_unless_it_is_asked_for() -> None:
    frames = [lines_through_the_origin(seed) for seed in range(200)]
    floored, unfloored = joined(frames, floored=(0,)), joined(frames)
    fit, free_fit = plain(floored), plain(unfloored)
    held = ~fit.free[:, 0]

    held_at_zero = jackknife(floored.problem, fit, floored.clusters)
    asked = jackknife(floored.problem, fit, floored.clusters, floored.problem.active)
    free = jackknife(unfloored.problem, free_fit, unfloored.clusters)

    # Of Binomial(200, 0.5), 70 or fewer has probability 1e-5.
    assert 70 < held.sum() < 130
    assert not held_at_zero[held, 0].any()
    assert held_at_zero[~held] == pytest.approx(free[~held], rel=1e-6)
    ratio = np.sqrt(asked[held, 0, 0] / free[held, 0, 0])
    assert np.median(ratio) == pytest.approx(1, abs=0.15)


def lines_through_the_origin(seed: int) -> Frame:
    rng = np.random.default_rng(seed)
    rps = rng.uniform(10, 100, 120)
    return Frame(
        design=np.column_stack([np.ones(120), rps]),
        target=SLOPE * rps + rng.normal(0, 0.002, 120),
        weights=np.ones(120),
        clusters=np.repeat(np.arange(12), 10),
    )


# --- prediction ---


@pytest.mark.parametrize("seed", range(3))
def test_the_prediction_error_is_that_of_each_cluster_by_a_fit_to_the_others(seed: int) -> None:
    frames = [drawn(seed), drawn(seed + 100), drawn(seed + 200)]
    every = joined(frames)
    used = np.array([True, False, True])

    predicted = predict_each(every.problem, every.weights, every.clusters)
    counted = used[every.clusters.within(every.problem.segments).numbers]
    error, standard_error = mean_error(predicted.losses[counted], every.clusters.lengths[counted])

    losses, rows = [], []
    for frame in (frames[0], frames[2]):
        for cluster in range(frame.cluster_count):
            inside = frame.clusters == cluster
            left = (frame.target - frame.design @ estimate(frame, ~inside))[inside]
            losses.append((frame.weights[inside] * left**2).sum())
            rows.append(inside.sum())
    expected = sum(losses) / sum(rows)
    squares = sum((loss - expected * count) ** 2 for loss, count in zip(losses, rows, strict=True))
    assert error == pytest.approx(expected, rel=1e-6)
    assert standard_error == pytest.approx(squares**0.5 / sum(rows), rel=1e-6)


# --- coverage ---


@cache
def noisy_lines(clusters: int, count: int = 1500) -> tuple[Problem, Segments]:
    """Return lines whose clusters differ in their idle, and whose noise has tails."""
    rng = np.random.default_rng(clusters)
    rows = clusters * 12
    rps = rng.uniform(10, 100, (count, rows))
    level = np.repeat(rng.normal(0, 0.002, (count, clusters)), 12, axis=1)
    vcpu = IDLE + SLOPE * rps + level + 0.002 * rng.standard_t(4, (count, rows))
    code = np.repeat(np.arange(count), rows)
    problem = Problem(
        terms=numbered_terms(2),
        design=np.array([np.ones(rps.size), rps.ravel()]),
        target=vcpu.ravel(),
        segments=Segments.of(code),
        active=np.ones((count, 2), dtype=bool),
    )
    return problem, Segments.of(np.arange(rps.size) // 12)


@pytest.mark.parametrize("clusters", [8, 30])
@pytest.mark.parametrize("column", [0, 1])
def test_robust_intervals_hold_the_truth_nine_times_in_ten(clusters: int, column: int) -> None:
    problem, runs = noisy_lines(clusters)
    fit = fit_robustly(problem, variance_weights=np.ones_like(problem.target))
    variances = jackknife(problem, fit, runs)[:, column, column]

    errors = np.abs(fit.coefficients[:, column] - (IDLE, SLOPE)[column])
    held = [
        error <= half_width(variance, clusters - 1)
        for error, variance in zip(errors, variances, strict=True)
    ]

    # Four standard deviations of Binomial(1500, 0.9) / 1500 are 0.031; CR3 errs on the safe side.
    assert 0.869 < np.mean(held) < 0.94
