"""How much more CPU the same work takes on one kind of node than on another.

Where the pods of one workload are on nodes of several instance types, each type gets a factor. It
multiplies idle CPU and all costs. The quoted figures are means over today's nodes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from analyzer.arrays import Floats, Ints
from analyzer.calibration.fit.group_factors import Cells, Rows, fit_factors, lines
from analyzer.calibration.fit.shared_time import DEGREES_OF_FREEDOM
from analyzer.calibration.fit.student import interval
from analyzer.calibration.observations import NodeFactors, Observations
from analyzer.calibration.workloads import WorkloadFits
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.units import Interval, in_percent

MOST_CHANCE: Final = 0.001
"""Chance that pods of kinds which are alike differ as much."""

LEAST_CHANGE: Final = 0.05
"""Least difference between two kinds, as a share, that matters."""

MIN_PODS: Final = 8
"""Least number of pods that are compared."""


def with_node_factors(fits: WorkloadFits, observations: Observations) -> Observations:
    """Return the observations with a factor for each kind of node, where they differ clearly.

    `fits` are straight lines of the same observations, without factors.
    """
    kinds = observations.node_kinds
    panel = fits.panel
    if not kinds or len(panel.proxies) < MIN_PODS or not fits.has_slope.any():
        return observations
    cells = Cells.of(_rows(fits, observations), len(kinds))
    found = fit_factors(cells)
    known = found.factors[found.is_known]
    if (
        len(known) <= 1
        or found.chance > MOST_CHANCE
        or known.max() / known.min() < 1 + LEAST_CHANGE
    ):
        return observations
    of_mesh = np.array(
        [_mesh_line(fits, cells, one) for one in (found.factors, *found.without_each)]
    )
    off = of_mesh[1:] - of_mesh[1:].mean(axis=0)
    parts = len(off)
    factors = NodeFactors(
        factors=found.factors,
        variances=found.variances,
        is_known=found.is_known,
        covariance=(parts - 1) / parts * off.T @ off,
    )
    return replace(observations, node_factors=factors)


def _rows(fits: WorkloadFits, observations: Observations) -> Rows:
    """Return the fitted samples; residuals in units of their workload's noise."""
    panel = fits.panel
    kept = panel.workloads.spread(fits.has_slope)
    # Huber's weights would take the pods on the slowest nodes for noise.
    weights = fits.robust.variance_weights / panel.workloads.spread(fits.robust.scale**2)
    kind: Ints = observations.rows["node_kind"].to_numpy(np.int64)
    return Rows(
        x=panel.rps[kept],
        y=panel.vcpu[kept],
        weights=weights[kept],
        segment=panel.workloads.numbers[kept],
        kind=kind[kept],
        member=panel.proxies.numbers[kept],
    )


def _mesh_line(fits: WorkloadFits, cells: Cells, factors: Floats) -> Floats:
    """Return the mesh's idle vcpu per proxy and vcpu per 1000 rps with these factors, (2,)."""
    found = np.zeros((len(fits.has_slope), 2))
    of_each = lines(cells, factors)
    found[: len(of_each)] = of_each
    time = fits.panel.workloads.lengths * fits.has_slope
    requests = fits.panel.workloads.sum(fits.panel.rps) * fits.has_slope
    idle, slope = time @ found[:, 0] / time.sum(), requests @ found[:, 1] / requests.sum()
    return np.array([idle, 1000 * slope])


def cpu_of_kinds(kinds: Sequence[str], found: NodeFactors | None) -> dict[str, Interval]:
    """Return the CPU on each kind of node over the mean of today's nodes; empty without factors."""
    if found is None:
        return {}
    each = zip(kinds, found.factors, found.variances, found.is_known, strict=True)
    return {
        kind: interval(factor, variance, DEGREES_OF_FREEDOM)
        for kind, factor, variance, is_known in each
        if is_known and kind
    }


def node_kind_findings(cpu: Mapping[str, Interval]) -> Iterator[Finding]:
    """Yield that kinds of nodes differ, if the fit has factors for them."""
    if not cpu:
        return
    low, high = min(cpu, key=lambda kind: cpu[kind].mid), max(cpu, key=lambda kind: cpu[kind].mid)
    more = cpu[high].mid / cpu[low].mid - 1
    yield Finding(
        name="node_kinds_differ",
        severity=Severity.INFO,
        text=f"Sidecars on {high} nodes use {in_percent(more)} more CPU for the same work than on "
        f"{low} nodes. The cost per request is the mean over today's nodes.",
        affected=tuple(sorted(cpu)),
        bias=Bias.NONE,
    )
