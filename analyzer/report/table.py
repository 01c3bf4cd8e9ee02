"""Tables as every renderer takes them: values and words in cells, nothing laid out yet.

A table is defined once, with all columns that any reader gets to see. Each column states the views
that show it, and what it is called there: a terminal has room for other columns than a page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from enum import StrEnum
from typing import Final, Generic, TypeVar

from analyzer.report import format as fmt
from analyzer.units import Interval

Item = TypeVar("Item")

NOT_KNOWN: Final = "not known"


class View(StrEnum):
    """What a reader has room for; a renderer shows one of them."""

    TERMINAL = "terminal"
    NARROW = "narrow"
    """A terminal on which the columns of `TERMINAL` do not fit."""
    TEXT = "text"
    """Plain text of any width: Markdown and its like."""
    PAGE = "page"
    NOTEBOOK = "notebook"


class Unit(StrEnum):
    """How an amount is written."""

    NUMBER = "number"
    COUNT = "count"
    USD = "usd"
    PERCENT = "percent"
    WHOLE_PERCENT = "whole percent"


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head in one view.

    Attributes:
        title: lines of it.
        best_only: whether ranges are left out.
        absent: what stands for an amount that is not known.
    """

    title: str
    best_only: bool = False
    absent: str = NOT_KNOWN


@dataclass(frozen=True, slots=True)
class Words:
    """A cell of words.

    Attributes:
        detail: a remark, smaller, where there is room for it.
        link: where the text leads; "" where it is no address.
        folded: what a reader may unfold below the text.
        severity: of the finding that the text names; "" for any other text.
    """

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
    """A cell of one quantity; the column says of what.

    Attributes:
        value: NaN and None where it is not known.
        absent: what is said in place of it in every view; None: what the column's head says.
        is_gain: whether a value above zero is good news and one below is bad.
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
Row = tuple[Cell, ...]
"""A row of cells; the first one that a view shows names the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: the views that show it, each with its head there.

    Attributes:
        is_text: whether its cells are sentences, which stand to the left.
    """

    heads: Mapping[View, Head]
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        anchor: its name in the page's address.
        captions: what it shows, in the views that have captions.
        notes: what stands under it, by view.
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

    def surplus(self, limit: int) -> int:
        """Return how many rows there are beyond a limit."""
        return max(len(self.rows) - limit, 0)


class Listing(Generic[Item]):
    """A table in the making: a row an item, and columns added from left to right."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = tuple(items)
        self._columns: list[tuple[Column, Callable[[Item], Cell]]] = []

    def column(self, cell: Callable[[Item], Cell], **titles: str | Head | None) -> None:
        """Add a column of names or amounts.

        Args:
            cell: what stands in it, of the item that a row is about.
            titles: by the views that show it (the values of `View`): its title, or all its head;
                None: that view does not show it.
        """
        heads = {
            View(view): Head(title) if isinstance(title, str) else title
            for view, title in titles.items()
            if title is not None
        }
        self._columns.append((Column(heads=heads), cell))

    def text_column(self, cell: Callable[[Item], Cell], **titles: str | Head | None) -> None:
        """Add a column of sentences, which stand to the left; arguments as `column`."""
        self.column(cell, **titles)
        column, _ = self._columns.pop()
        self._columns.append((replace(column, is_text=True), cell))

    @property
    def filled(self) -> tuple[tuple[Column, ...], tuple[Row, ...]]:
        """The columns, and a row an item."""
        columns = tuple(column for column, _ in self._columns)
        return columns, tuple(
            tuple(cell(item) for _, cell in self._columns) for item in self._items
        )


def in_line(cell: Cell, head: Head) -> str:
    """Return a cell as text of one line, a range in brackets after its best estimate."""
    if isinstance(cell, Words):
        return cell.text
    value = cell.interval
    if value is None:
        return head.absent if cell.absent is None else cell.absent
    if cell.unit == Unit.COUNT:
        return fmt.count(value.mid)
    if cell.unit == Unit.USD:
        return fmt.usd(Interval.exactly(value.mid) if head.best_only else value)
    if cell.unit in (Unit.PERCENT, Unit.WHOLE_PERCENT):
        return f"{round(value.mid)} %" if head.best_only else fmt.percent(value)
    return fmt.number(value.mid) if head.best_only else fmt.ranged(value)
