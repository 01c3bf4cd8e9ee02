"""Noise that a group's members share in time: how persistent it is, and what it does to a fit."""

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.calibration.fit.huber import fit_robustly
from analyzer.calibration.fit.jackknife import shifts
from analyzer.calibration.fit.least_squares import Problem, Term
from analyzer.calibration.fit.segments import BLOCK_ROWS, Segments
from analyzer.calibration.fit.shared_time import (
    LEAST_BINS,
    MOST_BINS,
    Bins,
    Series,
    SharedNoise,
    influences,
    larger,
)

GROUPS = 200


def autoregression(persistence: float, *, groups: int = GROUPS, bins: int = MOST_BINS) -> Floats:
    """Draw noise of unit variance, (groups, bins)."""
    rng = np.random.default_rng(7)
    noise = rng.normal(size=(groups, bins))
    for step in range(1, bins):
        fresh = (1 - persistence**2) ** 0.5 * noise[:, step]
        noise[:, step] = persistence * noise[:, step - 1] + fresh
    return noise


def series_of(residuals: Floats, is_seen: Floats | None = None) -> Series:
    """Return residuals from which a constant and a wave of a day were not yet removed."""
    groups, bins = residuals.shape
    wave = 1 + 0.5 * np.sin(2 * np.pi * np.arange(bins) / bins)
    loads = np.broadcast_to(np.column_stack([np.ones(bins), wave]), (groups, bins, 2))
    seen = np.ones(residuals.shape) if is_seen is None else is_seen
    return Series(
        residuals=residuals * seen,
        loads=loads * seen[:, :, None],
        is_seen=seen > 0,
        counts=seen.astype(float),
    )


def variance_of_mean(persistence: float, bins: int = MOST_BINS) -> float:
    apart = np.abs(np.subtract.outer(np.arange(bins), np.arange(bins)))
    return float((persistence**apart).mean())


def judged(series: Series) -> Floats:
    """Return the variance of the mean over all bins that each group's noise is judged to give."""
    seen = series.is_seen
    weights = seen / seen.sum(axis=1, keepdims=True)
    return SharedNoise.of(series).covariances(weights[:, :, None])[:, 0, 0]


@pytest.mark.parametrize("persistence", [0.0, 0.5, 0.8])
def test_the_variance_of_a_mean_follows_the_persistence(persistence: float) -> None:
    found = judged(series_of(autoregression(persistence)))

    true = variance_of_mean(persistence)
    # Some persistence can never be ruled out, so that white noise is judged a little too large.
    assert 0.65 * true < np.median(found) < 1.7 * true
    # A plain mean of independent bins would be this far off.
    if persistence:
        assert np.median(found) > 2 / MOST_BINS


def test_noise_that_the_fit_has_removed_is_allowed_for() -> None:
    noise = autoregression(0.8)
    series = series_of(noise)
    design = series.loads[0]
    left = noise - noise @ design @ np.linalg.inv(design.T @ design) @ design.T

    before, after = judged(series), judged(series._replace(residuals=left))

    assert after == pytest.approx(before, rel=1e-6)
    assert (left**2).mean() < 0.8 * (noise**2).mean()


def test_bins_without_samples_do_not_count() -> None:
    noise = autoregression(0.5)
    is_seen = np.ones(noise.shape)
    is_seen[:, 30:] = 0

    found, short = judged(series_of(noise, is_seen)), judged(series_of(noise[:, :30]))

    # The grid of a shorter series has the same matrices; only the wave of the day differs.
    assert np.median(found) == pytest.approx(np.median(short), rel=0.1)


def test_too_few_bins_are_not_judged() -> None:
    noise = autoregression(0.5, groups=3, bins=LEAST_BINS - 1)

    assert judged(series_of(noise)).tolist() == [0.0, 0.0, 0.0]


def test_the_mean_of_groups_keeps_what_they_share() -> None:
    shared, own = autoregression(0.5, groups=1), autoregression(0.0, groups=100)
    chosen = np.ones(100, dtype=bool)

    alone = series_of(own).mean(chosen)
    together = series_of(shared + own).mean(chosen)

    assert np.square(alone.residuals).mean() < 0.03
    assert np.square(together.residuals - shared).mean() < 0.03


