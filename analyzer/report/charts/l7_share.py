"""The saving along the share of namespaces that need a waypoint, and along waypoint replicas."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from analyzer.projection.result import NOTHING_TO_SAVE, Projection, Sweep
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import parts, style
from analyzer.report.sentences.projection import turning
from analyzer.units import Refusal

_READING: Final = (
    "The line is the best estimate of the saving, and the green band its 90 % interval. Where the "
    "interval includes zero (grey, or hollow squares), the data cannot tell whether ambient costs "
    "less."
)

_SEEN: Final = 0.015
"""Share of the largest saving below which an interval is hidden behind the line."""

_OPEN: Final = "#e4e4e4"
_OPEN_LABEL: Final = "cannot tell: interval includes zero"


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw the saving by the share of namespaces that need a waypoint, and by replicas."""
    projection = answer.projection
    if projection is not None and len(projection.modes) > 1 and not projection.savings:
        return style.nothing_to_draw("l7_share", NOTHING_TO_SAVE.detail)
    share = projection.sweep_of("l7_share") if projection else None
    if projection is None or share is None:
        return style.nothing_to_draw("l7_share", style.NOT_PRICED)
    replicas = projection.sweep_of("waypoint_replicas")
    figure, axes = style.new_figure(width_inches=9.0)
    panels = [axes]
    if replicas is not None:
        panels.append(parts.panel_beside(figure, axes, (3, 1)))
        _replicas(panels[1], replicas)
    _share(axes, share, projection)
    for panel in panels:
        panel.axhline(0, color=style.INK, lw=0.8)
    parts.money(axes.yaxis)
    parts.legend_below(figure, *panels, columns=3)
    none, every = (fmt.usd(share.points[end].usd_per_year) for end in (0, -1))
    detail = f"Saving per year: {none} with no waypoint, {every} with all of them"
    if replicas is not None and replicas.saves_until != replicas.last:
        detail += f"\n{turning(replicas, projection.basis).rstrip('.')}"
    finding = turning(share, projection.basis).rstrip(".")
    return style.titled(figure, finding, detail, reading=_READING)


def _share(axes: Axes, sweep: Sweep, projection: Projection) -> None:
    at, colour = [point.choice for point in sweep.points], style.COLOURS["waypoint"]
    mid, low, high = parts.ends(point.usd_per_year for point in sweep.points)
    every = np.linspace(at[0], at[-1], 1001)
    is_open = (np.interp(every, at, low) <= 0) & (np.interp(every, at, high) >= 0)
    if is_open.any():
        axes.fill_between(
            every,
            0,
            1,
            where=is_open.tolist(),
            transform=axes.get_xaxis_transform(),
            color=_OPEN,
            lw=0,
            zorder=0,
            label=_OPEN_LABEL,
        )
    if float((high - low).max()) > _SEEN * max(*abs(low), *abs(high)):
        axes.fill_between(at, low, high, color=colour, alpha=0.25, lw=0, label="90 % interval")
    axes.plot(at, mid, color=colour, lw=2, label="saving, best estimate")
    if sweep.break_even is not None:
        _break_even(axes, sweep.break_even)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.set_xlabel("share of namespaces with HTTP that need a waypoint")
    axes.set_ylabel(f"saving in USD per year, {fmt.AS_BASIS[projection.basis]}")


def _replicas(axes: Axes, sweep: Sweep) -> None:
    colour = style.COLOURS["sidecar"]
    for is_open, fill, label in (
        (False, colour, "by replicas, 90 % interval"),
        (True, "white", "by replicas, cannot tell"),
    ):
        points = [
            point
            for point in sweep.points
            if (point.usd_per_year.low <= 0 <= point.usd_per_year.high) == is_open
        ]
        if points:
            mid, low, high = parts.ends(point.usd_per_year for point in points)
            axes.errorbar(
                [point.choice for point in points],
                mid,
                yerr=[mid - low, high - mid],
                fmt="s",
                ms=5,
                mfc=fill,
                mec=colour,
                ecolor=style.INK,
                capsize=3,
                lw=1,
                label=label,
            )
    axes.margins(x=0.12)
    parts.counts(axes.xaxis)
    # The scale is that of the first panel.
    axes.tick_params(labelleft=False)
    axes.set_xlabel("waypoint replicas")


def _break_even(axes: Axes, at: float) -> None:
    """Mark where the best estimate crosses zero: below the line, which it would hide."""
    label = "break-even of the best estimate"
    axes.plot(at, 0, ls="", marker="X", ms=9, color=style.COLOURS["fit"], zorder=5, label=label)
    # The saving falls through this point: the upper right and the lower left are free.
    offset = (8.0, 8.0) if at < 0.5 else (-8.0, -8.0)  # noqa: PLR2004 - half of the axis
    parts.beside(axes, f"{100 * at:.0f} %", (at, 0), offset, fontsize=9)
