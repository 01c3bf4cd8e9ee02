"""The cost of bytes and new connections, of the sidecars whose traffic is TCP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.fit.least_squares import r_squared
from analyzer.calibration.fit.student import interval, joint_draws
from analyzer.calibration.observations import Observations
from analyzer.calibration.panel import MIN_VARIATION
from analyzer.calibration.result import TcpCalibration
from analyzer.calibration.tcp_fits import TcpFits
from analyzer.calibration.tcp_loads import TcpLoads
from analyzer.calibration.tcp_mean import Divided, Loan, TcpMean, divided
from analyzer.calibration.workloads import WorkloadFits
from analyzer.units import Interval, Reason, Refusal, counted


@dataclass(frozen=True, kw_only=True, eq=False)
class TcpCosts:
    """The costs of t workloads with TCP only, of the g workloads of a role."""

    fits: TcpFits
    segments: Ints  # (t,): which of the g they are
    loans: tuple[Loan | None, Loan | None]  # cost of connections, and idle CPU
    parts: Divided

    @classmethod
    def of(cls, workloads: WorkloadFits, rows: pd.DataFrame) -> TcpCosts | None:
        """Fit the workloads that have no requests to fit; None if there are none with TCP."""
        panel = workloads.panel
        chosen = np.zeros(len(panel.workloads), dtype=bool)
        chosen[[number for number, item in panel.obstacles.items() if item.is_tcp]] = True
        if not chosen.any():
            return None
        mine = panel.workloads.spread(chosen)
        loads = TcpLoads.of(rows, panel.workloads).part(mine, chosen)
        fits = TcpFits.of(panel.part(chosen), loads)
        idle = workloads.curves[workloads.has_idle, 0]
        loans = Loan.of_connections(fits), Loan.of_idle(fits, idle)
        return cls(
            fits=fits, segments=np.flatnonzero(chosen), loans=loans, parts=divided(fits, *loans)
        )

    @property
    def is_known(self) -> Bools:
        """Which workloads have costs, (t,)."""
        return self.parts.is_known

    @cached_property
    def costs(self) -> Floats:
        """Idle vcpu, vcpu per Gbit/s and vcpu per 1000 new connections per second, (t, 3)."""
        return self.parts.costs(self.fits)

    @cached_property
    def intervals(self) -> list[tuple[Interval | None, ...]]:
        """The same with their ranges, by workload; None: not known, or in another cost."""
        variances = np.einsum("gii->gi", self.parts.covariances(self.fits, self.loans))
        freedoms = self.fits.degrees_of_freedom
        known = self.has_cost & self.is_known[:, None]
        return [
            tuple(
                interval(mid, variance, freedom) if is_known else None
                for mid, variance, is_known in zip(*columns, strict=True)
            )
            for *columns, freedom in zip(self.costs, variances, known, freedoms, strict=True)
        ]

    @property
    def has_cost(self) -> Bools:
        """Which costs workloads have, their own or another's; (t, 3)."""
        parts = self.fits.has_term | (self.parts.directions != 0).any(axis=0)
        return np.asarray(parts | (self.parts.moves[:, :, 0] != 0))

    @cached_property
    def totals(self) -> Floats:
        """Loads of TERMS of the workloads with costs, summed over samples, (t, 3)."""
        panel = self.fits.panel
        means = self.fits.amounts.means * panel.workloads.lengths[:, None]
        return np.asarray(means * self.has_cost * self.is_known[:, None])

    @cached_property
    def mean(self) -> TcpMean:
        """The mean costs of TERMS: of idle by proxy time, the others by amount."""
        whole = self.totals.sum(axis=0)
        share = np.divide(self.totals, whole, out=np.zeros_like(self.totals), where=whole > 0)
        return self._sums(share[:, :, None] * np.eye(3))

    def vcpu(self) -> tuple[Interval, Interval]:
        """Return the CPU of idle and of TCP traffic, summed over samples."""
        load = self.totals[:, None, :] * np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
        idle, traffic = map(interval, *self._spread(self._sums(load)))
        return idle, traffic

    def _sums(self, weights: Floats) -> TcpMean:
        return TcpMean.of(self.fits, self.parts, self.loans, weights)

    @staticmethod
    def _spread(found: TcpMean) -> tuple[Floats, Floats, Floats]:
        return found.mid, np.diag(found.covariance), found.degrees_of_freedom

    @cached_property
    def predicted_vcpu(self) -> Floats:
        """CPU of each row of the TCP workloads; NaN without costs."""
        fits = self.fits
        predicted = fits.panel.vcpu - fits.fit.residuals
        predicted[fits.panel.workloads.spread(~self.is_known)] = np.nan
        return predicted

    def calibration(self, observations: Observations) -> TcpCalibration | None:
        """Return the mean costs; None if no workload has any."""
        known = self.is_known
        if not known.any():
            return None
        fits, found = self.fits, self.mean
        idle, per_gbit, per_connection = map(interval, *self._spread(found))
        bytes_known, connections_known = self.totals[:, 1:].sum(axis=0) > 0
        per_proxy = fits.panel.workloads.sum(fits.loads.gbit_per_second) * known
        rows = fits.panel.workloads.spread(known)
        vcpu = fits.panel.vcpu[rows]
        points = observations.point_count
        connections = fits.panel.workloads.sum(fits.loads.connections) * known
        return TcpCalibration(
            idle_vcpu_per_proxy=idle,
            vcpu_per_gbit_per_second=per_gbit if bytes_known else None,
            vcpu_per_1000_new_connections_per_second=(
                per_connection if connections_known else None
            ),
            gbit_per_second=float(per_proxy.sum()) / points,
            new_connections_per_second=1000 * float(connections.sum()) / points,
            remarks=tuple(self._remarks()),
            r_squared=r_squared(vcpu, vcpu - self.predicted_vcpu[rows]),
            sample_count=int(fits.panel.workloads.lengths[known].sum()),
            proxy_count=int(fits.panel.proxy_counts[known].sum()),
            workload_count=int(known.sum()),
            covariance=found.covariance,
            draws=joint_draws(found.mid, found.covariance, found.degrees_of_freedom),
        )

    def _remarks(self) -> Iterator[str]:
        fits, of_all = self.fits, f"of {counted(int(self.is_known.sum()), 'workload')}"
        lacks = fits.loads.connections_matter & ~self.has_cost[:, 2] & self.is_known
        if lacks.any():
            yield (
                f"New connections follow bytes or are constant in {lacks.sum()} {of_all}: the "
                "cost of bytes includes them."
            )
        lent = self.parts.borrowed[0] > 0
        if lent.any():
            yield (
                f"New connections follow bytes or are constant in {lent.sum()} {of_all}: their "
                "cost is that of the other workloads."
            )
        derived = self.parts.is_derived & self.is_known
        if derived.any():
            yield (
                f"TCP traffic is constant in {derived.sum()} {of_all}: idle CPU there is that of "
                "the other sidecars."
            )

    def refusals(self, names: pd.DataFrame) -> Iterator[Refusal]:
        """Return which workloads have no cost of TCP, and why; `names` are those of all."""
        for number in np.flatnonzero(~self.is_known):
            workload = names.iloc[self.fits.panel.numbers[number]]
            subject = f"cost of TCP of {workload['namespace']}/{workload['workload']}"
            if self.fits.is_falling[number]:
                detail = "Its CPU falls when its TCP traffic rises: something else drives it."
                yield Refusal(subject=subject, reason=Reason.NEGATIVE_SLOPE, detail=detail)
            else:
                detail = (
                    f"Its TCP traffic varies by less than {100 * MIN_VARIATION:.0f} %, and too "
                    "few other sidecars show idle CPU. Collect a window with low and high traffic."
                )
                yield Refusal(subject=subject, reason=Reason.CONSTANT_TRAFFIC, detail=detail)
