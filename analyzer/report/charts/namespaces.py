"""What moving each namespace saves, and what the first of them save together."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import style
from analyzer.report.sentences import charts as titles
from analyzer.units import Refusal

_MOST_NAMES = 25
_ROW_INCHES = 0.24
_CURVE_INCHES = 1.7
_REST_INCHES = 2.0
"""What is neither row nor curve: title, axes' labels and legend."""


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw what moving saves in each namespace, and along the order of migration.

    More namespaces than fit by name are counted; the curve is of them all.
    """
    projection = answer.projection
    if projection is None or "cumulative_saving_vcpu" not in projection.namespaces:
        return style.nothing_to_draw("namespaces", "what moving one namespace saves is not known")
    # Where no CPU of a namespace is known, nor is what moving it saves.
    rows = projection.namespaces.dropna(subset=["saving_l4_vcpu", "saving_waypoint_vcpu"])
    if rows.empty:
        return style.nothing_to_draw("namespaces", "no namespace has sidecars whose CPU is known")
    row_count = min(len(rows), _MOST_NAMES + 1)
    heights = (max(row_count * _ROW_INCHES, 0.7), _CURVE_INCHES)
    figure, axes = style.new_figure(height_inches=sum(heights) + _REST_INCHES)
    curve = style.panel_below(figure, axes, heights)
    _bars(axes, rows)
    _names(axes, rows)
    _together(curve, rows)
    style.legend_below(figure, axes, columns=3)
    unknown = len(projection.namespaces) - len(rows)
    placement = projection.waypoint_placement
    style.titled(figure, titles.namespaces(rows, unknown_count=unknown, placement=placement))
    return figure


def _bars(axes: Axes, rows: pd.DataFrame) -> None:
    shown = rows.head(_MOST_NAMES)
    saved = shown["saving_l4_vcpu"].to_numpy(float)
    at = np.arange(len(shown))
    for is_loss, colour, hatch, label in (
        (False, style.COLOURS["ztunnel"], "", "saved with L4 only"),
        (True, style.COLOURS["fit"], "////", "lost with L4 only"),
    ):
        chosen = (saved < 0) == is_loss
        if chosen.any():
            look: dict[str, Any] = {"color": colour, "hatch": hatch, **style.BAR}
            axes.barh(at[chosen], saved[chosen], height=0.62, label=label, **look)
    _waypoints(axes, shown)
    axes.axvline(0, color=style.INK, lw=0.8)
    style.numbers(axes.xaxis)
    axes.margins(x=0.05)
    style.written(axes.set_xlabel("vCPU saved by moving the namespace (below 0: lost)"))


def _waypoints(axes: Axes, shown: pd.DataFrame) -> None:
    saved = shown["saving_waypoint_vcpu"].to_numpy(float)
    at = np.arange(len(shown))
    extrapolated = shown["waypoint_extrapolated"].to_numpy(bool)
    for chosen, fill, marker, label in (
        (~extrapolated, style.COLOURS["waypoint"], "o", "with a waypoint"),
        (extrapolated, "white", "D", "with a waypoint, its cost extrapolated"),
    ):
        if chosen.any():
            axes.plot(
                saved[chosen],
                at[chosen],
                ls="",
                marker=marker,
                ms=6,
                color=fill,
                markeredgecolor=style.INK if fill != "white" else style.COLOURS["waypoint"],
                markeredgewidth=0.8 if fill != "white" else 1.6,
                label=label,
            )


def _names(axes: Axes, rows: pd.DataFrame) -> None:
    names = [style.drawable(str(name)) for name in rows["namespace"].head(_MOST_NAMES)]
    rest = len(rows) - len(names)
    if rest:
        cumulative = rows["cumulative_saving_vcpu"]
        together = float(cumulative.iloc[-1] - cumulative.iloc[_MOST_NAMES - 1])
        verb = "saving" if together >= 0 else "losing"
        names.append(f"and {rest:,} more")
        text = f"together {verb} {fmt.number(abs(together))} vCPU"
        style.beside(axes, text, (0, len(names) - 1), (5, 0), fontsize=9, color=style.MUTED)
    style.rows_named(axes, names)


def _together(axes: Axes, rows: pd.DataFrame) -> None:
    saved = rows["cumulative_saving_vcpu"].to_numpy(float)
    ranks = np.arange(1, len(saved) + 1)
    few = len(saved) <= _MOST_NAMES
    axes.plot(ranks, saved, color=style.COLOURS["sidecar"], lw=2, marker="o" if few else "", ms=4)
    axes.axhline(0, color=style.INK, lw=0.8)
    # One namespace alone is a point, which has no width.
    margin = max(len(saved) * 0.02, 0.3)
    axes.set_xlim(1 - margin, len(saved) + margin)
    style.counts(axes.xaxis)
    style.numbers(axes.yaxis)
    style.written(axes.set_xlabel("namespaces moved, in this order, net of the ztunnels' idle"))
    style.written(axes.set_ylabel("vCPU saved\ntogether"))
