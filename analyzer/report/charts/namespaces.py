"""What moving each namespace saves, and what the first of them save together."""

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analyzer.projection.modes import AMBIENT_WAYPOINT
from analyzer.projection.result import Projection
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import parts, style
from analyzer.report.sentences.sweeps import is_above_zero
from analyzer.units import Interval, Refusal

_MOST_NAMES: Final = 25
_ROW_INCHES: Final = 0.24
_CURVE_INCHES: Final = 1.7
_REST_INCHES: Final = 2.0
"""What is neither row nor curve: title, axes' labels and legend."""

_LOWER_NAME_WIDTH: Final = 20
_LETTER_INCHES: Final = 0.075
"""How much higher a letter of the longest name on the lower axis makes the picture."""

_AXIS_INCHES: Final = 4.5

_SAME: Final = 1e-6

_READING: Final = (
    "Bars and dots are best estimates: bars for ambient L4, dots with a waypoint in the namespace. "
    "The curve adds up the dots in this order, less the idle CPU of the ztunnels."
)


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw what moving saves in each namespace, and along the order of migration.

    Of many namespaces, only the first are named; the curve includes all of them.
    """
    projection = answer.projection
    if projection is None or "cumulative_saving_vcpu" not in projection.namespaces:
        return style.nothing_to_draw("namespaces", "The saving of a single namespace is not known.")
    # Where no CPU of a namespace is known, its saving is not known either.
    rows = projection.namespaces.dropna(subset=["saving_l4_vcpu", "saving_waypoint_vcpu"])
    if rows.empty:
        return style.nothing_to_draw("namespaces", "No namespace has sidecars with known CPU.")
    row_count = min(len(rows), _MOST_NAMES + 1)
    names = [parts.drawable(str(name), _LOWER_NAME_WIDTH) for name in rows["namespace"]]
    heights = (max(row_count * _ROW_INCHES, 0.7), _CURVE_INCHES)
    height = sum(heights) + _REST_INCHES
    if len(names) <= _MOST_NAMES and _is_upright(names):
        height += max(map(len, names)) * _LETTER_INCHES
    figure, axes = style.new_figure(height_inches=height)
    curve = parts.panel_below(figure, axes, heights)
    _bars(axes, rows)
    _names(axes, rows)
    _together(curve, rows, names)
    parts.legend_below(figure, axes, columns=3)
    title, detail = finding(rows, _range_of_all(projection, rows)), _losing(projection, rows)
    return style.titled(figure, title, detail, reading=_READING)


def _is_upright(names: list[str]) -> bool:
    """Return whether names would touch if they were written along the axis."""
    return len(names) * max(map(len, names)) * _LETTER_INCHES > _AXIS_INCHES


def _losing(projection: Projection, rows: pd.DataFrame) -> str:
    losing, unknown = int(rows["waypoint_costs_more"].sum()), len(projection.namespaces) - len(rows)
    which = f"{losing:,} of {fmt.counted(len(rows), 'namespace')}" if losing else "no namespace"
    verb = "need" if losing > 1 else "needs"
    detail = f"Best estimate: {which} {verb} more CPU with a waypoint than with sidecars"
    return f"{detail}; {unknown:,} more with unknown CPU" if unknown else detail


def _range_of_all(projection: Projection, rows: pd.DataFrame) -> Interval | None:
    """Return the range of what all save together, if it is of the same namespaces."""
    total = float(rows["cumulative_saving_vcpu"].iloc[-1])
    for item in projection.savings:
        if item.mode == AMBIENT_WAYPOINT and abs(item.vcpu.mid - total) <= _SAME * abs(total):
            return item.vcpu
    return None


def finding(rows: pd.DataFrame, together: Interval | None) -> str:
    """Return what moving all saves, and how many save most.

    `together` is the range of the former; without one it is called a best estimate, and so is what
    the first save, which has no range.
    """
    saved = rows["cumulative_saving_vcpu"].to_numpy(float)
    best, count = int(saved.argmax()), len(saved)
    whom = "the only namespace" if count == 1 else f"all {count:,} namespaces"
    if together is None:
        verb = "saves" if saved[-1] >= 0 else "costs another"
        claim = f"{verb} {fmt.number(abs(saved[-1]))} vCPU (best estimate)"
        claim = f"Moving {whom} to ambient with waypoints\n{claim}"
    else:
        claim = _claim(whom, together)
    if best == count - 1 or saved[best] <= 0:
        return claim
    first = f"first {best + 1:,} save" if best else "first saves"
    which = "best estimate: " if together is not None else ""
    return f"{claim};\n{which}the {first} {fmt.number(saved[best])} vCPU"


def _claim(whom: str, together: Interval) -> str:
    saves = is_above_zero(together)
    if saves is None:
        return (
            f"Cannot tell whether moving {whom} saves CPU:\n{fmt.number(together.low)} "
            f"to {fmt.number(together.high)} vCPU, with waypoints"
        )
    value = fmt.ranged(together if saves else together.negated())
    return (
        f"Moving {whom} to ambient with waypoints\n"
        f"{'saves' if saves else 'costs another'} {value} vCPU"
    )


def _bars(axes: Axes, rows: pd.DataFrame) -> None:
    shown = rows.head(_MOST_NAMES)
    saved = shown["saving_l4_vcpu"].to_numpy(float)
    at = np.arange(len(shown))
    for is_loss, colour, hatch, label in (
        (False, style.COLOURS["ztunnel"], "", "saving with ambient L4"),
        (True, style.COLOURS["fit"], "////", "extra cost with ambient L4"),
    ):
        chosen = (saved < 0) == is_loss
        if chosen.any():
            look = {"color": colour, "hatch": hatch, "label": label, **style.BAR}
            axes.barh(at[chosen], saved[chosen], height=0.62, **look)
    _waypoints(axes, shown)
    axes.axvline(0, color=style.INK, lw=0.8)
    parts.numbers(axes.xaxis)
    axes.margins(x=0.05)
    axes.set_xlabel("saving of each namespace in vCPU (below 0: extra cost)")


def _waypoints(axes: Axes, shown: pd.DataFrame) -> None:
    saved = shown["saving_waypoint_vcpu"].to_numpy(float)
    at = np.arange(len(shown))
    extrapolated = shown["waypoint_extrapolated"].to_numpy(bool)
    colour = style.COLOURS["waypoint"]
    borrowed = "with a waypoint (cost extrapolated)"
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
    names = [parts.drawable(str(name)) for name in rows["namespace"].head(_MOST_NAMES)]
    rest = len(rows) - len(names)
    if rest:
        cumulative = rows["cumulative_saving_vcpu"]
        together = float(cumulative.iloc[-1] - cumulative.iloc[_MOST_NAMES - 1])
        verb = "save" if together >= 0 else "cost another"
        names.append(f"and {rest:,} more")
        text = f"together {verb} {fmt.number(abs(together))} vCPU"
        parts.beside(axes, text, (0, len(names) - 1), (5, 0), fontsize=9, color=style.MUTED)
    parts.rows_named(axes, names)


def _together(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    saved = rows["cumulative_saving_vcpu"].to_numpy(float)
    ranks = np.arange(1, len(saved) + 1)
    few = len(saved) <= _MOST_NAMES
    axes.plot(ranks, saved, color=style.COLOURS["sidecar"], lw=2, marker="o" if few else "", ms=4)
    axes.axhline(0, color=style.INK, lw=0.8)
    # One namespace alone is a point, which has no width.
    margin = max(len(saved) * 0.02, 0.3)
    axes.set_xlim(1 - margin, len(saved) + margin)
    if few:
        axes.set_xticks(ranks, names, rotation=90 if _is_upright(names) else 0, fontsize=8)
        axes.set_xlabel("namespaces in order of migration")
    else:
        parts.counts(axes.xaxis)
        axes.set_xlabel("number of namespaces moved, in this order")
    parts.numbers(axes.yaxis)
    axes.set_ylabel("saving so far\nin vCPU")
