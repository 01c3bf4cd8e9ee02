"""Every command's help: an example that can be run, and --quiet."""

import re
import shlex
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from analyzer.cli import cli

COMMANDS = sorted(cli.commands)


def help_of(*arguments: str) -> str:
    result = CliRunner().invoke(cli, [*arguments, "--help"], terminal_width=80)
    assert result.exit_code == 0
    return result.stdout


def examples_in(text: str) -> list[str]:
    """Return the command lines below "Example:", those that go on in the next line joined."""
    _, _, below = re.sub(r"\\\n *", "", text).partition("\n  Example")
    return [line.strip() for line in below.splitlines()[1:] if line.strip()]


EXAMPLES = [
    pytest.param(line, id=f"{command or 'istio-usage'} {number}")
    for command in ("", *COMMANDS)
    for number, line in enumerate(examples_in(help_of(*([command] if command else []))))
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_of_itself(command: str) -> None:
    lines = examples_in(help_of(command))

    assert lines
    assert all(line.startswith(f"istio-usage {command}") for line in lines)


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_is_a_command_line_that_is_understood(line: str) -> None:
    """Parsed by the command it names: its options exist and their values are permitted."""
    program, name, *arguments = shlex.split(line)
    command = cli.commands[name]

    assert program == "istio-usage"
    with command.make_context(name, arguments) as context:
        assert context.params


@pytest.mark.parametrize("arguments", [(), *((command,) for command in COMMANDS)])
def test_an_example_fits_80_columns(arguments: tuple[str, ...]) -> None:
    lines = help_of(*arguments).splitlines()

    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_quiet(name: str) -> None:
    options = [item for item in cli.commands[name].params if isinstance(item, click.Option)]

    assert ["-q", "--quiet"] in [option.opts for option in options]


def test_examples_that_need_no_server_are_answered() -> None:
    lines = [line for line in examples_in(help_of("project")) if "--constants" in line]
    lines += [line for line in examples_in(help_of("queries")) if "-p" not in line.split()]

    assert len(lines) == 2
    for line in lines:
        result = CliRunner().invoke(cli, [*shlex.split(line)[1:], "--quiet"])
        assert result.exit_code == 0
        assert result.stdout
        assert result.stderr == ""


def test_help_draws_no_chart_library_in() -> None:
    code = (
        "import sys\n"
        "from analyzer.cli import cli\n"
        "cli(['demo', '--help'], standalone_mode=False)\n"
        "print([name for name in ('matplotlib', 'numpy', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.splitlines()[-1] == "[]"
