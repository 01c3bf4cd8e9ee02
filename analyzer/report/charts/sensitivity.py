"""Which assumption moves the saving most: a bar for each end of its range."""

import textwrap
from typing import Any, Final

from matplotlib.axes import Axes

from analyzer.projection.result import Projection, Sensitivity
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import parts, style
from analyzer.report.escapes import inert
from analyzer.report.sentences.projection import assumed, assumption_title
from analyzer.units import Interval, Refusal

_MOST_ROWS = 12
_ROW_INCHES = 0.5
_REST_INCHES = 2.1
_WIDTH = 34
"""Letters of a name that fit on a line at the left of the axes."""

_VISIBLE: Final = 0.01
"""The share of the widest bars that a bar needs to be seen."""

_READING: Final = (
    "Each row moves one assumption to both ends of its range and leaves the others at their best "
    "estimates. The numbers at a bar are the ends of that range."
)

_UNITS: Final = frozenset({"vcpu", "gib", "usd", "rps"})


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw the saving with each assumption at the ends of its range, the widest first.

    Rows whose bars would be too short to see are left out.
    """
    projection = answer.projection
    if projection is None or not projection.sensitivity:
        detail = "No assumption with a range moves the saving."
        return style.nothing_to_draw("sensitivity", detail)
    mode = projection.sensitivity[0].mode
    savings = {item.mode: item.usd_per_year.mid for item in projection.savings}
    if mode not in savings:
        return style.nothing_to_draw("sensitivity", f"The saving of {mode} is not known.")
    best, rows = savings[mode], _visible(projection.sensitivity, savings[mode])
    figure, axes = style.new_figure(height_inches=max(len(rows), 2) * _ROW_INCHES + _REST_INCHES)
    for row, item in enumerate(rows):
        _bars(axes, row, item, best, assumed(projection, item.assumption)[0])
    axes.axvline(best, color=style.INK, lw=1.4, label=f"at best estimates, {fmt.dollars(best)}")
    _limits(axes, rows, best)
    parts.rows_named(axes, [_name(projection, item) for item in rows])
    parts.money(axes.xaxis)
    axes.set_xlabel(f"saving in USD per year, {fmt.AS_BASIS[projection.basis]}")
    parts.legend_below(figure, axes)
    usd, hidden = (*_ends(rows[0]), best), len(projection.sensitivity) - len(rows)
    left_out = f"; {hidden} with less effect not shown" if hidden else ""
    name = assumption_title(inert(rows[0].assumption))
    return style.titled(
        figure,
        f"The saving depends most on {name}:\n"
        f"{fmt.usd_ends(Interval(low=min(usd), mid=best, high=max(usd))) or fmt.dollars(best)} "
        "per year",
        f"{fmt.capital(fmt.MODE_TITLES.get(mode, mode))}; one assumption at a time{left_out}",
        reading=_READING,
    )


def _visible(found: tuple[Sensitivity, ...], best: float) -> tuple[Sensitivity, ...]:
    """Return the rows whose bars can be seen, and no more than there is room for."""
    ends = [best, *(usd for item in found for usd in _ends(item))]
    least = _VISIBLE * (max(ends) - min(ends))
    moved = [item for item in found if max(abs(usd - best) for usd in _ends(item)) > least]
    return tuple(moved[:_MOST_ROWS]) or found[:1]


def _ends(item: Sensitivity) -> tuple[float, float]:
    return item.low_usd_per_year, item.high_usd_per_year


def _bars(axes: Axes, row: int, item: Sensitivity, best: float, ends: Interval | None) -> None:
    low, high = (usd - best for usd in _ends(item))
    # Both ends may move the saving the same way: then each has half of the row's height.
    is_shared = low * high > 0
    height, lane = (0.32, 0.18) if is_shared else (0.56, 0.0)
    for end, saved, other, at, role in (
        ("low", low, high, row - lane, "sidecar"),
        ("high", high, low, row + lane, "ztunnel"),
    ):
        look = {"color": style.COLOURS[role], "hatch": style.HATCHES[role], **style.BAR}
        axes.barh(at, saved, left=best, height=height, label=f"at its {end} end", **look)
        if ends is not None:
            is_right = saved > 0 or (saved == 0 and other < 0)
            text, offset = fmt.number(getattr(ends, end)), (4 if is_right else -4, 0)
            written: dict[str, Any] = {"color": style.MUTED, "paper": parts.PAPER}
            parts.beside(axes, text, (best + saved, at), offset, **written)


def _limits(axes: Axes, rows: tuple[Sensitivity, ...], best: float) -> None:
    ends = [best, *(usd for item in rows for usd in _ends(item))]
    # Room for the figures at the ends of the longest bars.
    room = (max(ends) - min(ends)) * 0.15
    left, right = min(ends) - room, max(ends) + room
    axes.set_xlim(left, right)
    if left < 0 < right:
        axes.axvline(0, color=style.INK, lw=1, ls=":", label="no saving")


def _name(projection: Projection, item: Sensitivity) -> str:
    """Return an assumption in words; its unit in brackets if the words lack it."""
    name = textwrap.fill(assumption_title(inert(item.assumption)), _WIDTH)
    unit = assumed(projection, item.assumption)[1]
    if not unit or _UNITS & set(item.assumption.split("_")):
        return name
    return f"{name}\n" + textwrap.fill(f"({inert(unit)})", _WIDTH + 4)
