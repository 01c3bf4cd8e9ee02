"""What commands that answer have in common: from a snapshot to an answer, shown and saved."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analyzer.cli.flags import front_end
from analyzer.cli.options import scenario_of
from analyzer.errors import InsufficientData

if TYPE_CHECKING:
    from analyzer.measurement.snapshot import Snapshot
    from analyzer.report.answer import Answer
    from analyzer.report.sections import AnswerReport, Report
    from analyzer.report.write import ChartOptions

__all__ = ["answered", "print_report", "save", "show"]


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
        front_end=front_end(),
    )


def show(report: AnswerReport, output_format: str, explained: tuple[str, ...] = ()) -> None:
    """Print the answer, and after it how the figures of these modes come about."""
    print_report(report, output_format)
    if explained:
        from analyzer.report.explain import explain

        click.echo(f"\n{explain(report.answer, explained)}", nl=False)


def print_report(report: Report, output_format: str) -> None:
    """Print a report in one of `FORMATS`."""
    from analyzer.report.render import FORMATS
    from analyzer.report.render.terminal import Screen

    # Whether there are escape codes is decided; click must not take them out.
    click.echo(FORMATS[output_format](report, Screen.of(sys.stdout)), nl=False, color=True)


def save(
    answer: Answer, folder: Path | None, charts: ChartOptions | None, *, quiet: bool
) -> AnswerReport:
    """Write the report, where there is a folder for it, tell what was written, and return it."""
    from analyzer.report.sections import AnswerReport

    if folder is None:
        return AnswerReport(answer=answer)
    from analyzer.report.format import inert
    from analyzer.report.write import write_report

    written = write_report(answer, folder, charts)
    if not quiet:
        names = ", ".join(path.name for path in written.paths)
        click.echo(f"istio-usage: wrote {names} to {folder}", err=True)
        for refusal in written.not_drawn:
            click.echo(f"istio-usage: did not draw {inert(str(refusal))}", err=True)
    return written.report
