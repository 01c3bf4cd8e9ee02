"""CPU that requests do not explain, from the shape of residuals over time."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.segments import seen_at
from analyzer.calibration.fit.whitening import Whitened, effect, whitened
from analyzer.calibration.workloads import WorkloadFits

MIN_STEPS: Final = 96
"""Least number of intervals: in fewer, any shape may be chance."""

MIN_UNITS: Final = 5
"""Least number of workloads to compare; with fewer, pods are compared."""

_MOST_UNITS: Final = 256
"""Workloads or pods looked at, those with the most CPU: what they have in common shows in these."""

_LEAST_KNOWN: Final = 0.9
"""Share of the intervals in which a unit must be known."""

_SMOOTHING_STEPS: Final = 6
"""Intervals over which load is averaged before its rise is taken: bursts are no rise."""

_CLIPPED: Final = 4.0
"""Deviations at which the residual of one unit is cut: no single one makes a common burst."""

_RISE, _LEVEL = 2, 3
"""Columns of the design, after pods and requests."""

LEAST_ERRORS: Final = {_RISE: 5.0, _LEVEL: 4.0}
"""Standard errors from which the rise of load uses CPU, or a request uses more CPU when the mesh is
busy. Of 24 blocks of time, chance gives 4 in one of 3,000 meshes. Load rises in half of the blocks,
or fewer."""

LEAST_SHARE: Final = 0.01
"""Share of the CPU, below which such a part does not matter."""

LEAST_JUMP: Final = 6.0
"""Deviations of a change of CPU that all units make in one interval. The highest of 288 normal
values is near 3; it is below 5 in 99.98 % of days."""

LEAST_COMMON: Final = 0.6
LEAST_SKEW: Final = 3.0
LEAST_SKEW_OF_SHORT: Final = 1.5
"""Variance that units have in common, in units of what chance gives to their sum, and standard
errors of its skewness, from which common noise is bursts. Shocks in both directions have no skew,
and those that a busy machine makes last: noise that is gone in the next interval needs less of it.
"""

MOST_PERSISTENCE: Final = 0.4
"""Correlation of common noise from one interval to the next, if it is short."""

LOAD_CHANGE: Final = 0.2
"""Change of load from one interval to the next that may itself change the CPU of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """What the residuals of a role's workloads follow, apart from requests.

    Attributes:
        rise_share: CPU used only while load rises, as a share of all; 0: not found.
        level_share: CPU by which requests cost more when the mesh is busy, or less when it is not,
            as a share of all; 0: not found.
        has_bursts: whether all pods use more CPU in the same intervals.
        has_jobs: whether the CPU of all pods rises and falls from one interval to the next.
    """

    rise_share: float = 0.0
    level_share: float = 0.0
    has_bursts: bool = False
    has_jobs: bool = False


NONE: Final = Patterns()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Series:
    """Sums over the samples of each unit at each time, shape (u, t); 0 where it has none."""

    count: Floats
    rps: Floats
    vcpu: Floats
    predicted_vcpu: Floats
    vcpu_per_rps: Floats  # (u, 1)
    mesh_rps: Floats  # (t,): of the whole mesh

    @property
    def whitened(self) -> Whitened:
        """Residuals as shares of the predicted CPU, and what they may follow."""
        known = self.count > 0
        part = np.divide(1.0, self.predicted_vcpu, out=np.zeros_like(self.rps), where=known)
        traffic = self.vcpu_per_rps * self.rps
        each = traffic.sum(axis=1, keepdims=True) / self.count.sum(axis=1, keepdims=True)
        # Load of the mesh has less error than that of a pod, so the line would follow it too.
        of_mesh = each * self.count * self.busyness
        loads = [self.count, traffic, self.rise, traffic * self.busyness, of_mesh]
        design = np.stack([load * part for load in loads], axis=2)
        residuals = (self.vcpu - self.predicted_vcpu) * part
        return whitened(residuals, design, known.astype(float))

    @property
    def busyness(self) -> Floats:
        """Requests of the mesh over their mean, shape (t,)."""
        return np.asarray(self.mesh_rps / self.mesh_rps.mean())

    @property
    def rise(self) -> Floats:
        """The rise of load, 0 where it falls, as CPU: its mean is that of the cost of requests."""
        kernel = np.ones(_SMOOTHING_STEPS) / _SMOOTHING_STEPS
        padded = np.pad(self.rps, ((0, 0), (_SMOOTHING_STEPS, _SMOOTHING_STEPS)), mode="edge")
        smooth = np.array([np.convolve(row, kernel, mode="same") for row in padded])
        rise = np.gradient(smooth, axis=1)[:, _SMOOTHING_STEPS:-_SMOOTHING_STEPS]
        rise = np.maximum(rise, 0.0) * (self.count > 0)
        total = rise.sum(axis=1, keepdims=True)
        each = np.divide(rise, total, out=np.zeros_like(rise), where=total > 0)
        return np.asarray(each * self.vcpu_per_rps * self.rps.sum(axis=1, keepdims=True))

    @property
    def is_even(self) -> Bools:
        """Whether the load is as in the interval before, shape (t - 1,)."""
        changed = np.abs(np.diff(self.mesh_rps)) > LOAD_CHANGE * self.mesh_rps[1:]
        # The CPU of a burst may be counted in the next interval.
        return np.asarray(~(changed | np.roll(changed, 1)))


