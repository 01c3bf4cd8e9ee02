"""Readers of the text of options, and their completion in a shell.

A reader raises ValueError with the problem; help shows its name. Names that heavy modules hold are
looked up when they are needed, so that help is instant.
"""

import math
import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import click

from analyzer.defaults import year_problem
from analyzer.errors import brief

ALL, NONE = "all", "none"
"""Names for every chart, or for none; the first also for every mode."""

_DURATION = r"(?P<count>0*[0-9]{1,9})(?P<unit>[smh]?)"
_LONGEST_SECONDS = 366 * 86_400
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def time(text: str) -> datetime:
    """Read a time, ISO 8601; UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{brief(text)} is not a time such as 2026-11-20T08:00Z") from error
    if wrong := year_problem(moment):
        raise ValueError(wrong)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def duration(text: str) -> int:
    """Read whole seconds, minutes or hours into seconds."""
    match = re.fullmatch(_DURATION, text)
    seconds = int(match["count"]) * _SECONDS[match["unit"]] if match else 0
    if seconds < 1:
        raise ValueError(f"{brief(text)} is not a duration such as 300, 30s or 5m")
    if seconds > _LONGEST_SECONDS:
        raise ValueError(f"{brief(text)} is longer than {_LONGEST_SECONDS // 3600}h")
    return seconds


WHOLE = click.IntRange(1, 1_000_000)
"""A number of nodes or replicas: more of either is a slip of the finger."""


class Text(click.types.StringParamType):
    """Text that can be stored and sent: Python keeps other bytes as half characters."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the text; raises click.BadParameter if it is not UTF-8."""
        text = super().convert(value, param, ctx)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail(f"{brief(text)} is not text in UTF-8", param, ctx)
        return text


class PathName(click.Path):
    """The path of a file or folder, there or not, that the system can look for."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Return the path; raises click.BadParameter if the system refuses its name."""
        try:
            Path(value).stat()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            pass
        except OSError as error:
            self.fail(f"{brief(str(value))}: {error.strerror}.", param, ctx)
        return super().convert(value, param, ctx)


class FloatRange(click.FloatRange):
    """A range that NaN is not in: every comparison with it is false."""

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number; raises click.BadParameter if it is not in the range."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{number} is not in the range {self._describe_range()}.", param, ctx)
        return number


def mode(text: str) -> str:
    """Check the name of a mode, or `all`."""
    return click.Choice(_modes()).convert(text, None, None)


def chart_names(text: str) -> tuple[str, ...]:
    """Read names of charts, with commas between them."""
    names = tuple(name.strip() for name in text.split(","))
    permitted = (*_charts(), ALL, NONE)
    for name in names:
        if name not in permitted:
            raise ValueError(f"there is no {name!r}. Choose from {', '.join(permitted)}")
    return names


def complete_charts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the completions of the last name."""
    del ctx, param
    before, comma, begun = incomplete.rpartition(",")
    # With others, none and all make no sense.
    offered = _charts() if comma else (*_charts(), ALL, NONE)
    return [
        f"{before}{comma}{name}"
        for name in offered
        if name.startswith(begun) and name not in before.split(",")
    ]


def _completing(
    names: Callable[[], Iterable[str]],
) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    return lambda _ctx, _param, begun: [name for name in names() if name.startswith(begun)]


def _modes() -> tuple[str, ...]:
    from analyzer.projection.modes import MODES

    return (ALL, *MODES)


def _charts() -> tuple[str, ...]:
    from analyzer.report.charts import CHARTS

    return tuple(CHARTS)


def _queries() -> Iterable[str]:
    from analyzer.prometheus.query import load_queries

    return load_queries()


def _explained() -> Iterable[str]:
    from analyzer.data.explained import all_topics

    return dict.fromkeys(word for topic in all_topics() for word in (topic.short_name, topic.name))


def _constants() -> Iterable[str]:
    from analyzer.data import complete_constants

    return complete_constants()


def _samples() -> list[str]:
    from analyzer.data import sample_path

    return sorted(item.name for item in sample_path().parent.iterdir() if item.is_dir())


complete_explained = _completing(_explained)
complete_constants = _completing(_constants)
complete_mode = _completing(_modes)
complete_query = _completing(_queries)
complete_sample = _completing(_samples)
