"""The command that prices: project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli.answering import answered, save, show
from analyzer.cli.completing import complete_constants
from analyzer.cli.flags import front_end
from analyzer.cli.options import (
    SNAPSHOT,
    examples,
    explain_option,
    explained_modes,
    format_option,
    projection_options,
    quiet_option,
    scenario_of,
)
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from analyzer.report.answer import Answer

__all__ = ["project"]


@click.command(
    epilog=examples(
        "istio-usage project mesh.snapshot --explain ambient-waypoint",
        "istio-usage project --constants blog --pods 15000 --nodes 200 \\",
        "    --namespaces 1000",
    )
)
@click.argument("snapshot", type=SNAPSHOT, required=False)
@projection_options
@click.option(
    "--constants",
    shell_complete=complete_constants,
    help="Published constants in place of a snapshot: blog, istio-1.24 ...",
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
@quiet_option
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
    quiet: bool,
    **assumed: Any,
) -> None:
    """Cost only: of a snapshot, or of a mesh of stated size by published constants."""
    from analyzer.measurement.snapshot import load_snapshot

    if show_scenario:
        from analyzer.projection.scenario import as_toml

        click.echo(
            as_toml(scenario_of(assumed["scenario"], assumed["waypoint_replicas"])), nl=False
        )
        return

    stated = (pod_count, namespace_count, proxy_rps)
    if snapshot is not None:
        if constants or any(value is not None for value in stated):
            raise UsageError("a snapshot needs no --constants, --pods, --namespaces or --proxy-rps")
        explained = explained_modes(explain, output_format)
        answer = answered(load_snapshot(snapshot), **assumed)
        show(save(answer, None, None, quiet=quiet), output_format, explained)
        return
    if explain:
        raise UsageError("--explain needs a SNAPSHOT: published constants are in constants.toml")
    if not constants or pod_count is None or namespace_count is None or not assumed["node_count"]:
        raise UsageError("give a SNAPSHOT, or all of --constants, --pods, --nodes, --namespaces")
    answer = _stated_answer(constants, pod_count, namespace_count, proxy_rps or 0.0, **assumed)
    show(save(answer, None, None, quiet=quiet), output_format)


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
    from analyzer.projection.demand import stated_load
    from analyzer.projection.published import project_constants
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
    projection = project_constants(known[name], load, assumed)
    return Answer(load=load, projection=projection, front_end=front_end())
