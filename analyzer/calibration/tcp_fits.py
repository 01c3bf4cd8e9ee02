"""Each TCP workload's own fit: idle CPU, and cost of bytes and new connections, of its sidecars.

Connections have a cost of their own only where they can matter and vary independently of bytes.
Elsewhere their CPU is in the cost of bytes, until `tcp_mean` takes it out with the cost that other
workloads show.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.huber import RobustFit, fit_robustly
from analyzer.calibration.fit.least_squares import Problem, Term, correlations
from analyzer.calibration.fit.mean import MeanFit, fit_mean
from analyzer.calibration.fit.segments import Segments
from analyzer.calibration.fit.shared_time import SharedTime, freedom_of_larger, larger
from analyzer.calibration.fit.student import half_width, quantile
from analyzer.calibration.panel import COLLINEAR, MIN_VARIATION, Panel
from analyzer.calibration.tcp_loads import TcpLoads
from analyzer.calibration.workloads import CLEARLY, covariance_of, not_held

IDLE: Final = Term(name="idle", is_floored=True)
BYTES: Final = Term(name="TCP bytes", is_floored=True)
CONNECTIONS: Final = Term(name="new TCP connections", is_floored=True)

TERMS: Final = (IDLE, BYTES, CONNECTIONS)
"""The costs of a workload, in this order in every array: vcpu per proxy, per Gbit/s, and per 1000
new connections per second."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Amounts:
    """The loads of g workloads."""

    means: Floats  # (g, 3): mean load of each of TERMS; that of idle is 1
    connections_per_gbit: Floats  # (g,): rise of connections with bytes; 0 if bytes do not vary
    varies: Bools  # (g, 3): which loads vary enough
    is_separable: Bools  # (g,): whether connections vary independently of bytes

    @classmethod
    def of(cls, gbit: Floats, connections: Floats, workloads: Segments) -> Amounts:
        """Compare the loads of n samples, shape (n,) each."""
        loads = np.array([np.ones_like(gbit), gbit, connections])
        means = workloads.sum(loads) / workloads.lengths
        off = loads - workloads.spread(means)
        squares = workloads.sum(off**2) / workloads.lengths
        together = workloads.sum(off[1] * off[2]) / workloads.lengths
        rise = np.divide(together, squares[1], out=np.zeros_like(together), where=squares[1] > 0)
        return cls(
            means=means.T,
            connections_per_gbit=rise,
            varies=(np.sqrt(squares) > MIN_VARIATION * means).T,
            is_separable=correlations(loads[1:], workloads)[:, 0, 1] ** 2 < COLLINEAR,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class TcpFits:
    """The samples of g workloads with TCP only, and the fit of each on its own.

    Costs are those of TERMS, on the nodes that the workload is on; 0 for a term that takes no part.
    """

    panel: Panel
    loads: TcpLoads
    amounts: Amounts
    problem: Problem
    mean: MeanFit
    reduction: Floats  # (g, 3, 3): from costs on a node of the mean speed to those of its nodes

    @classmethod
    def of(cls, panel: Panel, loads: TcpLoads) -> TcpFits:
        """Fit each workload."""
        gbit, connections = loads.gbit_per_second, loads.connections
        amounts = Amounts.of(gbit, connections, panel.workloads)
        factors = panel.node_factors
        speed = np.ones_like(panel.vcpu) if factors is None else factors
        design = {IDLE: speed, BYTES: gbit * speed, CONNECTIONS: connections * speed}
        problem = Problem.of(design, panel.vcpu, _taking_part(loads, amounts), panel.workloads)
        totals = panel.workloads.sum(np.array([np.ones_like(gbit), gbit, connections])).T
        here = panel.workloads.sum(np.array(problem.design)).T
        share = np.divide(here, totals, out=np.ones_like(here), where=totals > 0)
        return cls(
            panel=panel,
            loads=loads,
            amounts=amounts,
            problem=problem,
            mean=fit_mean(problem, fit_robustly(problem), panel.clusters),
            reduction=share[:, :, None] * np.eye(len(TERMS)),
        )

    @property
    def fit(self) -> RobustFit:
        """The fit of the mean."""
        return self.mean.fit

    @property
    def has_term(self) -> Bools:
        """Which terms take part, (g, 3)."""
        return self.problem.active

    @property
    def has_line(self) -> Bools:
        """Which workloads show what their traffic costs, (g,)."""
        return np.asarray(self.has_term[:, 1:].any(axis=1))

    @property
    def is_level(self) -> Bools:
        """Where what carries the traffic is constant, so that its CPU is in that of idle, (g,)."""
        return np.where(self.loads.bytes_matter, ~self.has_term[:, 1], ~self.has_term[:, 2])

    @property
    def shows_idle(self) -> Bools:
        """Which workloads show idle CPU without that of any traffic, (g,)."""
        is_constant = self.loads.connections_matter & ~self.amounts.varies[:, 2]
        return np.asarray(~self.is_level & ~is_constant & ~self.is_falling)

    @cached_property
    def costs(self) -> Floats:
        """Costs of TERMS, (g, 3)."""
        return np.asarray(np.einsum("gij,gj->gi", self.reduction, self.fit.coefficients))

    @cached_property
    def pod_covariances(self) -> Floats:
        """The part of `covariances` from leaving out proxies or samples, (g, 3, 3)."""
        each = covariance_of(self.problem, self.fit, self.panel.clusters)
        reach = self.mean.left_out / quantile(self.panel.degrees_of_freedom)[:, None]
        each = each + reach[:, :, None] * reach[:, None, :]
        return np.asarray(self.reduction @ each @ self.reduction.transpose(0, 2, 1))

    @cached_property
    def shared(self) -> SharedTime:
        """What noise shared in time does to the costs."""
        panel = self.panel
        traffic = self.problem.target - self.fit.residuals
        traffic = traffic - panel.workloads.spread(self.fit.coefficients[:, 0])
        return SharedTime.of(
            self.problem, self.fit, panel.point, traffic, self.reduction, self.has_line
        )

    @cached_property
    def covariances(self) -> Floats:
        """Covariances of the costs, (g, 3, 3)."""
        return larger(self.pod_covariances, self.shared.covariances)

    @cached_property
    def degrees_of_freedom(self) -> Floats:
        """Degrees of freedom of Student's t for ranges of a workload, (g,)."""
        freedoms = self.panel.degrees_of_freedom
        return freedom_of_larger(self.pod_covariances, self.covariances, freedoms)

    @cached_property
    def is_falling(self) -> Bools:
        """Where CPU clearly falls with TCP traffic, so that something else drives it, (g,)."""
        free = np.einsum("gij,gj->gi", self.reduction, self._free.coefficients)
        load = self.amounts.means * [0.0, 1.0, 1.0]
        vcpu = (free * load).sum(axis=1)
        variance = np.einsum("gi,gij,gj->g", load, self.covariances, load)
        to_end = CLEARLY * half_width(variance, self.degrees_of_freedom)
        return np.asarray(self.has_line & (vcpu + to_end < 0))

    @property
    def _free(self) -> RobustFit:
        return not_held(self.problem, self.fit)


def _taking_part(loads: TcpLoads, amounts: Amounts) -> Bools:
    """Return which terms have a coefficient in which workloads, (g, 3)."""
    has_bytes = loads.bytes_matter & amounts.varies[:, 1]
    has_connections = loads.connections_matter & amounts.varies[:, 2]
    has_connections &= amounts.is_separable | ~has_bytes
    return np.column_stack([np.ones_like(has_bytes), has_bytes, has_connections])
