"""Pages of answers made by hand, with a picture of a few dots in place of charts."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Final

from analyzer.report.answer import Answer
from analyzer.report.blocks import Picture
from analyzer.units import Reason, Refusal
from tests.report.render.html.reading import Element, read, rows
from tests.report.rendered import as_html


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(width: int, height: int) -> bytes:
    """Return a grey picture of this many dots."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    dots = zlib.compress((b"\x00" + b"\x80" * width) * height)
    parts = (_chunk(b"IHDR", head), _chunk(b"IDAT", dots), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


CHARTS: Final[Mapping[str, Picture | Refusal]] = {
    "cost": Picture(png=png(1600, 900), description="Ambient saves half. In dollars."),
    "wholly_new": Picture(png=png(40, 20), description='What "nobody" <knows>.'),
    "timeline": Refusal(
        subject="chart timeline", reason=Reason.NO_DATA, detail="there is no time in it"
    ),
}


def page_of(answer: Answer) -> str:
    return as_html(answer, CHARTS)


def read_page(answer: Answer) -> Element:
    return read(page_of(answer))


def table_of(page: Element, anchor: str) -> list[list[str]]:
    """Return the texts of the table with this anchor, its head first."""
    return rows(page.one("div", "details", id=anchor).one("table"))


def section_text(page: Element, anchor: str) -> str:
    return page.one("section", id=anchor).text
