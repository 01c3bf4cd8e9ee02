"""What moving each namespace saves, and what the first of them save together."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analyzer.projection.choices import OBSERVED, Placement
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import style
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
    losing, unknown = int(rows["waypoint_costs_more"].sum()), len(projection.namespaces) - len(rows)
    detail = (
        f"with a waypoint {losing:,} of {len(rows):,} would use more than their sidecars do"
        if losing
        else "with a waypoint none would use more than its sidecars do"
    )
    if unknown:
        detail += f"; {unknown:,} more whose CPU is not known"
    return style.titled(figure, _moving(rows, projection.waypoint_placement), detail)


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
            look = {"color": colour, "hatch": hatch, "label": label, **style.BAR}
            axes.barh(at[chosen], saved[chosen], height=0.62, **look)
    _waypoints(axes, shown)
    axes.axvline(0, color=style.INK, lw=0.8)
    style.numbers(axes.xaxis)
    axes.margins(x=0.05)
    axes.set_xlabel("vCPU saved by moving the namespace (below 0: lost)")


def _waypoints(axes: Axes, shown: pd.DataFrame) -> None:
    saved = shown["saving_waypoint_vcpu"].to_numpy(float)
    at = np.arange(len(shown))
    extrapolated = shown["waypoint_extrapolated"].to_numpy(bool)
    colour, borrowed = style.COLOURS["waypoint"], "with a waypoint, its cost extrapolated"
    for chosen, fill, marker, edge, width, label in (
        (~extrapolated, colour, "o", style.INK, 0.8, "with a waypoint"),
        (extrapolated, "white", "D", colour, 1.6, borrowed),
    ):
        if chosen.any():
            axes.plot(
                saved[chosen],
                at[chosen],
                ls="",
                marker=marker,
                ms=6,
                color=fill,
                mec=edge,
                mew=width,
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
    axes.set_xlabel("namespaces moved, in this order, net of the ztunnels' idle")
    axes.set_ylabel("vCPU saved\ntogether")
