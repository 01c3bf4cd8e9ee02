"""What workloads have in common: the noisy learn from the others, the silent borrow from them.

Curves of different workloads are taken as draws from one normal distribution (empirical Bayes).
Its mean and spread come from the workloads that could be fitted, by expectation maximisation of the
restricted likelihood, which allows for the mean being an estimate too; each workload's posterior
then weighs its own data against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.calibration.fit.segments import Bools, Floats, Ints
from analyzer.calibration.workloads import WorkloadFits
from analyzer.units import Reason

__all__ = ["MIN_LENDERS", "Pooled", "Prior", "common_prior", "pool"]

MIN_LENDERS = 3
"""How different workloads are cannot be told from fewer; below it nobody borrows."""

_MAX_ROUNDS = 200
_SETTLED = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prior:
    """The distribution that the workloads' curves (idle, coefficient) are draws from.

    Attributes:
        mean: shape (2,).
        spread: covariance between workloads, shape (2, 2).
        mean_covariance: how well the mean is known, shape (2, 2).
        gains: what each lender's curve moves the mean by, shape (lenders, 2, 2).
    """

    mean: Floats
    spread: Floats
    mean_covariance: Floats
    gains: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """Every workload's curve after weighing its own data against the others'.

    Attributes:
        curves: idle (vcpu) and coefficient, shape (g, 2).
        covariances: shape (g, 2, 2).
        own_share: how much of the coefficient rests on the workload's own data, 0-1, shape (g,).
        is_known: whether there is a curve at all, shape (g,).
        borrows: whether the coefficient is the others' for want of an own one, shape (g,).
        prior_weights: what the prior's mean contributes to each curve, shape (g, 2, 2).
        private_covariances: the part of `covariances` that is not the prior mean's, (g, 2, 2).
        degrees_of_freedom: of Student's t for their intervals, shape (g,).
        prior: None where too few workloads could be fitted.
    """

    curves: Floats
    covariances: Floats
    own_share: Floats
    is_known: Bools
    borrows: Bools
    prior_weights: Floats
    private_covariances: Floats
    degrees_of_freedom: Ints
    prior: Prior | None


def common_prior(curves: Floats, covariances: Floats) -> Prior:
    """Return the distribution that curves, shape (g, 2), known so well, come from; g at least 2."""
    spread = np.cov(curves.T)
    # Where workloads do not differ at all, a hair's breadth keeps the matrices invertible.
    ridge = np.diag(1e-12 * (curves**2).mean(axis=0) + np.finfo(float).tiny)
    for _ in range(_MAX_ROUNDS):
        last = spread + ridge
        precision = np.linalg.inv(covariances + last)
        mean_covariance = np.linalg.inv(precision.sum(axis=0))
        gains = mean_covariance @ precision
        mean = np.einsum("gij,gj->i", gains, curves)
        pull = last @ precision
        moved = np.einsum("gij,gj->gi", pull, curves - mean)
        left = last - pull @ last + pull @ mean_covariance @ pull.transpose(0, 2, 1)
        spread = np.einsum("gi,gj->ij", moved, moved) / len(curves) + left.mean(axis=0)
        if np.all(np.abs(np.diag(spread - last)) <= _SETTLED * np.diag(last)):
            break
    return Prior(mean=mean, spread=spread + ridge, mean_covariance=mean_covariance, gains=gains)


def pool(fits: WorkloadFits) -> Pooled:
    """Weigh every workload's own data against what the workloads have in common."""
    count = len(fits.curves)
    lenders = fits.has_slope
    borrows = np.zeros(count, dtype=bool)
    if int(lenders.sum()) < MIN_LENDERS:
        return Pooled(
            curves=fits.curves,
            covariances=fits.covariances,
            own_share=lenders.astype(float),
            is_known=fits.has_idle,
            borrows=borrows,
            prior_weights=np.zeros((count, 2, 2)),
            private_covariances=fits.covariances,
            degrees_of_freedom=np.maximum(fits.degrees_of_freedom, 1),
            prior=None,
        )
    prior = common_prior(fits.curves[lenders], fits.covariances[lenders])
    for number, obstacle in fits.obstacles.items():
        lends_nothing = obstacle.reason in (Reason.CONSTANT_TRAFFIC, Reason.TOO_FEW_SAMPLES)
        borrows[number] = lends_nothing or obstacle.is_all_idle
    evidence = _evidence(fits, prior, borrows)
    kept = np.eye(2) - evidence.gain
    curves = np.einsum("gij,j->gi", kept, prior.mean) + evidence.own
    # Joseph's form, which rounding cannot turn negative where a workload is known exactly.
    private = kept @ prior.spread @ kept.transpose(0, 2, 1) + evidence.noise + evidence.doubt
    common = kept @ prior.mean_covariance @ kept.transpose(0, 2, 1)
    is_known = fits.has_slope | borrows
    return Pooled(
        curves=np.where(is_known[:, None], curves, 0.0),
        covariances=private + common,
        own_share=np.clip(evidence.gain[:, 1, 1], 0, 1) * is_known,
        is_known=is_known,
        borrows=borrows,
        prior_weights=kept,
        private_covariances=private,
        degrees_of_freedom=np.maximum(evidence.degrees_of_freedom, 1),
        prior=prior,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Evidence:
    """What each workload's own data say of its curve.

    Attributes:
        gain: how far they pull the curve away from the prior's mean, shape (g, 2, 2).
        own: to where, shape (g, 2): the gain times the own curve.
        noise: what their noise leaves in the curve, (g, 2, 2).
        doubt: what the covariance is greater by because the spread is an estimate, (g, 2, 2).
        degrees_of_freedom: of the curve's intervals, shape (g,).
    """

    gain: Floats
    own: Floats
    noise: Floats
    doubt: Floats
    degrees_of_freedom: Ints


def _evidence(fits: WorkloadFits, prior: Prior, borrows: Bools) -> _Evidence:
    """Weigh each workload's data.

    Those with a fit are pulled towards it. Those whose rate is constant know one thing, their mean
    CPU at that rate; those without requests, their idle. What that tells of their slope is read
    off the lenders as by a regression of the one on the other, with its doubts.
    """
    precision = np.linalg.inv(fits.covariances + prior.spread)
    gain = prior.spread @ precision
    own = np.einsum("gij,gj->gi", gain, fits.curves)
    noise = gain @ fits.covariances @ gain.transpose(0, 2, 1)
    doubt, freedom = np.zeros_like(gain), fits.degrees_of_freedom.copy()
    lenders = len(prior.gains)
    for number in np.flatnonzero(borrows):
        row, level, variance = _level(fits, int(number))
        freedom[number] = lenders - 1 - row.any()
        pull, of_level = prior.spread @ row, float(row @ prior.spread @ row)
        weight = pull / (of_level + variance)
        gain[number] = np.outer(weight, row)
        own[number] = weight * level
        noise[number] = np.outer(weight, weight) * variance
        if of_level > 0:
            off = (level - row @ prior.mean) ** 2 / (of_level + variance)
            inflation = (lenders - 1 + off) / (lenders - 2)
            unexplained = prior.spread - np.outer(pull, pull) / of_level
            doubt[number] = (inflation - 1) * unexplained
    return _Evidence(gain=gain, own=own, noise=noise, doubt=doubt, degrees_of_freedom=freedom)


def _level(fits: WorkloadFits, number: int) -> tuple[Floats, float, float]:
    """Return the load at which a workload's CPU is known, that CPU and its variance."""
    panel, obstacle = fits.panel, fits.obstacles[number]
    if obstacle.is_all_idle:
        return (
            np.array([1.0, 0.0]),
            float(fits.curves[number, 0]),
            float(fits.covariances[number, 0, 0]),
        )
    if not obstacle.has_level:
        return np.zeros(2), 0.0, 1.0
    first = panel.workloads.starts[number]
    rows = slice(first, first + panel.workloads.lengths[number])
    vcpu, basis = panel.vcpu[rows], fits.shape.basis(panel)[rows]
    inside = slice(*np.searchsorted(panel.clusters.starts, [rows.start, rows.stop]))
    starts = panel.clusters.starts[inside] - first
    deviations = np.add.reduceat(vcpu - vcpu.mean(), starts)
    variance = float(deviations @ deviations) / len(vcpu) ** 2
    return np.array([1.0, float(basis.mean())]), float(vcpu.mean()), variance
