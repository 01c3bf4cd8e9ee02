"""What all charts share: size, colours, words, and how a figure becomes bytes."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from analyzer.defaults import CHART_DPI, CHART_FORMATS
from analyzer.projection.components import COMPONENTS
from analyzer.report.words import shortened
from analyzer.units import Reason, Refusal

__all__ = [
    "COLOURS",
    "DPI",
    "FAINT",
    "FORMATS",
    "INK",
    "MUTED",
    "described",
    "figure_bytes",
    "new_figure",
    "nothing_to_draw",
    "shortened",
    "titled",
    "written",
]

COLOURS = {
    **{role.value: kind.colour for role, kind in COMPONENTS.items()},
    "memory": "#cc79a7",
    "fit": "#d55e00",
}
"""Of Okabe and Ito's palette: told apart by colour-blind readers, and in grey by lightness."""

INK = "#222222"
MUTED = "#6b6b6b"
FAINT = "#d0d0d0"

DPI: Final = CHART_DPI
FORMATS: Final = CHART_FORMATS

_UNDATED: Mapping[str, Mapping[str, Any]] = {
    # Without these, the time or the version of matplotlib would be part of the file.
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

_TITLE_WIDTH = 76
"""Letters of a title that fit above eight inches of axes."""


class _ShownFigure(Figure):
    """A figure that a notebook shows by itself; without pyplot nothing else would."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the picture, and the size in pixels at which its dots are doubled."""
        width, height = (round(inches * DPI / 2) for inches in self.get_size_inches())
        return figure_bytes(self), {"width": width, "height": height}


def new_figure(width_inches: float = 8.0, height_inches: float = 4.5) -> tuple[Figure, Axes]:
    """Return an empty figure with one set of axes."""
    figure = _ShownFigure(figsize=(width_inches, height_inches), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    return figure, axes


def titled(axes: Axes, finding: str, detail: str) -> None:
    """Write the finding above the axes, and a smaller line under it."""
    lines = [textwrap.fill(line, _TITLE_WIDTH) for line in finding.splitlines()]
    whole = "\n".join([*lines, ""])
    written(axes.set_title(whole, loc="left", fontsize=12, fontweight="bold", color=INK))
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
    written(line)


def written(text: Text) -> None:
    """Show a text as it is: what is between two dollar signs would otherwise be a formula."""
    text.set_parse_math(False)


def nothing_to_draw(chart: str, detail: str) -> Refusal:
    """Return why there is no such chart."""
    return Refusal(subject=f"chart {chart}", reason=Reason.NO_DATA, detail=detail)


def described(figure: Figure) -> str:
    """Return what a chart shows, for whoever cannot see it: its title and the line under it."""
    axes = figure.axes[0]
    title = " ".join(axes.get_title(loc="left").split())
    return f"{title}. {axes.texts[-1].get_text()}"


def figure_bytes(figure: Figure, file_format: str = "png", *, dpi: int = DPI) -> bytes:
    """Return the figure as a file; the same figure gives the same bytes.

    Args:
        figure: to be drawn.
        file_format: one of `FORMATS`.
        dpi: dots an inch, of PNG; the others are drawn in lines.
    """
    out = io.BytesIO()
    # Without a salt, the names of a drawing's parts are random.
    with mpl.rc_context({"svg.hashsalt": "istio-usage"}):
        figure.savefig(out, format=file_format, dpi=dpi, metadata=_UNDATED[file_format])
    return out.getvalue()
