"""From a snapshot to an answer, printed and saved: the common part of several commands."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analyzer.cli import machine
from analyzer.cli.ending import note
from analyzer.errors import InsufficientData

if TYPE_CHECKING:
    from analyzer.cli.options import ProjectionOptions
    from analyzer.measurement.snapshot import Snapshot
    from analyzer.report.answer import Answer
    from analyzer.report.blocks import Report
    from analyzer.report.sections import AnswerReport
    from analyzer.report.write import ChartOptions


def answered(snapshot: Snapshot, projected: ProjectionOptions | None = None) -> Answer:
    """Take every step from a snapshot on, up to the calibration if nothing is `projected`."""
    from analyzer.calibration import calibrate_usage
    from analyzer.cli.flags import front_end
    from analyzer.measurement.usage import measure
    from analyzer.memory import release_unused
    from analyzer.projection import project_usage
    from analyzer.projection.demand import mesh_load
    from analyzer.report.answer import Answer
    from analyzer.units import Refusal

    scenario = projected.assumed() if projected else None
    machine.collect_again()
    usage = measure(snapshot)
    release_unused(usage.steps.size)
    calibration = calibrate_usage(usage)
    if isinstance(calibration.sidecar, Refusal):
        raise InsufficientData(str(calibration.sidecar))
    release_unused(usage.steps.size)
    projection = (
        project_usage(
            usage,
            calibration,
            scenario,
            node_count=projected.node_count,
            force_short=projected.force_short,
        )
        if projected and scenario
        else None
    )
    release_unused(usage.steps.size)
    return Answer(
        manifest=snapshot.manifest,
        usage=usage,
        load=projection.load if projection else mesh_load(usage),
        calibration=calibration,
        projection=projection,
        front_end=front_end(),
    )


def answered_from(path: Path, projected: ProjectionOptions | None = None) -> Answer:
    """Answer from the folder of a snapshot; raises as `load_snapshot`."""
    from analyzer.measurement.snapshot import load_snapshot

    return answered(load_snapshot(path), projected)


def show(report: AnswerReport, output_format: str, explained: tuple[str, ...] = ()) -> None:
    """Print the answer, then the arithmetic of these modes."""
    print_report(report, output_format)
    if explained:
        from analyzer.report.explain import explain

        click.echo(f"\n{explain(report.answer, explained)}", nl=False)


def print_report(report: Report, output_format: str) -> None:
    """Print a report in one of `FORMATS`."""
    from analyzer.report.render import FORMATS
    from analyzer.report.render.terminal import Screen

    # The screen has decided about escape codes: click must not remove them.
    click.echo(FORMATS[output_format](report, Screen.of(sys.stdout)), nl=False, color=True)


def laid_out(answer: Answer) -> AnswerReport:
    """Return the answer as a report without charts."""
    from analyzer.report.sections import AnswerReport

    return AnswerReport(answer=answer)


def save(
    answer: Answer, folder: Path | None, charts: ChartOptions | None, *, quiet: bool
) -> AnswerReport:
    """Write the report into a folder, if there is one, note its files, and return it."""
    if folder is None:
        return laid_out(answer)
    from analyzer.report.write import write_report

    written = write_report(answer, folder, charts)
    if not quiet:
        note_files(written.paths, folder)
        for refusal in written.not_drawn:
            note(f"No chart: {refusal}")
    return written.report


def note_files(paths: Iterable[Path], folder: Path) -> None:
    """Name the files that were written, on stderr."""
    note(f"Wrote {', '.join(path.name for path in paths)} to {folder}.")
