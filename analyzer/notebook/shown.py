"""How results are shown in a notebook: sentences, a table, and charts by name."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analyzer.errors import UsageError
from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.report.words import inert
from analyzer.units import Refusal

__all__ = ["frame_of", "paragraphs_html", "plot", "table_html"]

_ROWS = 15
"""Rows shown; all of them are in the data frames."""


def plot(answer: Answer, name: str) -> Figure | Refusal:
    """Draw a chart, or say why there is nothing to draw.

    Raises:
        UsageError: if there is no chart of that name.
    """
    if name not in CHARTS:
        raise UsageError(f"no chart {name!r}; there are: {', '.join(CHARTS)}")
    return CHARTS[name](answer)


def paragraphs_html(*texts: str | None) -> str:
    """Return sentences as HTML, each shown as it is; None is left out."""
    return "".join(f"<p>{html.escape(inert(text))}</p>" for text in texts if text)


def table_html(header: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """Return a table as HTML, its first rows only, every cell shown as it is."""
    rows = list(rows)
    lines = ["<table>", f"<caption>{html.escape(caption)}</caption>", "<thead><tr>"]
    lines += [f'<th scope="col">{html.escape(inert(cell))}</th>' for cell in header]
    lines += ["</tr></thead>", "<tbody>"]
    for row in rows[:_ROWS]:
        cells = "".join(f"<td>{html.escape(inert(cell))}</td>" for cell in row)
        lines.append(f"<tr>{cells}</tr>")
    if len(rows) > _ROWS:
        more = f"and {len(rows) - _ROWS:,} more"
        lines.append(f'<tr><td colspan="{len(header)}">{more}</td></tr>')
    return "\n".join([*lines, "</tbody>", "</table>"])


def frame_of(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a frame; what a row does not say is missing there."""
    return pd.DataFrame(list(rows))
