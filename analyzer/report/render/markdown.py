"""A report as Markdown; text from labels is made harmless."""

from collections.abc import Iterable, Iterator, Sequence

from analyzer.report import format as fmt
from analyzer.report.blocks import Block, Paragraphs, Points, Report, blocks_in
from analyzer.report.table import Table, View


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
    """Return text that Markdown shows as it is."""
    text = fmt.inert(text)
    for character in "\\`*_{}[]<>|":
        text = text.replace(character, f"\\{character}")
    return text
