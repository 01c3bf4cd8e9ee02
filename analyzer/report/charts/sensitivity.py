"""Which assumption moves the saving most: a bar for each end of each one's range."""

from __future__ import annotations

import re
import textwrap
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzer.projection.result import Projection, Sensitivity
from analyzer.report.answer import Answer
from analyzer.report.charts.panels import legend_below, rows_named, short_usd
from analyzer.report.charts.style import (
    COLOURS,
    INK,
    MUTED,
    new_figure,
    nothing_to_draw,
    titled,
    written,
)
from analyzer.report.words import AS_BASIS, MODE_TITLES, dollars, inert, number
from analyzer.units import Interval, Refusal

__all__ = ["in_words", "sensitivity_chart"]

_MOST_ROWS = 12
_ROW_INCHES = 0.5
_REST_INCHES = 2.1
_WIDTH = 34
"""Letters of a name that fit on a line at the left of the axes."""

_WORDS: Final = {"vcpu": "vCPU", "gib": "GiB", "gbit": "Gbit", "usd": "USD", "rps": "requests/s"}
_UNITS: Final = frozenset({"vcpu", "gib", "usd", "rps"})


def sensitivity_chart(answer: Answer) -> Figure | Refusal:
    """Draw the saving with each assumption at the ends of its range, the widest first."""
    projection = answer.projection
    if projection is None or not projection.sensitivity:
        return nothing_to_draw("sensitivity", "no assumption with a range moves the saving")
    mode = projection.sensitivity[0].mode
    savings = {item.mode: item.usd_per_year.mid for item in projection.savings}
    if mode not in savings:
        return nothing_to_draw("sensitivity", f"the saving of {mode} is not known")
    best, rows = savings[mode], projection.sensitivity[:_MOST_ROWS]
    figure, axes = new_figure(height_inches=max(len(rows), 2) * _ROW_INCHES + _REST_INCHES)
    for row, item in enumerate(rows):
        _bars(axes, row, item, best, _range(projection, item.assumption))
    axes.axvline(best, color=INK, lw=1.4, label=f"at best estimates, {dollars(best)}")
    _limits(axes, rows, best)
    rows_named(axes, [_name(projection, item) for item in rows])
    short_usd(axes.xaxis)
    written(axes.set_xlabel(f"saving in USD a year, {AS_BASIS[projection.basis]}"))
    legend_below(figure, axes)
    titled(axes, _finding(projection, best), _detail(projection))
    return figure


def in_words(name: str) -> str:
    """Return the name of an assumption as words, with the unit that it holds.

    >>> in_words("ztunnel_vcpu_per_1000_rps")
    'ztunnel vCPU per 1000 requests/s'
    >>> in_words("ztunnel_vcpu_per_gbit_per_second")
    'ztunnel vCPU per Gbit/s'
    """
    words = " ".join(_WORDS.get(word, word) for word in name.split("_"))
    return re.sub(" per second$", "/s", words)


def _bars(axes: Axes, row: int, item: Sensitivity, best: float, ends: Interval | None) -> None:
    low, high = item.low_usd_per_year - best, item.high_usd_per_year - best
    # Both ends may move the saving the same way: then each has half of the row's height.
    is_shared = low * high > 0
    for saved, other, lane, colour, hatch, label, value in (
        (low, high, -1, COLOURS["sidecar"], "", "at its low end", ends.low if ends else None),
        (high, low, 1, COLOURS["ztunnel"], "////", "at its high end", ends.high if ends else None),
    ):
        at = row + lane * 0.18 if is_shared else row
        axes.barh(
            at,
            saved,
            left=best,
            height=0.32 if is_shared else 0.56,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            lw=0,
            label=label,
        )
        if value is not None:
            is_right = saved > 0 or (saved == 0 and other < 0)
            _told(axes, (best + saved, at), number(value), is_right=is_right)


def _told(axes: Axes, at: tuple[float, float], text: str, *, is_right: bool) -> None:
    axes.annotate(
        text,
        at,
        xytext=(4 if is_right else -4, 0),
        textcoords="offset points",
        ha="left" if is_right else "right",
        va="center",
        fontsize=8,
        color=MUTED,
    )


def _limits(axes: Axes, rows: tuple[Sensitivity, ...], best: float) -> None:
    ends = [
        best,
        *(usd for item in rows for usd in (item.low_usd_per_year, item.high_usd_per_year)),
    ]
    # Room for the figures at the ends of the longest bars.
    room = (max(ends) - min(ends)) * 0.15
    left, right = min(ends) - room, max(ends) + room
    axes.set_xlim(left, right)
    if left < 0 < right:
        axes.axvline(0, color=INK, lw=1, ls=":", label="nothing saved")


def _range(projection: Projection, name: str) -> Interval | None:
    """Return the range of an assumption or of a fitted figure, if it is known."""
    workings = projection.workings
    if workings is None:
        return None
    if name in workings.scenario.assumptions:
        return workings.scenario[name]
    return workings.parameters.waypoint_fit.get(name)


def _name(projection: Projection, item: Sensitivity) -> str:
    """Return the words for an assumption; the unit in brackets where they do not hold it."""
    name = textwrap.fill(in_words(inert(item.assumption)), _WIDTH)
    workings = projection.workings
    known = workings.scenario.assumptions.get(item.assumption) if workings else None
    if known is None or _UNITS & set(item.assumption.split("_")):
        return name
    return f"{name}\n" + textwrap.fill(f"({inert(known.unit)})", _WIDTH + 4)


def _finding(projection: Projection, best: float) -> str:
    first = projection.sensitivity[0]
    ends = (first.low_usd_per_year, first.high_usd_per_year, best)
    return (
        f"What moves the saving most:\n{in_words(inert(first.assumption))},\n"
        f"{dollars(min(ends))} to {dollars(max(ends))} a year"
    )


def _detail(projection: Projection) -> str:
    mode = projection.sensitivity[0].mode
    count = len(projection.sensitivity)
    text = f"{MODE_TITLES.get(mode, mode)}; each alone over its 90 % range"
    return text if count <= _MOST_ROWS else f"{text}; {_MOST_ROWS} of {count} shown"
