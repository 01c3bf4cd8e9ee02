"""Commands that answer: analyze, demo, calibrate, project, report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli.measuring import collected
from analyzer.cli.options import (
    FOLDER,
    SNAPSHOT,
    explain_option,
    explained_modes,
    format_option,
    projection_options,
    scenario_of,
    scope_options,
    server_options,
    talk_options,
    time_options,
)
from analyzer.errors import InsufficientData, UsageError

if TYPE_CHECKING:
    from analyzer.measurement.snapshot import Snapshot
    from analyzer.report.answer import Answer

__all__ = ["analyze", "calibrate", "demo", "project", "report"]


def _answer(
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
    from analyzer.projection.load import mesh_load
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


def _print(answer: Answer, output_format: str, explained: tuple[str, ...] = ()) -> None:
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


def _save(answer: Answer, folder: Path | None, *, quiet: bool) -> None:
    if folder is None:
        return
    from analyzer.report.write import write_report

    paths = write_report(answer, folder)
    if not quiet:
        names = ", ".join(path.name for path in paths)
        click.echo(f"istio-usage: wrote {names} to {folder}", err=True)


@click.command()
@server_options
@scope_options
@time_options
@projection_options
@click.option("-o", "--output", type=FOLDER, help="Folder for the snapshot and the report.")
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
    """The main job: survey, collect, calibrate, project and report.

    Example: istio-usage analyze -p http://localhost:9090 --days 7 -o out
    """
    import tempfile

    from analyzer.projection.scenario import load_scenario

    if scenario:
        # A mistake in it must show before hours of collecting, not after.
        load_scenario(scenario)
    explained = explained_modes(explain, output_format)
    quiet = bool(options["quiet"])
    with tempfile.TemporaryDirectory(prefix="istio-usage-") as temporary:
        folder = output or Path(temporary)
        snapshot = collected({"note": "", **options}, folder / "snapshot")
        try:
            answer = _answer(
                snapshot,
                scenario=scenario,
                waypoint_replicas=waypoint_replicas,
                node_count=node_count,
            )
        except InsufficientData as error:
            kept = f"; the snapshot is kept in {snapshot.path}" if output else ""
            raise InsufficientData(f"{error}{kept}") from error
        _save(answer, output, quiet=quiet)
        _print(answer, output_format, explained)


@click.command()
@projection_options
@click.option("-o", "--output", type=FOLDER, help="Folder for the report.")
@click.option("--sample", default="fleet", show_default=True, help="Which bundled sample.")
@format_option
@explain_option
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
def demo(
    output: Path | None,
    sample: str,
    output_format: str,
    explain: str | None,
    *,
    quiet: bool,
    **assumed: Any,
) -> None:
    """The main job on a bundled sample: no server needed.

    Example: istio-usage demo -o out
    """
    from analyzer.data import sample_path
    from analyzer.measurement.snapshot import load_snapshot

    explained = explained_modes(explain, output_format)
    answer = _answer(load_snapshot(sample_path(sample)), **assumed)
    _save(answer, output, quiet=quiet)
    _print(answer, output_format, explained)


@click.command()
@click.argument("snapshot", type=SNAPSHOT)
@format_option
def calibrate(snapshot: Path, output_format: str) -> None:
    """Fit only: what a request and an idle sidecar cost.

    Example: istio-usage calibrate mesh.snapshot --format json
    """
    from analyzer.measurement.snapshot import load_snapshot

    _print(_answer(load_snapshot(snapshot), projected=False), output_format)


@click.command()
@click.argument("snapshot", type=SNAPSHOT)
@projection_options
@click.option("-o", "--output", type=FOLDER, required=True, help="Folder for the report.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
def report(snapshot: Path, output: Path, *, quiet: bool, **assumed: Any) -> None:
    """Write charts, JSON, CSV and Markdown of a snapshot.

    Example: istio-usage report mesh.snapshot -o out
    """
    from analyzer.measurement.snapshot import load_snapshot

    _save(_answer(load_snapshot(snapshot), **assumed), output, quiet=quiet)


@click.command()
@click.argument("snapshot", type=SNAPSHOT, required=False)
@projection_options
@click.option(
    "--constants", help="Published constants in place of a snapshot: blog, istio-1.24 ..."
)
@click.option("--pods", "pod_count", type=int, help="With --constants: pods in the mesh.")
@click.option("--namespaces", "namespace_count", type=int, help="With --constants.")
@click.option(
    "--proxy-rps",
    type=click.FloatRange(min=0),
    help="With --constants: requests per second through all sidecars together.",
)
@click.option(
    "--show-scenario",
    is_flag=True,
    help="Print what would be assumed, as a scenario file, and nothing else.",
)
@format_option
@explain_option
def project(  # noqa: PLR0913 - one argument an option
    snapshot: Path | None,
    constants: str | None,
    pod_count: int | None,
    namespace_count: int | None,
    proxy_rps: float | None,
    *,
    output_format: str,
    explain: str | None,
    show_scenario: bool,
    **assumed: Any,
) -> None:
    """Cost only: of a snapshot, or of a mesh of stated size by published constants.

    Example: istio-usage project --constants blog --pods 15000 --nodes 200 --namespaces 1000
    """
    from analyzer.measurement.snapshot import load_snapshot

    if show_scenario:
        from analyzer.projection.scenario_toml import as_toml

        click.echo(
            as_toml(scenario_of(assumed["scenario"], assumed["waypoint_replicas"])), nl=False
        )
        return

    stated = (pod_count, namespace_count, proxy_rps)
    if snapshot is not None:
        if constants or any(value is not None for value in stated):
            raise UsageError("a snapshot needs no --constants, --pods, --namespaces or --proxy-rps")
        explained = explained_modes(explain, output_format)
        _print(_answer(load_snapshot(snapshot), **assumed), output_format, explained)
        return
    if explain:
        raise UsageError("--explain needs a SNAPSHOT: published constants are in constants.toml")
    if not constants or pod_count is None or namespace_count is None or not assumed["node_count"]:
        raise UsageError("give a SNAPSHOT, or all of --constants, --pods, --nodes, --namespaces")
    _print(
        _stated_answer(constants, pod_count, namespace_count, proxy_rps or 0.0, **assumed),
        output_format,
    )


def _stated_answer(  # noqa: PLR0913 - one argument an option
    name: str,
    pod_count: int,
    namespace_count: int,
    proxy_rps: float,
    *,
    node_count: int,
    scenario: Path | None,
    waypoint_replicas: int | None,
) -> Answer:
    from analyzer.data import published_constants
    from analyzer.projection.load import stated_load
    from analyzer.projection.reference import project_constants
    from analyzer.report.answer import Answer

    known = published_constants()
    if name not in known:
        raise UsageError(f"no constants {name!r}; there are: {', '.join(known)}")
    load = stated_load(
        pod_count=pod_count,
        node_count=node_count,
        namespace_count=namespace_count,
        proxy_rps=proxy_rps,
    )
    assumed = scenario_of(scenario, waypoint_replicas)
    return Answer(load=load, projection=project_constants(known[name], load, assumed))
