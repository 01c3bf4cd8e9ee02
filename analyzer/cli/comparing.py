"""The command that holds a prediction against what came of it: compare."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import click

from analyzer.cli.answering import note_files
from analyzer.cli.options import FOLDER, FORMAT_HELP, Quiet, ScenarioFile, SnapshotPath, scenario_of
from analyzer.cli.parameters import command, examples, option
from analyzer.errors import InsufficientData

if TYPE_CHECKING:
    from analyzer.comparison.result import Comparison
    from analyzer.measurement.snapshot import Snapshot

_Format = Literal["table", "json", "markdown"]


@command(epilog=examples("istio-usage compare before.snapshot after.snapshot -o out"))
def compare(
    before: SnapshotPath,
    after: SnapshotPath,
    scenario: ScenarioFile,
    output: Annotated[
        Path | None,
        option("-o", "--output", type=FOLDER, help="Folder for the comparison's files."),
    ],
    output_format: Annotated[_Format, option("--format", help=FORMAT_HELP)],
    quiet: Quiet,
) -> None:
    """Predicted against measured, after some or all namespaces have moved to ambient.

    BEFORE is a snapshot with sidecars, AFTER one of the same mesh with ztunnels.
    """
    from analyzer.comparison.compare import compare as compare_snapshots
    from analyzer.measurement.snapshot import load_snapshot
    from analyzer.units import Refusal

    assumed = scenario_of(scenario)
    first, second = load_snapshot(before), load_snapshot(after)
    found = compare_snapshots(first, second, assumed)
    if isinstance(found, Refusal):
        raise InsufficientData(str(found))
    if output is not None:
        _save(found, first, second, output, quiet=quiet)
    # Rich has already decided on the escape codes of a table.
    colour = True if output_format == "table" else None
    click.echo(_rendered(found, first, second, output_format), nl=False, color=colour)


def _rendered(found: Comparison, before: Snapshot, after: Snapshot, output_format: _Format) -> str:
    from analyzer.report.comparison import as_comparison_markdown, as_comparison_table
    from analyzer.report.comparison_document import as_comparison_json
    from analyzer.report.terminal import colour_wanted, terminal_width

    windows = (before.manifest.window, after.manifest.window)
    match output_format:
        case "table":
            return as_comparison_table(
                found, windows, width=terminal_width(), colour=colour_wanted(sys.stdout)
            )
        case "json":
            return as_comparison_json(found, before.manifest, after.manifest)
        case "markdown":
            return as_comparison_markdown(found, windows)


def _save(
    found: Comparison, before: Snapshot, after: Snapshot, folder: Path, *, quiet: bool
) -> None:
    from analyzer.report.comparison_document import comparison_csv
    from analyzer.report.write import write_files

    files = {
        "comparison.json": _rendered(found, before, after, "json"),
        "comparison.md": _rendered(found, before, after, "markdown"),
        "comparison.csv": comparison_csv(found),
    }
    paths = write_files({name: text.encode() for name, text in files.items()}, folder)
    if not quiet:
        note_files(paths, folder)