def test_groups_that_are_not_chosen_are_left_out_of_the_mean() -> None:
    noise = autoregression(0.0, groups=2)

    assert series_of(noise).mean(np.array([True, False])).residuals == pytest.approx(noise[:1])


def test_time_is_cut_into_equal_bins() -> None:
    bins = Bins.of(np.arange(288))

    assert (bins.count, bins.steps) == (48, 6)
    assert np.bincount(bins.numbers).tolist() == [6] * 48


def test_groups_in_several_blocks_of_rows_show_what_each_shows_alone() -> None:
    rng, steps = np.random.default_rng(5), 500
    members = np.array([90, 3, 70, 40])
    step, group = np.tile(np.arange(steps), members.sum()), np.repeat(np.arange(4), members * steps)
    x = rng.uniform(1, 9, size=len(step))
    loads = {Term(name="idle"): np.ones_like(x), Term(name="x"): x}
    target = 2 + x * (group + 1) + rng.normal(size=len(x))
    problem = Problem.of(loads, target, np.ones((4, 2), dtype=bool), Segments.of(group))
    fit, bins = fit_robustly(problem), Bins.of(step)
    clusters = Segments.of(group, step // steps)

    moved, together = influences(problem, fit, bins), Series.of(problem, fit, x, bins)

    assert len(x) > BLOCK_ROWS
    residuals = target - np.einsum("kn,nk->n", problem.design, fit.coefficients[group])
    assert problem.residuals(fit.coefficients) == pytest.approx(residuals)
    assert len(shifts(problem, fit, clusters)) == 4
    for number, (part, rows, one) in enumerate(problem.blocks(1)):
        own, its_bins = fit.part(part, rows), bins.part(rows)
        assert len(one.segments) == 1
        assert own.coefficients.tolist() == fit_robustly(one).coefficients.tolist()
        assert moved[number].tolist() == influences(one, own, its_bins)[0].tolist()
        for whole, alone in zip(together, Series.of(one, own, x[rows], its_bins), strict=True):
            assert whole[number].tolist() == alone[0].tolist()


def test_the_larger_covariance_holds_each() -> None:
    rng = np.random.default_rng(1)
    roots = rng.normal(size=(2, 50, 2, 2)) * [1.0, 1000.0]
    one, other = roots.swapaxes(-1, -2) @ roots

    both, both_of_much_larger = larger(one, other), larger(one, 1000 * other)

    scale = np.diag([1.0, 1e-3])
    assert np.linalg.eigvalsh(scale @ (both - one) @ scale).min() > -1e-9
    rest = np.linalg.eigvalsh(scale @ (both_of_much_larger - 950 * other) @ scale)
    assert rest.min() > -1e-9
    assert np.trace(scale @ both[0] @ scale) <= np.trace(scale @ (one + other)[0] @ scale)


def test_an_excess_that_may_be_chance_counts_little() -> None:
    one = np.diag([1.0, 2.0])[None]

    assert np.diag(larger(one, 1.1 * one)[0]) == pytest.approx([1.0, 2.0], rel=0.015)
    assert np.diag(larger(one, 4.0 * one)[0]) == pytest.approx([4.0, 8.0], rel=0.1)


def test_where_one_is_larger_the_other_adds_nothing() -> None:
    small, large = np.diag([1.0, 2.0])[None], np.diag([3.0, 2.5])[None]

    assert larger(large, small) == pytest.approx(large)


def test_a_term_without_variance_keeps_none() -> None:
    one = np.diag([1.0, 0.0])[None]

    assert larger(one, 4 * one)[0, 0, 0] > 3.5
    assert larger(one, 4 * one)[0, 1] == pytest.approx([0.0, 0.0])


def test_groups_that_are_alike_show_each_other_how_persistent_they_are() -> None:
    noise = autoregression(0.0, groups=60)

    alone = [SharedNoise.of(series_of(one[None])).weights[0, 0] for one in noise[:10]]
    together = SharedNoise.of(series_of(noise)).weights[:10, 0]

    assert together.mean() > 1.5 * np.mean(alone)
