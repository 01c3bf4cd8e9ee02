"""Recommended requests, laid out: the table, how they are found, and how to apply them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.report import document, records
from analyzer.report.answer import Answer
from analyzer.report.blocks import (
    EVERYWHERE,
    Block,
    Paragraphs,
    Section,
    block,
    points,
    section,
)
from analyzer.report.patches.choosing import Patches
from analyzer.report.patches.files import Layout, patch_facts
from analyzer.report.patches.reach import Reach, reach_of
from analyzer.report.sentences import Line
from analyzer.report.sentences import collection as of_collection
from analyzer.report.sentences import reach as of_reach
from analyzer.report.sentences import rightsizing as of_rightsizing
from analyzer.report.sentences.refused import grouped
from analyzer.report.table import View
from analyzer.report.tables.rightsizing import recommendations
from analyzer.units import Refusal


@dataclass(frozen=True, kw_only=True)
class RightsizingReport:
    """Recommended requests, laid out.

    Attributes:
        answer: what was measured, and how settings are spelled.
        patches: those that the files hold, whether they are written or not.
        layout: their folders.
    """

    answer: Answer
    found: Rightsizing
    patches: Patches
    layout: Layout = Layout()  # noqa: RUF009 - it is frozen

    title = "CPU and memory of sidecars: today and recommended"

    @property
    def subtitle(self) -> str:
        """The time that was measured."""
        return of_collection.window_title(self.answer.manifest)

    @property
    def note(self) -> str:
        """The note that was stored with the snapshot."""
        return self.answer.note

    @cached_property
    def refusals(self) -> tuple[Refusal, ...]:
        """Workloads without a recommendation."""
        found = (item.refusal for item in self.found.workloads if item.refusal)
        return tuple(map(self.answer.worded, found))

    @cached_property
    def document(self) -> Mapping[str, object]:
        """The recommendations by key, for `document.plain`."""
        summary = " ".join(filter(None, (of_rightsizing.outcome(self.found), self._total)))
        refusals = (*self.refusals, *map(self.answer.worded, self.patches.refusals))
        return document.of_rightsizing(
            self.found,
            self.answer.manifest,
            summary,
            patches=tuple(patch_facts(patch, self.layout) for patch in self.patches.items),
            refusals=refusals,
            warnings=self._warnings,
        )

    @property
    def rows(self) -> Iterable[records.Row]:
        """A row a workload."""
        return records.rightsizing_rows(self.found, self.answer.worded)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The recommendations in order."""
        return (
            section("answer", "The answer", self._answer()),
            section("how", "How requests are found", self._how()),
            section("apply", "How to apply them", self._apply()),
            section("quality", "Data quality", self._quality()),
        )

    def _answer(self) -> Iterator[Block]:
        outcome = [Line(of_rightsizing.outcome(self.found), is_strong=True)]
        outcome += [Line(self._total)] if self._total else []
        note = (Line(self.note, is_strong=True),) if self.note else ()
        head = Paragraphs((*note, Line(self.subtitle), *outcome))
        yield from block(head, View.TERMINAL, View.TEXT)
        # The page has note and subtitle in its header.
        yield from block(Paragraphs(tuple(outcome)), View.PAGE)
        yield from block(recommendations(self.found), *EVERYWHERE)

    def _how(self) -> Iterator[Block]:
        scope = of_rightsizing.scope_lines(self.found)
        lines = (*of_rightsizing.policy_lines(self.found), *scope)
        yield from points(lines, text="How requests are found", page="", terminal="")

    def _apply(self) -> Iterator[Block]:
        exceptions = of_reach.exception_lines(self.patches, self._reach)
        lines = (*of_rightsizing.apply_lines(self.patches, self.layout), *exceptions)
        yield from points(lines, text="How to apply them", page="")

    def _quality(self) -> Iterator[Block]:
        yield from points(self._warnings, **dict.fromkeys(EVERYWHERE, "Warnings"))
        refused = dict.fromkeys(EVERYWHERE, "No recommendation")
        yield from points(grouped(self.refusals), **refused)
        without = map(self.answer.worded, self.patches.refusals)
        heading = of_rightsizing.style_title(self.patches.style)
        yield from points(grouped(without), text=heading, page=heading)

    @cached_property
    def _reach(self) -> Reach:
        return reach_of(self.found, self.patches)

    @property
    def _total(self) -> str:
        return of_reach.total_line(self.patches, self._reach)

    @property
    def _warnings(self) -> tuple[str, ...]:
        limits = of_rightsizing.unknown_limit_lines(self.found, self.patches)
        short = of_reach.short_lines(self.patches, self._reach)
        found = (self.answer.spelled(str(item)) for item in self.found.warnings)
        return (*limits, *short, *found)
