"""The command line: parse, call, print and save.

No arithmetic, and nothing heavy is imported before a command needs it: `--help` is instant.

stdout is the answer; everything else goes to stderr. Exit status: 0 answered; 1 a known failure,
told in one line; 2 wrong usage; 3 the data cannot support the answer.
"""

from __future__ import annotations

from typing import Any

import click

from analyzer import __version__
from analyzer.cli.answers import analyze, calibrate, demo, report
from analyzer.cli.comparing import compare
from analyzer.cli.measuring import collect, doctor, queries
from analyzer.cli.options import examples
from analyzer.cli.projecting import project
from analyzer.errors import AnalyzerError

__all__ = ["cli", "main"]


class _OneLineErrors(click.Group):
    """Tells a known failure in one line; an unknown one keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except AnalyzerError as error:
            from analyzer.cli.flags import FLAGS
            from analyzer.report.format import inert
            from analyzer.settings import spelled

            # It may quote a label or a server, and both may hold what a terminal would obey.
            click.echo(f"istio-usage: {inert(spelled(str(error), FLAGS))}", err=True)
            ctx.exit(error.exit_code)


@click.group(
    cls=_OneLineErrors,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples("istio-usage demo", "istio-usage analyze -p http://localhost:9090"),
)
@click.version_option(__version__, prog_name="istio-usage")
def cli() -> None:
    """Tell what Istio's sidecars really cost, and what ambient mode would for the same traffic.

    The figures come from your own Prometheus; each is marked measured, derived or published.
    """


for _command in (analyze, demo, doctor, collect, calibrate, project, compare, report, queries):
    cli.add_command(_command)


def main() -> None:
    """Run the command line."""
    cli(prog_name="istio-usage")