def find_patterns(fits: WorkloadFits) -> Patterns:
    """Look for CPU that rising load or a busy mesh needs, or that all pods use at once."""
    series = _series(fits)
    if series is None or len(series.mesh_rps) < MIN_STEPS:
        return NONE
    white = series.whitened
    common = _common(white)
    jumps = common[series.is_even] / _deviation(common)
    up, down = bool((jumps > LEAST_JUMP).any()), bool((jumps < -LEAST_JUMP).any())
    if down and not up:
        # The cost has changed for good: another module looks for that.
        return NONE
    return Patterns(
        rise_share=_share(series, white, _RISE),
        level_share=_share(series, white, _LEVEL),
        has_jobs=up and down,
        has_bursts=not (up and down) and _is_bursty(white),
    )


def _series(fits: WorkloadFits) -> _Series | None:
    """Return the series of the largest workloads; of the largest pods if workloads are few."""
    panel, predicted = fits.panel, fits.predicted_vcpu
    point, vcpu = panel.point, panel.vcpu
    times = np.flatnonzero(np.bincount(point))
    workload_counts = int(fits.has_slope.sum())
    units = panel.workloads if workload_counts >= MIN_UNITS else panel.proxies
    owner = units.within(panel.workloads).numbers
    is_enough = units.lengths >= _LEAST_KNOWN * len(times)
    if units is panel.workloads:
        is_enough = seen_at(units, point).sum(axis=1) >= _LEAST_KNOWN * len(times)
    # NaN is not above zero.
    is_enough &= fits.has_slope[owner] & (units.lowest(predicted) > 0)
    chosen = np.flatnonzero(is_enough)
    if not len(chosen):
        return None
    chosen = chosen[np.argsort(-units.sum(vcpu)[chosen], kind="stable")[:_MOST_UNITS]]
    place = np.full(len(units), -1)
    place[chosen] = np.arange(len(chosen))
    rows = np.flatnonzero(units.spread(place >= 0))
    of_row = np.repeat(place, np.where(place >= 0, units.lengths, 0))
    cell = of_row * len(times) + np.searchsorted(times, point[rows])

    def summed(values: Floats) -> Floats:
        sums = np.bincount(cell, values[rows], minlength=len(chosen) * len(times))
        return np.asarray(sums.reshape(len(chosen), len(times)))

    return _Series(
        count=summed(np.broadcast_to(1.0, vcpu.shape)),
        rps=summed(panel.rps),
        vcpu=summed(vcpu),
        predicted_vcpu=summed(predicted),
        vcpu_per_rps=np.abs(fits.curves[owner[chosen], 1:]),
        mesh_rps=np.bincount(point, panel.rps)[times].astype(float),
    )


def _share(series: _Series, white: Whitened, column: int) -> float:
    """Return the share of the CPU that follows a column; 0 where that may be chance."""
    errors, found = effect(white, column)
    load = series.rise
    if column == _LEVEL:
        load = series.vcpu_per_rps * series.rps * np.abs(series.busyness - 1)
    share = found * float(load.sum()) / float(series.predicted_vcpu.sum())
    return share if errors >= LEAST_ERRORS[column] and share >= LEAST_SHARE else 0.0


def _clipped(white: Whitened) -> Floats:
    """Return the units' residuals in deviations, cut where they are wild, with mean zero."""
    sizes = np.where(white.is_known > 0, np.abs(white.residuals), np.nan)
    deviation = np.nanmedian(sizes, axis=1, keepdims=True) / 0.6745
    deviation[~(deviation > 0)] = 1.0
    clipped = np.clip(white.residuals / deviation, -_CLIPPED, _CLIPPED)
    return np.asarray(clipped - clipped.mean(axis=1, keepdims=True))


def _common(white: Whitened) -> Floats:
    """Return the mean of the units' residuals at each time, in deviations of independent ones."""
    return np.asarray(_clipped(white).sum(axis=0) / np.sqrt(len(white.target)))


def _deviation(values: Floats) -> float:
    middle = float(np.median(np.abs(values - np.median(values)))) / 0.6745
    return middle or 1.0


def _is_bursty(white: Whitened) -> bool:
    """Return whether units have noise in common, and that is mostly short and upward."""
    units = _clipped(white)
    count, times = units.shape
    if count < MIN_UNITS:
        return False
    first, second, third = (np.sum(units**power, axis=0) for power in (1, 2, 3))
    # Sums over different units only: noise of one unit has no part in them, skewed or not.
    pairs = first**2 - second
    triples = first**3 - 3 * first * second + 2 * third
    variance = float(pairs.mean()) / count
    if variance < LEAST_COMMON:
        return False
    skewness = float(triples.mean()) / count**1.5 / float((first**2).mean() / count) ** 1.5
    is_short = float(np.median(white.persistence)) < MOST_PERSISTENCE
    least = LEAST_SKEW_OF_SHORT if is_short else LEAST_SKEW
    return bool(skewness / np.sqrt(6 / times) > least)
