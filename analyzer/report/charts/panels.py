"""What charts of several panels or many rows share: a second panel, a legend, axes of units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analyzer.projection.components import COMPONENTS
from analyzer.report.charts.style import INK, shortened, written
from analyzer.report.words import number, short_dollars

__all__ = [
    "HATCHES",
    "counts",
    "drawable",
    "legend_below",
    "numbers",
    "panel_below",
    "panel_beside",
    "rows_named",
    "short_usd",
]

HATCHES: Final[Mapping[str, str]] = {
    **{role.value: kind.hatch for role, kind in COMPONENTS.items()},
    "memory": "xxxx",
}
"""Told apart without any colour."""


def panel_below(figure: Figure, axes: Axes, heights: tuple[float, float]) -> Axes:
    """Add a panel under the axes; the heights are in proportion."""
    grid = figure.add_gridspec(2, 1, height_ratios=heights)
    axes.set_subplotspec(grid[0, 0])
    return _plain(figure.add_subplot(grid[1, 0]))


def panel_beside(figure: Figure, axes: Axes, widths: tuple[float, float]) -> Axes:
    """Add a panel at the right of the axes, with the same vertical axis."""
    grid = figure.add_gridspec(1, 2, width_ratios=widths)
    axes.set_subplotspec(grid[0, 0])
    return _plain(figure.add_subplot(grid[0, 1], sharey=axes))


def _plain(axes: Axes) -> Axes:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    return axes


def drawable(name: str, width: int = 28) -> str:
    """Return a name that fits, without letters that the font does not have."""
    font = get_font(findfont(FontProperties()))
    # A letter that is not there would be a warning, and an empty box.
    return "".join(
        letter if font.get_char_index(ord(letter)) else "�" for letter in shortened(name, width)
    )


def legend_below(figure: Figure, *panels: Axes, columns: int = 4) -> None:
    """Name what the panels show, each once, outside of them, where the legend hides nothing."""
    named: dict[str, Artist] = {}
    for axes in panels:
        handles, names = axes.get_legend_handles_labels()
        for name, handle in zip(names, handles, strict=True):
            named.setdefault(name, handle)
    legend = figure.legend(
        list(named.values()),
        list(named),
        loc="outside lower center",
        ncols=min(len(named), columns),
        frameon=False,
        fontsize=9,
    )
    for text in legend.get_texts():
        written(text)


def numbers(axis: Axis) -> None:
    """Write an axis in plain numbers, few enough not to touch."""
    axis.set_major_locator(MaxNLocator(nbins=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def rows_named(axes: Axes, names: Sequence[str], fontsize: float = 9) -> None:
    """Name the rows at the left, the first at the top."""
    for tick in axes.set_yticks(range(len(names)), names):
        for label in (tick.label1, tick.label2):
            label.set_fontsize(fontsize)
            written(label)
    axes.set_ylim(len(names) - 0.4, -0.6)


def counts(axis: Axis) -> None:
    """Write an axis in whole numbers."""
    axis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def short_usd(axis: Axis) -> None:
    """Write an axis in dollars of three digits."""
    axis.set_major_locator(MaxNLocator(nbins=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_dollars(value)))
