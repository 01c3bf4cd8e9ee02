"""What each chart shows, in a title and a smaller line under it; which charts there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import pandas as pd

from analyzer.calibration.result import Backtest, RoleCalibration, WorkloadCalibration
from analyzer.data import BLOG
from analyzer.projection.choices import OBSERVED, Basis, Placement
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT, AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import NodeZtunnel, Projection, Reference, Sweep
from analyzer.report import format as fmt
from analyzer.report.sentences.calibration import TIMES_FROM, post_vcpu
from analyzer.units import Interval

HEADINGS: Final[Mapping[str, str]] = {
    "cost": "Cost",
    "calibration": "Calibration",
    "workloads": "Workloads",
    "timeline": "Timeline",
    "namespaces": "Namespaces",
    "sensitivity": "Sensitivity",
    "l7_share": "L7 share",
    "backtest": "Backtest",
    "ztunnels": "Ztunnels",
}
"""Every chart by its file name, in the order in which they are read, with its heading.

The module of the same name in `charts` draws it.
"""

SHORT_MODEL: Final = 12
"""Letters of a model's name that a legend has room for; a longer one is under the title."""

_POST_MODES = (SIDECAR, AMBIENT_WAYPOINT_ALL)


@dataclass(frozen=True, slots=True)
class ChartTitle:
    """What a chart shows: a sentence with its line breaks, and in short what it is of."""

    finding: str
    detail: str

    @property
    def description(self) -> str:
        """Both in one line, for whoever cannot see the chart."""
        return f"{' '.join(self.finding.split())}. {self.detail}"


def cost(projection: Projection) -> ChartTitle:
    """Return what ambient saves with and without waypoints, and what the post makes of it."""
    return ChartTitle(_savings(projection), _post_cost(projection.references))


def _savings(projection: Projection) -> str:
    savings = {item.mode: item for item in projection.savings}
    least = savings.get(AMBIENT_L4)
    most = savings.get(AMBIENT_WAYPOINT) or savings.get(AMBIENT_WAYPOINT_ALL)
    if least is None or most is None:
        return "What the sidecars cost"
    where = "where HTTP is" if AMBIENT_WAYPOINT in savings else "everywhere"
    basis = "" if projection.basis == Basis.USAGE else f" (of dollars as {projection.basis})"
    return (
        f"Ambient {fmt.saving(least.percent, 's')} without waypoints;\n"
        f"with waypoints {where} it {fmt.saving(most.percent, 's')}{basis}"
    )


def _post_cost(references: Sequence[Reference]) -> str:
    post = next((item for item in references if item.name == BLOG), None)
    if post is None:
        return "published constants, stated size"
    costs = [post.usd_per_year[name] for name in _POST_MODES if name in post.usd_per_year]
    return f"the post's constants give this mesh {' and '.join(map(fmt.dollars, costs))}"


def calibration(fit: RoleCalibration, above: int) -> ChartTitle:
    """Return what a request costs beside the post's figure; `above`: steps beyond the axis."""
    slope = fit.vcpu_per_1000_rps
    beyond = f"; above the axis: {above:,}" if above else ""
    model = f"; {fit.model}" if len(fit.model) > SHORT_MODEL else ""
    return ChartTitle(
        f"Sidecars cost {fmt.number(slope.mid)} vCPU per 1000 requests/s,\n{_beside_post(slope)}",
        f"{fit.sample_count:,} steps of {fit.proxy_count:,} proxies{model}{beyond}",
    )


def _beside_post(slope: Interval) -> str:
    post = f"the post's {post_vcpu()}"
    if slope.low <= post_vcpu() <= slope.high:
        return f"which {post} agrees with"
    if slope.mid > post_vcpu():
        factor = slope.mid / post_vcpu()
        if factor >= TIMES_FROM:
            return f"{factor:.1f} times {post}"
        return f"{factor - 1:.0%} above {post}"
    if slope.mid <= 0:
        return f"less than {post}"
    factor = post_vcpu() / slope.mid
    if factor < TIMES_FROM:
        return f"{1 - 1 / factor:.0%} below {post}"
    return f"{factor:.1f} times less than {post}"


def workloads(
    fitted: Sequence[WorkloadCalibration], *, shown: int, refused: int, mean: Interval | None
) -> ChartTitle:
    """Return between what workloads cost; `mean` is the mesh's, in vCPU per 1000 requests/s."""
    slopes = [item.vcpu_per_1000_rps.mid for item in fitted if item.vcpu_per_1000_rps]
    finding = f"Workloads cost {_between(min(slopes), max(slopes))} vCPU per 1000 requests/s"
    if mean is not None:
        finding += f";\nthe mesh's mean is {fmt.number(mean.mid)}"
    more = len(fitted) - shown
    which = (
        f"the {shown} workloads with the most CPU, and {more:,} more"
        if more > 0
        else f"workloads with a fit, the most CPU first: {len(fitted)}"
    )
    return ChartTitle(finding, f"{which}; without a fit: {refused:,}")


