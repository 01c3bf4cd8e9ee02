"""Whether busier pods of a workload cost less per request than its others, and what that changes.

A line through all pods of a workload mixes how CPU changes within each pod with how pods differ.
Where a faster node gets more requests, its pod has more requests and less CPU for each, and the
line is too flat. Terms for pods (`Shape.within_pods`) separate the two (Hausman's test, with
Mundlak's terms).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.fit.jackknife import leave_one_out
from analyzer.calibration.fit.least_squares import Moments, moments_of, solve
from analyzer.calibration.fit.segments import Segments
from analyzer.calibration.fit.student import half_width, pooled_freedom
from analyzer.calibration.observations import Observations
from analyzer.calibration.shapes import AFFINE, Shape
from analyzer.calibration.workloads import WorkloadFits, reduction_of
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.units import counted, in_percent

CLEARLY: Final = 1.5
"""Half-widths of a 90 % interval by which both slopes of the mesh must differ."""

MATTERS: Final = 0.03
"""Least share of the mesh's slope by which they must differ. In meshes whose pods are alike they
differ by 0.1 %."""

CHANCE_ALONE: Final = 0.01
"""Chance that noise makes one of all workloads differ by itself (Bonferroni)."""

MATTERS_ALONE: Final = 0.05
"""Least share of its own slope by which it must differ."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PodComparison:
    """Which workloads get terms for pods, and what that changes; arrays of shape (g,)."""

    within: frozenset[int]  # rows of `Observations.workloads`
    slopes: Floats  # over all pods, in vcpu per rps
    changes: Floats  # of the slope, if it rests on the changes within each pod
    requests: Floats  # rps summed over samples
    numbers: Ints  # of each, in `Observations.workloads`

    @property
    def shape(self) -> Shape:
        """The straight line, with terms for the pods of these workloads."""
        return AFFINE.within_pods(self.within)


def compare(fits: WorkloadFits) -> PodComparison:
    """Compare both slopes of each workload, with the weights of its straight line."""
    panel = fits.panel
    shape = AFFINE.within_pods(frozenset(panel.numbers.tolist()))
    problem, to_slope = shape.problem(panel), reduction_of(shape, panel)[:, 1]
    parts = moments_of(problem.design, problem.target, fits.fit.weights, panel.clusters)
    clusters = panel.clusters.within(panel.workloads)
    has_terms, alike = problem.active[:, -1], problem.active.copy()
    alike[:, len(AFFINE.terms) :] = False
    before, moved_before = _slopes(parts, clusters, alike, to_slope)
    after, moved_after = _slopes(parts, clusters, problem.active, to_slope)
    count = clusters.lengths
    variances = clusters.sum((moved_after - moved_before) ** 2) * (count - 1) / count
    requests = panel.workloads.sum(panel.rps) * panel.is_fitted
    changes = np.where(has_terms, after - before, 0.0)
    freedoms = panel.degrees_of_freedom
    differs = _differs_alone(changes, variances, freedoms, after) & has_terms
    if _mesh_differs(requests, changes, variances, freedoms, after):
        differs = has_terms
    within = frozenset(panel.numbers[differs].tolist())
    return PodComparison(
        within=within, slopes=before, changes=changes, requests=requests, numbers=panel.numbers
    )


def _slopes(
    parts: Moments, clusters: Segments, active: Bools, to_slope: Floats
) -> tuple[Floats, Floats]:
    """Return the slopes of these columns, (g,), and each cluster's influence on them, (c,)."""
    coefficients, _ = solve(parts.summed(clusters), active)
    of_cluster = np.repeat(coefficients, clusters.lengths, axis=0)
    scores = parts.cross - np.einsum("gij,gj->gi", parts.gram, of_cluster)
    moves = leave_one_out(parts.gram, scores, clusters, active)
    share = np.repeat(to_slope, clusters.lengths, axis=0)
    return (to_slope * coefficients).sum(axis=1), (share * moves).sum(axis=1)


def _differs_alone(changes: Floats, variances: Floats, freedoms: Ints, after: Floats) -> Bools:
    sizes = np.abs(changes)
    deviations = np.divide(sizes, np.sqrt(variances), out=np.zeros_like(sizes), where=sizes > 0)
    chance = 2 * special.stdtr(freedoms, -deviations) * max(np.count_nonzero(sizes), 1)
    return np.asarray((chance < CHANCE_ALONE) & (sizes > MATTERS_ALONE * np.abs(after)))


def _mesh_differs(
    requests: Floats, changes: Floats, variances: Floats, freedoms: Ints, after: Floats
) -> bool:
    has_change = changes != 0
    parts = (requests**2 * variances)[has_change]
    if not parts.sum() > 0:
        return False
    to_end = float(half_width(float(parts.sum()), pooled_freedom(parts, freedoms[has_change])))
    change, slope = abs(float(requests @ changes)), abs(float(requests @ after))
    return change > max(CLEARLY * to_end, MATTERS * slope)


def unequal_pods(pods: PodComparison | None, observations: Observations) -> Iterator[Finding]:
    """Yield that busier pods cost less (or more) per request, if the fit has terms for them."""
    if pods is None or not pods.within:
        return
    chosen = np.isin(pods.numbers, list(pods.within))
    change = float((pods.requests * pods.changes)[chosen].sum())
    after = float(pods.requests @ pods.slopes) + change
    share = change / after if after > 0 else 0.0
    names = observations.workloads.iloc[pods.numbers[chosen]]
    less, higher = ("less", "higher") if change > 0 else ("more", "lower")
    cause = (
        "Likely causes: nodes of unequal speed with least-request load balancing, or pods with "
        "different work."
        if change > 0
        else "Likely causes: pods with different work, or nodes of unequal speed."
    )
    yield Finding(
        name="unequal_pods",
        severity=Severity.WARNING if abs(share) >= MATTERS else Severity.INFO,
        text=f"Pods with more requests need {less} CPU per request than others of the same "
        f"workload, in {counted(len(names), 'workload')}. {cause} The fit there uses changes "
        f"within each pod, so cost per request is {in_percent(abs(share))} {higher}.",
        affected=tuple(sorted(names["namespace"] + "/" + names["workload"])),
        rps_share=float(pods.requests[chosen].sum() / pods.requests.sum()),
        bias=Bias.NONE,
    )
