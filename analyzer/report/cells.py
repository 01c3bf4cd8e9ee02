"""Tables as CSV and as Markdown: whatever comes from labels is made harmless in each cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analyzer.report.words import inert

__all__ = ["csv_text", "escaped", "markdown_table"]

_FORMULA_STARTS = ("=", "+", "-", "@")
"""A spreadsheet takes a text that begins so for a formula, and runs it."""


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table as lines of Markdown."""
    return [
        f"| {' | '.join(header)} |",
        f"|{'---|' * len(header)}",
        *(f"| {' | '.join(map(escaped, row))} |" for row in rows),
    ]


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is."""
    text = inert(text)
    for character in "\\`*_{}[]<>|":
        text = text.replace(character, f"\\{character}")
    return text


def csv_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV; the columns are all keys, in order of appearance."""
    rows = list(rows)
    # In order of appearance; a row without a key has nothing to say there.
    fields = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _guarded(item) for key, item in row.items()} for row in rows)
    return out.getvalue()


def _guarded(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = inert(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
