"""The command line: parse, call, print and save.

No arithmetic, and nothing heavy is imported before a command needs it: `--help` is instant.

stdout is the answer; everything else goes to stderr. `ending` lists the exit statuses.
"""

import click

from analyzer import __version__
from analyzer.cli.answers import analyze, calibrate, compare, demo, report
from analyzer.cli.ending import CommandLine, run
from analyzer.cli.explaining import explain
from analyzer.cli.measuring import collect, doctor, queries
from analyzer.cli.parameters import examples
from analyzer.cli.projecting import project

__all__ = ["cli", "main"]


@click.group(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples("istio-usage demo", "istio-usage analyze -p http://localhost:9090"),
)
@click.version_option(__version__, prog_name="istio-usage")
def cli() -> None:
    """Tell what Istio's sidecars really cost, and what ambient mode would for the same traffic.

    The figures come from your own Prometheus; each is marked measured, derived or published.
    """


_COMMANDS = (
    analyze, demo, doctor, collect, calibrate, project, compare, report, queries, explain,
)  # fmt: skip
for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command line and end the process with its exit status."""
    run(cli)
