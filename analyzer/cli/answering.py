"""What commands that answer have in common: from a snapshot to an answer, shown and saved."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analyzer.cli.options import scenario_of
from analyzer.errors import InsufficientData

if TYPE_CHECKING:
    from analyzer.measurement.snapshot import Snapshot
    from analyzer.report.answer import Answer
    from analyzer.report.write import ChartOptions

__all__ = ["answered", "save", "show"]


def answered(
    snapshot: Snapshot,
    *,
    scenario: Path | None = None,
    waypoint_replicas: int | None = None,
    node_count: int | None = None,
    projected: bool = True,
) -> Answer:
    """Take every step from a snapshot on; refuse if the first question has no answer."""
    from analyzer.calibration import calibrate_usage
    from analyzer.measurement.usage import measure
    from analyzer.projection import project_usage
    from analyzer.projection.demand import mesh_load
    from analyzer.report.answer import Answer
    from analyzer.units import Refusal

    assumed = scenario_of(scenario, waypoint_replicas)
    usage = measure(snapshot)
    calibration = calibrate_usage(usage)
    if isinstance(calibration.sidecar, Refusal):
        raise InsufficientData(str(calibration.sidecar))
    projection = (
        project_usage(usage, calibration, assumed, node_count=node_count) if projected else None
    )
    return Answer(
        manifest=snapshot.manifest,
        usage=usage,
        load=projection.load if projection else mesh_load(usage, node_count=node_count),
        calibration=calibration,
        projection=projection,
    )


def show(answer: Answer, output_format: str, explained: tuple[str, ...] = ()) -> None:
    """Print the answer, and after it how the figures of these modes come about."""
    from analyzer.report.document import as_json
    from analyzer.report.plain import as_csv, as_markdown
    from analyzer.report.table import as_table
    from analyzer.report.terminal import colour_wanted, terminal_width

    if output_format == "table":
        text = as_table(answer, width=terminal_width(), colour=colour_wanted(sys.stdout))
        # Rich has already decided on the escape codes.
        click.echo(text, nl=False, color=True)
        if explained:
            from analyzer.report.explain import explain

            click.echo(f"\n{explain(answer, explained)}", nl=False)
    else:
        make = {"json": as_json, "csv": as_csv, "markdown": as_markdown}[output_format]
        click.echo(make(answer), nl=False)


def save(answer: Answer, folder: Path | None, charts: ChartOptions | None, *, quiet: bool) -> None:
    """Write the report, where there is a folder for it, and tell what was written."""
    if folder is None:
        return
    from analyzer.report.words import inert
    from analyzer.report.write import write_report

    written = write_report(answer, folder, charts)
    if quiet:
        return
    names = ", ".join(path.name for path in written.paths)
    click.echo(f"istio-usage: wrote {names} to {folder}", err=True)
    for refusal in written.not_drawn:
        click.echo(f"istio-usage: did not draw {inert(str(refusal))}", err=True)
