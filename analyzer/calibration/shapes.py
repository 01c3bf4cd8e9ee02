"""The shapes of a fit, simplest first: which columns each has, and where a term takes part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.least_squares import Problem, Term
from analyzer.calibration.panel import Panel
from analyzer.units import counted, in_percent

LEAST_UNEQUAL: Final = 0.01
"""Least range of 1 / share over a workload's pods, for terms that depend on it."""

IDLE: Final = Term(name="idle", is_floored=True)
REQUESTS: Final = Term(name="requests")
"""All requests, or a curve of them; may be negative. If noise hides their cost, half of all
estimates are too low, and a floor at zero would make the mean of the mesh too high."""

INBOUND: Final = Term(name="inbound requests", is_floored=True)
OUTBOUND: Final = Term(name="outbound requests", is_floored=True)
BYTES: Final = Term(name="bytes", is_floored=True)
POD_IDLE: Final = Term(name="idle of pods with fewer requests")
POD_REQUESTS: Final = Term(name="requests of pods with fewer requests")
"""How idle CPU and cost per request change with a pod's share of its workload's requests. With
them, the other terms rest on changes within each pod (Mundlak, Econometrica 46, 1978)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """CPU as a function of traffic, without its coefficients: one per term."""

    name: str
    exponent: float = 1.0  # of the request rate; 1 for a straight line
    knee_share: float = 1.0  # share of its workload's highest rate from which a request costs more
    rise_share: float = 0.0  # by how many times its cost below the knee
    terms: tuple[Term, ...] = (IDLE, REQUESTS)
    within: frozenset[int] = frozenset()  # rows of `Observations.workloads` with terms for pods

    def within_pods(self, workloads: frozenset[int]) -> Shape:
        """Return this shape with terms for the pods of these workloads."""
        if not workloads:
            return self
        return replace(self, terms=(*self.terms, POD_IDLE, POD_REQUESTS), within=workloads)

    @property
    def is_curve(self) -> bool:
        """Whether the cost of one more request depends on the rate."""
        return self.exponent != 1 or self.rise_share != 0

    def terms_of(self, panel: Panel) -> tuple[Term, ...]:
        """Return the terms of this shape, and of the panel's events."""
        return (*self.terms, *panel.events)

    def basis(self, panel: Panel) -> Floats:
        """Return the rate, or a curve of it, that the CPU of traffic is proportional to, (n,)."""
        if self.exponent != 1:
            return panel.rps**self.exponent
        if self.rise_share:
            return panel.rps + self.rise_share * np.maximum(panel.rps - self._knees(panel), 0)
        return panel.rps

    def marginal(self, panel: Panel) -> Floats:
        """Return the rate times the derivative of the basis, (n,).

        Its sum over the sum of the rates is the mean derivative, weighted by requests.
        """
        if self.rise_share:
            is_beyond = panel.rps > self._knees(panel)
            return np.asarray(panel.rps * (1 + self.rise_share * is_beyond))
        return self.exponent * self.basis(panel)

    def _knees(self, panel: Panel) -> Floats:
        return panel.workloads.spread(self.knee_share * panel.highest_rps)

    def load(self, term: Term, panel: Panel) -> Floats:
        """Return the factor of a term's coefficient, shape (n,)."""
        amount = self._amount(term, panel)
        return amount if panel.node_factors is None else amount * panel.node_factors

    def _amount(self, term: Term, panel: Panel) -> Floats:
        """Return the same on a node of the mean speed."""
        if term in (IDLE, REQUESTS):
            return np.broadcast_to(1.0, panel.rps.shape) if term == IDLE else self.basis(panel)
        if term in (POD_IDLE, POD_REQUESTS):
            distance = panel.pod_distance
            return distance if term == POD_IDLE else distance * self.basis(panel)
        if term in panel.events:
            return panel.events[term].rate
        into, out_of = panel.inbound_rps, panel.outbound_rps
        return {INBOUND: into, OUTBOUND: out_of, BYTES: panel.gbit_per_second}[term]

    def design(self, panel: Panel) -> Floats:
        """Return the load of each term, shape (k, n)."""
        return np.array([self.load(term, panel) for term in self.terms_of(panel)])

    def problem(self, panel: Panel) -> Problem:
        """Return the regressions of the workloads."""
        terms = self.terms_of(panel)
        loads = {term: self.load(term, panel) for term in terms}
        active = np.column_stack([_takes_part(term, self, panel) for term in terms])
        return Problem.of(loads, panel.vcpu, active, panel.workloads)


AFFINE: Final = Shape(name="affine")
BY_DIRECTION: Final = Shape(
    name="affine in inbound, outbound and bytes",
    terms=(IDLE, REQUESTS, INBOUND, OUTBOUND, BYTES),
)


def power(exponent: float) -> Shape:
    """Return the concave shape of this exponent."""
    return Shape(name=f"power {exponent:g}", exponent=exponent)


def knee(share: float, rise: float) -> Shape:
    """Return the shape whose requests cost more beyond this share of the highest rate."""
    return Shape(name=f"knee at {in_percent(share)}", knee_share=share, rise_share=rise)


def _takes_part(term: Term, shape: Shape, panel: Panel) -> Bools:
    """Return in which workloads a term can be separated from the others, shape (g,)."""
    takes_part = panel.is_fitted
    if term == IDLE or term in panel.events:
        takes_part[[number for number, item in panel.obstacles.items() if item.is_all_idle]] = True
        if term in panel.events:
            takes_part &= panel.events[term].is_separable
    elif term == BYTES:
        takes_part &= panel.has_bytes
    elif term in (POD_IDLE, POD_REQUESTS):
        takes_part &= np.isin(panel.numbers, list(shape.within)) & has_unequal_pods(panel)
    elif term in (INBOUND, OUTBOUND):
        takes_part &= panel.has_directions
    elif INBOUND in shape.terms:
        # If each direction has a cost, all requests together have none.
        takes_part &= ~panel.has_directions
    return takes_part


def has_unequal_pods(panel: Panel) -> Bools:
    """Return in which workloads some proxies have more requests than others, shape (g,)."""
    share, proxies = panel.pod_distance[panel.proxies.starts], panel.proxies.within(panel.workloads)
    return proxies.highest(share) - proxies.lowest(share) > LEAST_UNEQUAL


def left_out(panel: Panel, has_slope: Bools) -> tuple[str, ...]:
    """Return which terms could not be separated in how many workloads, as sentences."""
    together, without_bytes = ~panel.has_directions[has_slope], ~panel.has_bytes[has_slope]
    of_all, remarks = f"of {counted(len(together), 'workload')}", []
    if together.any():
        remarks.append(
            f"Inbound and outbound requests rise and fall together in {together.sum()} {of_all}: "
            "one cost covers both."
        )
    if without_bytes.any():
        remarks.append(
            f"Bytes are not known or follow requests in {without_bytes.sum()} {of_all}: the cost "
            "per request includes them."
        )
    return tuple(remarks)
