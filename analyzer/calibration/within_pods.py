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
from analyzer.calibration.fit.huber import RobustFit
from analyzer.calibration.fit.nested import Nested, Sums, compare_nested
from analyzer.calibration.fit.segments import BLOCK_ROWS, TIME_BLOCKS, time_blocks
from analyzer.calibration.fit.student import half_width, pooled_freedom
from analyzer.calibration.observations import Observations
from analyzer.calibration.panel import Panel
from analyzer.calibration.shapes import AFFINE, POD_IDLE, POD_REQUESTS, Shape
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
    points = np.flatnonzero(np.bincount(panel.point))
    block_at = np.zeros(points[-1] + 1, dtype=np.int64)
    block_at[points] = time_blocks(points)
    # By parts: the terms for pods of all rows at once would be most of the memory in use.
    parts = [
        _compared(shape, part, fits.fit.part(segments, rows), block_at)
        for segments, rows, part in panel.blocks(BLOCK_ROWS)
    ]
    nested, is_compared = zip(*parts, strict=True)
    found = Nested(*map(np.concatenate, zip(*nested, strict=True)))
    requests = panel.workloads.sum(panel.rps) * panel.is_fitted
    chosen = _differs_alone(found, panel.degrees_of_freedom)
    if _mesh_differs(found, panel.degrees_of_freedom, requests):
        chosen = np.concatenate(is_compared)
    return PodComparison(
        within=frozenset(panel.numbers[chosen].tolist()),
        slopes=found.before,
        changes=found.change,
        requests=requests,
        numbers=panel.numbers,
    )


def _compared(shape: Shape, panel: Panel, fit: RobustFit, block_at: Ints) -> tuple[Nested, Bools]:
    """Return the comparison, and which workloads have terms for pods, (g,).

    `block_at` is the block of time of each point.
    """
    problem = shape.problem(panel)
    few = problem.active.copy()
    of_pods = [shape.terms.index(term) for term in (POD_IDLE, POD_REQUESTS)]
    few[:, of_pods] = False
    sums = Sums(
        few=few,
        weights=reduction_of(shape, panel)[:, 1],
        clusters=panel.clusters,
        blocks=block_at[panel.point],
        block_count=int(block_at.max()) + 1,
    )
    return compare_nested(problem, fit.weights, sums), problem.active[:, of_pods[-1]]


def _differs_alone(found: Nested, freedoms: Ints) -> Bools:
    """Return in which workloads the change is clear by itself, shape (g,)."""
    of_time = (found.pulls**2).sum(axis=1) * TIME_BLOCKS / (TIME_BLOCKS - 1)
    total = np.maximum(found.variances + of_time, np.finfo(float).tiny)
    shares = found.variances / total, of_time / total
    least = np.finfo(float).tiny
    freedom = 1 / np.maximum(shares[0] ** 2 / freedoms + shares[1] ** 2 / (TIME_BLOCKS - 1), least)
    sizes = np.abs(found.change)
    chance = 2 * special.stdtr(freedom, -sizes / np.sqrt(total)) * max(np.count_nonzero(sizes), 1)
    matters = sizes > MATTERS_ALONE * np.abs(found.before + found.change)
    return np.asarray((chance < CHANCE_ALONE) & matters & (sizes > 0))


def _mesh_differs(found: Nested, freedoms: Ints, requests: Floats) -> bool:
    """Return whether the change is clear in the mean of the workloads."""
    differs = found.change != 0
    weights = requests * differs
    of_time = ((weights @ found.pulls) ** 2).sum() * TIME_BLOCKS / (TIME_BLOCKS - 1)
    parts = np.append((weights**2 * found.variances)[differs], of_time)
    if not parts.sum() > 0:
        return False
    freedom = pooled_freedom(parts, np.append(freedoms[differs], TIME_BLOCKS - 1))
    to_end = float(half_width(float(parts.sum()), freedom))
    change, slope = abs(weights @ found.change), abs(requests @ (found.before + found.change))
    return bool(change > max(CLEARLY * to_end, MATTERS * slope))


def unequal_pods(pods: PodComparison, observations: Observations) -> Iterator[Finding]:
    """Yield that busier pods cost less (or more) per request, if the fit has terms for them."""
    if not pods.within:
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
