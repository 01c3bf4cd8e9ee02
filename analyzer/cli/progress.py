"""The progress of a collection on stderr.

A terminal has a bar; one without escape codes has a line for each tenth; a pipe has only notes
about the unexpected. --verbose prints every step.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TextIO

import click

from analyzer.cli.ending import note
from analyzer.measurement.collect import Progress
from analyzer.report.escapes import inert, obeys_escapes

_PLAIN_PARTS = 10
"""Lines on a terminal that has no bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Shows the progress of a collection, and notes about it."""

    progress: Callable[[Progress], None]
    note: Callable[[str], None]


@contextmanager
def reporting(stream: TextIO, *, quiet: bool = False, verbose: bool = False) -> Iterator[Reporter]:
    """Yield a reporter; at the end, even after a failure, nothing half-drawn is left."""
    line = partial(note, stream=stream)

    def log(step: Progress) -> None:
        if step.asking:
            click.echo(_line(step), file=stream)

    if quiet:
        yield Reporter(progress=lambda _: None, note=lambda _: None)
    elif verbose:
        yield Reporter(progress=log, note=line)
    elif obeys_escapes(stream):
        from analyzer.cli.bar import bar

        with bar(stream) as reporter:
            yield reporter
    elif stream.isatty():
        yield Reporter(progress=_tenths(stream), note=line)
    else:
        yield Reporter(progress=lambda _: None, note=line)


def _line(step: Progress) -> str:
    return f"{step.done_count}/{step.total_count} {inert(step.asking)}"


def _tenths(stream: TextIO) -> Callable[[Progress], None]:
    """Return a function that prints each tenth of a collection once."""
    printed = {0}

    def show(step: Progress) -> None:
        part = step.done_count * _PLAIN_PARTS // step.total_count
        if step.asking and part not in printed:
            printed.add(part)
            click.echo(_line(step), file=stream)

    return show
