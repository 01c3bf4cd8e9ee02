"""Several meshes and their sum, laid out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from analyzer.errors import InsufficientData
from analyzer.projection.meshes import Meshes, together
from analyzer.projection.scenario import Scenario
from analyzer.projection.stated import StatedMesh
from analyzer.report import document, records
from analyzer.report import format as fmt
from analyzer.report.answer import Answer, FrontEnd
from analyzer.report.blocks import (
    EVERYWHERE,
    Block,
    Charts,
    Paragraphs,
    Picture,
    Section,
    block,
    points,
    section,
)
from analyzer.report.sentences import Line
from analyzer.report.sentences import meshes as of_meshes
from analyzer.report.table import View
from analyzer.report.tables import meshes as meshes_of
from analyzer.units import Reason, Refusal


@dataclass(frozen=True, kw_only=True)
class MeshesReport:
    """Several meshes and their sum, laid out; `answers` are those of each mesh, by name."""

    meshes: Meshes
    answers: Mapping[str, Answer]
    picture: Picture | None = None

    title = "Cost of several meshes in sidecar mode and in ambient mode"
    note = ""

    @property
    def subtitle(self) -> str:
        """The meshes that are priced."""
        return fmt.named([mesh.name for mesh in self.meshes.meshes], most=5)

    @cached_property
    def document(self) -> Mapping[str, object]:
        """The meshes by key, for `document.plain`."""
        summary = of_meshes.outcome(self.meshes)
        return document.of_meshes(self.meshes, summary, self._refusals, self._gaps)

    @property
    def rows(self) -> Iterable[records.Row]:
        """A row a mesh and mode, then those of the sum."""
        return records.meshes_rows(self.meshes)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The meshes in order."""
        return (
            section("answer", "The answer", self._answer()),
            section("quality", "Data quality", self._quality()),
        )

    @property
    def _gaps(self) -> tuple[str, ...]:
        return tuple(
            text for name, answer in self.answers.items() for text in of_meshes.gaps(name, answer)
        )

    def _answer(self) -> Iterator[Block]:
        found = self.meshes
        outcome = Line(of_meshes.outcome(found), is_strong=True)
        yield from block(Paragraphs((outcome, Line(of_meshes.size(found)))), *EVERYWHERE)
        yield from block(meshes_of.costs(found), *EVERYWHERE)
        if self.picture:
            drawn = (("meshes", "Cost of each mesh", self.picture, "cost"),)
            yield from block(Charts(drawn), View.PAGE)

    def _quality(self) -> Iterator[Block]:
        yield from points(self._gaps, **dict.fromkeys(EVERYWHERE, "Warnings"))
        refused = dict.fromkeys(EVERYWHERE, "Not in the sum")
        yield from points(self._refusals, **refused)

    @property
    def _refusals(self) -> tuple[Refusal, ...]:
        worded = next(iter(self.answers.values())).worded
        return tuple(map(worded, self.meshes.refusals))


def of_stated(
    meshes: Iterable[StatedMesh], scenario: Scenario, front_end: FrontEnd
) -> MeshesReport:
    """Price hypothetical meshes by published benchmarks.

    Raises:
        AnalyzerError: as `together`.
    """
    answers = {
        mesh.name: Answer(load=mesh.load, projection=mesh.projected(scenario), front_end=front_end)
        for mesh in meshes
    }
    return _together(answers, {})


def of_measured(names: Iterable[str], answered: Callable[[str], Answer]) -> MeshesReport:
    """Price meshes by what was measured; one that has too little data is a refusal.

    Raises:
        AnalyzerError: as `together`, or as `answered`, which returns the answer of a name.
    """
    answers: dict[str, Answer] = {}
    refused: dict[str, Refusal] = {}
    for name in names:
        try:
            answers[name] = answered(name)
        except InsufficientData as error:
            refused[name] = Refusal(subject="cost", reason=Reason.NO_DATA, detail=str(error))
    return _together(answers, refused)


def _together(answers: Mapping[str, Answer], refused: Mapping[str, Refusal]) -> MeshesReport:
    priced = {name: answer.projection for name, answer in answers.items() if answer.projection}
    return MeshesReport(meshes=together({**priced, **refused}), answers=answers)
