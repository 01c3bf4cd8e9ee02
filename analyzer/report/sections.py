"""An answer, laid out once, in the order in which it is read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

from analyzer.calibration.result import Calibration
from analyzer.measurement.findings import Severity
from analyzer.projection.modes import RIGHTSIZED, SIDECAR
from analyzer.projection.result import Projection, Saving
from analyzer.projection.scenario import Scenario
from analyzer.report import document, records
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.blocks import (
    EVERYWHERE,
    Block,
    Charts,
    Code,
    Definitions,
    Facts,
    Paragraphs,
    Picture,
    Points,
    Section,
    block,
    hint,
    points,
    section,
    texts,
)
from analyzer.report.sentences import Line
from analyzer.report.sentences import calibration as of_calibration
from analyzer.report.sentences import collection as of_collection
from analyzer.report.sentences import decision as of_decision
from analyzer.report.sentences import dependence as of_dependence
from analyzer.report.sentences import projection as of_projection
from analyzer.report.sentences import rightsizing as of_rightsizing
from analyzer.report.sentences import zones as of_zones
from analyzer.report.sentences import ztunnels as of_ztunnels
from analyzer.report.sentences.moving import moving_lines
from analyzer.report.sentences.refused import grouped
from analyzer.report.sentences.summary import summary
from analyzer.report.table import Amount, Cell, Table, Unit, View
from analyzer.report.tables import control_plane, costs, origins, parts
from analyzer.report.tables import rightsizing as requests
from analyzer.units import Refusal


@dataclass(frozen=True, kw_only=True)
class AnswerReport:
    """An answer, laid out, with its charts by name, or the refusal of one that was not drawn."""

    answer: Answer
    pictures: Mapping[str, Picture | Refusal] = field(default_factory=dict)

    title = "Cost of sidecar mode and of ambient mode"

    @property
    def subtitle(self) -> str:
        """The time that the answer is about."""
        return of_collection.window_title(self.answer.manifest)

    @property
    def note(self) -> str:
        """The note that was stored with the snapshot."""
        return self.answer.note

    @cached_property
    def decision(self) -> tuple[str, ...]:
        """What to do, in at most five sentences; none where nothing was projected."""
        projection = self.answer.projection
        if projection is None:
            return ()
        first, *others = of_decision.decision_lines(projection)
        if warning := of_decision.provisional(self.answer):
            first = of_decision.in_order(warning, first, projection.decision)
        return tuple(map(self.answer.spelled, (first, *others)))

    @cached_property
    def summary(self) -> tuple[Line, ...]:
        """The answer in a few sentences."""
        return summary(self.answer)

    @cached_property
    def summary_text(self) -> str | None:
        """The same as one paragraph; None where there is none."""
        return " ".join(line.text for line in self.summary) or None

    @cached_property
    def document(self) -> Mapping[str, object]:
        """The answer by key, for `document.plain`."""
        return document.of_answer(self.answer, self.summary_text, self.decision)

    @property
    def rows(self) -> Iterable[records.Row]:
        """A row a mode and basis, or a workload where nothing was projected."""
        calibration, projection = self.answer.calibration, self.answer.projection
        return records.mode_rows(projection) if projection else records.workload_rows(calibration)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The answer in order; a section may hold nothing that some view shows."""
        found = list(self._without_charts())
        anchors = {
            block.content.anchor
            for section in found
            for block in section.shown_in(View.PAGE)
            if isinstance(block.content, Table | Points)
        }
        # Below the answer and what each mode costs.
        place = 2 if self.answer.projection else 1
        found.insert(place, section("charts", "Charts", self._charts(anchors)))
        return tuple(found)

    def _without_charts(self) -> Iterator[Section]:
        calibration, projection = self.answer.calibration, self.answer.projection
        yield section("answer", "The answer", self._answer())
        if projection:
            yield section("modes", "Cost of each mode", _modes(projection))
            yield section("matters", "What matters most", _matters(projection))
            yield section("rank", "Namespaces", _ranked(projection))
            yield section("requests", "Right-sizing", _rightsizing(projection))
        if calibration:
            # A terminal has room for these where they are all there is.
            views = (View.PAGE,) if projection else (View.TERMINAL, View.PAGE)
            yield section("fit", "The fit", _fit(calibration, views))
            yield section("by-workload", "Workloads", _workloads(calibration, views))
        if projection:
            namespaces = parts.namespaces(projection)
            yield section("by-namespace", "Namespaces", block(namespaces, View.PAGE))
            yield section("by-node", "Nodes", block(parts.ztunnels(projection), View.PAGE))
        yield section("quality", "Data quality", self._quality())
        yield section("sources", "Assumptions and sources", self._sources())
        yield section("again", "Reproduce this report", self._again())

    def _answer(self) -> Iterator[Block]:
        answer = self.answer
        note = (Line(self.note, is_strong=True),) if self.note else ()
        limits = (Line(text, is_strong=True) for text in of_decision.leading_lines(answer))
        head = Paragraphs((*note, Line(self.subtitle), *limits))
        yield from block(head, View.TERMINAL, View.TEXT)
        # The page has note and subtitle in its header.
        yield from block(Paragraphs(head.items[len(note) + 1 :]), View.PAGE)
        decision = Points(self.decision, "decision")
        yield from block(decision, **dict.fromkeys(EVERYWHERE, "Decision"))
        figures = Facts(tuple(_facts(answer)), "Ranges are 90 % intervals.")
        yield from block(figures, View.PAGE)
        mesh = of_projection.mesh_lines(answer.load, answer.projection) if answer.load else ()
        yield from block(texts(*mesh), View.TERMINAL)
        yield from points((line.text for line in self.summary), text="Summary")
        nothing = texts("Nothing was measured and nothing was projected.")
        yield from block(Paragraphs(self.summary) if self.summary else nothing, View.PAGE)
        for line in (line for line in self.summary if line.is_strong):
            yield from block(Paragraphs((line,)), View.TERMINAL)

    def _charts(self, anchors: set[str]) -> Iterator[Block]:
        drawn = tuple(
            (name, name.replace("_", " ").capitalize(), picture, name if name in anchors else "")
            for name, picture in self.pictures.items()
            if isinstance(picture, Picture)
        )
        yield from block(Charts(drawn), View.PAGE)
        missing = (item for item in self.pictures.values() if isinstance(item, Refusal))
        yield from points(missing, page="Charts not drawn")

    def _quality(self) -> Iterator[Block]:
        found = self.answer.findings
        # What is only worth knowing has no room on a terminal.
        grave = [item for item in found if item.severity != Severity.INFO]
        yield from points((f"{item.severity} {item}" for item in grave), terminal="Data quality")
        yield from points((f"{item.severity} {item}" for item in found), text="Data quality")
        yield from block(parts.findings(found), View.PAGE)
        yield from points(self.answer.warnings, **dict.fromkeys(EVERYWHERE, "Warnings"))
        yield from hint((*grave, *self.answer.warnings), View.TERMINAL)
        yield from hint((*found, *self.answer.warnings), View.TEXT)
        refused = dict.fromkeys(EVERYWHERE, "Cannot tell")
        yield from points(grouped(self.answer.refusals), **refused)

    def _sources(self) -> Iterator[Block]:
        projection = self.answer.projection
        scenario = projection.workings.scenario if projection and projection.workings else None
        if scenario:
            assumed = tuple(scenario.assumptions.values())
            yield from block(origins.assumptions(assumed, self.answer.spelled), View.PAGE)
        yield from block(origins.constants(projection), View.PAGE)
        yield from block(origins.runs(), View.PAGE)
        if scenario:
            code = partial(self._scenario_file, scenario)
            yield from block(Code(code, "Scenario file with all assumptions"), View.PAGE)

    def _scenario_file(self, scenario: Scenario) -> tuple[str, ...]:
        # Only pages show it.
        from analyzer.projection.scenario_file import as_toml  # noqa: PLC0415

        return (as_toml(scenario, self.answer.spelled),)

    def _again(self) -> Iterator[Block]:
        manifest, projection = self.answer.manifest, self.answer.projection
        if manifest is None:
            yield from block(texts(of_collection.NOTHING_COLLECTED), View.PAGE)
            return
        has_scenario = bool(projection and projection.workings)
        sentences = of_collection.again(manifest, has_scenario=has_scenario)
        yield from block(texts(*map(self.answer.spelled, sentences)), View.PAGE)
        code = partial(self.answer.front_end.reproduce, manifest)
        yield from block(Code(code), View.PAGE)
        answered = of_collection.answered
        queries = tuple((item.name, answered(item), item.promql) for item in manifest.queries)
        sent = Definitions(queries, f"The {len(queries)} queries that were sent")
        yield from block(sent, View.PAGE)


