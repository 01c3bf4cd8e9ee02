"""What was not seen of a proxy that existed, from what was seen of its workload.

A proxy's rate is modelled as its own level times the course of its workload:

    rate(proxy, step) = base(proxy, step) x level(proxy) x course(workload, step)

The base of CPU is a line on the proxy's requests, and 1 for other rates. The course comes from the
workload's other proxies in the same step. Where none is known, it follows the other side of the
calls, else the rest of the mesh.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints

COLUMNS: Final = ("proxy", "point", "column", "mid", "low", "high")

_ROUNDS: Final = 4
"""Of levels and courses in turn: they converge at once where few values are missing."""

_LOW, _HIGH = 0.05, 0.95
"""Quantiles of what was seen that are the range of what was not."""

_LEAST_SPREADS: Final = (0.05, 0.10)
"""Least relative half widths of a range: where peers are known in the same step, and where not.
Unseen time may differ from seen time in ways that seen time does not show."""

_UNKNOWN_SPREAD: Final = 0.5
"""The same where too few values are known to show a spread."""

_MIN_SEEN: Final = 8
"""Known values that a spread or a line needs."""

_CLOSE: Final = 0.8
"""Share of the CPU's variance that requests explain, from which CPU shows the requests."""

_LEAST_VARIANCE: Final = 0.05**2
"""Variance of the requests, relative to the square of their mean, that a line needs."""


def nothing() -> pd.DataFrame:
    """Return a table of filled values without any."""
    return pd.DataFrame({name: pd.Series(dtype=_dtype(name)) for name in COLUMNS})


def filled_in(steps: pd.DataFrame, filling: pd.DataFrame) -> pd.DataFrame:
    """Return the step table with the best estimates in place of what is not known."""
    if filling.empty or steps.empty:
        return steps
    points = int(max(steps["point"].max(), filling["point"].max())) + 1
    keys, wanted = (
        (table["proxy"].to_numpy(np.int64) * points + table["point"].to_numpy(np.int64))
        for table in (steps, filling)
    )
    order = np.argsort(keys, kind="stable")
    at = order[np.minimum(np.searchsorted(keys[order], wanted), len(order) - 1)]
    is_there = keys[at] == wanted
    filled: dict[str, Floats] = {}
    for name, rows in filling.groupby("column").indices.items():
        values = steps[str(name)].to_numpy(float).copy()
        chosen = rows[is_there[rows] & np.isnan(values[at[rows]])]
        values[at[chosen]] = filling["mid"].to_numpy(float)[chosen]
        filled[str(name)] = values
    return steps.assign(**filled)


def _dtype(name: str) -> str:
    return {"proxy": "int64", "point": "int64", "column": "str"}.get(name, "float64")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """The rows of the step table as arrays, shape (rows,), and what groups them.

    Attributes:
        workload: number of the row's workload.
        circle: number of the cluster and role, whose other workloads have a similar course.
    """

    proxy: Ints
    point: Ints
    workload: Ints
    circle: Ints
    point_count: int

    def at(self, group: Ints) -> Ints:
        """Return a number for each group and step."""
        return group * self.point_count + self.point


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate:
    """A rate in every row, shape (rows,): the best estimate, and its range.

    All are NaN where the workload was never seen.
    """

    mid: Floats
    low: Floats
    high: Floats


def estimate(
    cells: Cells, values: Floats, base: Floats | None = None, heard: Floats | None = None
) -> Estimate:
    """Estimate a rate in every row from the rows in which it is known.

    Args:
        cells: the rows.
        values: the rate; NaN where it is not known.
        base: what the rate is proportional to; None: 1.
        heard: of each row's workload and step, what the other side reports; NaN: not known.
    """
    base = np.ones_like(values) if base is None else base
    known = ~np.isnan(values) & ~np.isnan(base)
    level, course = _levels_and_courses(cells, values, base, known)
    of_rows = course[cells.at(cells.workload)]
    expected = base * level
    stand_in = _stand_in(cells, course, values, base, expected, known, heard)
    peers = ~np.isnan(of_rows)
    mid = np.nan_to_num(expected * np.where(peers, of_rows, stand_in))
    mid = np.where(sums(cells.workload, known)[cells.workload] > 0, mid, np.nan)
    ratios = ratio(values, expected * of_rows)
    of_stand_in = ratio(of_rows, stand_in)
    near, far = (
        _spread(cells.workload, np.where(known, found, np.nan), least)
        for found, least in zip((ratios, of_stand_in), _LEAST_SPREADS, strict=True)
    )
    low, high = (np.where(peers, near[side], far[side]) for side in (0, 1))
    return Estimate(mid=mid, low=mid * low, high=mid * high)


