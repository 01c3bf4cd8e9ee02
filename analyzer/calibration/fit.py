"""The line through CPU against requests, and how far it can be trusted: numpy, no frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from analyzer.calibration.models import Affine
from analyzer.units import CONFIDENCE, Interval

__all__ = ["LineFit", "fit_line", "fit_mean", "interval", "reach", "weighted_least_squares"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_REWEIGHTINGS = 2
"""Rounds of weighting by the last round's prediction; a third moves the slope by under 0.1 %."""

_LEAST_PREDICTION = 0.1
"""Predictions below this share of the mean CPU weigh no more: they would drown all the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFit:
    """A fitted line.

    Attributes:
        model: the line.
        covariance: of (idle_vcpu, vcpu_per_rps), shape (2, 2), robust to correlation within a
            cluster and to noise that differs between samples.
        degrees_of_freedom: of Student's t for its intervals: clusters less one.
    """

    model: Affine
    covariance: Floats
    degrees_of_freedom: int


def fit_line(rps: Floats, vcpu: Floats, clusters: Ints) -> LineFit:
    """Fit CPU against requests by weighted least squares.

    The noise of a proxy's CPU grows with the CPU itself, so each sample is weighted by the inverse
    square of its predicted CPU. A line that would idle below zero is fitted through the origin.

    Args:
        rps: proxy requests per second, shape (n,).
        vcpu: CPU, shape (n,), not all zero.
        clusters: samples of one cluster may be correlated, those of different ones are not;
            codes 0..g-1, shape (n,), g at least 2.
    """
    design = np.column_stack([np.ones_like(rps), rps])
    least = _LEAST_PREDICTION * vcpu.mean()
    weights = np.ones_like(rps)
    for _ in range(_REWEIGHTINGS + 1):
        coefficients, covariance = weighted_least_squares(design, vcpu, weights, clusters)
        weights = np.maximum(design @ coefficients, least) ** -2.0
    idle_vcpu, vcpu_per_rps = coefficients
    if idle_vcpu < 0:
        (vcpu_per_rps,), ((variance,),) = weighted_least_squares(
            design[:, 1:], vcpu, weights, clusters
        )
        idle_vcpu = 0.0
        covariance = np.array([[covariance[0, 0], 0.0], [0.0, variance]])
    return LineFit(
        model=Affine(idle_vcpu=float(idle_vcpu), vcpu_per_rps=float(vcpu_per_rps)),
        covariance=covariance,
        degrees_of_freedom=int(clusters.max()),
    )


def fit_mean(vcpu: Floats, clusters: Ints) -> LineFit:
    """Fit proxies that carry no requests: all their CPU is idle."""
    design = np.ones((len(vcpu), 1))
    (mean,), ((variance,),) = weighted_least_squares(design, vcpu, np.ones_like(vcpu), clusters)
    return LineFit(
        model=Affine(idle_vcpu=float(mean), vcpu_per_rps=0.0),
        covariance=np.array([[variance, 0.0], [0.0, 0.0]]),
        degrees_of_freedom=int(clusters.max()),
    )


def weighted_least_squares(
    design: Floats, target: Floats, weights: Floats, clusters: Ints
) -> tuple[Floats, Floats]:
    """Return coefficients and their cluster-robust covariance (CR1, as Stata and statsmodels).

    Args:
        design: shape (n, k).
        target: shape (n,).
        weights: inverse variances up to a factor, shape (n,).
        clusters: codes 0..g-1, shape (n,).

    Returns:
        Coefficients of shape (k,) and covariance of shape (k, k).

    Raises:
        numpy.linalg.LinAlgError: if the columns of `design` are collinear.
    """
    samples, columns = design.shape
    weighted = design * weights[:, None]
    bread = np.linalg.inv(design.T @ weighted)
    coefficients = bread @ (weighted.T @ target)
    scores = weighted * (target - design @ coefficients)[:, None]
    groups = int(clusters.max()) + 1
    totals = np.column_stack(
        [np.bincount(clusters, scores[:, column], groups) for column in range(columns)]
    )
    correction = groups / (groups - 1) * (samples - 1) / (samples - columns)
    return coefficients, correction * bread @ (totals.T @ totals) @ bread


def interval(mid: float, variance: float, degrees_of_freedom: float) -> Interval:
    """Return the 90 % interval of a quantity that cannot be negative, from its variance."""
    to_end = reach(variance, degrees_of_freedom)
    return Interval(low=max(0.0, mid - to_end), mid=mid, high=mid + to_end)


def reach(variance: float, degrees_of_freedom: float) -> float:
    """Return how far the ends of a 90 % interval are from its middle, by Student's t."""
    quantile = float(special.stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2))
    return quantile * math.sqrt(variance)
