"""The command that holds a prediction against what came of it: compare."""

from __future__ import annotations

from pathlib import Path

import click

from analyzer.cli.answering import print_report
from analyzer.cli.options import FOLDER, SNAPSHOT, examples, quiet_option, scenario_of
from analyzer.errors import InsufficientData

__all__ = ["compare"]


@click.command(epilog=examples("istio-usage compare before.snapshot after.snapshot -o out"))
@click.argument("before", type=SNAPSHOT)
@click.argument("after", type=SNAPSHOT)
@click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    help="TOML file with assumptions in place of the defaults.",
)
@click.option("-o", "--output", type=FOLDER, help="Folder for the comparison's files.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    show_default=True,
    help="Of the answer on stdout.",
)
@quiet_option
def compare(
    before: Path,
    after: Path,
    *,
    scenario: Path | None,
    output: Path | None,
    output_format: str,
    quiet: bool,
) -> None:
    """Predicted against measured, after some or all namespaces have moved to ambient.

    BEFORE is a snapshot with sidecars, AFTER one of the same mesh with ztunnels.
    """
    from analyzer.comparison.compare import compare as compare_snapshots
    from analyzer.measurement.snapshot import load_snapshot
    from analyzer.report.sections import ComparisonReport
    from analyzer.units import Refusal

    assumed = scenario_of(scenario, None)
    first, second = load_snapshot(before), load_snapshot(after)
    found = compare_snapshots(first, second, assumed)
    if isinstance(found, Refusal):
        raise InsufficientData(str(found))
    report = ComparisonReport(comparison=found, before=first.manifest, after=second.manifest)
    if output is not None:
        from analyzer.report.write import write_comparison

        paths = write_comparison(report, output)
        if not quiet:
            names = ", ".join(path.name for path in paths)
            click.echo(f"istio-usage: wrote {names} to {output}", err=True)
    print_report(report, output_format)
