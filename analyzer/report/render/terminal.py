"""A report as text for a terminal.

Colours are few and none is white, yellow or faint: each must be read on light and on dark.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from analyzer.report import format as fmt
from analyzer.report.blocks import Block, Paragraphs, Points, Report, blocks_in
from analyzer.report.escapes import colour_wanted, inert
from analyzer.report.table import Amount, Cell, Head, Table, Unit, View, in_line, in_two

MAX_ROWS: Final = 20  # of a table that has one for each name; the rest is in the other formats
MAX_REMARKS: Final = 10  # lines of each list of remarks
_ROOM_FOR_NAMES: Final = 24  # letters of a name below which a table's other columns make way for it
_MIN_NAME: Final = 8  # letters of a name; on a terminal too narrow for them, cells are folded
_GAP: Final = 2  # blanks between two columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What a report is shown on: its width in columns, and whether escape codes are welcome."""

    width: int = 80
    colour: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Screen:
        """Return the terminal, or what is taken for one where there is none."""
        return cls(width=shutil.get_terminal_size((80, 24)).columns, colour=colour_wanted(stream))


def render(report: Report, screen: Screen | None = None) -> str:
    """Return a report as text that fits a terminal."""
    screen = screen or Screen()
    out = io.StringIO()
    console = Console(
        file=out,
        width=screen.width,
        force_terminal=screen.colour,
        # In a notebook rich would show the text itself and return none of it.
        force_jupyter=False,
        no_color=not screen.colour,
        highlight=False,
    )
    for number, block in enumerate(blocks_in(report, View.TERMINAL)):
        if number:
            console.print()
        _print(console, block)
    # Rich pads rows to the width; a pipe or a README has no use for that.
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _print(console: Console, block: Block) -> None:
    content, heading = block.content, block.headings[View.TERMINAL]
    if heading:
        console.print(Text(heading, style="bold"))
    if isinstance(content, Paragraphs):
        for line in content.items:
            console.print(Text(inert(line.text), style="bold" if line.is_strong else ""))
    elif isinstance(content, Points):
        shown = content.items[:MAX_REMARKS] if heading else content.items
        surplus = len(content.items) - len(shown)
        more = [f"and {surplus} more: see the JSON"] if surplus else []
        # In a grid of two columns the second line of a point is below its first.
        points = RichTable.grid(padding=(0, 1, 0, 0))
        for item in (*shown, *more):
            points.add_row(*(["-"] if heading else []), Text(inert(item)))
        console.print(points)
    elif isinstance(content, Table):
        draw = _named if content.is_named else _figures
        console.print(draw(content, console))
        if View.TERMINAL in content.notes:
            console.print(Text(content.notes[View.TERMINAL]))


def _grid(heads: Sequence[Head], at_left: Collection[int] = (0,)) -> RichTable:
    """Return a table without lines: it reads the same on a terminal, in a pipe and in a README.

    The columns `at_left` are words, the others are figures.
    """
    grid = RichTable(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for number, head in enumerate(heads):
        grid.add_column(
            head.title, justify="left" if number in at_left else "right", overflow="fold"
        )
    return grid


def _figures(table: Table, console: Console) -> RichTable:
    """Return a table of figures; each figure on a line of its own where they do not fit."""
    grid = _in_columns(table, _over_range)
    if not _fits(grid, console):
        grid = _in_columns(table, _over_short_range)
    if _fits(grid, console) or not table.heads(View.NARROW):
        return grid
    return _one_a_line(table)


def _in_columns(table: Table, write: Callable[[Cell, Head], Text]) -> RichTable:
    heads = table.heads(View.TERMINAL)
    columns = table.columns_in(View.TERMINAL)
    grid = _grid(heads, {0, *(at for at, column in enumerate(columns) if column.is_text)})
    for row in table.rows_in(View.TERMINAL):
        grid.add_row(*map(write, row, heads))
    return grid


def _fits(grid: RichTable, console: Console) -> bool:
    options = console.options.update(width=10_000)
    return Measurement.get(console, options, grid).maximum <= console.width


def _one_a_line(table: Table) -> RichTable:
    grid = RichTable(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=False)
    _, *heads = table.heads(View.NARROW)
    for name, *cells in table.rows_in(View.NARROW):
        grid.add_row(Text(in_line(name, heads[0]), style="bold"), "")
        for head, cell in zip(heads, cells, strict=True):
            if text := in_line(cell, head):
                title = head.title.replace("\n", " ")
                grid.add_row(f"  {title}", Text(text, style=_style(cell)))
    return grid


def _over_range(cell: Cell, head: Head) -> Text:
    """Return the best estimate above its range, so that a row fits 80 columns."""
    return _in_two_lines(cell, *in_two(cell, head))


def _over_short_range(cell: Cell, head: Head) -> Text:
    """Return the same with the ends of a range of dollars in three digits."""
    mid, ends = in_two(cell, head)
    if ends and isinstance(cell, Amount) and cell.unit == Unit.USD and cell.interval:
        ends = fmt.short_usd_ends(cell.interval)
    return _in_two_lines(cell, mid, ends)


def _in_two_lines(cell: Cell, mid: str, ends: str) -> Text:
    return Text(f"{mid}\n{ends}" if ends else mid, style=_style(cell))


def _style(cell: Cell) -> str:
    """Return green for what surely is a gain, and red for what surely is none."""
    value = cell.interval if isinstance(cell, Amount) and cell.is_gain else None
    if value is None:
        return ""
    return "green" if value.low > 0 else "red" if value.high < 0 else ""


def _named(table: Table, console: Console) -> RichTable:
    """Return a table whose first column is names from outside, shortened to what room there is."""
    view = View.TERMINAL
    if _room_for_names(_texts(table, view), console.width) < _ROOM_FOR_NAMES:
        view = View.NARROW
    lines = _texts(table, view)
    room = max(_room_for_names(lines, console.width), _MIN_NAME, cell_len(lines[0][0]))
    grid = _grid(table.heads(view))
    for name, *cells in lines[1:]:
        grid.add_row(Text(_within(name, room)), *(Text(inert(cell)) for cell in cells))
    return grid


def _texts(table: Table, view: View) -> list[list[str]]:
    """Return the head and the first rows as text, and how many rows are not among them."""
    titles = [head.title for head in table.heads(view)]
    most = table.limits.get(View.TERMINAL, MAX_ROWS)
    lines = [titles, *table.texts_in(view, most)]
    if table.surplus(most):
        lines.append([f"and {table.surplus(most)} more", *[""] * (len(titles) - 1)])
    return lines


def _room_for_names(lines: Sequence[Sequence[str]], width: int) -> int:
    """Return how wide the first column may be if the others are not folded."""
    _, *columns = zip(*lines, strict=True)
    return width - sum(
        _GAP + max(cell_len(line) for cell in column for line in cell.split("\n"))
        for column in columns
    )


def _within(name: str, room: int) -> str:
    """Return a name that takes no more than this many columns: some letters take two."""
    letters = room
    while cell_len(short := fmt.shortened(name, letters)) > room:
        letters -= 1
    return short