def _levels_and_courses(
    cells: Cells, values: Floats, base: Floats, known: Bools
) -> tuple[Floats, Floats]:
    """Return the level of each row's proxy, and the course of each workload and step."""
    at, size = cells.at(cells.workload), (int(cells.workload.max(initial=-1)) + 1)
    proxies = int(cells.proxy.max(initial=-1)) + 1
    seen, weights = np.where(known, values, 0.0), np.where(known, base, 0.0)
    level = np.ones(proxies)
    has_seen = sums(cells.proxy, known, proxies) > 0
    course = np.full(size * cells.point_count, np.nan)
    for _ in range(_ROUNDS):
        of_proxy = level[cells.proxy]
        course = _quotient(sums(at, seen, len(course)), sums(at, weights * of_proxy, len(course)))
        of_step = np.nan_to_num(course[at])
        level = _quotient(
            sums(cells.proxy, seen, proxies),
            sums(cells.proxy, weights * of_step, proxies),
        )
        level = np.where(np.isnan(level), 1.0, level)
        # The mean level of a workload is 1, so that a proxy that was never seen has the mean.
        mean = _quotient(
            sums(cells.workload, np.where(known, level[cells.proxy], 0.0), size),
            sums(cells.workload, known, size),
        )
        scale = np.where(np.nan_to_num(mean) > 0, mean, 1.0)
        level = np.where(has_seen, level / _of_proxy(cells, scale, proxies), 1.0)
    of_proxy = level[cells.proxy]
    course = _quotient(sums(at, seen, len(course)), sums(at, weights * of_proxy, len(course)))
    return of_proxy, course


def _of_proxy(cells: Cells, of_workload: Floats, proxies: int) -> Floats:
    found = np.ones(proxies)
    found[cells.proxy] = of_workload[cells.workload]
    return found


def _stand_in(  # noqa: PLR0913, PLR0917 - the arrays of one model
    cells: Cells,
    course: Floats,
    values: Floats,
    base: Floats,
    expected: Floats,
    known: Bools,
    heard: Floats | None,
) -> Floats:
    """Return the course of each row's workload where none of its proxies is known."""
    of_rows = course[cells.at(cells.workload)]
    mean = _per_group(cells.workload, np.where(known, values, np.nan))
    mean = _quotient(mean, _per_group(cells.workload, np.where(known, expected, np.nan)))
    has_base = known & (base > 0)
    circle = _shared_course(cells, _quotient(values, base), has_base)
    found = _scaled(cells, circle, of_rows, known)
    if heard is not None:
        by_calls = _scaled(cells, heard, of_rows, known)
        found = np.where(np.isnan(by_calls), found, by_calls)
    return np.where(np.isnan(found), mean, found)


def _per_group(group: Ints, values: Floats) -> Floats:
    """Return the sum of the known values of each row's group."""
    return sums(group, np.nan_to_num(values))[group]


def _shared_course(cells: Cells, values: Floats, known: Bools) -> Floats:
    """Return in each row the course of the other workloads of its circle; NaN where none is known.

    A workload's own values are left out, so that known steps show how well the others fit.
    """
    size = int(cells.workload.max(initial=-1)) + 1
    at = cells.at(cells.workload)
    total, count = (
        sums(at[known], part[known], size * cells.point_count) for part in (values, known)
    )
    means = _quotient(total, count).reshape(size, cells.point_count)
    circle = np.zeros(size, dtype=np.int64)
    circle[cells.workload] = cells.circle
    circles, point = int(circle.max(initial=-1)) + 1, np.arange(cells.point_count)
    key = (circle[:, None] * cells.point_count + point).ravel()
    is_known, seen = ~np.isnan(means), np.nan_to_num(means)

    def per_circle(amounts: Floats) -> Floats:
        found = sums(key, amounts.ravel(), circles * cells.point_count)[key]
        return np.asarray(found.reshape(means.shape))

    level = np.ones(size)
    for _ in range(_ROUNDS):
        course = np.nan_to_num(_quotient(per_circle(seen), per_circle(level[:, None] * is_known)))
        level = np.nan_to_num(_quotient(seen.sum(axis=1), (course * is_known).sum(axis=1)))
    own = level[:, None] * is_known
    course = _quotient(per_circle(seen) - seen, per_circle(own) - own)
    return np.asarray(course[cells.workload, cells.point])


