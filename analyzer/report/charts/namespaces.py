"""What moving each namespace saves, and what the first of them save together."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzer.projection.choices import OBSERVED
from analyzer.projection.result import Projection
from analyzer.report.answer import Answer
from analyzer.report.charts.panels import (
    counts,
    drawable,
    legend_below,
    numbers,
    panel_below,
    rows_named,
)
from analyzer.report.charts.style import (
    COLOURS,
    INK,
    MUTED,
    new_figure,
    nothing_to_draw,
    titled,
    written,
)
from analyzer.report.words import number
from analyzer.units import Refusal

__all__ = ["namespaces_chart"]

_MOST_NAMES = 25
_ROW_INCHES = 0.24
_CURVE_INCHES = 1.7
_REST_INCHES = 2.0
"""What is neither row nor curve: title, axes' labels and legend."""


def namespaces_chart(answer: Answer) -> Figure | Refusal:
    """Draw what moving saves in each namespace, and along the order of migration.

    More namespaces than fit by name are counted; the curve is of them all.
    """
    projection = answer.projection
    if projection is None or "cumulative_saving_vcpu" not in projection.namespaces:
        return nothing_to_draw("namespaces", "what moving one namespace saves is not known")
    # Where no CPU of a namespace is known, nor is what moving it saves.
    rows = projection.namespaces.dropna(subset=["saving_l4_vcpu", "saving_waypoint_vcpu"])
    if rows.empty:
        return nothing_to_draw("namespaces", "no namespace has sidecars whose CPU is known")
    row_count = min(len(rows), _MOST_NAMES + 1)
    heights = (max(row_count * _ROW_INCHES, 0.7), _CURVE_INCHES)
    figure, axes = new_figure(height_inches=sum(heights) + _REST_INCHES)
    curve = panel_below(figure, axes, heights)
    _bars(axes, rows)
    _names(axes, rows)
    _together(curve, rows)
    legend_below(figure, axes, columns=3)
    titled(axes, _finding(rows, projection), _detail(rows, len(projection.namespaces) - len(rows)))
    return figure


def _bars(axes: Axes, rows: pd.DataFrame) -> None:
    shown = rows.head(_MOST_NAMES)
    saved = shown["saving_l4_vcpu"].to_numpy(float)
    at = np.arange(len(shown))
    for is_loss, colour, hatch, label in (
        (False, COLOURS["ztunnel"], "", "saved with L4 only"),
        (True, COLOURS["fit"], "////", "lost with L4 only"),
    ):
        chosen = (saved < 0) == is_loss
        if chosen.any():
            axes.barh(
                at[chosen],
                saved[chosen],
                height=0.62,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                lw=0,
                label=label,
            )
    _waypoints(axes, shown)
    axes.axvline(0, color=INK, lw=0.8)
    numbers(axes.xaxis)
    axes.margins(x=0.05)
    written(axes.set_xlabel("vCPU saved by moving the namespace (below 0: lost)"))


def _waypoints(axes: Axes, shown: pd.DataFrame) -> None:
    saved = shown["saving_waypoint_vcpu"].to_numpy(float)
    at = np.arange(len(shown))
    extrapolated = shown["waypoint_extrapolated"].to_numpy(bool)
    for chosen, fill, marker, label in (
        (~extrapolated, COLOURS["waypoint"], "o", "with a waypoint"),
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
                markeredgecolor=INK if fill != "white" else COLOURS["waypoint"],
                markeredgewidth=0.8 if fill != "white" else 1.6,
                label=label,
            )


def _names(axes: Axes, rows: pd.DataFrame) -> None:
    names = [drawable(str(name)) for name in rows["namespace"].head(_MOST_NAMES)]
    rest = len(rows) - len(names)
    if rest:
        cumulative = rows["cumulative_saving_vcpu"]
        together = float(cumulative.iloc[-1] - cumulative.iloc[_MOST_NAMES - 1])
        verb = "saving" if together >= 0 else "losing"
        names.append(f"and {rest:,} more")
        axes.annotate(
            f"together {verb} {number(abs(together))} vCPU",
            (0, len(names) - 1),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=MUTED,
        )
    rows_named(axes, names)


def _together(axes: Axes, rows: pd.DataFrame) -> None:
    saved = rows["cumulative_saving_vcpu"].to_numpy(float)
    ranks = np.arange(1, len(saved) + 1)
    few = len(saved) <= _MOST_NAMES
    axes.plot(ranks, saved, color=COLOURS["sidecar"], lw=2, marker="o" if few else "", ms=4)
    axes.axhline(0, color=INK, lw=0.8)
    # One namespace alone is a point, which has no width.
    margin = max(len(saved) * 0.02, 0.3)
    axes.set_xlim(1 - margin, len(saved) + margin)
    counts(axes.xaxis)
    numbers(axes.yaxis)
    written(axes.set_xlabel("namespaces moved, in this order, net of the ztunnels' idle"))
    written(axes.set_ylabel("vCPU saved\ntogether"))


def _finding(rows: pd.DataFrame, projection: Projection) -> str:
    saved = rows["cumulative_saving_vcpu"].to_numpy(float)
    best = int(saved.argmax())
    where = "HTTP is" if projection.waypoint_placement == OBSERVED else "the scenario has them"
    one = len(saved) == 1
    whom = "the only namespace" if one else f"all {len(saved):,} namespaces"
    verb = "saves" if saved[-1] >= 0 else "costs"
    more = "" if saved[-1] >= 0 else " more"
    whole = (
        f"Moving {whom} {verb} {number(abs(saved[-1]))} vCPU{more},\nwith waypoints where {where}"
    )
    if best == len(saved) - 1 or saved[best] <= 0:
        return whole
    first = f"first {best + 1:,} alone save" if best else "first alone saves"
    return f"{whole};\nthe {first} {number(saved[best])}"


def _detail(rows: pd.DataFrame, unknown_count: int) -> str:
    told = _losing(rows)
    return f"{told}; {unknown_count:,} more whose CPU is not known" if unknown_count else told


def _losing(rows: pd.DataFrame) -> str:
    losing, count = int(rows["waypoint_costs_more"].sum()), len(rows)
    if not losing:
        return "with a waypoint none would use more than its sidecars do"
    return f"with a waypoint {losing:,} of {count:,} would use more than their sidecars do"
