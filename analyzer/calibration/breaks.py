"""A change of the cost in the middle of the window, such as an upgrade: when, and of what.

The CPU of each workload over what its requests explain is a series in time. If it moves to another
level and stays there, the fit is of the time after the move.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.fit.level_shift import Shift, find_shift, ramp, stays
from analyzer.calibration.fit.segments import BLOCK_ROWS, Segments
from analyzer.calibration.observations import Exclusion, Observations, Unusable
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.settings import Setting
from analyzer.units import counted, in_percent
from analyzer.window import TimeWindow

MOST_STEPS: Final = 336
"""Steps of a series at most: points of a longer window are joined."""

LEAST_STEPS: Final = 36

MARGIN_SHARE: Final = 1 / 24
"""Share of the window at each end in which no change is looked for: an hour of a day."""

LEAST_LATER_SHARE: Final = 1 / 8
"""Least share of the window after the change for a fit of that time."""

RAMP_SHARES: Final = (0.0, 1 / 48, 1 / 24, 1 / 12)
"""Lengths of a rollout that are tried, as shares of the window: up to two hours of a day."""

LEAST_GAIN: Final = 25.0
"""Logarithm of the likelihood ratio from which a change is more than noise that lasts. Shocks of
5 % with a persistence of 0.95 reach 15, an upgrade that saves 30 % over 100."""

LEAST_SIZE: Final = 0.08
"""Change of the CPU, as a logarithm of its factor, from which it matters."""

STAYING_SHARE: Final = 0.5
"""Share of the change by which both halves after it must differ from both halves before it."""

LEAST_KNOWN: Final = 0.8
"""Share of the steps in which a workload must have samples."""

LEAST_VARIATION: Final = 0.1
"""Least variation of the load after the change for a fit of that time, as a share of its mean..."""

LEAST_VARIATION_SHARE: Final = 0.25
"""...or as a share of its variation in the whole window."""

SERIOUS_CHANGE: Final = 0.03
"""Change of the sidecars' CPU from which it is a warning."""

_ROUNDS: Final = 10


class Course(NamedTuple):
    """Samples of g workloads summed over each of n steps, shape (g, n)."""

    samples: Floats  # how many
    rps: Floats
    vcpu: Floats

    def explained(self) -> Floats:
        """Return the CPU by each workload's line through its means."""
        total = np.maximum(self.samples.sum(axis=1), 1)
        rps, vcpu = self.rps.sum(axis=1) / total, self.vcpu.sum(axis=1) / total
        size = np.maximum(self.samples, 1)
        off_rps = np.where(self.samples > 0, self.rps / size - rps[:, None], 0)
        off_vcpu = np.where(self.samples > 0, self.vcpu / size - vcpu[:, None], 0)
        square = (self.samples * off_rps**2).sum(axis=1)
        cross = (self.samples * off_rps * off_vcpu).sum(axis=1)
        slope = np.divide(cross, square, out=np.zeros_like(cross), where=square > 0)
        most = np.divide(vcpu, rps, out=np.zeros_like(vcpu), where=rps > 0)
        slope = np.clip(slope, 0, most)
        idle = vcpu - slope * rps
        return np.asarray(idle[:, None] * self.samples + slope[:, None] * self.rps)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """A change of the cost of some workloads."""

    begins: tuple[datetime, datetime]  # when the first and the last of them began to change
    ends: datetime  # when the last was over
    factor: float  # of their CPU since then
    affected: tuple[str, ...]
    cpu_share: float  # of the sidecars' fitted CPU
    is_cut: bool  # whether what came before is left out of the fit


