"""What all charts share: size, colours, titles, and how a figure becomes bytes."""

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from analyzer.defaults import CHART_DPI, CHART_FORMATS
from analyzer.projection.components import COMPONENTS
from analyzer.report.spacing import unbroken
from analyzer.units import Reason, Refusal

BETWEEN_ZONES: Final = "traffic between zones"

COLOURS = {
    **{role.value: kind.colour for role, kind in COMPONENTS.items()},
    "memory": "#cc79a7",
    BETWEEN_ZONES: "#56b4e9",
    "fit": "#d55e00",
}
"""Of Okabe and Ito's palette: colour-blind readers can distinguish them, and so can grey prints."""

HATCHES: Final[Mapping[str, str]] = {
    **{role.value: kind.hatch for role, kind in COMPONENTS.items()},
    "memory": "xxxx",
    BETWEEN_ZONES: "\\\\\\\\",
}
"""One for each component: a chart can be read without colours."""

BAR: Final[Mapping[str, Any]] = {"edgecolor": "white", "lw": 0}
"""The look of every bar with a hatch: white lines inside, and none around."""

INK = "#222222"
MUTED = "#6b6b6b"
ALARM = "#a31515"

POST: Final = "Solo.io post"
"""The post of 2025-07-10, which the report's first page introduces by its full name."""

DPI: Final = CHART_DPI
FORMATS: Final = CHART_FORMATS

_UNDATED: Mapping[str, Mapping[str, Any]] = {
    # Without these, the time or the version of matplotlib would be part of the file.
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

_PACKING: Final[Mapping[str, Mapping[str, Any]]] = {"png": {"pil_kwargs": {"compress_level": 3}}}
"""Pictures of flat colours are as small as by the usual level, in two thirds of its time."""

NOT_PRICED: Final = "Ambient could not be priced: see the refusals."
"""Why a chart that shows only ambient is missing."""

_TITLE: Final = FontProperties(size=12, weight="bold")
_DETAIL: Final = FontProperties(size=9)
_POINTS_PER_INCH: Final = 72
_FULL: Final = 0.97
"""How much of a picture's width a line of text may take."""

_STEP: Final = 0.96
"""How much narrower each try to even out broken lines is."""

_LINE_POINTS: Final = 13


class ShownFigure(Figure):
    """A figure that a notebook shows by itself; without pyplot nothing else would.

    Attributes:
        description: what it shows, for readers who cannot see it.
        reading: how to read it: what its marks are.
    """

    description = ""
    reading = ""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the picture, and the size in pixels at which its dots are doubled."""
        width, height = (round(inches * DPI / 2) for inches in self.get_size_inches())
        return figure_bytes(self), {"width": width, "height": height}


def new_figure(width_inches: float = 8.0, height_inches: float = 4.5) -> tuple[ShownFigure, Axes]:
    """Return an empty figure with one set of axes."""
    figure = ShownFigure(figsize=(width_inches, height_inches), layout="constrained")
    return figure, plain(figure.subplots())


def plain(axes: Axes) -> Axes:
    """Return the axes without the lines at their top and right."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    return axes


def titled(
    figure: ShownFigure, finding: str, detail: str, *, reading: str, warning: str = ""
) -> ShownFigure:
    """Write a finding, with its line breaks, above a drawn figure, and a detail below the finding.

    A `warning` follows in a colour of its own. `reading` is not drawn: it is for the text beside
    the picture.
    """
    sentences = (" ".join(finding.split()), *detail.splitlines(), warning)
    figure.description = " ".join(f"{item}." for item in sentences if item)
    figure.reading = reading
    points = _FULL * _POINTS_PER_INCH * figure.get_figwidth()
    title = _wrapped(finding, _TITLE, points)
    small = [(line, MUTED) for line in _wrapped(detail, _DETAIL, points)]
    small += [(line, ALARM) for line in _wrapped(warning, _DETAIL, points)]
    above = figure.suptitle(
        "\n".join([*title, *("" for _ in small)]),
        x=0.01,
        ha="left",
        fontproperties=_TITLE,
        color=INK,
    )
    for place, (line, colour) in enumerate(reversed(small)):
        # Over the empty lines of the title.
        note = figure.axes[0].annotate(
            line,
            (0, 0),
            xycoords=above,
            xytext=(0, 1 + place * _LINE_POINTS),
            textcoords="offset points",
            fontproperties=_DETAIL,
            color=colour,
            annotation_clip=False,
        )
        note.set_in_layout(False)
    for text in figure.findobj(Text):
        if isinstance(text, Text):
            # Text between two dollar signs would otherwise be a formula.
            text.set_parse_math(False)
            text.set_text(unbroken(text.get_text()))
    return figure


def _wrapped(text: str, font: FontProperties, points: float) -> list[str]:
    """Return a text's lines, those that are wider than so many points broken evenly."""
    lines: list[str] = []
    for paragraph in unbroken(text).splitlines():
        broken = _broken(paragraph, font, points)
        narrower = points
        # Greedy breaks would leave a single word in the last line.
        while len(even := _broken(paragraph, font, narrower * _STEP)) == len(broken) > 1:
            broken, narrower = even, narrower * _STEP
        lines += broken
    return lines


def _broken(paragraph: str, font: FontProperties, points: float) -> list[str]:
    space = _width("x x", font) - 2 * _width("x", font)
    first, *others = paragraph.split(" ")
    lines, line, width = [], first, _width(first, font)
    for word in others:
        longer = width + space + _width(word, font)
        if longer > points:
            lines.append(line)
            line, width = word, _width(word, font)
        else:
            line, width = f"{line} {word}", longer
    return [*lines, line]


@lru_cache(maxsize=4096)
def _width(word: str, font: FontProperties) -> float:
    """Return how wide a word is, in points; words return in every line that is tried."""
    width, _, _ = text_to_path.get_text_width_height_descent(word, font, ismath=False)
    return float(width)


def nothing_to_draw(chart: str, detail: str) -> Refusal:
    """Return why there is no such chart."""
    return Refusal(subject=f"chart {chart}", reason=Reason.NO_DATA, detail=detail)


def figure_bytes(figure: Figure, file_format: str = "png", *, dpi: int = DPI) -> bytes:
    """Return the figure as a file of one of `FORMATS`; the same figure gives the same bytes.

    Only PNG has dots: the other formats are vectors.
    """
    out = io.BytesIO()
    metadata, packing = _UNDATED[file_format], _PACKING.get(file_format, {})
    # Without a salt, the names of a drawing's parts are random.
    with mpl.rc_context({"svg.hashsalt": "istio-usage"}):
        if file_format != "png":
            figure.savefig(out, format=file_format, dpi=dpi, metadata=metadata, **packing)
            return out.getvalue()
        before = figure.dpi
        figure.dpi = dpi
        try:
            # Figure.savefig draws twice where there is a layout, the first time only for that.
            canvas = FigureCanvasAgg(figure)
            canvas.print_png(out, metadata=metadata, **packing)  # type: ignore[no-untyped-call]
        finally:
            figure.dpi = before
    return out.getvalue()
