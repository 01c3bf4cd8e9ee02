"""How text and tables are laid out on a terminal, the same for every kind of answer.

Colours are few and none is white, yellow or faint: each must be read on light and on dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from analyzer.report.words import inert, shortened
from analyzer.units import Interval

__all__ = [
    "MAX_REMARKS",
    "console_on",
    "list_on",
    "named_table",
    "natural_width",
    "over_range",
    "plain_table",
    "room_for_names",
    "trimmed",
]

MAX_REMARKS = 8
"""Lines of each list of remarks; the rest is in the other formats."""

_GAP = 2
"""Blanks between two columns."""

_MIN_NAME = 8
"""Letters of a name at least; on a terminal too narrow for them, cells are folded."""

_ANY_WIDTH = 10_000


def console_on(out: TextIO, *, width: int, colour: bool) -> Console:
    """Return what prints tables to a text."""
    return Console(
        file=out,
        width=width,
        force_terminal=colour,
        # In a notebook rich would show the text itself and return none of it.
        force_jupyter=False,
        no_color=not colour,
        highlight=False,
    )


def trimmed(text: str) -> str:
    """Return text without the spaces at the ends of its lines.

    Rich pads rows to the width; a pipe or a README has no use for that.
    """
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def list_on(console: Console, title: str, lines: Iterable[str]) -> None:
    """Print remarks under a title; nothing where there are none."""
    lines = list(lines)
    if not lines:
        return
    console.print()
    console.print(Text(title, style="bold"))
    if len(lines) > MAX_REMARKS:
        more = f"and {len(lines) - MAX_REMARKS} more: see --format json"
        lines = [*lines[:MAX_REMARKS], more]
    for line in lines:
        console.print(Text(f"- {inert(line)}"))


def plain_table(first: str, *others: str) -> Table:
    """Return a table without lines: it reads the same on a terminal, in a pipe and in a README."""
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(first, overflow="fold")
    for header in others:
        table.add_column(header, justify="right", overflow="fold")
    return table


def named_table(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Table:
    """Return a table whose first column is names from outside, shortened to what room there is."""
    table = plain_table(*headers)
    room = max(room_for_names(headers, rows, width), _MIN_NAME, cell_len(headers[0]))
    for name, *cells in rows:
        table.add_row(Text(_within(name, room)), *(Text(inert(cell)) for cell in cells))
    return table


def room_for_names(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> int:
    """Return how wide the first column may be if the others are not folded."""
    columns = zip(headers, *rows, strict=True)
    next(columns)
    return width - sum(
        _GAP + max(cell_len(line) for cell in column for line in cell.split("\n"))
        for column in columns
    )


def _within(name: str, room: int) -> str:
    """Return a name that takes no more than this many columns: some letters take two."""
    letters = room
    while cell_len(shortened(name, letters)) > room:
        letters -= 1
    return shortened(name, letters)


def natural_width(console: Console, table: RenderableType) -> int:
    """Return how wide a table is where nothing in it has to be folded."""
    options = console.options.update(width=_ANY_WIDTH)
    return Measurement.get(console, options, table).maximum


def over_range(
    value: Interval, show: Callable[[float], str], show_end: Callable[[float], str]
) -> str:
    """Return the mid above its range, so that a row fits 80 columns."""
    if value.low == value.high:
        return show(value.mid)
    return f"{show(value.mid)}\n[{show_end(value.low)}-{show_end(value.high)}]"
