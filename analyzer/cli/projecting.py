"""The command that prices: project."""

from __future__ import annotations

from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from analyzer.cli.answering import answered_from, laid_out, show
from analyzer.cli.options import AnswerOptions, ProjectionOptions, Quiet, StatedOptions
from analyzer.cli.parameters import argument, command, examples, option
from analyzer.errors import UsageError
from analyzer.settings import spelled

if TYPE_CHECKING:
    from analyzer.report.answer import Answer


class _BareExplain(click.Command):
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
    ),
)
def project(
    snapshot: Annotated[Path | None, argument()],
    projected: ProjectionOptions,
    stated: StatedOptions,
    show_scenario: Annotated[
        bool,
        option("--show-scenario", "Print all assumptions as a scenario file, and exit."),
    ],
    answers: AnswerOptions,
    _quiet: Quiet,
) -> None:
    """Price a snapshot or a hypothetical mesh.

    A snapshot is priced by what was measured, a hypothetical mesh by published benchmarks. The
    latter needs --constants, --pods, --nodes and --namespaces.

    To change assumptions, edit the output of --show-scenario and give the file as --scenario.
    """
    if show_scenario:
        from analyzer.cli.flags import FLAGS
        from analyzer.projection.scenario import as_toml

        assumed = projected.assumed(is_hypothetical=stated.are_given)
        click.echo(as_toml(assumed, partial(spelled, spelling=FLAGS)), nl=False)
    elif snapshot is None:
        if answers.explain:
            raise UsageError(
                "--explain needs a SNAPSHOT. Published benchmarks have no arithmetic to explain."
            )
        show(laid_out(_of_constants(stated, projected)), answers.output_format)
    else:
        if stated.are_given:
            raise UsageError(
                "--constants, --pods, --namespaces and --proxy-rps describe a hypothetical mesh. "
                "Leave them out, or leave out the snapshot."
            )
        explained = answers.explained()
        show(laid_out(answered_from(snapshot, projected)), answers.output_format, explained)


def _of_constants(stated: StatedOptions, projected: ProjectionOptions) -> Answer:
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
