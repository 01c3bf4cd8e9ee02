"""Tables as the page's template takes them: text in cells, nothing marked up yet."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.report.words import number
from analyzer.units import Interval

__all__ = [
    "MAX_ROWS",
    "NOT_KNOWN",
    "Cell",
    "Column",
    "Row",
    "Table",
    "figure",
    "interval",
    "link",
    "trimmed",
]

MAX_ROWS: Final = 50
"""Rows of a table; the others are in the CSV files."""

NOT_KNOWN: Final = "not known"

_URL = re.compile(r"https://[A-Za-z0-9.-]+(?:/[^\s<>\"']*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's head.

    Attributes:
        is_text: whether its cells are words, which stand to the left.
    """

    title: str
    is_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What stands in one cell.

    Attributes:
        text: the best estimate, or words.
        detail: what is smaller below it: the range, or a remark.
        link: where the text leads; "" where it is no address.
    """

    text: str
    detail: str = ""
    link: str = ""


Row = tuple[Cell, ...]
"""A row of cells; the first one is its head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        anchor: its name in the page's address.
        note: what is told under it.
    """

    anchor: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""


def interval(
    value: Interval | None,
    show: Callable[[float], str] = number,
    *,
    absent: str = NOT_KNOWN,
) -> Cell:
    """Return a best estimate with its range below it, where it has one."""
    if value is None:
        return Cell(text=absent)
    if value.low == value.high:
        return Cell(text=show(value.mid))
    return Cell(text=show(value.mid), detail=f"{show(value.low)} to {show(value.high)}")


def figure(value: float, show: Callable[[float], str] = number) -> Cell:
    """Return a single figure; one that is not known is said to be so."""
    return Cell(text=NOT_KNOWN if math.isnan(value) else show(value))


def link(text: str) -> Cell:
    """Return a source; it leads there only if it is an address and nothing else."""
    return Cell(text=text, link=text if _URL.fullmatch(text) else "")


def trimmed(
    rows: Sequence[tuple[Cell, ...]], file: str
) -> tuple[tuple[tuple[Cell, ...], ...], str]:
    """Return the first rows, and where the others are."""
    surplus = len(rows) - MAX_ROWS
    note = f"And {surplus:,} more: see {file}." if surplus > 0 else ""
    return tuple(rows[:MAX_ROWS]), note
