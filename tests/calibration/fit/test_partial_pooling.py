"""What workloads have in common, and how far each goes by its own data."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from analyzer.calibration.fit.partial_pooling import MIN_LENDERS, Pooled, common_prior
from analyzer.calibration.workloads import WorkloadFits, pool_workloads
from tests.calibration.asking import fits_of
from tests.calibration.meshes import Fleet, lawful, ramp

Floats = npt.NDArray[np.float64]

MEAN = np.array([0.03, 4e-4])
SPREAD = np.array([[0.006**2, -0.3 * 0.006 * 8e-5], [-0.3 * 0.006 * 8e-5, 8e-5**2]])
NOISE = np.array([[0.003**2, -0.8 * 0.003 * 5e-5], [-0.8 * 0.003 * 5e-5, 5e-5**2]])


def lenders(count: int = 5) -> list[Fleet]:
    """Return workloads of 8 proxies, whose idles and slopes differ, known to about a percent."""
    idles, slopes = np.linspace(0.01, 0.03, count), np.linspace(0.0006, 0.0002, count)
    idles = np.roll(idles, 1)
    return [
        lawful(ramp(8, 96), workload=f"w{n}", idle=idles[n], slope=slopes[n], seed=n)
        for n in range(count)
    ]


def pooled(*fleets: Fleet) -> tuple[WorkloadFits, Pooled]:
    fits = fits_of(*fleets)
    return fits, pool_workloads(fits)


# --- the prior ---


def test_the_mean_and_the_spread_of_many_workloads_are_recovered() -> None:
    rng = np.random.default_rng(1)
    count = 2000
    covariances = NOISE * rng.uniform(0.2, 3, count)[:, None, None]
    curves = rng.multivariate_normal(MEAN, SPREAD, count) + np.array(
        [rng.multivariate_normal([0, 0], covariance) for covariance in covariances]
    )

    prior = common_prior(curves, covariances)

    # The standard errors are near 0.5 % of the mean and 4 % of the spread.
    assert prior.mean == pytest.approx(MEAN, rel=0.02)
    assert np.diag(prior.spread) == pytest.approx(np.diag(SPREAD), rel=0.12)
    assert prior.spread[0, 1] / np.sqrt(np.diag(prior.spread).prod()) == pytest.approx(
        -0.3, abs=0.1
    )


def test_workloads_known_exactly_have_the_mean_and_the_variance_of_the_textbook() -> None:
    curves = np.array([[1.0, 10.0], [2.0, 14.0], [3.0, 12.0], [6.0, 20.0]])

    prior = common_prior(curves, np.zeros((4, 2, 2)))

    assert prior.mean == pytest.approx(curves.mean(axis=0))
    assert prior.spread == pytest.approx(np.cov(curves.T), rel=1e-5)
    assert prior.mean_covariance == pytest.approx(np.cov(curves.T) / 4, rel=1e-5)


def test_workloads_that_do_not_differ_are_averaged_by_how_well_they_are_known() -> None:
    rng = np.random.default_rng(1)
    factors = np.array([0.01, 1, 1, 1, 1, 1])
    curves = MEAN + 1e-6 * np.array([rng.multivariate_normal([0, 0], NOISE) for _ in factors])

    prior = common_prior(curves, NOISE * factors[:, None, None])

    weights = 1 / factors
    assert np.sqrt(np.diag(prior.spread)) == pytest.approx([0, 0], abs=0.002)
    assert prior.gains[:, 0, 0] == pytest.approx(weights / weights.sum(), rel=0.15)
    assert prior.gains.sum(axis=0) == pytest.approx(np.eye(2), abs=1e-9)


def test_the_prior_is_that_of_a_mixed_model_by_restricted_likelihood() -> None:
    from statsmodels.regression.mixed_linear_model import MixedLM

    rng = np.random.default_rng(2)
    groups, rows, noise = 40, 30, 0.5
    design = np.column_stack([np.ones(rows), np.linspace(-1, 1, rows)])
    truth = rng.multivariate_normal([2, 3], [[0.5, 0.2], [0.2, 0.4]], groups)
    target = truth @ design.T + rng.normal(0, noise, (groups, rows))
    exog = np.tile(design, (groups, 1))
    oracle = MixedLM(target.ravel(), exog, np.repeat(np.arange(groups), rows), exog_re=exog).fit(
        reml=True
    )

    curves = target @ design @ np.linalg.inv(design.T @ design)
    of_each = oracle.scale * np.linalg.inv(design.T @ design)
    prior = common_prior(curves, np.broadcast_to(of_each, (groups, 2, 2)))

    assert prior.mean == pytest.approx(oracle.fe_params, rel=1e-6)
    assert prior.spread == pytest.approx(oracle.cov_re, rel=1e-3)
    assert np.sqrt(np.diag(prior.mean_covariance)) == pytest.approx(oracle.bse_fe, rel=1e-3)


# --- the noisy and the precise ---


def test_a_noisy_workload_is_drawn_towards_the_others_and_known_better_for_it() -> None:
    rps = ramp(2, 24)
    loud = lawful(rps, workload="z", idle=0.02, slope=0.0004)
    loud.vcpu[:] *= 1 + np.random.default_rng(5).normal(0, 1.0, rps.shape)

    fits, answer = pooled(*lenders(), loud)

    assert answer.prior is not None
    own, drawn, mean = fits.curves[5, 1], answer.coefficients[5, 1], answer.prior.mean[1]
    assert abs(own - mean) > 0.0001
    assert min(own, mean) < drawn < max(own, mean)
    assert 0.05 < answer.own_share[5] < 0.9
    assert answer.covariances[5, 1, 1] < 0.9 * fits.covariances[5, 1, 1]


def test_a_workload_that_is_known_well_keeps_its_own_line() -> None:
    fits, answer = pooled(*lenders())

    assert (answer.own_share > 0.99).all()
    assert answer.coefficients == pytest.approx(fits.curves, rel=0.02)
    assert not answer.borrows.any()
    assert answer.degrees_of_freedom.tolist() == fits.degrees_of_freedom.tolist()


# --- those without a line of their own ---


def test_a_constant_rate_gives_a_line_that_passes_through_its_level() -> None:
    steady = lawful(np.full((8, 96), 80.0), workload="z", idle=0.015, slope=0.0005, seed=9)

    fits, answer = pooled(*lenders(), steady)

    assert answer.borrows.tolist() == [False] * 5 + [True]
    assert fits.curves[5].tolist() == [0, 0]
    level = answer.coefficients[5] @ [1, 80]
    assert level == pytest.approx(steady.vcpu.mean(), rel=0.005)
    # Of all lines through that level, the likeliest: neither idle nor slope is known by itself.
    at_80 = np.array([1.0, 80.0])
    assert at_80 @ answer.covariances[5] @ at_80 < 0.01 * answer.covariances[5, 1, 1] * 80**2
    assert answer.degrees_of_freedom[5] == 5 - 2


def test_a_slope_inferred_from_a_level_is_as_uncertain_as_a_regression_on_the_lenders() -> None:
    from statsmodels.regression.linear_model import OLS

    laws = np.array([[0.01, 4e-4], [0.02, 6e-4], [0.03, 3e-4], [0.04, 5e-4], [0.025, 2e-4]])
    exact = [
        lawful(ramp(8, 96), workload=f"w{n}", idle=idle, slope=slope)
        for n, (idle, slope) in enumerate(laws)
    ]
    steady = lawful(np.full((8, 96), 80.0), workload="z", idle=0.05, slope=0.0007)

    _, answer = pooled(*exact, steady)

    levels, level = laws @ [1, 80], 0.05 + 80 * 0.0007
    fitted = OLS(laws[:, 1], np.column_stack([np.ones(5), levels])).fit()
    foretold = fitted.get_prediction([[1.0, level]])
    assert answer.coefficients[5, 1] == pytest.approx(foretold.predicted_mean[0], rel=1e-3)
    # But for the mean's part, a fifth of the variance, which is not widened by 4 / 3.
    variance = float(foretold.var_pred_mean[0]) + fitted.mse_resid
    assert answer.covariances[5, 1, 1] == pytest.approx(variance, rel=0.1)
    assert answer.degrees_of_freedom[5] == fitted.df_resid


def test_too_few_samples_borrow_the_mean_itself() -> None:
    young = lawful(ramp(8, 96, low=50), workload="z", idle=5.0)
    few = dataclasses.replace(young, seen=np.tile(np.arange(96) < 3, (8, 1)))

    _, answer = pooled(*lenders(), few)

    assert answer.prior is not None
    assert answer.borrows[5]
    assert answer.own_share[5] == 0
    assert answer.coefficients[5] == pytest.approx(answer.prior.mean)
    # By the lenders' own lines instead of the estimated spread, where that is wider.
    by_spread = np.diag(answer.prior.spread + answer.prior.mean_covariance)
    assert np.diag(answer.covariances[5]) == pytest.approx(by_spread, rel=0.1)
    assert answer.degrees_of_freedom[5] == 5 - 1


def test_a_workload_without_requests_keeps_its_own_idle_and_borrows_a_slope() -> None:
    asleep = lawful(np.zeros((8, 96)), workload="z", idle=0.021, seed=9)

    fits, answer = pooled(*lenders(), asleep)

    assert answer.borrows[5]
    assert answer.coefficients[5, 0] == pytest.approx(asleep.vcpu.mean(), rel=1e-3)
    assert answer.covariances[5, 0, 0] == pytest.approx(fits.covariances[5, 0, 0], rel=0.01)
    assert 0.0001 < answer.coefficients[5, 1] < 0.0007
    assert answer.covariances[5, 1, 1] > 100 * answer.covariances[0, 1, 1]


def test_what_is_not_idle_nor_http_borrows_nothing() -> None:
    dead = Fleet(rps=ramp(8, 24), vcpu=np.zeros((8, 24)), workload="z")

    _, answer = pooled(*lenders(), dead)

    assert not answer.borrows[5]
    assert not answer.coefficients[5].any()


@pytest.mark.parametrize(("count", "lends"), [(MIN_LENDERS - 1, False), (MIN_LENDERS, True)])
def test_two_workloads_are_too_few_to_pool(count: int, *, lends: bool) -> None:
    steady = lawful(np.full((8, 96), 80.0), workload="z")

    fits, answer = pooled(*lenders(count), steady)

    assert answer.borrows[-1] == lends
    assert (answer.prior is not None) == lends
    if not lends:
        assert answer.coefficients is fits.curves
        assert answer.own_share.tolist() == [1, 1, 0]
