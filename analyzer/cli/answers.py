"""Commands that answer from a snapshot: analyze, calibrate, demo, report."""

import tempfile
from pathlib import Path
from typing import Annotated

from analyzer.cli import values
from analyzer.cli.answering import answered, laid_out, save, show
from analyzer.cli.ending import keeping
from analyzer.cli.measuring import collected, kept_at
from analyzer.cli.options import (
    FOLDER,
    AnswerOptions,
    DrawingOptions,
    Format,
    ProjectionOptions,
    Quiet,
    ServerOptions,
    SnapshotPath,
    TalkOptions,
    scenario_of,
)
from analyzer.cli.parameters import command, examples, option
from analyzer.data import DEFAULT_SAMPLE
from analyzer.errors import InsufficientData


@command(
    epilog=examples(
        "istio-usage analyze -p http://localhost:9090 --days 7 -o out",
        "istio-usage analyze -p http://localhost:9090 --namespace 'shop.*' --quiet",
    )
)
def analyze(
    server: ServerOptions,
    projected: ProjectionOptions,
    output: Annotated[
        Path | None,
        option("-o", "--output", type=FOLDER, help="Folder for the snapshot and the report."),
    ],
    drawing: DrawingOptions,
    answers: AnswerOptions,
    talk: TalkOptions,
) -> None:
    """The main job: survey, collect, calibrate, project and report."""
    # A mistake in it must show before hours of collecting, not after.
    scenario_of(projected.scenario)
    explained, charts = answers.explained(), drawing.charts(output)
    with tempfile.TemporaryDirectory(prefix="istio-usage-") as temporary:
        target = (output or Path(temporary)) / "snapshot"
        with keeping(lambda: kept_at(target) if output else "nothing is kept without -o"):
            snapshot = collected(server, talk, target)
            try:
                answer = answered(snapshot, projected)
            except InsufficientData as error:
                kept = f"; the snapshot is kept in {snapshot.path}" if output else ""
                raise InsufficientData(f"{error}{kept}") from error
            written = save(answer, output, charts, quiet=talk.quiet)
            show(written, answers.output_format, explained)


@command(epilog=examples("istio-usage demo", "istio-usage demo -o out --charts cost"))
def demo(
    projected: ProjectionOptions,
    output: Annotated[
        Path | None, option("-o", "--output", type=FOLDER, help="Folder for the report.")
    ],
    drawing: DrawingOptions,
    sample: Annotated[
        str,
        option(
            "--sample",
            default=DEFAULT_SAMPLE,
            shell_complete=values.complete_sample,
            help="Which bundled sample: lab is of real Envoys, fleet a larger simulated mesh.",
        ),
    ],
    answers: AnswerOptions,
    quiet: Quiet,
) -> None:
    """The main job on a bundled sample: no server needed."""
    from analyzer.data import sample_path
    from analyzer.measurement.snapshot import load_snapshot

    explained, charts = answers.explained(), drawing.charts(output)
    answer = answered(load_snapshot(sample_path(sample)), projected)
    show(save(answer, output, charts, quiet=quiet), answers.output_format, explained)


@command(epilog=examples("istio-usage calibrate mesh.snapshot --format json"))
def calibrate(snapshot: SnapshotPath, output_format: Format, quiet: Quiet) -> None:
    """Fit only: what a request and an idle sidecar cost."""
    from analyzer.measurement.snapshot import load_snapshot

    del quiet  # It prints nothing on stderr but errors.
    show(laid_out(answered(load_snapshot(snapshot))), output_format)


@command(
    epilog=examples(
        "istio-usage report mesh.snapshot -o out",
        "istio-usage report mesh.snapshot -o out --chart-format svg",
    )
)
def report(
    snapshot: SnapshotPath,
    projected: ProjectionOptions,
    output: Annotated[Path, option("-o", "--output", type=FOLDER, help="Folder for the report.")],
    drawing: DrawingOptions,
    quiet: Quiet,
) -> None:
    """Write a page, charts, JSON, CSV and Markdown of a snapshot."""
    from analyzer.measurement.snapshot import load_snapshot

    charts = drawing.charts(output)
    save(answered(load_snapshot(snapshot), projected), output, charts, quiet=quiet)
