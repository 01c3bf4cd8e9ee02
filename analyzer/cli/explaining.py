"""The command that explains codes, names and terms: explain."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final, Literal

import click

from analyzer.cli import values
from analyzer.cli.ending import as_flags
from analyzer.cli.parameters import argument, command, examples, option
from analyzer.cli.wrapping import wrapped
from analyzer.settings import spelled

if TYPE_CHECKING:
    from analyzer.cli import options
    from analyzer.data import Topic

_KINDS: Final = {
    "finding": "Findings and warnings",
    "refusal": "Reasons why a figure cannot be given",
    "mode": "Modes",
    "quantity": "Terms",
    "figure": "How each figure is made",
    "question": "Questions",
}

_TERMS: Final = ("mode", "quantity", "figure")
"""Kinds whose other names are worth knowing: keys of the JSON, and words in tables."""

_WIDEST: Final = 88
"""Columns beyond which lines of prose are hard to follow."""


@command(
    epilog=examples(
        "istio-usage explain",
        "istio-usage explain IU204",
        "istio-usage explain constant_traffic",
        "istio-usage explain cost per request",
    )
)
def explain(
    name: Annotated[
        tuple[str, ...],
        argument(
            nargs=-1,
            required=False,
            metavar="[CODE|NAME]",
            shell_complete=values.complete_explained,
        ),
    ],
    output_format: Annotated[Literal["table", "json"], option("--format", options.FORMAT_HELP)],
    _quiet: options.Quiet,
) -> None:
    """Explain a code, or a term of the answer.

    Prints what a finding, a refusal, a mode or a figure means, why it matters and how to fix it.
    Without a name, lists all of them.
    """
    from dataclasses import asdict

    from analyzer.data.explained import all_topics, explained

    if name:
        topic = explained(" ".join(name))
        _print(asdict(topic) if output_format == "json" else _page(topic))
    else:
        found = all_topics()
        _print(list(map(asdict, found)) if output_format == "json" else _list(found))


def _print(answer: object) -> None:
    """Print lines of text, or anything else as JSON."""
    if isinstance(answer, Iterator):
        from analyzer.report.escapes import colour_wanted

        for line in answer:
            click.echo(line, color=colour_wanted(sys.stdout))
        return
    import json

    from analyzer.cli.flags import FLAGS

    # No flag holds what JSON would escape.
    click.echo(spelled(json.dumps(answer, indent=2), FLAGS))


def _list(topics: tuple[Topic, ...]) -> Iterator[str]:
    """Return the names and titles of topics, under a heading for each kind."""
    for number, (kind, heading) in enumerate(_KINDS.items()):
        if number:
            yield ""
        yield _bold(heading)
        group = [topic for topic in topics if topic.kind == kind]
        width = max(len(topic.short_name) for topic in group) + 2
        for topic in group:
            yield f"{topic.short_name:{width}}{wrapped(topic.title, width).lstrip()}"


def _page(topic: Topic) -> Iterator[str]:
    """Return all of one topic, in lines that fit the terminal."""
    names = " ".join(filter(None, (topic.code, topic.name)))
    yield from map(_bold, wrapped(f"{names}: {topic.title}").splitlines())
    parts = {
        "What it means": topic.meaning,
        "Why it matters": topic.why,
        "How to fix it": topic.fix,
        "Also called": f"{', '.join(topic.also)}." if topic.also and topic.kind in _TERMS else "",
    }
    known = {heading: text for heading, text in parts.items() if text}
    for heading, text in known.items():
        yield ""
        if len(known) > 1:
            yield _bold(heading)
        yield from _lines(text)


def _lines(text: str) -> Iterator[str]:
    """Wrap each paragraph, and cut lines of code only where they do not fit."""
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        yield wrapped(as_flags(line), indent, widest=None if indent else _WIDEST)


def _bold(text: str) -> str:
    return click.style(text, bold=True)
