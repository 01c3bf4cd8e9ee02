"""A report as one HTML page that needs nothing else: no network, no script, no other file."""

import base64
import hashlib
import re
import struct
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

import analyzer
from analyzer.report.blocks import Picture, Report
from analyzer.report.spacing import unbroken
from analyzer.report.table import Cell, Head, Table, View, Words, in_two

_MAX_ROWS: Final = 50  # of a table; the others are in the file that the table names
_FOLDED_FROM: Final = 12  # a table with more rows is folded until a reader opens it
_NEVER_FOLDED: Final = frozenset({"cost", "findings"})
_DOTS_PER_PIXEL: Final = 2  # of charts, whose size is for a screen of 100 dots an inch


def render(report: Report) -> str:
    """Return a report as one page; the same report gives the same text."""
    style = (resources.files(__package__) / "templates" / "style.css").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            style=Markup(style),  # noqa: S704 - our own file, which the page's hash is of
            # What the content security policy knows the style by.
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            version=analyzer.__version__,
            report=report,
            sections=[section for section in report.sections if section.shown_in(View.PAGE)],
            page=View.PAGE,
        )
    )


def _grid(table: Table) -> dict[str, object]:
    """Return a table as the template takes it: the columns and cells of the page, all in words."""
    heads = table.heads(View.PAGE)
    surplus = table.surplus(_MAX_ROWS)
    more = f"And {surplus:,} more: see {table.file}." if surplus else ""
    return {
        "is_folded": len(table.rows) > _FOLDED_FROM and table.anchor not in _NEVER_FOLDED,
        "columns": list(zip(table.columns_in(View.PAGE), heads, strict=True)),
        "rows": [list(map(_words, row, heads)) for row in table.rows_in(View.PAGE, _MAX_ROWS)],
        "note": " ".join(filter(None, (table.notes.get(View.PAGE, ""), more))),
    }


def _words(cell: Cell, head: Head | None = None) -> Words:
    """Return a cell in words: of an amount the best estimate, with its range below it."""
    if isinstance(cell, Words):
        return cell
    mid, ends = in_two(cell, head or Head(""))
    return Words(mid, detail=ends)


def _pixels(picture: Picture) -> tuple[int, int]:
    # A PNG begins with its size: eight bytes of signature, eight of the chunk's head.
    width, height = struct.unpack(">II", picture.png[16:24])
    return width // _DOTS_PER_PIXEL, height // _DOTS_PER_PIXEL


def _breakable(text: str, is_exact: bool) -> Markup:  # noqa: FBT001 - a filter of the template
    """Return a name that may be broken after what divides its parts; `is_exact`: from outside."""
    name = _visible(text) if is_exact else unbroken(_visible(text))
    return Markup("<wbr>").join(re.split(r"(?<=[_/.-])(?=.)", name))


def _exact(text: str) -> Markup:
    """Return text as it is, for names and code: only what a browser must not obey is replaced."""
    return escape(_visible(text))


def _prose(value: object) -> object:
    r"""Return text as a browser may show it, unbroken between a number and its unit.

    >>> _prose("5 % of a\u202eb\tc")
    '5\xa0% of a�b c'
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return unbroken(_visible(value))


def _visible(text: str) -> str:
    """Return text without letters that would reverse it or cannot be seen."""

    def shown(letter: str) -> str:
        if letter.isprintable() or letter == "\n":
            return letter
        return " " if letter.isspace() else "�"

    if text.isprintable():
        return text
    return "".join(map(shown, text))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        finalize=_prose,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        # Pictures are most of a page, and hold nothing that a browser would obey.
        "base64": lambda content: Markup(base64.b64encode(content).decode()),  # noqa: S704
        "breakable": _breakable,
        "exact": _exact,
        "grid": _grid,
        "has_range": lambda cells: any(_words(cell).detail for cell in cells),
        # The name of the macro that shows a block's content.
        "kind": lambda content: type(content).__name__.lower(),
        "pixels": _pixels,
        "words": _words,
    }
    return environment
