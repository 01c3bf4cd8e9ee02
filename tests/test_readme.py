"""The README shows what a reader will see."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.report.charts import CHARTS
from analyzer.units import Reason

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
    text = " ".join(CliRunner().invoke(cli, [command, "--help"]).stdout.split())
    told = re.search(rf"^\| `{command}` \| (.+) \|$", _README, re.MULTILINE)

    assert told is not None
    assert told[1] in text
    assert f"istio-usage {command}" in text.partition("Example")[2]


@pytest.mark.parametrize("name", CHARTS)
def test_each_chart_is_described_here(name: str) -> None:
    assert re.search(rf"^\| `{name}` \| .+ \|$", _README, re.MULTILINE)


def test_each_finding_about_the_data_is_explained_here_and_no_other() -> None:
    explained = _README.partition("**Data quality**")[2].partition("**Warnings**")[0]
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in (_ROOT / "analyzer" / "measurement" / "quality").glob("of_*.py")
    )
    # A finding is made by name=, or as the first argument of `about`.
    made = re.findall(r'(?:name="|\.about\(\s*")(\w+)"', sources)

    assert set(re.findall(r"^\| `(\w+)` \|", explained, re.MULTILINE)) == set(made)


@pytest.mark.parametrize("reason", [item for item in Reason if item != Reason.NOT_ASKED])
def test_each_reason_to_refuse_is_explained_here(reason: Reason) -> None:
    assert f"`{reason}`" in _README


def test_each_picture_and_file_it_names_is_there() -> None:
    linked = re.findall(r"\]\((?!https:)([^)]+)\)", _README)

    assert linked
    for path in linked:
        assert (_ROOT / path).is_file(), path


def test_the_test_command_stands_where_ci_finds_it() -> None:
    assert "```console\nmake test\n```" in _README
