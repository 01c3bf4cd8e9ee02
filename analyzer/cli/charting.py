"""Options of commands that draw charts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from analyzer.cli.options import together
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from analyzer.report.write import ChartOptions

__all__ = ["chart_options", "charts_of"]

_ALL, _NONE = "all", "none"


def _known() -> tuple[str, ...]:
    from analyzer.report.charts import CHARTS

    return tuple(CHARTS)


class _ChartNames(click.ParamType[tuple[str, ...]]):
    """Names of charts, with commas between them."""

    name = "name,name"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Read the names."""
        names = tuple(name.strip() for name in str(value).split(","))
        permitted = (*_known(), _ALL, _NONE)
        for name in names:
            if name not in permitted:
                self.fail(f"there is no {name!r}; there are: {', '.join(permitted)}", param, ctx)
        return names

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Return what the last name may become."""
        del ctx, param
        before, comma, begun = incomplete.rpartition(",")
        # With others, none and all make no sense.
        offered = _known() if comma else (*_known(), _ALL, _NONE)
        return [
            CompletionItem(f"{before}{comma}{name}")
            for name in offered
            if name.startswith(begun) and name not in before.split(",")
        ]


chart_options = together(
    click.option(
        "--charts",
        "chart_names",
        type=_ChartNames(),
        multiple=True,
        help="Which charts to draw; 'all' or 'none'. Repeatable.  [default: all]",
    ),
    click.option(
        "--chart-format",
        type=click.Choice(["png", "svg", "pdf"]),
        default="png",
        show_default=True,
        help="Of the charts.",
    ),
    click.option(
        "--dpi",
        type=click.IntRange(50, 600),
        default=200,
        show_default=True,
        help="Dots an inch of PNG charts.",
    ),
)


def charts_of(options: dict[str, Any], folder: Path | None) -> ChartOptions | None:
    """Take the chart options out of `options` and return what they mean; None: as by default.

    Raises:
        UsageError: if `none` is not alone, or charts are asked for and there is no folder for them.
    """
    given = [name for names in options.pop("chart_names") for name in names]
    file_format, dpi = options.pop("chart_format"), options.pop("dpi")
    if _NONE in given and set(given) != {_NONE}:
        raise UsageError("--charts none stands alone")
    if folder is None:
        if given and _NONE not in given:
            raise UsageError("--charts needs a folder to write them to: give -o")
        return None
    from analyzer.report.write import ChartOptions

    names = None if not given or _ALL in given else tuple(name for name in given if name != _NONE)
    return ChartOptions(names=names, file_format=file_format, dpi=dpi)
