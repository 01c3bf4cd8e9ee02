"""What all charts draw with: panels, bars, names, labels, axes and legends."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analyzer.arrays import Floats
from analyzer.report import format as fmt
from analyzer.report.charts.style import BAR, COLOURS, HATCHES, INK, plain
from analyzer.report.spacing import unbroken
from analyzer.units import Interval

PAPER: Final[dict[str, Any]] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
"""Behind a text through which a line may pass."""


def beside(  # noqa: PLR0913 - how it is written
    axes: Axes,
    text: str,
    at: tuple[float, float],
    offset: tuple[float, float],
    *,
    fontsize: float = 8,
    color: str = INK,
    paper: dict[str, Any] | None = None,
    zorder: float = 3,
) -> None:
    """Write a text next to a point; the offset is in points, and decides where the text ends."""
    axes.annotate(
        text,
        at,
        xytext=offset,
        textcoords="offset points",
        ha="left" if offset[0] >= 0 else "right",
        va="center" if not offset[1] else "bottom" if offset[1] > 0 else "top",
        fontsize=fontsize,
        color=color,
        bbox=paper,
        zorder=zorder,
    )


def stacked(
    axes: Axes, row: float, parts: Iterable[tuple[str, float]], *, height: float = 0.8
) -> None:
    """Draw a bar of components, or of memory, one after the other."""
    left = 0.0
    for name, width in parts:
        look = {"color": COLOURS[name], "hatch": HATCHES[name], "label": name, **BAR}
        axes.barh(row, width, left=left, height=height, **look)
        left += width


def range_bar(axes: Axes, row: float, value: Interval) -> None:
    """Draw a range across the end of a bar."""
    ends = [[value.mid - value.low], [value.high - value.mid]]
    axes.errorbar(value.mid, row, xerr=ends, color=INK, capsize=3, lw=1)


def panel_below(figure: Figure, axes: Axes, heights: tuple[float, float]) -> Axes:
    """Add a panel under the axes; the heights are in proportion."""
    grid = figure.add_gridspec(2, 1, height_ratios=heights)
    axes.set_subplotspec(grid[0, 0])
    return plain(figure.add_subplot(grid[1, 0]))


def panel_beside(figure: Figure, axes: Axes, widths: tuple[float, float]) -> Axes:
    """Add a panel at the right of the axes, with the same vertical axis."""
    grid = figure.add_gridspec(1, 2, width_ratios=widths)
    axes.set_subplotspec(grid[0, 0])
    return plain(figure.add_subplot(grid[0, 1], sharey=axes))


def drawable(name: str, width: int = 28) -> str:
    """Return a name that fits, without letters that the font does not have."""
    font = get_font(findfont(FontProperties()))
    # A letter that is not there would be a warning, and an empty box.
    return "".join(
        letter if font.get_char_index(ord(letter)) else "�" for letter in fmt.shortened(name, width)
    )


def legend_below(figure: Figure, *panels: Axes, columns: int = 4) -> None:
    """Name what the panels show, each once, below them: over the axes it could hide data."""
    named: dict[str, Artist] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(unbroken(name), handle)
    figure.legend(
        list(named.values()),
        list(named),
        loc="outside lower center",
        ncols=min(len(named), columns),
        frameon=False,
        fontsize=9,
        labelcolor=INK,
    )


def rows_named(axes: Axes, names: Sequence[str], fontsize: float = 9) -> None:
    """Name the rows at the left, the first at the top."""
    for tick in axes.set_yticks(range(len(names)), names):
        for label in (tick.label1, tick.label2):
            label.set_fontsize(fontsize)
    axes.set_ylim(len(names) - 0.4, -0.6)


def numbers(axis: Axis, text: Callable[[float], str] = fmt.number, most: int = 6) -> None:
    """Write an axis in plain numbers, few enough not to touch."""
    axis.set_major_locator(MaxNLocator(nbins=most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))


def money(axis: Axis) -> None:
    """Write an axis in dollars: short where that is exact, else to the dollar or the cent."""
    axis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=3))

    def text(value: float, _: object = None) -> str:
        marks = [float(f"{mark:.9g}") for mark in axis.get_majorticklocs()]
        if not all(mark.is_integer() for mark in marks):
            return f"{'-' if value < 0 else ''}${abs(value):,.2f}"
        is_short = all(float(f"{mark:.3g}") == mark for mark in marks)
        return fmt.short_dollars(value) if is_short else fmt.dollars(value)

    axis.set_major_formatter(FuncFormatter(text))


def counts(axis: Axis) -> None:
    """Write an axis in whole numbers."""
    axis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def ends(values: Iterable[Interval]) -> tuple[Floats, Floats, Floats]:
    """Return the best estimates and the ends of their ranges, as arrays."""
    mid, low, high = np.array([(item.mid, item.low, item.high) for item in values]).T
    return mid, low, high


def between(least: float, most: float) -> str:
    """Return a range as "0.1-0.3", or one number where both ends look the same."""
    return fmt.ends(Interval(low=least, mid=least, high=most)) or fmt.number(least)
