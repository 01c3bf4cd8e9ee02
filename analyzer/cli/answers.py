"""Commands that answer from a snapshot: analyze, calibrate, compare, demo, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from analyzer.cli import answering, machine, values
from analyzer.cli.ending import keeping
from analyzer.cli.measuring import collected, kept_at
from analyzer.cli.parameters import command, examples, option, verbatim
from analyzer.cli.temporary import temporary_folder
from analyzer.defaults import DEFAULT_SAMPLE
from analyzer.errors import InsufficientData, sentences

if TYPE_CHECKING:
    from analyzer.cli import options

_FILES = verbatim(
    "Files:",
    "report.html     the whole answer on one page; it loads nothing, and prints",
    "report.md       the same for wikis and pull requests",
    "result.json     the same for programs; keeps to a published schema",
    "modes.csv       costs, and more tables, safe to open in a spreadsheet:",
    "                namespaces, workloads, nodes, timeline, proxies, findings",
)
_CHARTS = verbatim(
    "Charts:",
    "cost            cost of each mode by component, beside published figures",
    "calibration     CPU against requests, with the fitted line and its range",
    "workloads       idle CPU and cost per request of each workload",
    "rightsizing     CPU requests of sidecars: today, used and recommended",
    "timeline        CPU and requests over time, and which CPU is not in the fit",
    "namespaces      what moving each namespace saves, largest saving first",
    "sensitivity     which assumption moves the saving, and by how much",
    "l7_share        saving against the share of namespaces with a waypoint",
    "backtest        the last 30 % of the time, predicted and measured",
    "ztunnels        expected CPU of the ztunnel on each node",
)


@command(
    epilog=examples(
        "istio-usage analyze -p http://localhost:9090 --days 7 -o out",
        "istio-usage analyze -p http://localhost:9090 --namespace 'shop.*' --quiet",
    )
)
def analyze(  # noqa: PLR0913, PLR0917 - one parameter for each group of options
    server: options.ServerOptions,
    projected: options.ProjectionOptions,
    output: Annotated[Path | None, options.folder("the snapshot and the report")],
    drawing: options.DrawingOptions,
    answers: options.AnswerOptions,
    replacing: options.ReplaceOptions,
    talk: options.TalkOptions,
) -> None:
    """Measure a mesh through Prometheus and price each mode.

    This is the main command. It surveys the server, collects a snapshot, calibrates, projects and
    reports. With -o it writes the snapshot into DIRECTORY/snapshot, beside the files of `report`.
    """
    from analyzer.measurement.snapshot import SUBFOLDER
    from analyzer.measurement.unreported import unmark

    # A mistake in it must show before hours of collecting, not after.
    projected.assumed()
    explained, charts = answers.explained(), drawing.charts(output)
    with temporary_folder() as temporary:
        target = (output or temporary) / SUBFOLDER
        with keeping(lambda: kept_at(target) if output else "Nothing is kept without -o."):
            snapshot = collected(server, talk, target, replacing)
            try:
                answer = answering.answered(snapshot, projected)
            except InsufficientData as error:
                # The same answer again would be of no use: more time has to pass.
                unmark(snapshot.path)
                kept = f"The snapshot is kept in {snapshot.path}." if output else ""
                raise InsufficientData(sentences(str(error), kept)) from error
            written = answering.save(answer, output, charts, quiet=talk.quiet)
            unmark(snapshot.path)
            answering.show(written, answers.output_format, explained)


@command(epilog=examples("istio-usage demo", "istio-usage demo -o out --charts cost"))
def demo(
    projected: options.ProjectionOptions,
    output: Annotated[Path | None, options.folder("the report")],
    drawing: options.DrawingOptions,
    sample: Annotated[
        str,
        option(
            "--sample",
            "Bundled sample: lab (real Envoys) or fleet (larger, simulated).",
            default=DEFAULT_SAMPLE,
            metavar="NAME",
            shell_complete=values.complete_sample,
        ),
    ],
    answers: options.AnswerOptions,
    quiet: options.Quiet,
) -> None:
    """Analyze a bundled sample. No server is needed."""
    from analyzer.data import sample_path

    explained, charts = answers.explained(), drawing.charts(output)
    answer = answering.answered_from(sample_path(sample), projected)
    answering.show(
        answering.save(answer, output, charts, quiet=quiet), answers.output_format, explained
    )


@command(epilog=examples("istio-usage calibrate mesh.snapshot --format json"))
def calibrate(
    snapshot: options.SnapshotPath, output_format: options.Format, _quiet: options.Quiet
) -> None:
    """Fit the cost per request and the idle CPU of a snapshot.

    Besides the fit it shows the workloads, the backtest and what took no part.
    """
    answering.show(answering.laid_out(answering.answered_from(snapshot)), output_format)


@command(
    epilog=f"{_FILES}\n\n{_CHARTS}\n\n"
    + examples(
        "istio-usage report mesh.snapshot -o out",
        "istio-usage report mesh.snapshot -o out --chart-format svg",
    )
)
def report(
    snapshot: options.SnapshotPath,
    projected: options.ProjectionOptions,
    output: Annotated[Path, options.folder("the report")],
    drawing: options.DrawingOptions,
    quiet: options.Quiet,
) -> None:
    """Write a snapshot's HTML page, charts, JSON, CSV and Markdown.

    Files of an earlier report in DIRECTORY are replaced.
    """
    from analyzer.measurement.snapshot import load_snapshot
    from analyzer.measurement.unreported import unmark

    charts, found = drawing.charts(output), load_snapshot(snapshot)
    answering.save(answering.answered(found, projected), output, charts, quiet=quiet)
    unmark(found.path)


@command(epilog=examples("istio-usage compare before.snapshot after.snapshot -o out"))
def compare(
    before: options.SnapshotPath,
    after: options.SnapshotPath,
    scenario: options.ScenarioFile,
    output: Annotated[Path | None, options.folder("comparison.html, .md, .json and .csv")],
    output_format: Annotated[
        Literal["table", "json", "markdown"], option("--format", options.FORMAT_HELP)
    ],
    quiet: options.Quiet,
) -> None:
    """Compare a prediction with the measurement after a migration.

    BEFORE is a snapshot with sidecars. AFTER is a snapshot of the same mesh with ztunnels, after
    some or all namespaces have moved. The difference is divided among its causes: traffic, number
    of proxies, idle CPU, cost per request, and what none of these explains. The parts add up.

    The largest cause comes first, such as "Waypoints use 33 % more than predicted: a request
    through one costs 0.636 vCPU per 1000 requests/s, predicted 0.5". Sidecars that stayed are
    compared with themselves.

    ztunnel counts no requests. Its requests after the move are known where a waypoint, a sidecar
    or a gateway counts them. Elsewhere they are assumed unchanged, and a warning gives the share.

    Memory, CPU requests and dollars are compared as well, and the predicted saving with the
    realised one. The number of nodes and their node-hours are those measured in each snapshot.

    The result also has the cost of the waypoints and ztunnels of AFTER, for the next prediction.
    """
    from analyzer.cli.options import scenario_of
    from analyzer.comparison.compare import compare as compare_snapshots
    from analyzer.measurement.snapshot import load_snapshot
    from analyzer.report.migration import ComparisonReport
    from analyzer.units import Refusal

    assumed = scenario_of(scenario)
    machine.collect_again()
    first, second = load_snapshot(before), load_snapshot(after)
    found = compare_snapshots(first, second, assumed)
    if isinstance(found, Refusal):
        raise InsufficientData(str(found))
    report = ComparisonReport(comparison=found, before=first.manifest, after=second.manifest)
    if output is not None:
        from analyzer.report.write import write_comparison

        paths = write_comparison(report, output)
        if not quiet:
            answering.note_files(paths, output)
    answering.print_report(report, output_format)
