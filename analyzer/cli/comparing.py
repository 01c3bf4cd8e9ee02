"""The command that holds a prediction against what came of it: compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from analyzer.cli.answering import note_files, print_report
from analyzer.cli.options import FOLDER, FORMAT_HELP, Quiet, ScenarioFile, SnapshotPath, scenario_of
from analyzer.cli.parameters import command, examples, option
from analyzer.errors import InsufficientData

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
    from analyzer.report.sections import ComparisonReport
    from analyzer.units import Refusal

    assumed = scenario_of(scenario)
    first, second = load_snapshot(before), load_snapshot(after)
    found = compare_snapshots(first, second, assumed)
    if isinstance(found, Refusal):
        raise InsufficientData(str(found))
    report = ComparisonReport(comparison=found, before=first.manifest, after=second.manifest)
    if output is not None:
        from analyzer.report.write import write_comparison

        paths = write_comparison(report, output)
        if not quiet:
            note_files(paths, output)
    print_report(report, output_format)
