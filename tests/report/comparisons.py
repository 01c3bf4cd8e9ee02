"""Comparisons of migrations, and each of them in every format."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from analyzer.comparison.compare import compare_usage
from analyzer.comparison.result import Comparison
from analyzer.measurement.manifest import Manifest
from analyzer.report.migration import ComparisonReport
from analyzer.window import TimeWindow
from tests.comparison.migrations import Migrated
from tests.projection.builders import scenario, shop_mesh
from tests.report.answers import manifest
from tests.support.kept import Kept

WINDOW = TimeWindow(
    start=datetime(2024, 5, 14, tzinfo=UTC), end=datetime(2024, 5, 15, tzinfo=UTC), step_seconds=600
)


_COMPARED = Kept[Migrated, Comparison](lambda one, other: one == other)


def compared(migrated: Migrated) -> Comparison:
    return _COMPARED.get(migrated, lambda: _compared(migrated))


def _compared(migrated: Migrated) -> Comparison:
    found = compare_usage(migrated.before(), migrated.after(), scenario())
    assert isinstance(found, Comparison)
    return found


def report_of(found: Comparison) -> ComparisonReport:
    """Return a comparison laid out, both snapshots of one day."""
    day = collected()
    return ComparisonReport(comparison=found, before=day, after=day)


def collected() -> Manifest:
    return replace(manifest(shop_mesh()), window=WINDOW)
