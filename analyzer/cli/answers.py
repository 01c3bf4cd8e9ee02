"""Commands that answer from a snapshot: analyze, calibrate, demo, report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from analyzer.cli.answering import answered, save, show
from analyzer.cli.charting import chart_options, charts_of
from analyzer.cli.completing import complete_sample
from analyzer.cli.measuring import collected
from analyzer.cli.options import (
    FOLDER,
    SNAPSHOT,
    examples,
    explain_option,
    explained_modes,
    format_option,
    projection_options,
    quiet_option,
    scope_options,
    server_options,
    talk_options,
    time_options,
)
from analyzer.data import DEFAULT_SAMPLE
from analyzer.errors import InsufficientData

__all__ = ["analyze", "calibrate", "demo", "report"]


@click.command(
    epilog=examples(
        "istio-usage analyze -p http://localhost:9090 --days 7 -o out",
        "istio-usage analyze -p http://localhost:9090 --namespace 'shop.*' --quiet",
    )
)
@server_options
@scope_options
@time_options
@projection_options
@click.option("-o", "--output", type=FOLDER, help="Folder for the snapshot and the report.")
@chart_options
@format_option
@explain_option
@talk_options
def analyze(
    output: Path | None,
    output_format: str,
    explain: str | None,
    scenario: Path | None,
    waypoint_replicas: int | None,
    node_count: int | None,
    **options: Any,
) -> None:
    """The main job: survey, collect, calibrate, project and report."""
    import tempfile

    from analyzer.projection.scenario import load_scenario

    if scenario:
        # A mistake in it must show before hours of collecting, not after.
        load_scenario(scenario)
    explained = explained_modes(explain, output_format)
    charts = charts_of(options, output)
    quiet = bool(options["quiet"])
    with tempfile.TemporaryDirectory(prefix="istio-usage-") as temporary:
        folder = output or Path(temporary)
        snapshot = collected({"note": "", **options}, folder / "snapshot")
        try:
            answer = answered(
                snapshot,
                scenario=scenario,
                waypoint_replicas=waypoint_replicas,
                node_count=node_count,
            )
        except InsufficientData as error:
            kept = f"; the snapshot is kept in {snapshot.path}" if output else ""
            raise InsufficientData(f"{error}{kept}") from error
        show(save(answer, output, charts, quiet=quiet), output_format, explained)


@click.command(epilog=examples("istio-usage demo", "istio-usage demo -o out --charts cost"))
@projection_options
@click.option("-o", "--output", type=FOLDER, help="Folder for the report.")
@chart_options
@click.option(
    "--sample",
    default=DEFAULT_SAMPLE,
    show_default=True,
    shell_complete=complete_sample,
    help="Which bundled sample: lab is of real Envoys, fleet a larger simulated mesh.",
)
@format_option
@explain_option
@quiet_option
def demo(
    output: Path | None,
    sample: str,
    output_format: str,
    explain: str | None,
    *,
    quiet: bool,
    **options: Any,
) -> None:
    """The main job on a bundled sample: no server needed."""
    from analyzer.data import sample_path
    from analyzer.measurement.snapshot import load_snapshot

    explained = explained_modes(explain, output_format)
    charts = charts_of(options, output)
    answer = answered(load_snapshot(sample_path(sample)), **options)
    show(save(answer, output, charts, quiet=quiet), output_format, explained)


@click.command(epilog=examples("istio-usage calibrate mesh.snapshot --format json"))
@click.argument("snapshot", type=SNAPSHOT)
@format_option
@quiet_option
def calibrate(snapshot: Path, output_format: str, *, quiet: bool) -> None:
    """Fit only: what a request and an idle sidecar cost."""
    from analyzer.measurement.snapshot import load_snapshot

    answer = answered(load_snapshot(snapshot), projected=False)
    show(save(answer, None, None, quiet=quiet), output_format)


@click.command(
    epilog=examples(
        "istio-usage report mesh.snapshot -o out",
        "istio-usage report mesh.snapshot -o out --chart-format svg",
    )
)
@click.argument("snapshot", type=SNAPSHOT)
@projection_options
@click.option("-o", "--output", type=FOLDER, required=True, help="Folder for the report.")
@chart_options
@quiet_option
def report(snapshot: Path, output: Path, *, quiet: bool, **options: Any) -> None:
    """Write a page, charts, JSON, CSV and Markdown of a snapshot."""
    from analyzer.measurement.snapshot import load_snapshot

    charts = charts_of(options, output)
    save(answered(load_snapshot(snapshot), **options), output, charts, quiet=quiet)
