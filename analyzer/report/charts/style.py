"""What all charts share: size, colours, and how a figure becomes bytes."""

from __future__ import annotations

import io

from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["COLOURS", "INK", "MUTED", "new_figure", "png_bytes", "titled"]

COLOURS = {
    "sidecar": "#0072b2",
    "ztunnel": "#e69f00",
    "waypoint": "#009e73",
    "memory": "#cc79a7",
    "fit": "#d55e00",
}
"""Of Okabe and Ito's palette: told apart by colour-blind readers, and in grey by lightness."""

INK = "#222222"
MUTED = "#6b6b6b"

_DPI = 200


def new_figure(width_inches: float = 8.0, height_inches: float = 4.5) -> tuple[Figure, Axes]:
    """Return an empty figure with one set of axes."""
    figure = Figure(figsize=(width_inches, height_inches), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    return figure, axes


def titled(axes: Axes, finding: str, detail: str) -> None:
    """Write the finding above the axes, and a smaller line under it."""
    # Two dollar signs in one text would otherwise set what is between them as a formula.
    title = axes.set_title(f"{finding}\n", loc="left", fontsize=12, fontweight="bold", color=INK)
    title.set_parse_math(False)
    small = axes.text(0, 1.02, detail, transform=axes.transAxes, fontsize=9, color=MUTED)
    small.set_parse_math(False)


def png_bytes(figure: Figure) -> bytes:
    """Return the figure as PNG; the same figure gives the same bytes."""
    out = io.BytesIO()
    # Without this, the version of matplotlib would be part of the file.
    figure.savefig(out, format="png", dpi=_DPI, metadata={"Software": None})
    return out.getvalue()
