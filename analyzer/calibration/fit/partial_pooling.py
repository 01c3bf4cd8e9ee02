"""Partial pooling: noisy groups are shrunk towards the common mean, groups without a fit borrow it.

The coefficients of the groups are treated as draws from one normal distribution (empirical Bayes).
Its mean and spread are estimated from the fitted groups by expectation maximisation of the
restricted likelihood, which accounts for the error of the mean. A group without a fit borrows from
that distribution. A fitted group is weighed against it, over all spreads that are likely.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.shrinkage import shrunk

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
    # Of groups that borrow, (g, 2, 2) each, zeros otherwise: the weight of the prior's mean in the
    # coefficients, and their covariances without the part from that mean.
    prior_weights: Floats
    private_covariances: Floats
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
    lender_count = int(lends.sum())
    pooled = Pooled(
        coefficients=coefficients,
        covariances=covariances,
        own_share=lends.astype(float),
        borrows=np.zeros_like(lends),
        prior_weights=np.zeros_like(covariances),
        private_covariances=np.zeros_like(covariances),
        degrees_of_freedom=degrees_of_freedom,
    )
    if lender_count < MIN_LENDERS:
        return pooled
    own = coefficients[lends], covariances[lends]
    prior = common_prior(*own)
    found = shrunk(*own, degrees_of_freedom[lends], prior.spread)
    pooled = replace(
        pooled,
        coefficients=np.zeros_like(coefficients),
        covariances=covariances.copy(),
        degrees_of_freedom=degrees_of_freedom.copy(),
        prior=prior,
    )
    pooled.coefficients[lends], pooled.covariances[lends] = found.coefficients, found.covariances
    pooled.own_share[lends] = found.own_share
    for number, level in levels.items():
        _borrow(pooled, number, level, prior, own[0])
    return pooled


def _borrow(pooled: Pooled, number: int, level: Level, prior: Prior, lenders: Floats) -> None:
    """Fill in a group that has no fit of its own."""
    gain, own, noise, inflation = _read_off(level, prior)
    kept = np.eye(2) - gain
    # Joseph's form: rounding cannot make it negative if a level is known exactly.
    by_spread, by_lenders = kept @ prior.spread @ kept.T, _left_over(lenders, kept, prior)
    differing = by_lenders if by_lenders[1, 1] > by_spread[1, 1] else by_spread
    private = noise + inflation * differing
    pooled.coefficients[number] = kept @ prior.mean + own
    pooled.covariances[number] = private + kept @ prior.mean_covariance @ kept.T
    pooled.own_share[number] = np.clip(gain[1, 1], 0, 1)
    pooled.borrows[number] = True
    pooled.prior_weights[number], pooled.private_covariances[number] = kept, private
    freedom = len(prior.gains) - 1 - int(level.weights.any())
    pooled.degrees_of_freedom[number] = max(freedom, 1)


def _left_over(lenders: Floats, kept: Floats, prior: Prior) -> Floats:
    """Return the covariance of what the lenders' own coefficients, (l, 2), leave of the same rule.

    The noise of these coefficients is in it. Without that noise, an estimated spread may be zero
    in one direction only because lenders are few.
    """
    weights = np.einsum("gii->g", prior.gains) / 2
    left = (lenders - prior.mean) @ kept.T
    whole = np.einsum("g,gi,gj->ij", weights, left, left)
    return np.asarray(whole / (1 - float(weights @ weights)))


def _read_off(level: Level, prior: Prior) -> tuple[Floats, Floats, Floats, float]:
    """Infer a group's coefficients from its level, by regression over the lenders.

    Returns:
        The gain of the level against the prior's mean, shape (2, 2); the level's contribution to
        the coefficients, shape (2,), and its covariance; and the factor by which the error of the
        regression raises what is left of the spread.
    """
    row, lenders = level.weights, len(prior.gains)
    pull, of_level = prior.spread @ row, float(row @ prior.spread @ row)
    weight, inflation = pull / (of_level + level.variance), 1.0
    if of_level > 0:
        off = (level.value - row @ prior.mean) ** 2 / (of_level + level.variance)
        inflation = float((lenders - 1 + off) / (lenders - 2))
    noise = np.outer(weight, weight) * level.variance
    return np.outer(weight, row), weight * level.value, noise, inflation
