"""Tables as every renderer takes them: values and words in cells, nothing laid out yet.

A table is defined once, with all columns that any reader gets to see. Each column states the views
that show it, and what it is called there: a terminal has room for other columns than a page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from enum import StrEnum
from typing import Generic, TypeVar

from analyzer.report import format as fmt
from analyzer.units import Interval

Item = TypeVar("Item")


class View(StrEnum):
    """What a reader has room for; a renderer shows one of them."""

    TERMINAL = "terminal"
    NARROW = "narrow"  # a terminal on which the columns of TERMINAL do not fit
    TEXT = "text"  # plain and of any width: Markdown and its like
    PAGE = "page"
    NOTEBOOK = "notebook"


class Unit(StrEnum):
    """How an amount is written."""

    NUMBER = "number"
    COUNT = "count"
    USD = "usd"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head in one view: without ranges if `best_only`; `absent`: of what is unknown."""

    title: str
    best_only: bool = False
    absent: str = "not known"


@dataclass(frozen=True, slots=True)
class Words:
    """A cell of words: with a remark, where they lead, what unfolds below, a finding's severity."""

    text: str
    detail: str = ""
    link: str = ""
    folded: Folded | None = None
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Folded:
    """Names that are shown on demand: how many, the first of them, and where the others are."""

    summary: str
    names: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Amount:
    """A cell of one quantity, NaN or None where it is not known.

    `absent` is its text then in every view, or that of the column's head; if the amount `is_gain`,
    above zero is good news.
    """

    value: Interval | float | None
    unit: Unit = Unit.NUMBER
    absent: str | None = None
    is_gain: bool = False

    @property
    def interval(self) -> Interval | None:
        """The value with its range, exact where it has none; None where it is not known."""
        if self.value is None or isinstance(self.value, Interval):
            return self.value
        return None if math.isnan(self.value) else Interval.exactly(float(self.value))


Cell = Words | Amount

Value = Cell | str | float | Interval | None
"""What a cell is made of."""

Row = tuple[Cell, ...]
"""A row of cells; the first one that a view shows names the row."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head in each view that shows it, and whether sentences are in its cells."""

    heads: Mapping[View, Head]
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `anchor` is its name in the page's address.

    Attributes:
        limits: rows that a view shows, where it is not as many as the view has room for.
        file: where all rows are, if a view shows only the first.
        is_named: whether its first column is names from outside, of any length and number.
    """

    anchor: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    _: KW_ONLY
    captions: Mapping[View, str] = field(default_factory=dict)
    notes: Mapping[View, str] = field(default_factory=dict)
    limits: Mapping[View, int] = field(default_factory=dict)
    file: str = ""
    is_named: bool = False

    def columns_in(self, view: View) -> tuple[Column, ...]:
        """Return the columns that a view shows."""
        return tuple(column for column in self.columns if view in column.heads)

    def heads(self, view: View) -> tuple[Head, ...]:
        """Return the heads of the columns that a view shows."""
        return tuple(column.heads[view] for column in self.columns_in(view))

    def rows_in(self, view: View, limit: int | None = None) -> Iterator[Row]:
        """Return the cells that a view shows, of the first rows only where there is a limit."""
        shown = [at for at, column in enumerate(self.columns) if view in column.heads]
        for row in self.rows[:limit]:
            yield tuple(row[at] for at in shown)

    def texts_in(self, view: View, limit: int | None = None) -> Iterator[list[str]]:
        """Return the same, each cell as text of one line."""
        heads = self.heads(view)
        for row in self.rows_in(view, limit):
            yield list(map(in_line, row, heads))

    def surplus(self, limit: int) -> int:
        """Return how many rows there are beyond a limit."""
        return max(len(self.rows) - limit, 0)


class Listing(Generic[Item]):
    """A table in the making: a row an item, and columns added from left to right."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = tuple(items)
        self._columns: list[Column] = []
        self._cells: list[Callable[[Item], Cell]] = []

    def column(
        self,
        value: Callable[[Item], Value],
        unit: Unit = Unit.NUMBER,
        absent: str | None = None,
        /,
        everywhere: str | Head | None = None,
        **titles: str | Head | None,
    ) -> None:
        """Add a column of names or amounts: the value of the item that a row is about.

        `titles` are by the values of `View`: the column's title there or all its head; a view
        without one, or with None, does not show it.
        """

        def cell(item: Item) -> Cell:
            found = value(item)
            if isinstance(found, Words | Amount):
                return found
            return Words(found) if isinstance(found, str) else Amount(found, unit, absent)

        heads = {
            View(view): Head(title) if isinstance(title, str) else title
            for view, title in (dict.fromkeys(View, everywhere) | titles).items()
            if title is not None
        }
        self._columns.append(Column(heads))
        self._cells.append(cell)

    def text_column(self, value: Callable[[Item], Value], /, **titles: str | Head | None) -> None:
        """Add a column of sentences, aligned to the left; arguments as `column`."""
        self.column(value, **titles)
        self._columns[-1] = replace(self._columns[-1], is_text=True)

    @property
    def filled(self) -> tuple[tuple[Column, ...], tuple[Row, ...]]:
        """The columns, and a row an item."""
        rows = (tuple(cell(item) for cell in self._cells) for item in self._items)
        return tuple(self._columns), tuple(rows)


def in_line(cell: Cell, head: Head) -> str:
    """Return a cell as text of one line, a range in brackets after its best estimate."""
    mid, ends = in_two(cell, head)
    return f"{mid} ({ends})" if ends else mid


def in_two(cell: Cell, head: Head) -> tuple[str, str]:
    """Return a cell as its text or its best estimate, and the ends of its range or ""."""
    if isinstance(cell, Words):
        return cell.text, ""
    value = cell.interval
    if value is None:
        return head.absent if cell.absent is None else cell.absent, ""
    shown = Interval.exactly(value.mid) if head.best_only else value
    if cell.unit == Unit.COUNT:
        return fmt.count(value.mid), ""
    if cell.unit == Unit.PERCENT:
        return fmt.percent_parts(shown)
    write, ends = (fmt.dollars, fmt.usd_ends) if cell.unit == Unit.USD else (fmt.number, fmt.ends)
    return write(value.mid), ends(shown)
