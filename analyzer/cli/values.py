"""How the text of an option becomes a value, and what a shell completes it to.

Names that heavy modules hold are looked up when they are needed, so that help is instant.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import click
from click.shell_completion import CompletionItem

ALL, NONE = "all", "none"
"""What stands for every chart, or for none; the first also for every mode."""

_DURATION = re.compile(r"(?P<count>\d+)(?P<unit>[smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


class Moment(click.ParamType[datetime]):
    """A time, ISO 8601; UTC where it names no zone."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read a time."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-11-20T08:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Duration(click.ParamType[int]):
    """Whole seconds, minutes or hours."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read a duration into seconds."""
        match = _DURATION.fullmatch(str(value))
        seconds = int(match["count"]) * _SECONDS[match["unit"]] if match else 0
        if seconds < 1:
            self.fail(f"{value!r} is not a duration such as 300, 30s or 5m", param, ctx)
        return seconds


class ModeName(click.ParamType[str]):
    """The name of a mode, or `all`."""

    name = "mode"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Check the name."""
        return _modes().convert(value, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Return the modes that begin so."""
        return _modes().shell_complete(ctx, param, incomplete)


def _modes() -> click.Choice[str]:
    from analyzer.projection.modes import MODES

    return click.Choice([ALL, *MODES])


class ChartNames(click.ParamType[tuple[str, ...]]):
    """Names of charts, with commas between them."""

    name = "name,name"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Read the names."""
        names = tuple(name.strip() for name in str(value).split(","))
        permitted = (*_charts(), ALL, NONE)
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
        offered = _charts() if comma else (*_charts(), ALL, NONE)
        return [
            CompletionItem(f"{before}{comma}{name}")
            for name in offered
            if name.startswith(begun) and name not in before.split(",")
        ]


def _charts() -> tuple[str, ...]:
    from analyzer.report.charts import CHARTS

    return tuple(CHARTS)


def complete_constants(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of published constants that begin so."""
    from analyzer.data import published_constants

    del ctx, param
    return [name for name in published_constants() if name.startswith(incomplete)]


def complete_query(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of queries that begin so."""
    from analyzer.prometheus.query import load_queries

    del ctx, param
    return [name for name in load_queries() if name.startswith(incomplete)]


def complete_sample(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of bundled samples that begin so."""
    from analyzer.data import sample_path

    del ctx, param
    folders = sorted(item for item in sample_path().parent.iterdir() if item.is_dir())
    return [folder.name for folder in folders if folder.name.startswith(incomplete)]
