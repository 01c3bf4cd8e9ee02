"""What moving each namespace saves per year, and what the first of them save together."""

from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analyzer.arrays import Floats
from analyzer.projection.decision import Verdict
from analyzer.projection.result import Projection
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import parts, style
from analyzer.report.sentences.decision import VERDICTS, decision_lines, provisional
from analyzer.units import Refusal

_MOST_NAMES: Final = 25
_ROW_INCHES: Final = 0.24
_CURVE_INCHES: Final = 1.7
_REST_INCHES: Final = 2.0
"""What is neither row nor curve: title, axes' labels and legend."""

_LOWER_NAME_WIDTH: Final = 20
_LETTER_INCHES: Final = 0.075
"""The length of a letter of a name on the lower axis."""

_AXIS_INCHES: Final = 4.5

_L4, _SAVED = "saving_l4_usd_per_year", "saving_usd_per_year"

_READING: Final = (
    "Bars are savings with ambient L4, dots with a waypoint in the namespace; thin lines are 90 % "
    "intervals. The curve adds up best estimates in this order, less the ztunnels that all share."
)


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw what moving saves in each namespace, and along the order of migration.

    Of many namespaces, only the first are named; the curve includes all of them.
    """
    projection = answer.projection
    if projection is None or _SAVED not in projection.namespaces:
        return style.nothing_to_draw("namespaces", "The saving of a single namespace is not known.")
    # Where no CPU of a namespace is known, its saving is not known either.
    rows = projection.namespaces.dropna(subset=["saving_l4_vcpu"]).reset_index(drop=True)
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
    basis = fmt.AS_BASIS[projection.basis]
    _bars(axes, rows.head(_MOST_NAMES))
    axes.set_xlabel(f"saving of each namespace in USD per year, {basis}")
    saved_usd = _cumulative(projection, rows)
    _names(axes, rows, saved_usd)
    _together(curve, saved_usd, names)
    parts.legend_below(figure, axes, columns=3)
    unknown = len(projection.namespaces) - len(rows)
    detail = f"{fmt.counted(len(rows), 'namespace')}, the largest saving first, {basis}"
    if unknown:
        detail += f"; {unknown:,} more with unknown CPU"
    warning = provisional(answer)
    return style.titled(figure, finding(projection), detail, reading=_READING, warning=warning)


def finding(projection: Projection) -> str:
    """Return what to do, in the words of the decision, and what that saves."""
    first, outcome = decision_lines(projection)[0].rstrip("."), projection.decision.outcome
    if outcome is None:
        return first
    return f"{first}.\n{fmt.usd(outcome.usd_per_year)} less per year"


def _mids(rows: pd.DataFrame, column: str) -> Floats:
    return np.array([value.mid for value in rows[column]])


def _cumulative(projection: Projection, rows: pd.DataFrame) -> Floats:
    """Return what the first namespaces save together, net of the ztunnels that all share."""
    shared = projection.decision.shared_ztunnel_usd_per_year
    return np.asarray(_mids(rows, _SAVED).cumsum() - (shared.mid if shared else 0.0))


def _is_upright(names: list[str]) -> bool:
    """Return whether names would touch if they were written along the axis."""
    return len(names) * max(map(len, names)) * _LETTER_INCHES > _AXIS_INCHES


def _bars(axes: Axes, shown: pd.DataFrame) -> None:
    saved, at = _mids(shown, _L4), np.arange(len(shown))
    for is_loss, colour, hatch, label in (
        (False, style.COLOURS["ztunnel"], "", "saving with ambient L4"),
        (True, style.COLOURS["fit"], "////", "extra cost with ambient L4"),
    ):
        chosen = (saved < 0) == is_loss
        if chosen.any():
            look = {"color": colour, "hatch": hatch, "label": label, **style.BAR}
            axes.barh(at[chosen], saved[chosen], height=0.62, **look)
    _whiskers(axes, shown, _L4)
    _waypoints(axes, shown)
    axes.axvline(0, color=style.INK, lw=0.8)
    parts.money(axes.xaxis)
    axes.margins(x=0.05)
    for row, verdict in enumerate(shown["verdict"]):
        axes.annotate(
            VERDICTS[Verdict(verdict)],
            (1.01, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=style.MUTED,
        )


def _whiskers(axes: Axes, rows: pd.DataFrame, column: str) -> None:
    """Draw the 90 % intervals of a column, where it has any."""
    values = dict(zip(rows.index, rows[column], strict=True))
    some = {row: value for row, value in values.items() if value.low < value.high}
    if some:
        mid, low, high = parts.ends(some.values())
        label, ends = "90 % interval", [mid - low, high - mid]
        look: dict[str, Any] = {
            "fmt": "none",
            "ecolor": style.INK,
            "capsize": 2,
            "elinewidth": 1,
            "zorder": 2.5,
        }
        axes.errorbar(mid, list(some), xerr=ends, label=label, **look)


def _waypoints(axes: Axes, shown: pd.DataFrame) -> None:
    """Draw a dot for each namespace that has a waypoint; without one its bar is the saving."""
    rows = shown[shown["needs_waypoint"].astype(bool)]
    if rows.empty:
        return
    _whiskers(axes, rows, _SAVED)
    is_outside, colour = rows["waypoint_extrapolated"].to_numpy(bool), style.COLOURS["waypoint"]
    for chosen, fill, marker, edge, width, label in (
        (~is_outside, colour, "o", style.INK, 0.8, "with a waypoint"),
        (is_outside, "white", "D", colour, 1.6, "with a waypoint (cost extrapolated)"),
    ):
        if chosen.any():
            dots = rows[chosen]
            look: dict[str, Any] = {
                "ms": 6,
                "color": fill,
                "mec": edge,
                "mew": width,
                "label": label,
            }
            axes.plot(_mids(dots, _SAVED), dots.index, ls="", marker=marker, zorder=3, **look)


def _names(axes: Axes, rows: pd.DataFrame, saved_usd: Floats) -> None:
    names = [parts.drawable(str(name)) for name in rows["namespace"].head(_MOST_NAMES)]
    rest = len(rows) - len(names)
    if rest:
        together = float(saved_usd[-1] - saved_usd[_MOST_NAMES - 1])
        verb = "save" if together >= 0 else "cost another"
        names.append(f"and {rest:,} more")
        text = f"together {verb} {fmt.dollars(abs(together))} (best estimate)"
        parts.beside(axes, text, (0, len(names) - 1), (5, 0), fontsize=9, color=style.MUTED)
    parts.rows_named(axes, names)


def _together(axes: Axes, saved_usd: Floats, names: list[str]) -> None:
    ranks, few = np.arange(1, len(names) + 1), len(names) <= _MOST_NAMES
    colour = style.COLOURS["sidecar"]
    axes.plot(ranks, saved_usd, color=colour, lw=2, marker="o" if few else "", ms=4)
    axes.axhline(0, color=style.INK, lw=0.8)
    # One namespace alone is a point, which has no width.
    margin = max(len(names) * 0.02, 0.3)
    axes.set_xlim(1 - margin, len(names) + margin)
    if few:
        axes.set_xticks(ranks, names, rotation=90 if _is_upright(names) else 0, fontsize=8)
        axes.set_xlabel("namespaces in order of migration")
    else:
        parts.counts(axes.xaxis)
        axes.set_xlabel("number of namespaces moved, in this order")
    parts.money(axes.yaxis)
    axes.set_ylabel("saving so far in\nUSD per year")
