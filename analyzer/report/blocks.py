"""What a report is made of: sections with blocks, each of which states the views that show it.

Renderers walk over sections and blocks, and know no content.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from analyzer.measurement.findings import Finding
from analyzer.report import records
from analyzer.report.sentences import Line
from analyzer.report.sentences.codes import explain_hints
from analyzer.report.table import Cell, Table, View

EVERYWHERE: Final = (View.TERMINAL, View.TEXT, View.PAGE)


@dataclass(frozen=True, slots=True)
class Paragraphs:
    """Sentences, each a paragraph of its own."""

    items: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """Remarks, each a point of a list; `anchor` is the list's name in the page's address."""

    items: tuple[str, ...]
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The few figures that a reader takes away, each with its label and what to compare it with."""

    items: tuple[tuple[str, Cell, str], ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A chart: its PNG file, what it shows for readers who cannot see it, and how to read it."""

    png: bytes
    description: str
    reading: str = ""


@dataclass(frozen=True, slots=True)
class Charts:
    """Charts by name, each with its heading and the anchor of its data table, if any."""

    items: tuple[tuple[str, str, Picture, str], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text for a machine, folded behind a summary unless that is "".

    It is written when it is read: most views show none.
    """

    write: Callable[[], tuple[str, ...]]
    summary: str = ""

    @property
    def items(self) -> tuple[str, ...]:
        """The pieces of text."""
        return self.write()


@dataclass(frozen=True, slots=True)
class Definitions:
    """Pieces of code, each with its name and a remark, all folded behind a summary."""

    items: tuple[tuple[str, str, str], ...]
    summary: str


Content = Paragraphs | Points | Facts | Charts | Code | Definitions | Table


@dataclass(frozen=True, slots=True)
class Block:
    """What belongs together, and the views that show it, each with the heading over it or ""."""

    content: Content
    headings: Mapping[View, str]


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under one heading of the page; `anchor` is its name in the page's address."""

    anchor: str
    heading: str
    blocks: tuple[Block, ...]

    def shown_in(self, view: View) -> tuple[Block, ...]:
        """Return the blocks that a view shows."""
        return tuple(block for block in self.blocks if view in block.headings)


def block(content: Content, *views: View, **headings: str) -> Iterator[Block]:
    """Yield a block, unless there is nothing in it; `headings` are by the values of `View`."""
    # What is written later is never empty.
    is_filled = isinstance(content, Code) or (
        content.rows if isinstance(content, Table) else content.items
    )
    if is_filled:
        shown = {View(view): heading for view, heading in headings.items()}
        yield Block(content, dict.fromkeys(views, "") | shown)


def points(items: Iterable[object], **headings: str) -> Iterator[Block]:
    """Yield a list of remarks, unless it is empty."""
    return block(Points(tuple(map(str, items))), **headings)


def texts(*lines: str) -> Paragraphs:
    """Return sentences, none of them strong."""
    return Paragraphs(tuple(map(Line, lines)))


def hint(shown: Iterable[Finding], *views: View) -> Iterator[Block]:
    """Yield how to read more about the codes of findings."""
    return block(texts(*explain_hints(shown)), *views)


def section(anchor: str, heading: str, blocks: Iterable[Block]) -> Section:
    """Return a section."""
    return Section(anchor, heading, tuple(blocks))


class Report(Protocol):
    """What every renderer takes."""

    @property
    def title(self) -> str:
        """What it is."""

    @property
    def subtitle(self) -> str:
        """What it is about."""

    @property
    def note(self) -> str:
        """The note of who made it, or ""."""

    @property
    def document(self) -> Mapping[str, object]:
        """The result by key, for `document.plain`."""

    @property
    def rows(self) -> Iterable[records.Row]:
        """The main figures, for CSV."""

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections in order."""


def blocks_in(report: Report, view: View) -> Iterator[Block]:
    """Return the blocks of all sections that a view shows."""
    for part in report.sections:
        yield from part.shown_in(view)
