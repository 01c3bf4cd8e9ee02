"""Pieces of HTML that a notebook shows: sentences and tables, every text shown as it is."""

import html
from typing import Final

from analyzer.report import format as fmt
from analyzer.report.table import Table, View, in_line

_MAX_ROWS: Final = 15
"""Rows shown; all of them are in the data frames."""


def paragraphs_html(*texts: str | None) -> str:
    """Return sentences as HTML; None is left out."""
    return "".join(f"<p>{html.escape(fmt.inert(text))}</p>" for text in texts if text)


def table_html(table: Table) -> str:
    """Return a table as HTML, its first rows only."""
    heads = table.heads(View.NOTEBOOK)
    lines = ["<table>", f"<caption>{html.escape(table.captions[View.NOTEBOOK])}</caption>"]
    titles = (f'<th scope="col">{html.escape(fmt.inert(head.title))}</th>' for head in heads)
    lines += ["<thead><tr>", *titles, "</tr></thead>", "<tbody>"]
    for row in table.rows_in(View.NOTEBOOK, _MAX_ROWS):
        cells = (html.escape(fmt.inert(text)) for text in map(in_line, row, heads))
        lines.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    surplus = table.surplus(_MAX_ROWS)
    if surplus:
        lines.append(f'<tr><td colspan="{len(heads)}">and {surplus:,} more</td></tr>')
    return "\n".join([*lines, "</tbody>", "</table>"])
