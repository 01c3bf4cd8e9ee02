"""Few groups are drawn together as far as they are known to be alike, and no farther."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.calibration.fit.partial_pooling import common_prior
from analyzer.calibration.fit.shrinkage import Posterior, shrunk
from analyzer.calibration.fit.student import quantile
from tests.calibration.pooling import pooled_once

Floats = npt.NDArray[np.float64]

FREEDOM = 7
MEAN = np.array([0.02, 4e-4])
DEVIATION = np.array([0.004, 8e-5])
NOISE = np.array([[0.004**2, -0.7 * 0.004 * 8e-5], [-0.7 * 0.004 * 8e-5, 8e-5**2]])


def drawn(
    seed: int, count: int, spread: float = 1.0, noise: float = 1.0
) -> tuple[Floats, Floats, Floats]:
    """Return true coefficients, their estimates, and the estimated covariances of these."""
    rng = np.random.default_rng(seed)
    truth = MEAN + spread * DEVIATION * rng.normal(size=(count, 2))
    root = np.linalg.cholesky(NOISE * noise**2)
    estimates = truth + rng.normal(size=(count, 2)) @ root.T
    samples = rng.normal(size=(count, FREEDOM, 2)) @ root.T
    return truth, estimates, np.einsum("gni,gnj->gij", samples, samples) / FREEDOM


def posterior(estimates: Floats, covariances: Floats) -> Posterior:
    freedoms = np.full(len(estimates), float(FREEDOM))
    return shrunk(estimates, covariances, freedoms, common_prior(estimates, covariances).spread)


def half_widths(covariances: Floats) -> Floats:
    return np.asarray(quantile(FREEDOM) * np.sqrt(np.einsum("gii->gi", covariances)))


@pytest.mark.long
@pytest.mark.parametrize("count", [3, 5, 20])
@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_intervals_hold_the_truth_however_much_groups_differ(count: int, spread: float) -> None:
    held = []
    for seed in range(600 // count):
        truth, estimates, covariances = drawn(seed, count, spread)
        found = posterior(estimates, covariances)
        held.append(np.abs(found.coefficients - truth) <= half_widths(found.covariances))

    covered = np.concatenate(held).mean(axis=0)
    # Six hundred intervals of 90 % have a standard error of 1.2 %.
    assert (covered > 0.86).all()
    assert (covered < 0.97).all()


def test_pooling_is_nearer_to_the_truth_than_each_group_alone() -> None:
    squares = np.zeros((2, 2))
    for seed in range(100):
        truth, estimates, covariances = drawn(seed, 5)
        found = posterior(estimates, covariances)
        squares += [((part - truth) ** 2).sum(axis=0) for part in (found.coefficients, estimates)]

    assert (squares[0] < 0.8 * squares[1]).all()


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(3, 60),
    spread=st.floats(0, 10),
    noise=st.floats(1e-3, 10),
)
def test_no_interval_is_wider_than_the_own_one_nor_is_its_middle_outside_of_it(
    seed: int, count: int, spread: float, noise: float
) -> None:
    _, estimates, covariances = drawn(seed, count, spread, noise)

    found = posterior(estimates, covariances)

    own, pooled = half_widths(covariances), half_widths(found.covariances)
    assert (pooled <= own * (1 + 1e-9)).all()
    assert (np.abs(found.coefficients - estimates) <= own * (1 + 1e-9)).all()
    assert (found.own_share >= 0).all()
    assert (found.own_share <= 1).all()


def test_groups_known_exactly_keep_what_they_have() -> None:
    truth, _, _ = drawn(1, 4)

    found = posterior(truth, np.zeros((4, 2, 2)))

    assert found.coefficients == pytest.approx(truth)
    assert found.covariances == pytest.approx(np.zeros((4, 2, 2)))


def test_groups_that_do_not_differ_and_are_known_exactly_are_no_obstacle() -> None:
    same = np.tile(MEAN, (4, 1))

    found = posterior(same, np.zeros((4, 2, 2)))

    assert found.coefficients == pytest.approx(same)


def test_many_groups_are_pooled_almost_as_fifty_are() -> None:
    _, estimates, covariances = drawn(5, 51)
    few = posterior(estimates[:50], covariances[:50])

    many = posterior(estimates, covariances)

    own = half_widths(covariances[:50])
    assert (np.abs(many.coefficients[:50] - few.coefficients) < 0.25 * own).all()


def test_intervals_of_workloads_of_one_pod_hold_their_laws() -> None:
    found = [pooled_once(seed, workloads=4, pods=1) for seed in range(25)]

    pooled, own = (
        np.concatenate(part).mean()
        for part in ([item.pooled for item in found], [item.own for item in found])
    )
    # Of 200 intervals. If spread and covariances are taken as known, 80 % of them hold.
    assert pooled > 0.84
    assert pooled > own - 0.04
    assert np.mean([item.borrowed for item in found]) > 0.75
