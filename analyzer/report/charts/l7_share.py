"""The saving along how much of the mesh needs waypoints, and along their replicas."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from analyzer.projection.result import NOTHING_TO_SAVE, Projection, Sweep
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import style
from analyzer.report.sentences import charts as titles
from analyzer.units import Refusal


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw the saving by the share of namespaces that need a waypoint, and by replicas."""
    projection = answer.projection
    sweeps = {} if projection is None else {sweep.name: sweep for sweep in projection.sweeps}
    share, replicas = sweeps.get("l7_share"), sweeps.get("waypoint_replicas")
    if projection is not None and len(projection.modes) > 1 and not projection.savings:
        return style.nothing_to_draw("l7_share", NOTHING_TO_SAVE.detail)
    if projection is None or share is None:
        return style.nothing_to_draw(
            "l7_share", "ambient could not be priced: see what cannot be said"
        )
    figure, axes = style.new_figure(width_inches=9.0)
    panels = [axes]
    if replicas is not None:
        panels.append(style.panel_beside(figure, axes, (3, 1)))
        _replicas(panels[1], replicas)
    _share(axes, share, projection)
    for panel in panels:
        panel.axhline(0, color=style.INK, lw=0.8)
    style.short_usd(axes.yaxis)
    style.legend_below(figure, *panels)
    style.titled(figure, titles.l7_share(share, replicas))
    return figure


def _points(sweep: Sweep) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    table = np.array(
        [
            (point.choice, usd.low, usd.mid, usd.high)
            for point in sweep.points
            for usd in [point.usd_per_year]
        ]
    )
    at, low, mid, high = table.T
    return at, low, mid, high


def _share(axes: Axes, sweep: Sweep, projection: Projection) -> None:
    at, low, mid, high = _points(sweep)
    axes.fill_between(
        at, low, high, color=style.COLOURS["waypoint"], alpha=0.25, lw=0, label="90 % band"
    )
    axes.plot(at, mid, color=style.COLOURS["waypoint"], lw=2, label="saving, best estimate")
    if sweep.break_even is not None:
        _break_even(
            axes, sweep.break_even, f"break-even at {100 * sweep.break_even:.0f} %", middle=0.5
        )
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    style.written(axes.set_xlabel("share of the namespaces with HTTP that need a waypoint"))
    style.written(axes.set_ylabel(f"saving in USD a year, {fmt.AS_BASIS[projection.basis]}"))


def _replicas(axes: Axes, sweep: Sweep) -> None:
    at, low, mid, high = _points(sweep)
    axes.errorbar(
        at,
        mid,
        yerr=[mid - low, high - mid],
        fmt="s",
        ms=5,
        color=style.COLOURS["sidecar"],
        ecolor=style.INK,
        capsize=3,
        lw=1,
        label="by replicas, 90 % interval",
    )
    if sweep.break_even is not None:
        _break_even(axes, sweep.break_even, f"at {sweep.break_even:.1f}", middle=float(at.mean()))
    axes.margins(x=0.12)
    style.counts(axes.xaxis)
    # The scale is that of the first panel.
    axes.tick_params(labelleft=False)
    style.written(axes.set_xlabel("waypoint replicas"))


def _break_even(axes: Axes, at: float, text: str, middle: float) -> None:
    label = "break-even: ambient costs what sidecars do"
    axes.plot(at, 0, ls="", marker="X", ms=10, color=style.COLOURS["fit"], zorder=5, label=label)
    # The saving falls through this point: there is room above it to the right, below to the left.
    is_early = at < middle
    offset = (8, 8) if is_early else (-8, -8)
    style.beside(axes, text, (at, 0), offset, fontsize=9)
