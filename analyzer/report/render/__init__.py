"""Renderers: a report in, text out. They know how things are written and not what is written."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from analyzer.report.blocks import Report
    from analyzer.report.render.terminal import Screen

Renderer = Callable[["Report", "Screen"], str]


def _in_module(name: str) -> Renderer:
    def rendered(report: Report, screen: Screen) -> str:
        render: Renderer = import_module(f"{__name__}.{name}").render
        return render(report, screen)

    return rendered


_MODULES = {"table": "terminal", "json": "json", "csv": "csv", "markdown": "markdown"}
FORMATS: Final = {name: _in_module(module) for name, module in _MODULES.items()}
"""Every format that stdout may have. `--help` needs their names, and must not wait for pandas."""
