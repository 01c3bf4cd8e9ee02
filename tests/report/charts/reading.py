"""What a reader must be able to do with any chart: read all its texts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from analyzer.report.spacing import NO_BREAK

__all__ = ["assert_readable", "detail", "details", "labels", "legend", "notes", "text_of", "title"]


def labels(axes: Axes) -> list[str]:
    """Return the names at the left of the rows, from the first on."""
    return [label.get_text() for label in axes.get_yticklabels()]


def assert_readable(figure: Figure) -> None:
    """Fail where a text is set as a formula, leaves the figure, or lies on another one."""
    figure.draw_without_rendering()
    for text in figure.findobj(Text):
        assert text.get_text().count("$") < 2 or not text.get_parse_math(), text.get_text()
    texts = [text for text in _texts(figure) if text.get_text().strip() and text.get_visible()]
    boxes = [(text.get_text(), _box(text)) for text in texts]
    for name, box in boxes:
        assert box.x0 >= 0, name
        assert box.x1 <= figure.bbox.width, name
        assert box.y0 >= 0, name
        assert box.y1 <= figure.bbox.height, name
    for (one, first), (other, second) in itertools.combinations(boxes, 2):
        assert not first.overlaps(second), f"{one!r} lies on {other!r}"


def _texts(figure: Figure) -> Iterator[Text]:
    for axes in figure.axes:
        yield from (axes.title, axes._left_title, axes._right_title)  # type: ignore[attr-defined]
        yield from (axes.xaxis.label, axes.yaxis.label)
        yield from axes.texts
        for axis in (axes.xaxis, axes.yaxis):
            # Ticks beyond the limits are there, and are not drawn.
            ends = axis.get_view_interval()
            for tick in axis.get_major_ticks():
                if min(ends) <= tick.get_loc() <= max(ends):
                    yield tick.label1
    for legend in figure.legends:
        yield from legend.get_texts()
    yield from figure.texts


def _box(text: Text) -> Bbox:
    # Of a note, without the line that leads to what it is about.
    box = Text.get_window_extent(text)
    whole = text.get_text()
    if not whole.endswith("\n"):
        return box
    # The title ends with empty lines, in which the details are.
    empty = len(whole) - len(whole.rstrip("\n"))
    line = box.height / (whole.count("\n") + 1)
    return Bbox.from_extents(box.x0, box.y0 + empty * line, box.x1, box.y1)


def text_of(text: Text) -> str:
    """Return a text with plain spaces."""
    return text.get_text().replace(NO_BREAK, " ")


def title(axes: Axes) -> str:
    """Return the lines of the finding above a chart."""
    figure = axes.figure
    assert isinstance(figure, Figure)
    return figure.get_suptitle().replace(NO_BREAK, " ").rstrip("\n")


def details(axes: Axes) -> list[str]:
    """Return the smaller lines between the finding and the axes: detail, then warning."""
    notes = [item for item in axes.texts if isinstance(getattr(item, "xycoords", None), Text)]
    return [text_of(item) for item in reversed(notes)]


def detail(axes: Axes) -> str:
    """Return the smaller lines as one text."""
    return " ".join(details(axes))


def legend(figure: Figure) -> list[str]:
    return [text_of(text) for text in figure.legends[0].get_texts()]


def notes(axes: Axes) -> list[Text]:
    """Return the texts inside the axes, without the details above them."""
    return [item for item in axes.texts if not isinstance(getattr(item, "xycoords", None), Text)]
