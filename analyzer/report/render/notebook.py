"""Pieces of HTML that a notebook shows: sentences and tables, every text shown as it is."""

import html
from typing import Final

from analyzer.report.escapes import inert
from analyzer.report.spacing import unbroken
from analyzer.report.table import Table, View

_MAX_ROWS: Final = 15  # all of them are in the data frames


def paragraphs_html(*texts: str | None) -> str:
    """Return sentences as HTML; None is left out."""
    return "".join(f"<p>{_escaped(text)}</p>" for text in texts if text)


def table_html(table: Table) -> str:
    """Return a table as HTML, its first rows only."""
    titles = [_escaped(head.title) for head in table.heads(View.NOTEBOOK)]
    lines = ["<table>", f"<caption>{html.escape(table.captions[View.NOTEBOOK])}</caption>"]
    lines += ["<thead><tr>", *(f'<th scope="col">{title}</th>' for title in titles)]
    lines += ["</tr></thead>", "<tbody>"]
    for row in table.texts_in(View.NOTEBOOK, _MAX_ROWS):
        lines.append(f"<tr>{''.join(f'<td>{_escaped(text)}</td>' for text in row)}</tr>")
    surplus = table.surplus(_MAX_ROWS)
    if surplus:
        lines.append(f'<tr><td colspan="{len(titles)}">and {surplus:,} more</td></tr>')
    return "\n".join([*lines, "</tbody>", "</table>"])


def _escaped(text: str) -> str:
    return html.escape(unbroken(inert(text)))
