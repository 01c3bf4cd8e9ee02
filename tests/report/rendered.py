"""An answer in each format, laid out anew each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyzer.report import records
from analyzer.report.answer import Answer
from analyzer.report.blocks import Picture
from analyzer.report.document import plain
from analyzer.report.render import csv, html, json, markdown, terminal
from analyzer.report.sections import AnswerReport
from analyzer.units import Refusal


def as_table(answer: Answer, *, width: int = 80, colour: bool = False) -> str:
    screen = terminal.Screen(width=width, colour=colour)
    return terminal.render(AnswerReport(answer=answer), screen)


def as_markdown(answer: Answer) -> str:
    return markdown.render(AnswerReport(answer=answer))


def as_csv(answer: Answer) -> str:
    return csv.render(AnswerReport(answer=answer))


def namespaces_csv(answer: Answer) -> str:
    found = answer.projection
    return csv.csv_text(records.table_rows(found.namespaces) if found else ())


def nodes_csv(answer: Answer) -> str:
    found = answer.projection
    return csv.csv_text(map(records.flat, found.nodes if found else ()))


def proxies_csv(answer: Answer) -> str:
    return csv.csv_text(records.proxy_rows(answer.usage))


def as_json(answer: Answer) -> str:
    return json.render(AnswerReport(answer=answer))


def as_document(answer: Answer) -> dict[str, Any]:
    """Return the values that the JSON is made of."""
    document = plain(AnswerReport(answer=answer).document)
    assert isinstance(document, dict)
    return document


def as_html(answer: Answer, pictures: Mapping[str, Picture | Refusal]) -> str:
    return html.render(AnswerReport(answer=answer, pictures=pictures))