def since_change(
    observations: Observations, window: TimeWindow
) -> tuple[Observations, Change | None]:
    """Return the observations without those before a change, and that change."""
    rows = observations.rows
    point, workload = rows["point"].to_numpy(np.int64), rows["workload"].to_numpy()
    points = np.flatnonzero(np.bincount(point))
    steps = min(len(points), MOST_STEPS)
    if steps < LEAST_STEPS:
        return observations, None
    step_of = np.arange(len(points)) * steps // len(points)
    step_at = np.zeros(points[-1] + 1, dtype=np.int64)
    step_at[points] = step_of
    course = _course(observations, step_at, steps)
    begin, length = _changes(course)
    changed = np.flatnonzero(begin >= 0)
    if not len(changed):
        return observations, None
    sizes = _sizes(course, begin, length)[0]
    is_cut = _can_be_cut(course, begin, length)
    vcpu = course.vcpu.sum(axis=1)[changed]
    names = observations.workloads.iloc[changed]
    first_points = points[np.searchsorted(step_of, np.arange(steps))]
    # The end of a rollout is known to half of its length.
    ends = np.minimum(begin + length + 1 + (length + 1) // 2, steps - 1)
    change = Change(
        begins=(
            window.start_of(int(first_points[begin[changed].min()])),
            window.start_of(int(first_points[begin[changed].max()])),
        ),
        ends=window.start_of(int(first_points[(begin + length)[changed].max()])),
        factor=float(np.exp(np.average(sizes[changed], weights=vcpu))),
        affected=tuple(sorted(names["namespace"] + "/" + names["workload"])),
        cpu_share=float(vcpu.sum() / course.vcpu.sum()),
        is_cut=is_cut,
    )
    if not is_cut:
        doubt = abs(1 - change.factor) * change.cpu_share
        return replace(observations, doubt_share=doubt), change
    is_early = step_at[point] < np.where(begin >= 0, ends, 0)[workload]
    return _without(observations, is_early), change


def _course(observations: Observations, step_at: Ints, steps: int) -> Course:
    """Add the samples up; `step_at` has the step of each point of the window."""
    rows, count = observations.rows, len(observations.workloads)
    values = (None, rows["rps"].to_numpy(float), rows["cpu_vcpu"].to_numpy(float))
    point, sums = rows["point"].to_numpy(np.int64), np.zeros((len(values), count, steps))
    for part, mine, inside in Segments.of(rows["workload"].to_numpy()).blocks(BLOCK_ROWS):
        place = inside.numbers * steps + step_at[point[mine]]
        for whole, one in zip(sums, values, strict=True):
            each = np.bincount(place, one if one is None else one[mine], len(inside) * steps)
            whole[part] = each.reshape(-1, steps)
    return Course(*sums)


def _changes(course: Course) -> tuple[Ints, Ints]:
    """Return the step at which each workload changed, or -1, and how long that took, (g,) each."""
    count, steps = course.vcpu.shape
    margin = int(np.ceil(MARGIN_SHARE * steps))
    lengths = sorted({round(share * steps) for share in RAMP_SHARES})
    series, is_known = _logarithms(course)
    begin, length = np.full(count, -1), np.zeros(count, dtype=np.int64)
    measured, explained = course.vcpu.sum(axis=0), course.explained().sum(axis=0)
    if not (measured > 0).all() or not (explained > 0).all():
        return begin, length
    mesh = np.log(measured / explained)
    alone = find_shift(series[is_known], lengths, margin)
    limit = LEAST_GAIN + np.log(max(len(alone.gain), 1))
    found = np.flatnonzero(is_known)[(alone.gain > limit) & (np.abs(alone.size) > LEAST_SIZE)]
    place = np.searchsorted(np.flatnonzero(is_known), found)
    begin[found], length[found] = alone.begin[place], alone.length[place]
    sizes, moved = _sizes(course, begin, length)
    for number in found:
        jump = alone.size[np.searchsorted(np.flatnonzero(is_known), number)]
        if not _is_lasting(moved[number], begin[number], length[number], (sizes[number], jump)):
            begin[number] = -1
    whole = find_shift(mesh[None], lengths, margin)
    if whole.gain[0] > LEAST_GAIN and abs(whole.size[0]) > LEAST_SIZE:
        _join(course, whole, begin, length, sizes)
    return begin, length


def _join(course: Course, whole: Shift, begin: Ints, length: Ints, sizes: Floats) -> None:
    """Add the workloads that changed with the mesh, if that change stays."""
    at, over = int(whole.begin[0]), int(whole.length[0])
    everywhere = np.full_like(begin, at), np.full_like(length, over)
    each, moved = _sizes(course, *everywhere)
    known = sizes[begin >= 0]
    usual = float(np.median(known)) if len(known) else float(whole.size[0])
    joins = (each * np.sign(usual) > abs(usual) / 2) & (begin < 0)
    members = joins | (begin >= 0)
    weights = course.vcpu.sum(axis=1) * members
    if not weights.sum() > 0:
        return
    together = np.average(np.nan_to_num(moved), axis=0, weights=weights)
    size = float(np.average(each, weights=weights))
    share = float(weights.sum() / course.vcpu.sum())
    if _is_lasting(together, at, over, (size, float(whole.size[0]) / share)):
        begin[joins], length[joins] = at, over


def _is_lasting(moved: Floats, begin: int, length: int, sizes: tuple[float, float]) -> bool:
    """Return whether a series stays where it jumped to; sizes are of both means, and of the jump.

    A pulse jumps, and its mean hardly differs from that of the rest.
    """
    size, jump = sizes
    is_as_far = size * np.sign(jump) > max(STAYING_SHARE * abs(jump), LEAST_SIZE)
    return bool(is_as_far) and stays(moved, int(begin), int(length), size, STAYING_SHARE)


def _logarithms(course: Course) -> tuple[Floats, Bools]:
    """Return the logarithm of CPU over what is explained, (g, n), and which rows are known."""
    explained = course.explained()
    seen = (course.vcpu > 0) & (explained > 0)
    ratio = np.divide(course.vcpu, explained, out=np.ones_like(explained), where=seen)
    series = np.log(ratio)
    is_known = seen.mean(axis=1) >= LEAST_KNOWN
    steps = np.arange(series.shape[1])
    for number in np.flatnonzero(is_known & ~seen.all(axis=1)):
        at = seen[number]
        series[number] = np.interp(steps, steps[at], series[number, at])
    return series, is_known


def _sizes(course: Course, begin: Ints, length: Ints) -> tuple[Floats, Floats]:
    """Return the size of each change, (g,), and the series with it, (g, n); 0 without a change.

    Where load and change coincide, a line takes a part of the change. So the change is taken out,
    and the line is fitted again, until nothing is left.
    """
    steps = course.vcpu.shape[1]
    ramps = np.array(
        [
            ramp(steps, int(at), int(over)) if at >= 0 else np.zeros(steps)
            for at, over in zip(begin, length, strict=True)
        ]
    )
    before, after = (ramps == 0) & (begin >= 0)[:, None], ramps == 1
    sizes = np.zeros(len(begin))
    series = np.zeros_like(course.vcpu)
    for _ in range(_ROUNDS):
        factor = np.exp(-sizes[:, None] * ramps)
        series, _ = _logarithms(course._replace(vcpu=course.vcpu * factor))
        sizes += _mean(series, after) - _mean(series, before)
    return sizes, series + sizes[:, None] * ramps


def _mean(series: Floats, where: Bools) -> Floats:
    return np.asarray((series * where).sum(axis=1) / np.maximum(where.sum(axis=1), 1))


def _can_be_cut(course: Course, begin: Ints, length: Ints) -> bool:
    """Return whether most changed requests have time and variation enough after the change."""
    steps = np.arange(course.rps.shape[1])
    mean = course.rps / np.maximum(course.samples, 1)
    is_after = steps > (begin + length)[:, None]
    whole, later = (_variation(mean, course.samples * part) for part in (1, is_after))
    enough = (later > LEAST_VARIATION) | (later > LEAST_VARIATION_SHARE * whole)
    enough &= is_after.mean(axis=1) >= LEAST_LATER_SHARE
    requests = course.rps.sum(axis=1) * (begin >= 0)
    return bool(requests @ enough >= requests.sum() / 2)


def _variation(mean: Floats, count: Floats) -> Floats:
    total = np.maximum(count.sum(axis=1), 1)
    centre = (mean * count).sum(axis=1) / total
    square = (count * (mean - centre[:, None]) ** 2).sum(axis=1) / total
    spread = np.sqrt(square)
    return np.asarray(np.divide(spread, centre, out=np.zeros_like(centre), where=centre > 0))


def _without(observations: Observations, is_early: Bools) -> Observations:
    rows = observations.rows
    early = rows[is_early]
    vcpu, point = early["cpu_vcpu"].to_numpy(float), early["point"].to_numpy(np.int64)
    length = max(map(len, observations.left_out_vcpu.values()), default=0)
    exclusion = Exclusion(
        reason=Unusable.BEFORE_CHANGE,
        step_count=len(early),
        mean_vcpu=float(vcpu.sum()) / observations.point_count,
    )
    # They count in the mean of workloads, as all requests of the window do.
    filled = observations.filled.copy()
    sums = early["rps"].groupby(early["workload"]).agg(["size", "sum"])
    for column, amount in (("count", sums["size"]), ("rps", sums["sum"])):
        filled[column] += amount.reindex(filled.index).fillna(0.0)
    at_points = np.bincount(point, vcpu, minlength=length).astype(float)
    return replace(
        observations,
        rows=rows[~is_early].reset_index(drop=True),
        filled=filled,
        exclusions=(*observations.exclusions, exclusion),
        left_out_vcpu={**observations.left_out_vcpu, Unusable.BEFORE_CHANGE: at_points},
    )


def cost_break(change: Change | None) -> Iterator[Finding]:
    """Yield that the cost changed, when, and which time the fit is of."""
    if change is None:
        return
    first, last = change.begins
    when = f"at {first:%Y-%m-%d %H:%M} UTC"
    if change.ends > first:
        when = f"between {first:%Y-%m-%d %H:%M} and {max(last, change.ends):%Y-%m-%d %H:%M} UTC"
    share = abs(change.factor - 1)
    way = "fell" if change.factor < 1 else "rose"
    fit = "The fit uses the time after it, and projections use the cost since then."
    if not change.is_cut:
        fit = "The time after it is too short for a fit, so the ranges are wider."
    yield Finding(
        name="cost_break",
        severity=Severity.WARNING if share * change.cpu_share >= SERIOUS_CHANGE else Severity.INFO,
        text=f"CPU at the same requests {way} by {in_percent(share)} {when}, in "
        f"{counted(len(change.affected), 'workload')}. Likely causes: an upgrade of Istio or a "
        f"change of configuration. {fit}",
        affected=change.affected,
        fix=f"Measure a time that starts after the change ({Setting.START}).",
        cpu_share=change.cpu_share,
        bias=Bias.NONE,
    )
