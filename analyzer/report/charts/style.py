"""What all charts share: size, colours, words, and how a figure becomes bytes."""

import io
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analyzer.arrays import Floats
from analyzer.defaults import CHART_DPI, CHART_FORMATS
from analyzer.projection.components import COMPONENTS
from analyzer.report import format as fmt
from analyzer.units import Interval, Reason, Refusal

COLOURS = {
    **{role.value: kind.colour for role, kind in COMPONENTS.items()},
    "memory": "#cc79a7",
    "fit": "#d55e00",
}
"""Of Okabe and Ito's palette: told apart by colour-blind readers, and in grey by lightness."""

HATCHES: Final[Mapping[str, str]] = {
    **{role.value: kind.hatch for role, kind in COMPONENTS.items()},
    "memory": "xxxx",
}
"""Told apart without any colour."""

BAR: Final[Mapping[str, Any]] = {"edgecolor": "white", "lw": 0}
"""What all bars with a hatch have in common: it is white, and they have no line around them."""

INK = "#222222"
MUTED = "#6b6b6b"

DPI: Final = CHART_DPI
FORMATS: Final = CHART_FORMATS

_UNDATED: Mapping[str, Mapping[str, Any]] = {
    # Without these, the time or the version of matplotlib would be part of the file.
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

NOT_PRICED: Final = "ambient could not be priced: see what cannot be said"
"""Why a chart of ambient alone has nothing to draw."""

_TITLE_WIDTH = 76
"""Letters of a title that fit above eight inches of axes."""


class ShownFigure(Figure):
    """A figure that a notebook shows by itself; without pyplot nothing else would."""

    description = ""
    """What it shows, for whoever cannot see it."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the picture, and the size in pixels at which its dots are doubled."""
        width, height = (round(inches * DPI / 2) for inches in self.get_size_inches())
        return figure_bytes(self), {"width": width, "height": height}


def new_figure(width_inches: float = 8.0, height_inches: float = 4.5) -> tuple[ShownFigure, Axes]:
    """Return an empty figure with one set of axes."""
    figure = ShownFigure(figsize=(width_inches, height_inches), layout="constrained")
    return figure, _plain(figure.subplots())


def titled(figure: ShownFigure, finding: str, detail: str) -> ShownFigure:
    """Write a finding, with its line breaks, above a drawn figure, and in short what it is of."""
    figure.description, axes = f"{' '.join(finding.split())}. {detail}", figure.axes[0]
    lines = [textwrap.fill(line, _TITLE_WIDTH) for line in finding.splitlines()]
    axes.set_title("\n".join([*lines, ""]), loc="left", fontsize=12, fontweight="bold", color=INK)
    # In points, so that it is as far from low axes as from high ones.
    line = axes.annotate(
        detail,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 5),
        textcoords="offset points",
        fontsize=9,
        color=MUTED,
    )
    # It stands in the title's last line; a long one must not narrow the axes.
    line.set_in_layout(False)
    for text in figure.findobj(Text):
        if isinstance(text, Text):
            # What is between two dollar signs would otherwise be a formula.
            text.set_parse_math(False)
    return figure


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


def nothing_to_draw(chart: str, detail: str) -> Refusal:
    """Return why there is no such chart."""
    return Refusal(subject=f"chart {chart}", reason=Reason.NO_DATA, detail=detail)


def figure_bytes(figure: Figure, file_format: str = "png", *, dpi: int = DPI) -> bytes:
    """Return the figure as a file of one of `FORMATS`; the same figure gives the same bytes.

    Only PNG has dots: the others are drawn in lines.
    """
    out = io.BytesIO()
    # Without a salt, the names of a drawing's parts are random.
    with mpl.rc_context({"svg.hashsalt": "istio-usage"}):
        figure.savefig(out, format=file_format, dpi=dpi, metadata=_UNDATED[file_format])
    return out.getvalue()


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
        letter if font.get_char_index(ord(letter)) else "�" for letter in fmt.shortened(name, width)
    )


def legend_below(figure: Figure, *panels: Axes, columns: int = 4) -> None:
    """Name what the panels show, each once, outside of them, where the legend hides nothing."""
    named: dict[str, Artist] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    figure.legend(
        list(named.values()),
        list(named),
        loc="outside lower center",
        ncols=min(len(named), columns),
        frameon=False,
        fontsize=9,
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


def counts(axis: Axis) -> None:
    """Write an axis in whole numbers."""
    axis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def ends(values: Iterable[Interval]) -> tuple[Floats, Floats, Floats]:
    """Return the best estimates and the ends of their ranges, as arrays."""
    mid, low, high = np.array([(item.mid, item.low, item.high) for item in values]).T
    return mid, low, high


def between(least: float, most: float) -> str:
    """Return a range in words, or one number where both ends look the same."""
    return " to ".join(dict.fromkeys((fmt.number(least), fmt.number(most))))
