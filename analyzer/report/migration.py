"""A comparison of a prediction with what was measured, laid out: apart, as few answers have one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import analyzer
from analyzer.calibration.result import RoleCalibration
from analyzer.comparison.result import Comparison
from analyzer.measurement.manifest import Manifest
from analyzer.report import format as fmt
from analyzer.report import records
from analyzer.report.blocks import (
    EVERYWHERE,
    Block,
    Paragraphs,
    Section,
    block,
    hint,
    points,
    section,
    texts,
)
from analyzer.report.document import COMPARISON_SCHEMA_VERSION, members, of_snapshot
from analyzer.report.sentences import Line
from analyzer.report.sentences import calibration as of_calibration
from analyzer.report.sentences import comparison as of_comparison
from analyzer.report.sentences.refused import grouped
from analyzer.report.table import View
from analyzer.report.tables import comparison as compared
from analyzer.report.tables import migration_costs


@dataclass(frozen=True, kw_only=True)
class ComparisonReport:
    """A comparison, laid out; `before` and `after` are of the two snapshots."""

    comparison: Comparison
    before: Manifest
    after: Manifest

    title = "Migration: predicted and measured cost"
    note = ""

    @property
    def subtitle(self) -> str:
        """Which times are compared."""
        return "; ".join(self._times())

    def _times(self) -> Iterator[str]:
        for name, manifest in (("Before", self.before), ("After", self.after)):
            yield f"{name}: {fmt.time_title(manifest.window)}"

    @cached_property
    def document(self) -> Mapping[str, object]:
        """The comparison by key, for `document.plain`; what could not be had is None."""
        comparison, largest = self.comparison, None
        if comparison.largest:
            item, cause = comparison.largest
            largest = {"role": item.role, "cause": cause, "vcpu": item.parts_vcpu[cause]}
        found = members(comparison)
        return {
            "schema_version": COMPARISON_SCHEMA_VERSION,
            "tool_version": analyzer.__version__,
            "before": of_snapshot(self.before),
            "after": of_snapshot(self.after),
            "outcome": of_comparison.outcome(comparison),
            "largest": largest,
            **{name: found[name] for name in ("components", "total", "namespaces")},
            **members(comparison.costs),
            "nodes": found.get("nodes"),
            "calibration": {name: found.get(name) for name in ("waypoint", "ztunnel")},
            "refusals": comparison.refusals,
            "warnings": tuple(map(str, comparison.warnings)),
        }

    @property
    def rows(self) -> Iterable[records.Row]:
        """A row a component, of the mesh and of each namespace."""
        return comparison_rows(self.comparison)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The comparison in order."""
        found, where = self.comparison, "Where the difference comes from"
        parts_of = block(compared.parts(found), View.TERMINAL, View.PAGE, text=where)
        namespaces = block(compared.namespaces(found), View.TERMINAL, View.PAGE, text="Namespaces")
        return (
            section("answer", "The answer", self._answer()),
            section("causes", where, parts_of),
            section("costs", "Memory and dollars", self._costs()),
            section("by-namespace", "Namespaces", namespaces),
            section("quality", "Data quality", self._quality()),
        )

    def _answer(self) -> Iterator[Block]:
        found, views = self.comparison, (View.TERMINAL, View.TEXT)
        yield from block(texts(*self._times(), of_comparison.moved(found)), *views)
        outcome = Line(of_comparison.outcome(found), is_strong=True)
        saving = (Line(text, is_strong=True) for text in of_comparison.saving(found))
        yield from block(Paragraphs((outcome, *saving)), *EVERYWHERE)
        yield from block(compared.components(found), *EVERYWHERE)

    def _costs(self) -> Iterator[Block]:
        found, title = self.comparison, "Memory and dollars"
        memory = migration_costs.memory(found)
        yield from block(memory, View.PAGE, terminal=title, text=title)
        if found.costs.savings:
            yield from block(migration_costs.dollars(found), *EVERYWHERE)
        yield from block(migration_costs.savings(found), *EVERYWHERE)
        whole = "CPU, memory and dollars used, requested and billed"
        yield from block(migration_costs.bases(found), text=whole, page=whole)
        titles = dict.fromkeys(EVERYWHERE, "Nodes")
        yield from block(migration_costs.nodes(found), **titles)
        if lines := tuple(of_comparison.nodes(found)):
            yield from block(texts(" ".join(lines)), *EVERYWHERE)

    def _quality(self) -> Iterator[Block]:
        found = self.comparison
        fits = (fit for fit in (found.waypoint, found.ztunnel) if isinstance(fit, RoleCalibration))
        measured = map(of_calibration.role_line, fits)
        yield from points(measured, **dict.fromkeys(EVERYWHERE, "Measured in AFTER"))
        yield from points(found.warnings, **dict.fromkeys(EVERYWHERE, "Warnings"))
        yield from hint(found.warnings, View.TERMINAL, View.TEXT)
        refused = dict.fromkeys(EVERYWHERE, "Cannot tell")
        yield from points(grouped(found.refusals), **refused)


def saving_rows(comparison: Comparison) -> Iterator[records.Row]:
    """Return one row a basis: the saving of a migration, predicted and realised."""
    for basis, found in comparison.costs.savings.items():
        yield {"basis": str(basis), **records.flat(found)}


def comparison_rows(comparison: Comparison) -> Iterator[records.Row]:
    """Return one row a component of the mesh (no namespace) and of each namespace."""
    mesh = ("", "", (*comparison.components, comparison.total))
    parts = ((item.namespace, str(item.status), item.components) for item in comparison.namespaces)
    for namespace, status, items in (mesh, *parts):
        for item in items:
            figures = {**members(item), "predicted_cost": None, "measured_cost": None}
            yield {"namespace": namespace, "status": status, **records.flat(figures)}
