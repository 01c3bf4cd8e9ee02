"""Renderers: a report in, text out. They know how things are written and not what is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from analyzer.report.render.terminal import Screen
    from analyzer.report.sections import Report

Renderer = Callable[["Report", "Screen"], str]


def _in_module(name: str) -> Renderer:
    def rendered(report: Report, screen: Screen) -> str:
        render: Renderer = import_module(f"{__name__}.{name}").render
        return render(report, screen)

    return rendered


FORMATS: Final[Mapping[str, Renderer]] = {
    "table": _in_module("terminal"),
    "json": _in_module("json"),
    "csv": _in_module("csv"),
    "markdown": _in_module("markdown"),
}
"""Every format that stdout may have. `--help` needs their names, and must not wait for pandas."""
