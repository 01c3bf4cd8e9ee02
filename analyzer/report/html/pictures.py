"""Charts as they stand in the page: drawn once, by whoever writes the files."""

from __future__ import annotations

import base64
import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from analyzer.units import Refusal

__all__ = ["Picture", "Shown", "missing", "shown"]

_DOTS_PER_PIXEL = 2
"""Charts have twice the dots that a screen of 100 dots an inch shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A chart that was drawn.

    Attributes:
        png: the file.
        description: what it shows, for whoever cannot see it.
    """

    png: bytes
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A chart as the page has it.

    Attributes:
        name: of its file, without the ending.
        title: the same in words.
        uri: the picture itself.
        figures: anchor of the table that has the same figures; "" where there is none.
        description: what it shows.
        width_pixels: at which it is sharp.
        height_pixels: likewise.
    """

    name: str
    title: str
    uri: str
    figures: str
    description: str
    width_pixels: int
    height_pixels: int


def shown(charts: Mapping[str, Picture | Refusal], anchors: Collection[str]) -> Iterator[Shown]:
    """Return the charts that were drawn; a chart's figures are in the table of its name."""
    for name, chart in charts.items():
        if isinstance(chart, Refusal):
            continue
        # A PNG begins with its size: eight bytes of signature, eight of the chunk's head.
        width, height = struct.unpack(">II", chart.png[16:24])
        yield Shown(
            name=name,
            title=titled(name),
            uri=f"data:image/png;base64,{base64.b64encode(chart.png).decode()}",
            figures=name if name in anchors else "",
            description=chart.description,
            width_pixels=width // _DOTS_PER_PIXEL,
            height_pixels=height // _DOTS_PER_PIXEL,
        )


def missing(charts: Mapping[str, Picture | Refusal]) -> tuple[str, ...]:
    """Return why the other charts were not drawn."""
    return tuple(str(chart) for chart in charts.values() if isinstance(chart, Refusal))


def titled(name: str) -> str:
    """Return a chart's name in words.

    >>> titled("l7_share")
    'L7 share'
    """
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