def _facts(answer: Answer) -> Iterator[tuple[str, Cell, str]]:
    """Yield the figures that a reader takes away; what is not known is not among them."""
    projection = answer.projection
    load = projection.load if projection else answer.load
    if load and load.sidecars:
        requested, used = load.sidecars.reserved_vcpu, load.ranges.of_vcpu(load.sidecars.vcpu)
        remark = ""
        if requested is not None:
            remark = f"{of_projection.requested_vcpu(load, requested)} vCPU requested"
        yield "vCPU used by the sidecars", Amount(used), remark
    if projection:
        sidecars = next(mode for mode in projection.modes if mode.name == SIDECAR)
        cost = Amount(sidecars.usd_per_year, Unit.USD)
        price = f"at {fmt.vcpu_price(projection.price)}"
        yield "USD a year for sidecars", cost, f"{fmt.AS_BASIS[projection.basis]}, {price}"
    if answer.sidecar:
        slope = Amount(answer.sidecar.vcpu_per_1000_rps)
        post = f"{of_calibration.post_vcpu()} by the Solo.io post"
        yield "vCPU per 1000 requests/s", slope, post
    for saving in _shown_savings(projection) if projection else ():
        share, usd = saving.percent, saving.usd_per_year
        remark = f"{fmt.usd(usd)} a year {fmt.AS_BASIS[projection.basis]}" if projection else ""
        if saving.against_rightsized:
            beyond = fmt.percent(saving.against_rightsized.percent)
            remark += f"; {beyond} against right-sized sidecars"
        yield f"saving, {fmt.MODE_TITLES[saving.mode]}", Amount(share, Unit.PERCENT), remark


