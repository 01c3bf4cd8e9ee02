"""Flat rows as CSV: text from labels is made harmless in each cell."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Final

from analyzer.report.blocks import Report
from analyzer.report.escapes import inert

# A spreadsheet takes a text that begins so for a formula, and runs it. Some take the full-width
# letters of East Asian keyboards for these.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


# What divides cells where a comma is the decimal sign, and where the separator is guessed.
_OTHER_SEPARATORS: Final = re.compile(
    rf"(?<=[;|])([\s\"]*)(?=[{re.escape(''.join(_FORMULA_STARTS))}])"
)


def render(report: Report, _: object = None) -> str:
    """Return the main figures of a report as CSV."""
    return csv_text(report.rows)


def csv_text(rows: Iterable[Mapping[str, object]]) -> str:
    """Return rows as CSV; the columns are all keys with a value, in order of appearance."""
    rows = list(rows)
    keys = dict.fromkeys(key for row in rows for key in row)
    columns = [key for key in keys if any(row.get(key) is not None for row in rows)]
    out = io.StringIO()
    # A row without a key has an empty cell there.
    writer = csv.DictWriter(out, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _guarded(item) for key, item in row.items()} for row in rows)
    return out.getvalue()


def _guarded(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = _OTHER_SEPARATORS.sub(r"\1'", inert(value))
    # A quotation mark would hide the start from us, and not from a reader that removes it.
    return f"'{text}" if text.lstrip('" ').startswith(_FORMULA_STARTS) else text
