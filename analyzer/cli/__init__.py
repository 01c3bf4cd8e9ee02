"""The command line: parse, call, print and save.

It holds no arithmetic. Nothing heavy is imported before a command needs it: `--help` is instant.

The answer goes to stdout, everything else to stderr. `ending` lists the exit statuses.
"""

import click

from analyzer import __version__
from analyzer.cli.answers import analyze, calibrate, compare, demo, report
from analyzer.cli.diagnosing import doctor
from analyzer.cli.ending import CommandLine, run
from analyzer.cli.explaining import explain
from analyzer.cli.measuring import collect, queries
from analyzer.cli.parameters import examples, verbatim
from analyzer.cli.projecting import project
from analyzer.cli.recording import rules
from analyzer.cli.rightsizing import rightsize

__all__ = ["cli", "main"]

_STATUSES = verbatim(
    "Exit status:",
    "0        answered",
    "1        a known failure, in one line on stderr; or a closed pipe",
    "2        wrong usage",
    "3        the data cannot support the answer; the reason is printed",
    "130/143  interrupted by Ctrl-C or SIGTERM; what is kept is printed",
)
_COMPLETION = verbatim(
    "Shell completion, in ~/.bashrc, ~/.zshrc or config.fish:",
    'eval "$(_ISTIO_USAGE_COMPLETE=bash_source istio-usage)"',
    'eval "$(_ISTIO_USAGE_COMPLETE=zsh_source istio-usage)"',
    "_ISTIO_USAGE_COMPLETE=fish_source istio-usage | source",
)
_EXAMPLES = examples("istio-usage demo", "istio-usage analyze -p http://localhost:9090")


@click.group(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"{_STATUSES}\n\n{_COMPLETION}\n\n{_EXAMPLES}",
)
@click.version_option(__version__, prog_name="istio-usage")
def cli() -> None:
    """Measure what Istio sidecars cost, and price ambient mode for the same traffic.

    The figures come from your Prometheus. Each is marked measured, derived or published.
    """


_COMMANDS = (
    analyze, demo, doctor, collect, calibrate, project, rightsize, compare, report, queries,
    rules, explain,
)  # fmt: skip
for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command line and end the process with its exit status."""
    run(cli)
