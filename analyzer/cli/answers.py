"""Commands that answer from a snapshot: analyze, calibrate, compare, demo, report."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

from analyzer.cli import answering, options, values
from analyzer.cli.ending import keeping
from analyzer.cli.measuring import collected, kept_at
from analyzer.cli.parameters import command, examples, option
from analyzer.data import DEFAULT_SAMPLE, sample_path
from analyzer.errors import InsufficientData, sentences


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
    """The main job: survey, collect, calibrate, project and report."""
    from analyzer.measurement.snapshot import SUBFOLDER

    # A mistake in it must show before hours of collecting, not after.
    options.scenario_of(projected.scenario)
    explained, charts = answers.explained(), drawing.charts(output)
    with tempfile.TemporaryDirectory(prefix="istio-usage-") as temporary:
        target = (output or Path(temporary)) / SUBFOLDER
        with keeping(lambda: kept_at(target) if output else "Nothing is kept without -o."):
            snapshot = collected(server, talk, target, replacing)
            try:
                answer = answering.answered(snapshot, projected)
            except InsufficientData as error:
                kept = f"The snapshot is kept in {snapshot.path}." if output else ""
                raise InsufficientData(sentences(str(error), kept)) from error
            written = answering.save(answer, output, charts, quiet=talk.quiet)
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
            "Which bundled sample: lab is of real Envoys, fleet a larger simulated mesh.",
            default=DEFAULT_SAMPLE,
            shell_complete=values.complete_sample,
        ),
    ],
    answers: options.AnswerOptions,
    quiet: options.Quiet,
) -> None:
    """The main job on a bundled sample: no server needed."""
    explained, charts = answers.explained(), drawing.charts(output)
    answer = answering.answered_from(sample_path(sample), projected)
    answering.show(
        answering.save(answer, output, charts, quiet=quiet), answers.output_format, explained
    )


@command(epilog=examples("istio-usage calibrate mesh.snapshot --format json"))
def calibrate(
    snapshot: options.SnapshotPath, output_format: options.Format, _quiet: options.Quiet
) -> None:
    """Fit only: what a request and an idle sidecar cost."""
    answering.show(answering.laid_out(answering.answered_from(snapshot)), output_format)


@command(
    epilog=examples(
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
    """Write a page, charts, JSON, CSV and Markdown of a snapshot."""
    charts = drawing.charts(output)
    answering.save(answering.answered_from(snapshot, projected), output, charts, quiet=quiet)


@command(epilog=examples("istio-usage compare before.snapshot after.snapshot -o out"))
def compare(
    before: options.SnapshotPath,
    after: options.SnapshotPath,
    scenario: options.ScenarioFile,
    output: Annotated[Path | None, options.folder("the comparison's files")],
    output_format: Annotated[
        Literal["table", "json", "markdown"], option("--format", options.FORMAT_HELP)
    ],
    quiet: options.Quiet,
) -> None:
    """Predicted against measured, after some or all namespaces have moved to ambient.

    BEFORE is a snapshot with sidecars, AFTER one of the same mesh with ztunnels.
    """
    from analyzer.comparison.compare import compare as compare_snapshots
    from analyzer.measurement.snapshot import load_snapshot
    from analyzer.report.sections import ComparisonReport
    from analyzer.units import Refusal

    assumed = options.scenario_of(scenario)
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
