"""The README shows what a reader will see."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import cli

_ROOT = Path(__file__).parent.parent
_README = (_ROOT / "README.md").read_text(encoding="utf-8")
_EXAMPLES = re.findall(r"```console\n\$ istio-usage ([^\n]+)\n(.*?)```", _README, re.DOTALL)


@pytest.mark.parametrize(("arguments", "shown"), _EXAMPLES, ids=["demo", "equal traffic"])
def test_each_example_shows_the_real_output(arguments: str, shown: str) -> None:
    result = CliRunner().invoke(cli, shlex.split(arguments), env={"COLUMNS": "80"})

    assert result.exit_code == 0
    assert result.stdout == shown


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_each_command_is_described_here_and_has_help_with_an_example(command: str) -> None:
    text = CliRunner().invoke(cli, [command, "--help"]).stdout

    assert f"| `{command}` |" in _README
    assert f"istio-usage {command}" in " ".join(text.split())


def test_each_picture_and_file_it_names_is_there() -> None:
    linked = re.findall(r"\]\(([^)]+)\)", _README)

    assert linked
    for path in linked:
        assert (_ROOT / path).is_file(), path


def test_the_test_command_stands_where_ci_finds_it() -> None:
    assert "```console\nmake test\n```" in _README
