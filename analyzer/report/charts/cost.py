"""What each mode costs a year, and what it is made of."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analyzer.data import BLOG
from analyzer.projection.modes import AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import Component, Mode, Price, Projection, Reference
from analyzer.projection.scenario import Basis
from analyzer.report.answer import Answer
from analyzer.report.charts.panels import HATCHES, legend_below, panel_below
from analyzer.report.charts.published import ROOM, published_panel, published_rows
from analyzer.report.charts.style import (
    COLOURS,
    INK,
    new_figure,
    nothing_to_draw,
    titled,
    written,
)
from analyzer.report.words import MODE_TITLES, dollars, number, saving
from analyzer.units import MONTHS_PER_YEAR, Refusal

__all__ = ["cost_chart"]

_POST_MODES = (SIDECAR, AMBIENT_WAYPOINT_ALL)
_ROW_INCHES = 0.34


def cost_chart(answer: Answer) -> Figure | Refusal:
    """Draw a bar a mode, stacked by component, with its 90 % interval.

    What published constants say of the same mesh has a panel and a scale of its own: next to it,
    what was measured would be too short to see.
    """
    projection = answer.projection
    if projection is None:
        return nothing_to_draw("cost", "nothing was projected")
    rows = published_rows(projection.references)
    lower_inches = len(rows) * _ROW_INCHES
    upper_inches = max(len(projection.modes), 2) * 0.7
    figure, axes = new_figure(
        height_inches=upper_inches + 1.7 + (lower_inches + 0.7 if rows else 0.0)
    )
    panels = [axes]
    if rows:
        panels.append(panel_below(figure, axes, (upper_inches, lower_inches)))
        # As theirs: of the CPU alone, at one price for all.
        price = projection.price.vcpu_month_usd * MONTHS_PER_YEAR
        measured = projection.modes[0].bases[Basis.USAGE].vcpu.mid * price
        published_panel(panels[1], rows, measured)
    _modes(axes, projection)
    for panel in panels:
        panel.xaxis.set_major_locator(MaxNLocator(nbins=5))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"${value:,.0f}"))
    written(axes.set_xlabel(f"USD a year, as used, at {_price(projection.price)}"))
    legend_below(figure, *panels, columns=5)
    titled(axes, _finding(projection), _post_detail(projection))
    return figure


def _modes(axes: Axes, projection: Projection) -> None:
    modes = projection.modes
    for row, mode in enumerate(modes):
        _bar(axes, row, mode, projection)
    longest = max(_usage_usd(mode)[2] for mode in modes)
    # Where nothing costs anything, an axis needs a length all the same.
    axes.set_xlim(0, longest * ROOM or 1)
    axes.set_yticks(
        range(len(modes)), [MODE_TITLES[mode.name].replace(", ", ",\n") for mode in modes]
    )
    axes.set_ylim(len(modes) - 0.4, -0.6)


def _bar(axes: Axes, row: int, mode: Mode, projection: Projection) -> None:
    low, mid, high = _usage_usd(mode)
    parts: list[tuple[str, float]] = [
        (item.role, _vcpu_usd(item, projection.price)) for item in mode.components
    ]
    memory = mid - sum(width for _, width in parts)
    if memory > mid * 1e-9:
        parts.append(("memory", memory))
    left = 0.0
    for role, width in parts:
        axes.barh(
            row,
            width,
            left=left,
            color=COLOURS[role],
            hatch=HATCHES[role],
            edgecolor="white",
            lw=0,
            label=role,
        )
        left += width
    if low < high:
        axes.errorbar(mid, row, xerr=[[mid - low], [high - mid]], color=INK, capsize=3, lw=1)
    vcpu = mode.bases[Basis.USAGE].vcpu.mid
    text = f"  {dollars(mid)}  ({number(vcpu)} vCPU)"
    written(axes.text(high, row, text, va="center", fontsize=9, color=INK))


def _vcpu_usd(item: Component, price: Price) -> float:
    """Return what a component's CPU costs a year, at the price of the nodes that it is on."""
    month_usd = price.vcpu_month_usd
    if item.need.month_usd is not None:
        month_usd = float(item.need.month_usd[Basis.USAGE][0][0])
    return item.vcpu.mid * month_usd * MONTHS_PER_YEAR


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
        f"Ambient {saving(least.percent, 's')} without waypoints;\n"
        f"with waypoints {where} it {saving(most.percent, 's')}{basis}"
    )


def _post_detail(projection: Projection) -> str:
    post: Reference | None = next(
        (item for item in projection.references if item.name == BLOG), None
    )
    if post is None:
        return "published constants, stated size"
    costs = [dollars(post.usd_per_year[name]) for name in _POST_MODES if name in post.usd_per_year]
    return f"the post's constants give this mesh {' and '.join(costs)}"
