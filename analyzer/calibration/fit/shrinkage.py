"""Posterior of few groups: what they have in common is itself uncertain, and is integrated out.

The spread of three to fifty groups cannot be taken from them as if it were known: an estimate of
zero would give all of them the same coefficients, with far too narrow intervals.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy import special

from analyzer.arrays import Floats
from analyzer.calibration.fit.student import quantile
from analyzer.units import CONFIDENCE

_SIZES: Final = np.geomspace(0.1, 4.0, 9)
"""Deviations between groups that are tried, in units of the deviation that is seen."""

_CORRELATIONS: Final = np.array([-0.5, 0.0, 0.5])
"""Correlations that are tried. Estimated from few groups, it would often be near -1 or 1."""

_MOST_INTEGRATED: Final = 50
"""Groups from which the spread is known well enough to be taken as known."""


class Posterior(NamedTuple):
    """Coefficients of g groups, given their own data and the other groups'."""

    coefficients: Floats  # (g, 2)
    covariances: Floats  # (g, 2, 2): for Student's t with the group's own degrees of freedom
    own_share: Floats  # (g,): weight of the group's own second coefficient in it


class _Given(NamedTuple):
    """The same for k spreads, each taken as known."""

    coefficients: Floats  # (k, g, 2)
    covariances: Floats  # (k, g, 2, 2)
    gains: Floats  # (k, g, 2, 2)
    log_likelihood: Floats  # (k,): restricted


def shrunk(
    coefficients: Floats, covariances: Floats, degrees_of_freedom: Floats, spread: Floats
) -> Posterior:
    """Draw each group to what the groups have in common, and return what is then known of it.

    The spread between groups is integrated out over a grid, with a prior that is uniform in its
    variances. No interval is wider than the group's own, and no middle is outside of that one.

    Args:
        coefficients: of three groups or more, shape (g, 2).
        covariances: of each group's own, shape (g, 2, 2).
        degrees_of_freedom: of Student's t for the group's own intervals, shape (g,).
        spread: an estimate of the covariance between groups, shape (2, 2). The grid is about its
            size.
    """
    variances = np.diag(spread) + np.median(np.einsum("gii->gi", covariances), axis=0)
    unit = np.where(variances > 0, np.sqrt(variances), 1.0)
    square, excess = np.outer(unit, unit), _excess(degrees_of_freedom)[:, None, None]
    scaled, noise = coefficients / unit, covariances / square
    spreads, weights = (spread / square)[None], np.ones(1)
    if len(coefficients) <= _MOST_INTEGRATED:
        spreads, log_prior = _grid()
        log_weights = _given(scaled, noise, spreads).log_likelihood + log_prior
        weights = np.exp(log_weights - log_weights.max())
        weights /= weights.sum()
    # Given a spread, a group's own covariance is still an estimate: it gets the tails of its t.
    given = _given(scaled, noise * excess, spreads)
    mean = np.einsum("k,kgi->gi", weights, given.coefficients)
    off = given.coefficients - mean
    whole = np.einsum("k,kgij->gij", weights, given.covariances)
    whole += np.einsum("k,kgi,kgj->gij", weights, off, off)
    found = Posterior(
        coefficients=mean * unit,
        covariances=whole * square / excess,
        own_share=np.clip(np.einsum("k,kg->g", weights, given.gains[..., 1, 1]), 0, 1),
    )
    return _limited(found, coefficients, covariances, degrees_of_freedom)


def _limited(
    found: Posterior, coefficients: Floats, covariances: Floats, degrees_of_freedom: Floats
) -> Posterior:
    """Return the posterior within the own intervals (limited translation).

    A group that really is different is then not drawn to the others (Efron and Morris, Journal of
    the American Statistical Association 67, 1972).
    """
    own, pooled = (np.einsum("gii->gi", part) for part in (covariances, found.covariances))
    narrower = np.sqrt(np.divide(own, pooled, out=np.ones_like(own), where=pooled > own))
    reach = quantile(degrees_of_freedom)[:, None] * np.sqrt(own)
    return found._replace(
        coefficients=coefficients + np.clip(found.coefficients - coefficients, -reach, reach),
        covariances=found.covariances * narrower[:, :, None] * narrower[:, None, :],
    )


def _excess(degrees_of_freedom: Floats) -> Floats:
    """Return the variances of normal distributions with the 90 % intervals of Student's t."""
    normal = float(special.ndtri((1 + CONFIDENCE) / 2))
    return np.asarray((quantile(degrees_of_freedom) / normal) ** 2)


def _grid() -> tuple[Floats, Floats]:
    """Return the spreads that are tried, (k, 2, 2), and the logarithm of their prior, (k,)."""
    grid = np.meshgrid(_SIZES, _SIZES, _CORRELATIONS, indexing="ij")
    first, second, correlation = (part.ravel() for part in grid)
    between = correlation * first * second
    spreads = np.array([[first**2, between], [between, second**2]]).transpose(2, 0, 1)
    # Even steps of a logarithm, and a density that is even in the variance.
    return spreads, 2 * np.log(first * second)


def _given(coefficients: Floats, covariances: Floats, spreads: Floats) -> _Given:
    """Return each group's posterior for each spread, with a mean that is not known before."""
    precision = np.linalg.inv(covariances + spreads[:, None])
    total = precision.sum(axis=1)
    of_mean = np.linalg.inv(total)
    mean = np.einsum("kij,kgjl,gl->ki", of_mean, precision, coefficients)
    left = coefficients - mean[:, None]
    gains = spreads[:, None] @ precision
    kept = np.eye(2) - gains
    _, log_precision = np.linalg.slogdet(precision)
    _, log_total = np.linalg.slogdet(total)
    misfit = np.einsum("kgi,kgij,kgj->k", left, precision, left)
    common = kept @ of_mean[:, None] @ kept.transpose(0, 1, 3, 2)
    return _Given(
        coefficients=mean[:, None] + np.einsum("kgij,kgj->kgi", gains, left),
        # The gain times the own covariance is symmetric, and never above the latter.
        covariances=gains @ covariances + common,
        gains=gains,
        log_likelihood=0.5 * (log_precision.sum(axis=1) - log_total - misfit),
    )
