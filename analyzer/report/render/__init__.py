"""Renderers: a report in, text out. They know how things are written and not what is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from analyzer.report.render.terminal import Screen
    from analyzer.report.sections import Report


def _table(report: Report, screen: Screen) -> str:
    from analyzer.report.render.terminal import as_table

    return as_table(report, screen)


def _json(report: Report, screen: Screen) -> str:
    from analyzer.report.render.json import as_json

    del screen
    return as_json(report)


def _csv(report: Report, screen: Screen) -> str:
    from analyzer.report.render.csv import as_csv

    del screen
    return as_csv(report)


def _markdown(report: Report, screen: Screen) -> str:
    from analyzer.report.render.markdown import as_markdown

    del screen
    return as_markdown(report)


FORMATS: Final[Mapping[str, Callable[[Report, Screen], str]]] = {
    "table": _table,
    "json": _json,
    "csv": _csv,
    "markdown": _markdown,
}
"""Every format that stdout may have, by name. A renderer is imported when it is used: their names
are known to `--help`, which must not wait for pandas."""