def _shown_savings(projection: Projection) -> Iterator[Saving]:
    """Yield the savings of right-sizing, and of ambient with and without waypoints."""
    resized = projection.saving_of(RIGHTSIZED)
    yield from [resized] if resized else []
    yield from projection.ambient_savings[:2]


def _modes(projection: Projection) -> Iterator[Block]:
    yield from block(texts(of_projection.price_sentence(projection)), View.TEXT)
    yield from block(costs.modes(projection), *EVERYWHERE)
    bill = texts(*of_projection.side_by_side(projection))
    yield from block(bill, View.TERMINAL, View.TEXT)
    depends = of_dependence.dependence_lines(projection)
    turns = of_projection.projection_lines(projection)
    yield from points(
        (*depends, *turns),
        **dict.fromkeys(EVERYWHERE, "What the saving depends on, largest effect first"),
    )
    origins_of = tuple(of_dependence.origin_lines(projection))
    yield from points(origins_of, **dict.fromkeys(EVERYWHERE, "Measured and assumed"))
    yield from points(
        moving_lines(projection), **dict.fromkeys(EVERYWHERE, "What a move changes beside cost")
    )
    parts_of = tuple(of_projection.component_lines(projection))
    yield from points(parts_of, terminal="Components, CPU used")
    yield from points(of_projection.busiest_line(projection), page="")
    heading = "Traffic between zones"
    yield from points(of_zones.zone_lines(projection), **dict.fromkeys(EVERYWHERE, heading))
    yield from block(costs.zones(projection), *EVERYWHERE)
    yield from points(of_ztunnels.memory_line(projection), page="", text="")
    yield from block(costs.bases(projection), text="Used, requested, billed")
    istiod = control_plane.control_plane(projection)
    yield from block(istiod, View.PAGE, text=control_plane.CAPTION)


def _rightsizing(projection: Projection) -> Iterator[Block]:
    found = projection.rightsizing
    if found is None or not any(item.recommended for item in found.workloads):
        return
    line = texts(of_rightsizing.outcome(found))
    yield from block(line, View.PAGE, text="Right-sizing")
    lines = (*of_rightsizing.policy_lines(found), *of_rightsizing.scope_lines(found))
    yield from block(requests.recommendations(found), View.PAGE, View.TEXT)
    yield from points((*lines, of_rightsizing.WRITES), text="", page="")


def _matters(projection: Projection) -> Iterator[Block]:
    matters = "Saving at the ends of each assumption"
    yield from block(costs.sensitivity(projection), View.PAGE, text=matters)
    for sweep in projection.sweeps:
        table = costs.sweep(sweep)
        page = {"page": ""} if projection.sensitivity else {}
        yield from block(table, text=table.captions[View.PAGE], **page)


def _ranked(projection: Projection) -> Iterator[Block]:
    if "saving_l4_vcpu" in projection.namespaces:
        headings = dict.fromkeys((View.TERMINAL, View.TEXT), "Namespaces")
        yield from block(parts.namespaces(projection), **headings)
    yield from block(costs.references(projection), text="The same mesh by published constants")


def _fit(calibration: Calibration, views: tuple[View, ...]) -> Iterator[Block]:
    lines = tuple(of_calibration.calibration_lines(calibration))
    return block(Points(lines, "calibration"), *views, text="Calibration")


def _workloads(calibration: Calibration, views: tuple[View, ...]) -> Iterator[Block]:
    yield from block(parts.workloads(calibration.workloads), text="Workloads")
    ranked = of_calibration.ranked(calibration.workloads)
    yield from block(parts.workloads(ranked), *views)