def _scaled(cells: Cells, other: Floats, of_rows: Floats, known: Bools) -> Floats:
    """Return another course, scaled to a workload's own where both are known; else NaN."""
    both = known & ~np.isnan(other) & ~np.isnan(of_rows)
    own = _per_group(cells.workload, np.where(both, of_rows, np.nan))
    others = _per_group(cells.workload, np.where(both, other, np.nan))
    enough = sums(cells.workload, both)[cells.workload] >= _MIN_SEEN
    return np.where(enough, other * _quotient(own, others), np.nan)


def _spread(group: Ints, ratios: Floats, least: float) -> tuple[Floats, Floats]:
    """Return the low and high multiple of an estimate in each row, from its group's ratios."""
    frame = pd.Series(np.where(np.isfinite(ratios), ratios, np.nan)).groupby(group)
    enough = frame.count() >= _MIN_SEEN
    low = frame.quantile(_LOW).where(enough, 1 - _UNKNOWN_SPREAD)
    high = frame.quantile(_HIGH).where(enough, 1 + _UNKNOWN_SPREAD)
    return (
        np.asarray(low.clip(0.0, 1 - least).reindex(group), dtype=np.float64),
        np.asarray(high.clip(lower=1 + least).reindex(group), dtype=np.float64),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """CPU as a line on requests for each group: its idle, slope and fit, shape (groups,).

    Attributes:
        slope: NaN where a group has no line with a positive slope.
        mean_rps: of its known rows.
        r_squared: share of the CPU's variance that the line explains.
    """

    idle: Floats
    slope: Floats
    mean_rps: Floats
    r_squared: Floats

    @classmethod
    def of(cls, group: Ints, rps: Floats, cpu: Floats) -> "Line":
        """Fit the rows of each group in which both are known."""
        known = ~np.isnan(rps) & ~np.isnan(cpu)
        x, y = np.where(known, rps, 0.0), np.where(known, cpu, 0.0)
        n, sx, sy = sums(group, known), sums(group, x), sums(group, y)
        xx, xy, yy = (
            n * sums(group, first * second) - sums(group, first) * sums(group, second)
            for first, second in ((x, x), (x, y), (y, y))
        )
        slope = np.where(xx > _LEAST_VARIANCE * sx * sx, _quotient(xy, xx), np.nan)
        idle = _quotient(sy - np.nan_to_num(slope) * sx, n)
        # A fit with a negative idle is replaced by a line through the origin.
        slope, idle = np.where(idle < 0, _quotient(sy, sx), slope), np.maximum(idle, 0.0)
        is_good = (n >= _MIN_SEEN) & (slope > 0)
        return cls(
            idle=idle,
            slope=np.where(is_good, slope, np.nan),
            mean_rps=_quotient(sx, n),
            r_squared=_quotient(xy * xy, xx * yy),
        )

    def cpu(self, group: Ints, rps: Floats) -> Floats:
        """Return the CPU of each row by its requests, unknown ones being the mean.

        1 where the group has no line.
        """
        at = np.where(np.isnan(rps), self.mean_rps[group], rps)
        found = self.idle[group] + self.slope[group] * at
        return np.where(np.isnan(self.slope[group]), 1.0, found)

    def rps(self, group: Ints, cpu: Floats) -> Floats:
        """Return the requests of each row by its CPU; NaN where the two are not close to a line."""
        slope = np.where(self.r_squared > _CLOSE, self.slope, np.nan)[group]
        return np.maximum((cpu - self.idle[group]) / slope, 0.0)


def sums(group: Ints, values: Floats | Bools | None = None, size: int = 0) -> Floats:
    """Return the sum of the values of each group, or how many there are; numbers begin at 0."""
    return np.bincount(group, values, size).astype(np.float64)


def _quotient(part: Floats, whole: Floats) -> Floats:
    """Return a quotient that is NaN where the whole is 0."""
    found = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def ratio(value: Floats, expected: Floats) -> Floats:
    """Return a value over what was expected, 1 if both are 0; infinite if only that is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where((value == 0) & (expected == 0), 1.0, value / expected))