def _between(least: float, most: float) -> str:
    ends = fmt.number(least), fmt.number(most)
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def timeline(table: pd.DataFrame) -> ChartTitle:
    """Return what the sidecars used and how far the fit is off; rows as `Calibration.timeline`."""
    used = table["measured_vcpu"]
    finding = f"The sidecars used {_between(float(used.min()), float(used.max()))} vCPU"
    fitted = float(table["fitted_vcpu"].sum())
    if fitted <= 0:
        finding += "; nothing was fitted"
    else:
        off = float(table["predicted_vcpu"].sum()) / fitted - 1
        finding += f";\non average the fit is {100 * abs(off):.1f} % too {_direction(off)}"
    return ChartTitle(
        finding,
        f"{len(table):,} steps; on average {fmt.number(used.mean())} vCPU "
        f"at {fmt.number(table['proxy_rps'].mean())} proxy requests/s",
    )


def _direction(bias: float) -> str:
    return "high" if bias >= 0 else "low"


def namespaces(rows: pd.DataFrame, *, unknown_count: int, placement: Placement) -> ChartTitle:
    """Return what moving saves; `rows` of `Projection.namespaces` whose savings are known."""
    losing, count = int(rows["waypoint_costs_more"].sum()), len(rows)
    detail = (
        f"with a waypoint {losing:,} of {count:,} would use more than their sidecars do"
        if losing
        else "with a waypoint none would use more than its sidecars do"
    )
    if unknown_count:
        detail += f"; {unknown_count:,} more whose CPU is not known"
    return ChartTitle(_moving(rows, placement), detail)


def _moving(rows: pd.DataFrame, placement: Placement) -> str:
    saved = rows["cumulative_saving_vcpu"].to_numpy(float)
    best = int(saved.argmax())
    where = "HTTP is" if placement == OBSERVED else "the scenario has them"
    whom = "the only namespace" if len(saved) == 1 else f"all {len(saved):,} namespaces"
    verb, more = ("saves", "") if saved[-1] >= 0 else ("costs", " more")
    whole = (
        f"Moving {whom} {verb} {fmt.number(abs(saved[-1]))} vCPU{more},\n"
        f"with waypoints where {where}"
    )
    if best == len(saved) - 1 or saved[best] <= 0:
        return whole
    first = f"first {best + 1:,} alone save" if best else "first alone saves"
    return f"{whole};\nthe {first} {fmt.number(saved[best])}"


def sensitivity(
    projection: Projection, *, name: str, best_usd_per_year: float, shown: int
) -> ChartTitle:
    """Return what moves the saving most: `name` is the first assumption's, in words."""
    first = projection.sensitivity[0]
    ends = (first.low_usd_per_year, first.high_usd_per_year, best_usd_per_year)
    count = len(projection.sensitivity)
    detail = f"{fmt.MODE_TITLES.get(first.mode, first.mode)}; each alone over its 90 % range"
    if count > shown:
        detail += f"; {shown} of {count} shown"
    return ChartTitle(
        f"What moves the saving most:\n{name},\n"
        f"{fmt.dollars(min(ends))} to {fmt.dollars(max(ends))} a year",
        detail,
    )


def l7_share(share: Sweep, replicas: Sweep | None) -> ChartTitle:
    """Return up to which share of namespaces, and of replicas, ambient saves."""
    none, every = (share.points[end].usd_per_year.mid for end in (0, -1))
    detail = f"none: {fmt.dollars(none)} a year; all: {fmt.dollars(every)}"
    if replicas is not None and replicas.break_even is not None:
        detail += f"; with more than {replicas.break_even:.1f} replicas each, dearer"
    return ChartTitle(_break_even(share), detail)


def _break_even(share: Sweep) -> str:
    if share.break_even is not None:
        return (
            f"Ambient is cheaper until {100 * share.break_even:.0f} % of the namespaces with HTTP\n"
            "need a waypoint; beyond, it costs more than sidecars"
        )
    mids = [point.usd_per_year.mid for point in share.points]
    if min(mids) >= 0:
        return "No break-even: ambient is cheaper than sidecars\nwhatever share needs a waypoint"
    if max(mids) <= 0:
        return "No break-even: ambient is dearer than sidecars\nwhatever share needs a waypoint"
    return "The more namespaces need a waypoint, the more ambient saves"


def backtest(test: Backtest) -> ChartTitle:
    """Return how far the end of the window was predicted off."""
    bias, error = (f"{100 * abs(share):.1f} %" for share in (test.bias_share, test.error_share))
    return ChartTitle(
        f"The last 30 % of the time was predicted {bias} too "
        f"{_direction(test.bias_share)},\na workload {error} off on average",
        f"{100 * test.covered_share:.0f} % of {test.workload_count:,} workloads within "
        "their 90 % prediction interval",
    )


def ztunnels(nodes: Sequence[NodeZtunnel], post_beyond_vcpu: float | None) -> ChartTitle:
    """Return what the ztunnels use, and the post's figure of a node beyond the axis, if any."""
    used = [node.ztunnel_vcpu.mid for node in nodes]
    if len(nodes) == 1:
        finding = f"The only node's ztunnel would use {fmt.number(max(used))} vCPU"
    else:
        finding = (
            f"The busiest of {len(nodes):,} ztunnels\nwould use {fmt.number(max(used))} vCPU,\n"
            f"the mean one {fmt.number(fmean(used))}"
        )
    if post_beyond_vcpu is None:
        return ChartTitle(finding, "for the same traffic, idle included")
    detail = f"idle included; the post's {post_beyond_vcpu:g} a node is beyond this axis"
    return ChartTitle(finding, detail)
