"""The saving along how much of the mesh needs waypoints, and along their replicas."""

from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from analyzer.projection.result import NOTHING_TO_SAVE, Projection, Sweep
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import style
from analyzer.units import Refusal


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw the saving by the share of namespaces that need a waypoint, and by replicas."""
    projection = answer.projection
    sweeps = {} if projection is None else {sweep.name: sweep for sweep in projection.sweeps}
    share, replicas = sweeps.get("l7_share"), sweeps.get("waypoint_replicas")
    if projection is not None and len(projection.modes) > 1 and not projection.savings:
        return style.nothing_to_draw("l7_share", NOTHING_TO_SAVE.detail)
    if projection is None or share is None:
        return style.nothing_to_draw("l7_share", style.NOT_PRICED)
    figure, axes = style.new_figure(width_inches=9.0)
    panels = [axes]
    if replicas is not None:
        panels.append(style.panel_beside(figure, axes, (3, 1)))
        _replicas(panels[1], replicas)
    _share(axes, share, projection)
    for panel in panels:
        panel.axhline(0, color=style.INK, lw=0.8)
    style.numbers(axes.yaxis, fmt.short_dollars)
    style.legend_below(figure, *panels)
    none, every = (share.points[end].usd_per_year.mid for end in (0, -1))
    detail = f"none: {fmt.dollars(none)} a year; all: {fmt.dollars(every)}"
    if replicas is not None and replicas.break_even is not None:
        detail += f"; with more than {replicas.break_even:.1f} replicas each, dearer"
    return style.titled(figure, _finding(share), detail)


def _finding(share: Sweep) -> str:
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


def _share(axes: Axes, sweep: Sweep, projection: Projection) -> None:
    at, colour = [point.choice for point in sweep.points], style.COLOURS["waypoint"]
    mid, low, high = style.ends(point.usd_per_year for point in sweep.points)
    axes.fill_between(at, low, high, color=colour, alpha=0.25, lw=0, label="90 % band")
    axes.plot(at, mid, color=colour, lw=2, label="saving, best estimate")
    if sweep.break_even is not None:
        text = f"break-even at {100 * sweep.break_even:.0f} %"
        _break_even(axes, sweep.break_even, text, middle=0.5)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.set_xlabel("share of the namespaces with HTTP that need a waypoint")
    axes.set_ylabel(f"saving in USD a year, {fmt.AS_BASIS[projection.basis]}")


def _replicas(axes: Axes, sweep: Sweep) -> None:
    at = [point.choice for point in sweep.points]
    mid, low, high = style.ends(point.usd_per_year for point in sweep.points)
    look: dict[str, Any] = {"color": style.COLOURS["sidecar"], "ecolor": style.INK, "capsize": 3}
    look["label"] = "by replicas, 90 % interval"
    axes.errorbar(at, mid, yerr=[mid - low, high - mid], fmt="s", ms=5, lw=1, **look)
    if sweep.break_even is not None:
        _break_even(axes, sweep.break_even, f"at {sweep.break_even:.1f}", middle=fmean(at))
    axes.margins(x=0.12)
    style.counts(axes.xaxis)
    # The scale is that of the first panel.
    axes.tick_params(labelleft=False)
    axes.set_xlabel("waypoint replicas")


def _break_even(axes: Axes, at: float, text: str, middle: float) -> None:
    label = "break-even: ambient costs what sidecars do"
    axes.plot(at, 0, ls="", marker="X", ms=10, color=style.COLOURS["fit"], zorder=5, label=label)
    # The saving falls through this point: there is room above it to the right, below to the left.
    style.beside(axes, text, (at, 0), (8, 8) if at < middle else (-8, -8), fontsize=9)
