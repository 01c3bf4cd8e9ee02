"""What each mode costs a year, and what it is made of."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from analyzer.data import BLOG
from analyzer.projection.modes import AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import Mode, Price, Projection, Reference, Saving
from analyzer.projection.scenario import Basis
from analyzer.report.answer import Answer
from analyzer.report.charts.style import (
    COLOURS,
    INK,
    new_figure,
    nothing_to_draw,
    titled,
    written,
)
from analyzer.report.words import MODE_TITLES, dollars, number, percent
from analyzer.units import MONTHS_PER_YEAR, Interval, Refusal

__all__ = ["cost_chart"]

_POST_MODES = (SIDECAR, AMBIENT_WAYPOINT_ALL)


def cost_chart(answer: Answer) -> Figure | Refusal:
    """Draw a bar a mode, stacked by component, with its 90 % interval.

    The post's constants applied to the same mesh are told in words: they would not fit the scale.
    """
    projection = answer.projection
    if projection is None:
        return nothing_to_draw("cost", "nothing was projected")
    figure, axes = new_figure()
    modes = projection.modes
    labels = [MODE_TITLES[mode.name].replace(", ", ",\n") for mode in modes]
    for row, mode in enumerate(modes):
        _bar(axes, row, mode, projection)
    longest = max(_usage_usd(mode)[2] for mode in modes)
    # Where nothing costs anything, an axis needs a length all the same.
    axes.set_xlim(0, longest * 1.3 or 1)
    axes.set_yticks(range(len(modes)), labels)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"${value:,.0f}"))
    written(axes.set_xlabel(f"USD a year, as used, at {_price(projection.price)}"))
    handles, names = axes.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    # Any bar may be the longest; outside the axes the legend hides none.
    figure.legend(
        unique.values(),
        unique.keys(),
        loc="outside lower center",
        ncols=len(unique),
        frameon=False,
        fontsize=9,
    )
    titled(axes, _finding(projection), _post_detail(projection))
    return figure


def _bar(axes: Axes, row: int, mode: Mode, projection: Projection) -> None:
    usd_per_vcpu = projection.price.vcpu_month_usd * MONTHS_PER_YEAR
    left = 0.0
    for component in mode.components:
        width = component.vcpu.mid * usd_per_vcpu
        axes.barh(row, width, left=left, color=COLOURS[component.role], label=component.role)
        left += width
    low, mid, high = _usage_usd(mode)
    if mid - left > mid * 1e-9:
        axes.barh(row, mid - left, left=left, color=COLOURS["memory"], label="memory")
    if low < high:
        axes.errorbar(mid, row, xerr=[[mid - low], [high - mid]], color=INK, capsize=3, lw=1)
    vcpu = mode.bases[Basis.USAGE].vcpu.mid
    text = f"  {dollars(mid)}  ({number(vcpu)} vCPU)"
    axes.text(high, row, text, va="center", fontsize=9, color=INK)


def _usage_usd(mode: Mode) -> tuple[float, float, float]:
    usd = mode.bases[Basis.USAGE].usd_per_year
    return usd.low, usd.mid, usd.high


def _price(price: Price) -> str:
    memory = f" and ${price.memory_gib_month_usd:g} a GiB-month"
    return f"${price.vcpu_month_usd:g} a vCPU-month{memory if price.memory_gib_month_usd else ''}"


def _finding(projection: Projection) -> str:
    savings = {item.mode: item for item in projection.savings}
    least = savings.get("ambient-l4")
    most = savings.get("ambient-waypoint") or savings.get("ambient-waypoint-all")
    if least is None or most is None:
        return "What the sidecars cost"
    where = "where HTTP is" if "ambient-waypoint" in savings else "everywhere"
    basis = "" if projection.basis == Basis.USAGE else f" (of dollars as {projection.basis})"
    return (
        f"Ambient {_change(least)} without waypoints;\n"
        f"with waypoints {where} it {_change(most)}{basis}"
    )


def _change(saving: Saving) -> str:
    share = saving.percent
    if share.mid >= 0:
        return f"saves {percent(share)}"
    return f"costs {percent(Interval(low=-share.high, mid=-share.mid, high=-share.low))} more"


def _post_detail(projection: Projection) -> str:
    post: Reference | None = next(
        (item for item in projection.references if item.name == BLOG), None
    )
    if post is None:
        return "published constants, stated size"
    costs = [dollars(post.usd_per_year[name]) for name in _POST_MODES if name in post.usd_per_year]
    return f"the post's constants give this mesh {' and '.join(costs)}"
