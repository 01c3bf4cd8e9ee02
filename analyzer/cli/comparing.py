"""The command that holds a prediction against what came of it: compare."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analyzer.cli.options import FOLDER, SNAPSHOT, examples, quiet_option, scenario_of
from analyzer.errors import InsufficientData

if TYPE_CHECKING:
    from analyzer.comparison.result import Comparison
    from analyzer.measurement.snapshot import Snapshot

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
    from analyzer.units import Refusal

    assumed = scenario_of(scenario, None)
    first, second = load_snapshot(before), load_snapshot(after)
    found = compare_snapshots(first, second, assumed)
    if isinstance(found, Refusal):
        raise InsufficientData(str(found))
    if output is not None:
        _save(found, first, second, output, quiet=quiet)
    _print(found, first, second, output_format)


def _print(found: Comparison, before: Snapshot, after: Snapshot, output_format: str) -> None:
    from analyzer.report.comparison import as_comparison_markdown, as_comparison_table
    from analyzer.report.comparison_document import as_comparison_json
    from analyzer.report.terminal import colour_wanted, terminal_width

    if output_format == "json":
        click.echo(as_comparison_json(found, before.manifest, after.manifest), nl=False)
    elif output_format == "markdown":
        titles = (before.manifest.window, after.manifest.window)
        click.echo(as_comparison_markdown(found, titles), nl=False)
    else:
        text = as_comparison_table(
            found,
            (before.manifest.window, after.manifest.window),
            width=terminal_width(),
            colour=colour_wanted(sys.stdout),
        )
        # Rich has already decided on the escape codes.
        click.echo(text, nl=False, color=True)


def _save(
    found: Comparison, before: Snapshot, after: Snapshot, folder: Path, *, quiet: bool
) -> None:
    from analyzer.report.comparison import as_comparison_markdown
    from analyzer.report.comparison_document import as_comparison_json, comparison_csv
    from analyzer.report.write import write_files

    windows = (before.manifest.window, after.manifest.window)
    files = {
        "comparison.json": as_comparison_json(found, before.manifest, after.manifest),
        "comparison.md": as_comparison_markdown(found, windows),
        "comparison.csv": comparison_csv(found),
    }
    paths = write_files({name: text.encode() for name, text in files.items()}, folder)
    if not quiet:
        names = ", ".join(path.name for path in paths)
        click.echo(f"istio-usage: wrote {names} to {folder}", err=True)
