"""The mean costs of TCP over a mesh's workloads, and what some of them borrow from others.

A workload whose connections follow its bytes shows one cost for both. A workload with constant
traffic shows one level of CPU. Both are divided with what other workloads show, so that each keeps
its own CPU: the cost of a connection, and idle CPU. How much workloads differ widens the ranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.partial_pooling import MIN_LENDERS
from analyzer.calibration.fit.shared_time import DEGREES_OF_FREEDOM, larger
from analyzer.calibration.fit.student import pooled_freedom
from analyzer.calibration.tcp_fits import TERMS, TcpFits


class Loan(NamedTuple):
    """A cost that some workloads show and others take over."""

    cost: float
    spread: float  # variance between workloads
    weights: Floats  # (g,): of the TCP workloads that show it; zeros if others do
    mean_variance: float  # of the cost, if others show it
    lender_count: int

    @classmethod
    def of_connections(cls, fits: TcpFits) -> Loan | None:
        """Return the cost of connections, weighted by them; None if no workload shows it."""
        column = 2
        lends = fits.has_term[:, column] & ~fits.is_falling
        if not lends.any():
            return None
        amounts = fits.panel.workloads.sum(fits.loads.connections) * lends
        weights = amounts / amounts.sum()
        costs, count = fits.costs[:, column], int(lends.sum())
        cost = float(weights @ costs)
        # One or two do not show how workloads differ: the cost may be nothing, or twice as much.
        spread = cost**2
        if count >= MIN_LENDERS:
            spread = float(weights @ (costs - cost) ** 2 / (1 - weights @ weights))
        return cls(cost, spread, weights, 0.0, count)

    @classmethod
    def of_idle(cls, fits: TcpFits, others: Floats) -> Loan | None:
        """Return the idle CPU of sidecars; None if fewer than MIN_LENDERS show it.

        `others`, shape (h,), is that of the workloads with requests.
        """
        own = fits.costs[fits.shows_idle, 0]
        found = np.concatenate([others, own])
        count = len(found)
        if count < MIN_LENDERS:
            return None
        spread = float(found.var(ddof=1))
        none = np.zeros(len(fits.costs))
        return cls(float(found.mean()), spread, none, spread / count, count)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Divided:
    """Costs of g workloads: moves x own costs + what they borrow x its direction."""

    moves: Floats  # (g, 3, 3)
    borrowed: Floats  # (2, g): cost of connections, and idle, that is taken over
    directions: Floats  # (2, g, 3): by how much a unit of each changes the costs
    is_known: Bools  # (g,): whether a workload's costs are known
    is_derived: Bools  # (g,): whether its level is divided with the idle CPU of others

    def costs(self, fits: TcpFits) -> Floats:
        """Return the costs of TERMS, (g, 3)."""
        own = np.einsum("gij,gj->gi", self.moves, fits.costs)
        return np.asarray(own + np.einsum("lg,lgi->gi", self.borrowed, self.directions))

    def covariances(self, fits: TcpFits, loans: tuple[Loan | None, ...]) -> Floats:
        """Return their covariances, (g, 3, 3), each workload by itself."""
        whole = self.moves @ fits.covariances @ self.moves.transpose(0, 2, 1)
        for loan, direction in zip(loans, self.directions, strict=True):
            if loan is not None:
                of_mean = loan.mean_variance + float(loan.weights**2 @ fits.covariances[:, 2, 2])
                variance = loan.spread + of_mean
                whole = whole + variance * direction[:, :, None] * direction[:, None, :]
        return whole


def divided(fits: TcpFits, connection: Loan | None, idle: Loan | None) -> Divided:
    """Divide what a workload shows as one, as far as other workloads show its parts."""
    means, rise = fits.amounts.means, fits.amounts.connections_per_gbit
    count = len(means)
    has_bytes, has_connections = fits.has_term[:, 1], fits.has_term[:, 2]
    carries = fits.loads.bytes_matter
    lacks = fits.loads.connections_matter & ~has_connections & carries
    takes = lacks if connection is not None else np.zeros_like(lacks)
    rise = np.where(has_bytes, rise, 0.0)
    of_connection: Floats = takes.astype(float)[:, None] * np.column_stack(
        [-(means[:, 2] - rise * means[:, 1]), -rise, np.ones(count)]
    )
    most = _most(fits.costs, of_connection)
    cost = 0.0 if connection is None else max(connection.cost, 0.0)
    taken = np.minimum(cost, most) * takes
    # Without a line of its own, what carries the traffic has the rest of the level.
    is_level = fits.is_level
    carrier = np.where(carries, 1, 2)
    each = np.arange(count)
    moves = np.tile(np.eye(len(TERMS)), (count, 1, 1))
    moves[is_level, 0, 0] = 0.0
    moves[each[is_level], carrier[is_level], 0] = 1 / means[each[is_level], carrier[is_level]]
    level = fits.costs[:, 0] + taken * of_connection[:, 0]
    of_idle = np.zeros((count, len(TERMS)))
    of_idle[is_level, 0] = 1.0
    of_idle[each[is_level], carrier[is_level]] = -moves[each[is_level], carrier[is_level], 0]
    lent = np.zeros(count) if idle is None else np.clip(idle.cost, 0.0, np.maximum(level, 0.0))
    return Divided(
        moves=moves,
        borrowed=np.array([taken, lent * is_level]),
        directions=np.array([np.einsum("gij,gj->gi", moves, of_connection), of_idle]),
        is_known=~fits.is_falling & (~is_level | (idle is not None)),
        is_derived=is_level,
    )


def _most(costs: Floats, direction: Floats) -> Floats:
    """Return how far costs, (g, 3), can be moved before one is below zero, (g,)."""
    falls = direction < 0
    room = np.divide(costs, -direction, out=np.full_like(costs, np.inf), where=falls)
    return np.asarray(np.maximum(room.min(axis=1), 0.0))


class TcpMean(NamedTuple):
    """The mean costs of TERMS over the workloads, and the CPU of their traffic."""

    mid: Floats  # (3,)
    covariance: Floats  # (3, 3)
    degrees_of_freedom: Floats  # (3,)

    @classmethod
    def of(
        cls,
        fits: TcpFits,
        parts: Divided,
        loans: tuple[Loan | None, ...],
        weights: Floats,
    ) -> TcpMean:
        """Return weighted sums of the workloads' costs; weights have shape (g, s, 3)."""
        mid = np.einsum("gsi,gi->s", weights, parts.costs(fits))
        moves = weights @ parts.moves
        others, freedoms = [], []
        for loan, direction in zip(loans, parts.directions, strict=True):
            if loan is None or not direction.any():
                continue
            each = np.einsum("gsi,gi->gs", weights, direction)
            whole = each.sum(axis=0)
            moves = moves.copy()
            moves[:, :, 2] += loan.weights[:, None] * whole
            differing = loan.spread * np.einsum("gs,gt->st", each, each)
            others.append(differing + loan.mean_variance * np.outer(whole, whole))
            freedoms.append(max(loan.lender_count - 1, 1))
        by_pods = moves @ fits.pod_covariances @ moves.transpose(0, 2, 1)
        of_pods = by_pods.sum(axis=0)
        of_time = larger(of_pods, fits.shared.covariance_of_sum(moves)) - of_pods
        each_part = np.array([*by_pods, of_time, *others])
        of_each = np.array(
            [*fits.panel.degrees_of_freedom, DEGREES_OF_FREEDOM, *freedoms], dtype=float
        )
        columns = range(weights.shape[1])
        return cls(
            mid=mid,
            covariance=each_part.sum(axis=0),
            degrees_of_freedom=np.array(
                [pooled_freedom(each_part[:, i, i], of_each) for i in columns]
            ),
        )
