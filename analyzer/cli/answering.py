"""What commands that answer have in common: from a snapshot to an answer, printed and saved."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from analyzer.cli.ending import note
from analyzer.errors import InsufficientData

if TYPE_CHECKING:
    from analyzer.cli.options import ProjectionOptions
    from analyzer.measurement.snapshot import Snapshot
    from analyzer.report.answer import Answer
    from analyzer.report.write import ChartOptions

OutputFormat = Literal["table", "json", "csv", "markdown"]
"""The formats an answer is printed in, the default first."""


def answered(snapshot: Snapshot, projected: ProjectionOptions | None = None) -> Answer:
    """Take every step from a snapshot on, up to the calibration if nothing is `projected`.

    Raises:
        InsufficientData: if the first question has no answer.
    """
    from analyzer.calibration import calibrate_usage
    from analyzer.measurement.usage import measure
    from analyzer.projection import project_usage
    from analyzer.projection.demand import mesh_load
    from analyzer.report.answer import Answer
    from analyzer.units import Refusal

    scenario = projected.assumed() if projected else None
    usage = measure(snapshot)
    calibration = calibrate_usage(usage)
    if isinstance(calibration.sidecar, Refusal):
        raise InsufficientData(str(calibration.sidecar))
    if projected is None or scenario is None:
        return Answer(
            manifest=snapshot.manifest,
            usage=usage,
            load=mesh_load(usage),
            calibration=calibration,
        )
    projection = project_usage(usage, calibration, scenario, node_count=projected.node_count)
    return Answer(
        manifest=snapshot.manifest,
        usage=usage,
        load=projection.load,
        calibration=calibration,
        projection=projection,
    )


def show(answer: Answer, output_format: OutputFormat, explained: tuple[str, ...] = ()) -> None:
    """Print the answer, and after it how the figures of these modes come about."""
    # Rich has already decided on the escape codes of a table.
    colour = True if output_format == "table" else None
    click.echo(_rendered(answer, output_format), nl=False, color=colour)
    if explained:
        from analyzer.report.explain import explain

        click.echo(f"\n{explain(answer, explained)}", nl=False)


def _rendered(answer: Answer, output_format: OutputFormat) -> str:
    from analyzer.report.document import as_json
    from analyzer.report.plain import as_csv, as_markdown
    from analyzer.report.table import as_table
    from analyzer.report.terminal import colour_wanted, terminal_width

    match output_format:
        case "table":
            return as_table(answer, width=terminal_width(), colour=colour_wanted(sys.stdout))
        case "json":
            return as_json(answer)
        case "csv":
            return as_csv(answer)
        case "markdown":
            return as_markdown(answer)


def save(answer: Answer, folder: Path | None, charts: ChartOptions | None, *, quiet: bool) -> None:
    """Write the report, where there is a folder for it, and name what was written."""
    if folder is None:
        return
    from analyzer.report.write import write_report

    written = write_report(answer, folder, charts)
    if not quiet:
        note_files(written.paths, folder)
        for refusal in written.not_drawn:
            note(f"did not draw {refusal}")


def note_files(paths: Iterable[Path], folder: Path) -> None:
    """Name the files that were written, on stderr."""
    note(f"wrote {', '.join(path.name for path in paths)} to {folder}")
