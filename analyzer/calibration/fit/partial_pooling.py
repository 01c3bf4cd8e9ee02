"""Partial pooling: noisy groups are shrunk towards the common mean, groups without a fit borrow it.

The coefficients of the groups are treated as draws from one normal distribution (empirical Bayes).
Its mean and spread are estimated from the fitted groups by expectation maximisation of the
restricted likelihood, which accounts for the error of the mean. The posterior of each group weighs
its own data against that distribution.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats

MIN_LENDERS = 3
"""Least number of fitted groups to estimate how groups differ; below it no group borrows."""

_MAX_ROUNDS = 200
_SETTLED = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prior:
    """The distribution that the groups' coefficients (intercept, slope) are draws from."""

    mean: Floats  # (2,)
    spread: Floats  # (2, 2): covariance between groups
    mean_covariance: Floats  # (2, 2): uncertainty of the mean
    gains: Floats  # (lenders, 2, 2): weight of each lender's coefficients in the mean


class Level(NamedTuple):
    """The data of a group without a slope: one weighted sum of its coefficients."""

    weights: Floats  # (2,): of intercept and slope; zeros without data
    value: float
    variance: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """Every group's coefficients after partial pooling."""

    coefficients: Floats  # (g, 2): intercept and slope
    covariances: Floats  # (g, 2, 2)
    own_share: Floats  # (g,): share of the slope that comes from the group's own data, 0-1
    borrows: Bools  # (g,): whether the slope comes from other groups, without an own fit
    prior_weights: Floats  # (g, 2, 2): weight of the prior's mean in the coefficients
    private_covariances: Floats  # (g, 2, 2): covariances without the part from the prior's mean
    degrees_of_freedom: Floats  # (g,): of Student's t for their intervals
    prior: Prior | None = None  # None if too few groups could be fitted


def common_prior(coefficients: Floats, covariances: Floats) -> Prior:
    """Return the distribution of the coefficients, shape (g, 2), of two groups or more."""
    spread = np.cov(coefficients.T)
    # Keeps the matrices invertible if groups do not differ.
    ridge = np.diag(1e-12 * (coefficients**2).mean(axis=0) + np.finfo(float).tiny)
    for _ in range(_MAX_ROUNDS):
        last = spread + ridge
        precision = np.linalg.inv(covariances + last)
        mean_covariance = np.linalg.inv(precision.sum(axis=0))
        gains = mean_covariance @ precision
        mean = np.einsum("gij,gj->i", gains, coefficients)
        pull = last @ precision
        moved = np.einsum("gij,gj->gi", pull, coefficients - mean)
        left = last - pull @ last + pull @ mean_covariance @ pull.transpose(0, 2, 1)
        spread = np.einsum("gi,gj->ij", moved, moved) / len(coefficients) + left.mean(axis=0)
        if np.all(np.abs(np.diag(spread - last)) <= _SETTLED * np.diag(last)):
            break
    return Prior(mean=mean, spread=spread + ridge, mean_covariance=mean_covariance, gains=gains)


def pool(
    coefficients: Floats,
    covariances: Floats,
    degrees_of_freedom: Floats,
    lends: Bools,
    levels: Mapping[int, Level],
) -> Pooled:
    """Weigh every group's own fit against the common distribution.

    Groups that lend have their own slope. Groups in `levels`, by number, borrow one.
    """
    lender_count, borrows = int(lends.sum()), np.zeros_like(lends)
    if lender_count < MIN_LENDERS:
        return Pooled(
            coefficients=coefficients,
            covariances=covariances,
            own_share=lends.astype(float),
            borrows=borrows,
            prior_weights=np.zeros_like(covariances),
            private_covariances=covariances,
            degrees_of_freedom=degrees_of_freedom,
        )
    prior = common_prior(coefficients[lends], covariances[lends])
    gain = prior.spread @ np.linalg.inv(covariances + prior.spread)
    own = np.einsum("gij,gj->gi", gain, coefficients)
    noise = gain @ covariances @ gain.transpose(0, 2, 1)
    doubt, freedom = np.zeros_like(gain), degrees_of_freedom.copy()
    for number, level in levels.items():
        borrows[number] = True
        gain[number], own[number], noise[number], doubt[number] = _read_off(level, prior)
        freedom[number] = max(lender_count - 1 - int(level.weights.any()), 1)
    kept = np.eye(2) - gain
    # Joseph's form: rounding cannot make it negative if a group is known exactly.
    private = kept @ prior.spread @ kept.transpose(0, 2, 1) + noise + doubt
    common = kept @ prior.mean_covariance @ kept.transpose(0, 2, 1)
    is_known = lends | borrows
    pooled = np.einsum("gij,j->gi", kept, prior.mean) + own
    return Pooled(
        coefficients=np.where(is_known[:, None], pooled, 0.0),
        covariances=private + common,
        own_share=np.clip(gain[:, 1, 1], 0, 1) * is_known,
        borrows=borrows,
        prior_weights=kept,
        private_covariances=private,
        degrees_of_freedom=freedom,
        prior=prior,
    )


def _read_off(level: Level, prior: Prior) -> tuple[Floats, Floats, Floats, Floats]:
    """Infer a group's coefficients from its level, by regression over the lenders.

    Returns:
        The gain of the level against the prior's mean, shape (2, 2); the level's contribution to
        the coefficients, shape (2,); and their covariances from the level's noise and from the
        error of the spread.
    """
    row, lenders = level.weights, len(prior.gains)
    pull, of_level = prior.spread @ row, float(row @ prior.spread @ row)
    weight = pull / (of_level + level.variance)
    doubt = np.zeros((2, 2))
    if of_level > 0:
        off = (level.value - row @ prior.mean) ** 2 / (of_level + level.variance)
        inflation = (lenders - 1 + off) / (lenders - 2)
        doubt = (inflation - 1) * (prior.spread - np.outer(pull, pull) / of_level)
    noise = np.outer(weight, weight) * level.variance
    return np.outer(weight, row), weight * level.value, noise, doubt
