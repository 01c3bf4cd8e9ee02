"""A report as Markdown; text from labels is made harmless."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from analyzer.report.blocks import Block, Paragraphs, Points, Report, blocks_in
from analyzer.report.escapes import inert
from analyzer.report.table import Table, View

JOINER: Final = "\u2060"
"""Takes no room, and ends what a platform would make a link or a notification of."""

_START: Final = re.compile(r"^(?P<before>\s*(?:\d+)?)(?P<mark>[-+#=>:]|(?<=\d)[.)])(?=\s|[-#=+])")
"""What begins a heading, a list or a line at the start of a text."""

_ENTITY: Final = re.compile(r"&(?=#?\w+;)")

_REFERENCE: Final = re.compile(
    # Names of people, groups and commits@; issues, requests, snippets, epics, milestones.
    r"@(?=\w)|[#!&%](?=\d)|(?<![A-Za-z])GH(?=-\d)"
    # Addresses, with and without a scheme.
    r"|(?<=[A-Za-z])(?=://)|(?<![A-Za-z])www(?=\.)|(?<![A-Za-z])(?:mailto|xmpp)(?=:)"
    # A commit has seven digits or more, one of them a letter.
    r"|(?<![\w-])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{6}(?=[0-9a-f]{1,34}(?![\w-]))",
    re.IGNORECASE,
)


def render(report: Report, _: object = None) -> str:
    """Return a report as Markdown."""
    lines = [f"# {report.title}", ""]
    for block in blocks_in(report, View.TEXT):
        heading = block.headings[View.TEXT]
        lines += [f"## {heading}", ""] if heading else []
        lines += _lines(block)
    return "\n".join(lines).rstrip() + "\n"


def _lines(block: Block) -> Iterator[str]:
    content = block.content
    if isinstance(content, Paragraphs):
        for line in content.items:
            text = escaped(line.text)
            yield from (f"**{text}**" if line.is_strong else text, "")
    elif isinstance(content, Points):
        yield from (f"- {escaped(item)}" for item in content.items)
        yield ""
    elif isinstance(content, Table):
        titles = [head.title for head in content.heads(View.TEXT)]
        limit = content.limits.get(View.TEXT)
        yield from (*markdown_table(titles, content.texts_in(View.TEXT, limit)), "")
        if limit is not None and content.surplus(limit):
            yield from (f"And {content.surplus(limit)} more: see {content.file}.", "")
        if View.TEXT in content.notes:
            yield from (escaped(content.notes[View.TEXT]), "")


def markdown_table(header: Sequence[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return a table as lines of Markdown."""
    return [
        f"| {' | '.join(header)} |",
        f"|{'---|' * len(header)}",
        *(f"| {' | '.join(map(escaped, row))} |" for row in rows),
    ]


def escaped(text: str) -> str:
    r"""Return text that Markdown shows as it is, and of which no platform makes a link.

    >>> escaped("1. <b> of @team")
    '1\\. \\<b\\> of @\u2060team'
    """
    text = inert(text)
    for character in "\\`*_{}[]<>|~":
        text = text.replace(character, f"\\{character}")
    text = _START.sub(r"\g<before>\\\g<mark>", text)
    # An entity would be shown as its letter.
    text = _ENTITY.sub(r"\&", text)
    return _REFERENCE.sub(lambda found: f"{found[0]}{JOINER}", text)
