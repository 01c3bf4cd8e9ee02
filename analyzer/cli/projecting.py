"""The command that prices: project."""

from __future__ import annotations

from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from analyzer.cli import several
from analyzer.cli.answering import answered_from, save, show
from analyzer.cli.parameters import Declared, argument, command, examples, option
from analyzer.errors import UsageError
from analyzer.settings import spelled

if TYPE_CHECKING:
    from analyzer.cli import options
    from analyzer.report.answer import Answer


class _BareExplain(Declared):
    """Leaves the word after a bare --explain to SNAPSHOT where it is a path and no mode.

    Click would take every such word as the option's value.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line."""
        words = [
            "--explain=all" if word == "--explain" and _is_path(following) else word
            for word, following in zip_longest(args, args[1:], fillvalue="")
        ]
        return super().parse_args(ctx, words)


def _is_path(word: str) -> bool:
    """Return whether a word can be a snapshot: it exists, or it looks like a path."""
    from analyzer.projection.modes import MODES

    return word not in MODES and ("." in word or "/" in word or Path(word).exists())


@command(
    kind=_BareExplain,
    epilog=examples(
        "istio-usage project mesh.snapshot --explain ambient-waypoint",
        "istio-usage project --constants blog --pods 15000 --nodes 200 \\",
        "    --namespaces 1000",
        "istio-usage project east.snapshot west.snapshot -o out",
        "istio-usage project --meshes meshes.toml",
    ),
)
def project(  # noqa: PLR0913, PLR0917 - one parameter for each group of options
    snapshots: Annotated[
        tuple[Path, ...], argument(nargs=-1, required=False, metavar="[SNAPSHOT]...")
    ],
    projected: options.ProjectionOptions,
    stated: options.StatedOptions,
    meshes: Annotated[
        Path | None,
        option("--meshes", "TOML file with hypothetical meshes, one table [[mesh]] each."),
    ],
    output: Annotated[Path | None, options.folder("the report")],
    show_scenario: Annotated[
        bool,
        option("--show-scenario", "Print all assumptions as a scenario file, and exit."),
    ],
    answers: options.AnswerOptions,
    quiet: options.Quiet,
) -> None:
    """Price a snapshot, a hypothetical mesh, or several of either.

    A snapshot is priced by what was measured, a hypothetical mesh by published benchmarks. The
    latter needs --constants, --pods, --nodes and --namespaces.

    Several snapshots, or a file of hypothetical meshes, give one table and chart with their sum.
    Each [[mesh]] in the file has name, constants, pods, nodes, namespaces and, where the
    benchmarks need it, proxy_rps.

    To change assumptions, edit the output of --show-scenario and give the file as --scenario.
    """
    if show_scenario:
        from analyzer.cli.flags import FLAGS
        from analyzer.projection.scenario_file import as_toml

        is_hypothetical = stated.are_given or meshes is not None
        assumed = projected.assumed(is_hypothetical=is_hypothetical)
        click.echo(as_toml(assumed, partial(spelled, spelling=FLAGS)), nl=False)
    elif meshes is not None or len(snapshots) > 1:
        _refuse_mixed(snapshots, meshes, projected, stated, answers)
        report = (
            several.of_file(meshes, projected)
            if meshes
            else several.of_snapshots(snapshots, projected)
        )
        several.show(report, answers.output_format, output, quiet=quiet)
    elif not snapshots:
        if answers.explain:
            raise UsageError(
                "--explain needs a SNAPSHOT. Published benchmarks have no arithmetic to explain."
            )
        answer = _of_constants(stated, projected)
        show(save(answer, output, None, quiet=quiet), answers.output_format)
    else:
        _refuse_stated(stated)
        explained = answers.explained()
        answer = answered_from(snapshots[0], projected)
        show(save(answer, output, None, quiet=quiet), answers.output_format, explained)


def _refuse_stated(stated: options.StatedOptions) -> None:
    if stated.are_given:
        raise UsageError(
            "--constants, --pods, --namespaces and --proxy-rps describe a hypothetical mesh. "
            "Leave them out, or leave out the snapshot."
        )


def _refuse_mixed(
    snapshots: tuple[Path, ...],
    meshes: Path | None,
    projected: options.ProjectionOptions,
    stated: options.StatedOptions,
    answers: options.AnswerOptions,
) -> None:
    """Refuse what describes one mesh where there are several."""
    if meshes and snapshots:
        raise UsageError("--meshes takes the place of snapshots. Give one or the other.")
    if meshes and stated.are_given:
        raise UsageError(
            "--constants, --pods, --namespaces and --proxy-rps describe one mesh. State them in "
            "the file of --meshes."
        )
    _refuse_stated(stated)
    if projected.node_count is not None:
        raise UsageError("--nodes is the node count of one mesh. Leave it out.")
    if answers.explain:
        raise UsageError("--explain prints the arithmetic of one mesh. Give one SNAPSHOT.")


def _of_constants(stated: options.StatedOptions, projected: options.ProjectionOptions) -> Answer:
    from analyzer.cli.flags import front_end
    from analyzer.data import complete_constants
    from analyzer.projection.demand import stated_load
    from analyzer.projection.published import project_constants
    from analyzer.report.answer import Answer

    pods, namespaces, nodes = stated.pod_count, stated.namespace_count, projected.node_count
    if not stated.constants or pods is None or namespaces is None or nodes is None:
        raise UsageError(
            "Give a SNAPSHOT, or all of --constants, --pods, --nodes and --namespaces."
        )
    known = complete_constants()
    if stated.constants not in known:
        raise UsageError(
            f"There are no benchmarks {stated.constants!r}. Give one of {', '.join(known)}."
        )
    load = stated_load(
        pod_count=pods,
        node_count=nodes,
        namespace_count=namespaces,
        proxy_rps=stated.proxy_rps or 0.0,
    )
    constants = known[stated.constants]
    projection = project_constants(constants, load, projected.assumed(is_hypothetical=True))
    return Answer(load=load, projection=projection, front_end=front_end())
