"""An answer and a comparison, each laid out once, in the order in which they are read.

A section holds blocks; a block states the views that show it, each with the heading over it there.
Renderers walk over sections and blocks, and know nothing of what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from analyzer.calibration.result import RoleCalibration
from analyzer.comparison.result import Comparison
from analyzer.measurement.findings import Severity
from analyzer.measurement.manifest import Manifest
from analyzer.projection.scenario_toml import as_toml
from analyzer.report import format as fmt
from analyzer.report import records
from analyzer.report.answer import Answer
from analyzer.report.document import answer_document, comparison_document
from analyzer.report.facts import Fact, facts
from analyzer.report.sentences import Line
from analyzer.report.sentences import calibration as of_calibration
from analyzer.report.sentences import collection as of_collection
from analyzer.report.sentences import comparison as of_comparison
from analyzer.report.sentences import projection as of_projection
from analyzer.report.sentences.charts import HEADINGS
from analyzer.report.sentences.summary import summary
from analyzer.report.table import Table, View
from analyzer.report.tables import comparison as compared
from analyzer.report.tables import costs, origins, parts
from analyzer.units import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraphs:
    """Sentences, each a paragraph of its own."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Remarks, each a point of a list; `anchor` is the list's name in the page's address."""

    items: tuple[str, ...]
    anchor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The few figures that a reader takes away, and what all of them are."""

    items: tuple[Fact, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A chart that was drawn.

    Attributes:
        png: the file.
        description: what it shows, for whoever cannot see it.
    """

    png: bytes
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartShown:
    """A chart in its place.

    Attributes:
        name: of its file, without the ending.
        figures: anchor of what has the same figures in writing; "" where nothing has.
    """

    name: str
    heading: str
    picture: Picture
    figures: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """The charts that were drawn."""

    items: tuple[ChartShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Text for a machine; `summary` stands for it until a reader unfolds it, unless it is ""."""

    text: str
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """Pieces of code, each with its name and a remark, all folded behind a summary."""

    summary: str
    items: tuple[tuple[str, str, str], ...]


Content = Paragraphs | Points | Facts | Charts | Code | Definitions | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What belongs together.

    Attributes:
        headings: by the views that show it; "": it has none there.
    """

    content: Content
    headings: Mapping[View, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Blocks under one heading of the page.

    Attributes:
        anchor: its name in the page's address.
    """

    anchor: str
    heading: str
    blocks: tuple[Block, ...]

    def shown_in(self, view: View) -> tuple[Block, ...]:
        """Return the blocks that a view shows."""
        return tuple(block for block in self.blocks if view in block.headings)


class Report(Protocol):
    """What every renderer takes."""

    @property
    def title(self) -> str:
        """Return what the report is about."""

    @property
    def subtitle(self) -> str:
        """Return which time it is about."""

    @property
    def note(self) -> str:
        """Return what whoever collected the data says of them; "" if nothing."""

    @property
    def sections(self) -> tuple[Section, ...]:
        """Return the whole content, in order."""

    @property
    def document(self) -> Mapping[str, object]:
        """Return the results by key, for `values.plain`."""

    @property
    def rows(self) -> Iterable[records.Row]:
        """Return the main figures as flat rows."""


def blocks_in(report: Report, view: View) -> Iterator[Block]:
    """Return the blocks of all sections that a view shows."""
    for section in report.sections:
        yield from section.shown_in(view)


def _block(content: Content, *views: View, **headings: str) -> Iterator[Block]:
    """Yield a block, unless there is nothing in it.

    Args:
        content: of the block.
        views: that show it without a heading.
        headings: by the views (the values of `View`) that show it with one.
    """
    if isinstance(content, Table):
        is_empty = not content.rows
    elif isinstance(content, Paragraphs):
        is_empty = not content.lines
    else:
        is_empty = not (content.text if isinstance(content, Code) else content.items)
    if not is_empty:
        heads = {View(view): heading for view, heading in headings.items()}
        yield Block(content=content, headings=dict.fromkeys(views, "") | heads)


def _points(items: Iterable[object], **headings: str) -> Iterator[Block]:
    return _block(Points(items=tuple(map(str, items))), **headings)


def _lines(*texts: str) -> Paragraphs:
    return Paragraphs(lines=tuple(Line(text=text) for text in texts))


def _section(anchor: str, heading: str, blocks: Iterable[Block]) -> Section:
    return Section(anchor=anchor, heading=heading, blocks=tuple(blocks))


@dataclass(frozen=True, kw_only=True)
class AnswerReport:
    """An answer, laid out.

    Attributes:
        pictures: charts by name; a refusal says why one is missing.
    """

    answer: Answer
    pictures: Mapping[str, Picture | Refusal] = field(default_factory=dict)

    title = "What the sidecars cost, and what ambient would"

    @property
    def subtitle(self) -> str:
        """Return which time the answer is about."""
        return of_collection.window_title(self.answer.manifest)

    @property
    def note(self) -> str:
        """Return what whoever collected the snapshot says of it."""
        return self.answer.manifest.note if self.answer.manifest else ""

    @cached_property
    def summary(self) -> tuple[Line, ...]:
        """The answer in a few sentences."""
        return summary(self.answer)

    @cached_property
    def summary_text(self) -> str | None:
        """The same as one paragraph; None where nothing was asked."""
        return " ".join(line.text for line in self.summary) or None

    @cached_property
    def document(self) -> Mapping[str, object]:
        """The answer by key."""
        return answer_document(self.answer, self.summary_text)

    @property
    def rows(self) -> Iterable[records.Row]:
        """Return a row a mode and basis, or a workload where nothing was projected."""
        if self.answer.projection:
            return records.mode_rows(self.answer.projection)
        return records.workload_rows(self.answer.calibration)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The answer in order; a section may hold nothing."""
        before_charts = (
            _section("answer", "The answer", self._answer()),
            _section("modes", "What each mode costs", self._modes()),
        )
        after_charts = (
            _section("matters", "What matters", self._matters()),
            _section("rank", "Namespaces", self._ranked()),
            _section("fit", "What stands behind the fit", self._fit()),
            _section("by-workload", "Workloads", self._workloads()),
            _section("by-namespace", "Namespaces", self._namespaces()),
            _section("by-node", "Nodes", self._nodes()),
            _section("quality", "Data quality", self._quality()),
            _section("sources", "Assumptions and sources", self._sources()),
            _section("again", "How to do it again", self._again()),
        )
        anchors = {
            block.content.anchor
            for section in (*before_charts, *after_charts)
            for block in section.shown_in(View.PAGE)
            if isinstance(block.content, Table | Points)
        }
        charts = _section("charts", "Charts", self._charts(anchors))
        return (*before_charts, charts, *after_charts)

    def _answer(self) -> Iterator[Block]:
        answer = self.answer
        note = (Line(text=self.note, is_strong=True),) if self.note else ()
        head = (*note, Line(text=self.subtitle))
        load = answer.load
        mesh = tuple(of_projection.mesh_lines(load, answer.projection)) if load else ()
        yield from _block(
            Paragraphs(lines=(*head, *(Line(text=text) for text in mesh))), View.TERMINAL
        )
        yield from _block(Paragraphs(lines=head), View.TEXT)
        yield from _block(
            Facts(items=tuple(facts(answer)), note="A range holds 90 % of what is likely."),
            View.PAGE,
        )
        yield from _block(_lines(*([self.summary_text] if self.summary_text else [])), View.TEXT)
        nothing = (Line(text="Nothing was measured and nothing was asked."),)
        yield from _block(Paragraphs(lines=self.summary or nothing), View.PAGE)
        strong = tuple(line for line in self.summary if line.is_strong)
        for line in strong:
            yield from _block(Paragraphs(lines=(line,)), View.TERMINAL)

    def _modes(self) -> Iterator[Block]:
        projection = self.answer.projection
        if projection is None:
            return
        remarks = tuple(of_projection.projection_lines(projection))
        yield from _block(_lines(of_projection.price_sentence(projection)), View.TEXT)
        yield from _block(costs.modes(projection), View.TERMINAL, View.TEXT, View.PAGE)
        yield from _block(Points(items=remarks), View.TEXT, View.PAGE)
        terminal = (
            of_projection.price_line(projection),
            *remarks,
            *of_projection.component_lines(projection),
        )
        yield from _block(Points(items=terminal), View.TERMINAL)
        yield from _block(costs.bases(projection), text="Used, reserved, billed")

    def _charts(self, anchors: set[str]) -> Iterator[Block]:
        shown = (
            ChartShown(
                name=name,
                heading=HEADINGS.get(name, name),
                picture=picture,
                figures=name if name in anchors else "",
            )
            for name, picture in self.pictures.items()
            if isinstance(picture, Picture)
        )
        yield from _block(Charts(items=tuple(shown)), View.PAGE)
        missing = (item for item in self.pictures.values() if isinstance(item, Refusal))
        yield from _points(missing, page="Not drawn")

    def _matters(self) -> Iterator[Block]:
        projection = self.answer.projection
        if projection is None:
            return
        yield from _block(costs.sensitivity(projection), View.PAGE, text="What matters")
        # Where nothing moves the saving, the page has no such section.
        views = (View.TEXT, View.PAGE) if projection.sensitivity else (View.TEXT,)
        for sweep in projection.sweeps:
            yield from _block(costs.sweep(sweep), *views)

    def _ranked(self) -> Iterator[Block]:
        projection = self.answer.projection
        if projection is None:
            return
        if "saving_l4_vcpu" in projection.namespaces:
            yield from _block(parts.namespaces(projection), text="Namespaces")
        yield from _block(costs.references(projection), text="What others' constants would say")

    def _fit(self) -> Iterator[Block]:
        calibration = self.answer.calibration
        if calibration is None:
            return
        lines = tuple(of_calibration.calibration_lines(calibration))
        if not self.answer.projection:
            yield from _block(Points(items=lines), View.TERMINAL)
        yield from _block(Points(items=lines, anchor="calibration"), View.PAGE, text="Calibration")

    def _workloads(self) -> Iterator[Block]:
        calibration = self.answer.calibration
        if calibration is None:
            return
        yield from _block(parts.workloads(calibration.workloads), text="Workloads")
        ranked = parts.workloads(of_calibration.ranked(calibration.workloads))
        yield from _block(ranked, View.PAGE)
        if not self.answer.projection:
            yield from _block(ranked, View.TERMINAL)

    def _namespaces(self) -> Iterator[Block]:
        if self.answer.projection:
            yield from _block(parts.namespaces(self.answer.projection), View.PAGE)

    def _nodes(self) -> Iterator[Block]:
        if self.answer.projection:
            yield from _block(parts.ztunnels(self.answer.projection), View.PAGE)

    def _quality(self) -> Iterator[Block]:
        found = self.answer.findings
        # What is only worth knowing has no room on a terminal.
        grave = [item for item in found if item.severity != Severity.INFO]
        yield from _points((f"{item.severity}: {item}" for item in grave), terminal="Data quality")
        yield from _points((f"{item.severity}: {item}" for item in found), text="Data quality")
        yield from _block(parts.findings(found), View.PAGE)
        yield from _points(self.answer.warnings, **dict.fromkeys(_ALL, "Warnings"))
        headings = dict.fromkeys(_ALL, "Cannot say") | {View.PAGE: "What cannot be said"}
        yield from _points(self.answer.refusals, **headings)

    def _sources(self) -> Iterator[Block]:
        projection = self.answer.projection
        scenario = projection.workings.scenario if projection and projection.workings else None
        if scenario:
            assumed = origins.assumptions(tuple(scenario.assumptions.values()), self.answer.spelled)
            yield from _block(assumed, View.PAGE)
        yield from _block(origins.constants(projection), View.PAGE)
        if scenario:
            code = Code(text=as_toml(scenario), summary="All of it as a scenario file")
            yield from _block(code, View.PAGE)

    def _again(self) -> Iterator[Block]:
        manifest, projection = self.answer.manifest, self.answer.projection
        if manifest is None:
            yield from _block(_lines(of_collection.NOTHING_COLLECTED), View.PAGE)
            return
        has_scenario = bool(projection and projection.workings)
        sentences = of_collection.again(manifest, has_scenario=has_scenario)
        yield from _block(_lines(*map(self.answer.spelled, sentences)), View.PAGE)
        commands = self.answer.front_end.reproduce(manifest)
        yield from _block(Code(text="\n".join(commands)), View.PAGE)
        queries = tuple(
            (query.name, of_collection.answered(query), query.promql) for query in manifest.queries
        )
        yield from _block(
            Definitions(summary=f"The {len(queries)} queries, as they were sent", items=queries),
            View.PAGE,
        )


_ALL = (View.TERMINAL, View.TEXT, View.PAGE)


@dataclass(frozen=True, kw_only=True)
class ComparisonReport:
    """A comparison, laid out.

    Attributes:
        before: of the snapshot that the prediction is from.
        after: of the one that it is held against.
    """

    comparison: Comparison
    before: Manifest
    after: Manifest

    title = "Predicted and measured, after the migration"
    note = ""

    @property
    def subtitle(self) -> str:
        """Return which times are compared."""
        return "; ".join(self._times())

    def _times(self) -> Iterator[str]:
        for name, manifest in (("Before", self.before), ("After", self.after)):
            yield f"{name}: {fmt.time_title(manifest.window)}"

    @cached_property
    def document(self) -> Mapping[str, object]:
        """The comparison by key."""
        return comparison_document(self.comparison, self.before, self.after)

    @property
    def rows(self) -> Iterable[records.Row]:
        """Return a row a component, of the mesh and of each namespace."""
        return records.comparison_rows(self.comparison)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The comparison in order."""
        return (
            _section("answer", "The answer", self._answer()),
            _section("parts", "Where the difference comes from", self._parts()),
            _section("by-namespace", "Namespaces", self._namespaces()),
            _section("quality", "Data quality", self._quality()),
        )

    def _answer(self) -> Iterator[Block]:
        moved = of_comparison.moved(self.comparison)
        yield from _block(_lines(*self._times(), moved), View.TERMINAL, View.TEXT)
        outcome = Line(text=of_comparison.outcome(self.comparison), is_strong=True)
        yield from _block(Paragraphs(lines=(outcome,)), *_ALL)
        yield from _block(compared.components(self.comparison), View.TERMINAL, View.TEXT)

    def _parts(self) -> Iterator[Block]:
        table = compared.parts(self.comparison)
        yield from _block(table, View.TERMINAL, text="Where the difference comes from")

    def _namespaces(self) -> Iterator[Block]:
        table = compared.namespaces(self.comparison)
        yield from _block(table, View.TERMINAL, text="Namespaces")

    def _quality(self) -> Iterator[Block]:
        fits = [
            of_calibration.role_line(fit)
            for fit in (self.comparison.waypoint, self.comparison.ztunnel)
            if isinstance(fit, RoleCalibration)
        ]
        yield from _points(fits, **dict.fromkeys(_ALL, "What AFTER measured"))
        yield from _points(self.comparison.warnings, **dict.fromkeys(_ALL, "Warnings"))
        yield from _points(self.comparison.refusals, **dict.fromkeys(_ALL, "Cannot say"))
