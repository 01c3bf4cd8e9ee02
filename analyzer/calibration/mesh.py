"""The mean curve of the mesh: idle weighted by proxy time, the slope by requests."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.partial_pooling import Pooled
from analyzer.calibration.fit.shared_time import DEGREES_OF_FREEDOM, larger
from analyzer.calibration.fit.student import interval, pooled_freedom, weighted
from analyzer.calibration.models import Affine, Curve, Knee, Power
from analyzer.calibration.shapes import BYTES, INBOUND, OUTBOUND
from analyzer.calibration.workloads import WorkloadFits
from analyzer.units import Interval


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeshCurve:
    """The mean proxy of a mesh: its curve, and the two figures quoted from it."""

    mid: Floats  # (2,): idle vcpu per proxy and marginal vcpu per 1000 rps
    covariance: Floats  # (2, 2)
    degrees_of_freedom: Floats  # (2,)
    curve: Curve
    idle_weights: Floats  # (g,): weight of each workload's idle
    slope_weights: Floats  # (g,): weight of each workload's coefficient, per 1000 rps
    sample_count: int  # samples that the idle is the mean of
    total_basis_per_slope: float  # slope times this is the CPU of all traffic, summed over samples

    @property
    def intervals(self) -> tuple[Interval, Interval]:
        """Idle vcpu per proxy, and marginal vcpu per 1000 rps."""
        idle, slope = map(interval, self.mid, np.diag(self.covariance), self.degrees_of_freedom)
        return idle, slope

    def adjusted(
        self,
        *,
        move: Floats | None = None,
        extra: Floats | None = None,
        degrees_of_freedom: float = DEGREES_OF_FREEDOM,
        factor: float = 1.0,
    ) -> MeshCurve:
        """Return the curve with a correction, and with wider ranges.

        Args:
            move: added to `mid`, shape (2,).
            extra: added to the covariance, shape (2, 2), and independent of it.
            degrees_of_freedom: of `extra`.
            factor: of the ranges' width, after that.
        """
        mid = self.mid if move is None else self.mid + move
        added = np.zeros((2, 2)) if extra is None else extra
        parts = np.array([self.covariance, added])[:, [0, 1], [0, 1]]
        freedoms = [
            pooled_freedom(part, np.array([own, degrees_of_freedom]))
            for part, own in zip(parts.T, self.degrees_of_freedom, strict=True)
        ]
        share = mid[1] / self.mid[1] if self.mid[1] else 1.0
        traffic = replace(self.curve, idle_vcpu=0.0).scaled(float(share))
        return replace(
            self,
            mid=mid,
            covariance=(self.covariance + added) * factor**2,
            degrees_of_freedom=np.array(freedoms),
            curve=replace(traffic, idle_vcpu=float(mid[0])),
        )


def mesh_curve(
    fits: WorkloadFits, pooled: Pooled, unseen: tuple[Floats, Floats] | None = None
) -> MeshCurve | None:
    """Return the weighted mean of the workloads; None if no workload has its own slope.

    `unseen` are the samples and the sum of requests of each workload, shape (g,), that were not
    seen but filled: they are not fitted, and have a weight in the mean.

    The slope is weighted by requests: it is the realised marginal cost of this mesh's traffic.
    Own curves are taken unpooled: shrunk towards their mean, they would not add up to the
    measured CPU. A workload without its own curve is counted with a borrowed one.
    """
    if not fits.has_slope.any():
        return None
    borrowed = pooled.borrows & ~fits.has_idle
    has_idle, has_slope = fits.has_idle | borrowed, fits.has_slope | borrowed
    weights, per_rps = _weights(fits, has_idle, has_slope, unseen)
    own_weights = weights * fits.has_idle[:, None]
    lent_weights = weights * borrowed[:, None]
    mid = (own_weights * fits.curves).sum(axis=0) + (lent_weights * pooled.coefficients).sum(axis=0)
    parts, freedoms = _uncertainty(fits, pooled, own_weights, lent_weights)
    costs = np.where(fits.has_slope, fits.curves[:, 1], pooled.coefficients[:, 1])
    marginal_share = _marginal_share(fits, costs * has_slope)
    return MeshCurve(
        mid=mid,
        covariance=parts.sum(axis=0),
        degrees_of_freedom=np.array([pooled_freedom(parts[:, i, i], freedoms) for i in (0, 1)]),
        curve=_curve(fits, mid, per_rps, marginal_share),
        idle_weights=weights[:, 0],
        slope_weights=weights[:, 1],
        sample_count=int(fits.panel.workloads.lengths[has_idle].sum()),
        total_basis_per_slope=float(fits.panel.workloads.sum(fits.panel.rps)[has_slope].sum())
        / (1000 * marginal_share),
    )


def _curve(fits: WorkloadFits, mid: Floats, per_rps: float, marginal_share: float) -> Curve:
    """Return the curve of idle vcpu and marginal vcpu per 1000 rps, (2,).

    `per_rps` is the mean d(basis)/d(rps).
    """
    idle, coefficient, shape = float(mid[0]), float(mid[1] / 1000 / per_rps), fits.shape
    if shape.exponent != 1:
        return Power(idle_vcpu=idle, vcpu_per_rps_power=coefficient, exponent=shape.exponent)
    if not shape.rise_share:
        return Affine(idle_vcpu=idle, vcpu_per_rps=coefficient)
    requests = fits.panel.workloads.sum(fits.panel.rps) * fits.has_slope
    highest = float(requests @ fits.panel.highest_rps / requests.sum())
    return Knee(
        idle_vcpu=idle,
        vcpu_per_rps=coefficient,
        rise_share=shape.rise_share,
        knee_rps=shape.knee_share * highest,
        knee_share=shape.knee_share,
        mean_share=per_rps / marginal_share,
        marginal_share=marginal_share,
    )


def _marginal_share(fits: WorkloadFits, coefficients: Floats) -> float:
    """Return the mean cost of one more request over the mean cost of a request.

    Coefficients are those of the workloads, shape (g,).
    """
    shape, panel = fits.shape, fits.panel
    if not shape.rise_share:
        return shape.exponent
    marginal, basis = panel.workloads.sum(np.array([shape.marginal(panel), shape.basis(panel)]))
    cost = float(coefficients @ basis)
    if cost <= 0:
        return float(marginal.sum() / basis.sum())
    return float(coefficients @ marginal) / cost


def _weights(
    fits: WorkloadFits,
    has_idle: Bools,
    has_slope: Bools,
    unseen: tuple[Floats, Floats] | None,
) -> tuple[Floats, float]:
    """Return the weights of (idle, coefficient), shape (g, 2), and the mean d(basis)/d(rps)."""
    panel, shape = fits.panel, fits.shape
    time: Floats = panel.workloads.lengths.astype(np.float64) * has_idle
    requests = panel.workloads.sum(panel.rps) * has_slope
    # The mean derivative, weighted by requests, is sum(rps x derivative) / sum(rps).
    marginal = panel.workloads.sum(shape.marginal(panel)) * has_slope
    if unseen is not None:
        count, rps = unseen
        time = time + count * has_idle
        known = np.where(requests > 0, requests, 1.0)
        marginal = marginal * (known + rps * (requests > 0)) / known
        requests = requests + rps * (requests > 0)
    slope = marginal / requests.sum()
    return np.column_stack([time / time.sum(), 1000 * slope]), float(slope.sum())


def _uncertainty(
    fits: WorkloadFits, pooled: Pooled, own_weights: Floats, lent_weights: Floats
) -> tuple[Floats, Floats]:
    """Return independent parts of the covariance, (parts, 2, 2), and their degrees of freedom.

    A workload that lends its slope counts twice: by itself, and in the borrowed slopes.
    """
    moves = np.zeros((len(fits.curves), 2, 2))
    moves[:, [0, 1], [0, 1]] = own_weights
    others: list[Floats] = []
    if pooled.prior is not None:
        prior, lenders = pooled.prior, fits.has_slope
        common = np.einsum("gi,gij->ij", lent_weights, pooled.prior_weights)
        moves[lenders] += common @ prior.gains
        differing = prior.gains @ prior.spread @ prior.gains.transpose(0, 2, 1)
        private = pooled.private_covariances * lent_weights[:, :, None] * lent_weights[:, None, :]
        others = [common @ differing.sum(axis=0) @ common.T, private.sum(axis=0)]
    parts = moves @ fits.pod_covariances @ moves.transpose(0, 2, 1)
    of_pods = parts.sum(axis=0)
    # Leaving out proxies does not show noise that they share in time.
    of_time = larger(of_pods, fits.shared.covariance_of_sum(moves)) - of_pods
    lending = float(fits.has_slope.sum())
    borrowing = [lending - 1, lending - 2][: len(others)]
    freedoms = [*fits.panel.degrees_of_freedom, DEGREES_OF_FREEDOM, *borrowing]
    return np.array([*parts, of_time, *others]), np.array(freedoms, dtype=float)


def cost_of_each(fits: WorkloadFits) -> dict[str, Interval]:
    """Return the mean cost of each kind of load apart from all requests, weighted by amount."""
    names = {
        INBOUND: ("vcpu_per_1000_inbound_rps", 1000),
        OUTBOUND: ("vcpu_per_1000_outbound_rps", 1000),
        BYTES: ("vcpu_per_gbit_per_second", 1),
        **{
            term: (one.event.cost, one.event.events_per_second)
            for term, one in fits.panel.events.items()
        },
    }
    costs = {}
    for column, term in enumerate(fits.shape.terms_of(fits.panel)):
        if term not in names:
            continue
        variances = fits.coefficient_covariances[:, column, column]
        amounts = fits.panel.workloads.sum(fits.shape.load(term, fits.panel))
        amounts *= (variances > 0) & (
            fits.has_idle if term in fits.panel.events else fits.has_slope
        )
        if amounts.sum() > 0:
            name, unit = names[term]
            mids, freedoms = fits.fit.coefficients[:, column], fits.degrees_of_freedom
            costs[name] = weighted(amounts / amounts.sum(), mids, variances, freedoms).scaled(unit)
    return costs
