"""The pages show what a reader will see, and name what is there."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.measurement.metrics import ESSENTIAL, OPTIONAL
from analyzer.prometheus.query import queries_root
from analyzer.report.charts import CHARTS
from tests.readme import MOST_LINES, PAGES, ROOT, examples, renewed, screen

_README = (ROOT / "README.md").read_text(encoding="utf-8")
_QUERIES = (ROOT / "queries" / "README.md").read_text(encoding="utf-8")
_LINKING = (*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "tests" / "lab" / "README.md")
_SHOWN = [
    pytest.param(path, *example, id=f"{path.relative_to(ROOT)}: {example[0]}")
    for path in PAGES
    for example in examples(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("path", "arguments", "shown"), _SHOWN)
def test_each_example_shows_the_real_output(path: Path, arguments: str, shown: str) -> None:
    assert shown == screen(arguments), f"{path.name} is old: run `make readme`"


def test_the_readme_shows_the_demo() -> None:
    assert "demo" in dict(examples(_README))


def test_an_old_output_is_replaced_and_nothing_else() -> None:
    page = "a\n```console\n$ istio-usage --version\nold\n```\nb\n```console\nmake test\n```\n"
    new = renewed(page)

    assert new == page.replace("old\n", screen("--version"))
    assert renewed(new) == new


def test_a_long_output_is_cut_to_a_screen() -> None:
    lines = screen("queries").splitlines()

    assert lines[-1] == "..."
    assert 2 < len(lines) <= MOST_LINES


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_each_command_is_described_here_and_has_help_with_an_example(command: str) -> None:
    text = " ".join(CliRunner().invoke(cli, [command, "--help"]).stdout.split())
    described = re.search(rf"^\| `{command}` \| (.+) \|$", _README, re.MULTILINE)

    assert described is not None
    assert described[1] in text
    assert f"istio-usage {command}" in text.partition("Example")[2]


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_the_list_of_commands_cuts_no_description(command: str) -> None:
    text = CliRunner().invoke(cli, ["--help"], env={"COLUMNS": "80"}).stdout

    (line,) = re.findall(rf"^  {command} .*$", text, re.MULTILINE)
    assert line.endswith(".")
    assert not line.endswith("...")


@pytest.mark.parametrize(
    "line",
    sorted(
        {
            line.partition(" | ")[0]
            for path in PAGES
            for block in re.findall(r"```console\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
            for line in re.findall(r"^(?:\$ |\.venv/bin/)?(istio-usage .+)$", block, re.MULTILINE)
        }
    ),
)
def test_each_command_line_is_one_that_is_understood(line: str) -> None:
    _, name, *arguments = shlex.split(line)

    with cli.commands[name].make_context(name, arguments) as context:
        assert context.params


@pytest.mark.parametrize("topic", sorted(set(re.findall(r"istio-usage explain (\w+)", _README))))
def test_each_topic_that_is_named_is_explained(topic: str) -> None:
    if topic != "CODE":
        assert CliRunner().invoke(cli, ["explain", topic]).exit_code == 0


@pytest.mark.parametrize("name", CHARTS)
def test_each_chart_is_described_in_the_help_of_report(name: str) -> None:
    text = CliRunner().invoke(cli, ["report", "--help"]).stdout

    assert re.search(rf"^    {name}  +\w+ ", text.partition("Charts:")[2], re.MULTILINE)


def test_each_file_is_described_in_the_help_of_report(tmp_path: Path) -> None:
    CliRunner().invoke(cli, ["demo", "-q", "-o", str(tmp_path), "--charts", "none"])
    text = CliRunner().invoke(cli, ["report", "--help"]).stdout.partition("Files:")[2]
    written = [path.name for path in tmp_path.iterdir()]

    assert len(written) > 5
    for name in written:
        assert name.removesuffix(".csv") in text


@pytest.mark.parametrize("metric", [*ESSENTIAL, *OPTIONAL])
def test_each_metric_is_listed_beside_the_queries(metric: str) -> None:
    assert f"`{metric}`" in _QUERIES


def test_the_query_that_is_shown_is_a_real_one() -> None:
    (shown,) = re.findall(r"```promql\n(.*?)```", _QUERIES, re.DOTALL)

    assert shown in [path.read_text(encoding="utf-8") for path in queries_root().glob("*.promql")]


@pytest.mark.parametrize("path", _LINKING, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_picture_and_file_a_page_names_is_there(path: Path) -> None:
    linked = re.findall(r"\]\((?!https:)([^)]+)\)", path.read_text(encoding="utf-8"))

    for target in linked:
        assert (path.parent / target).is_file(), target


def test_every_picture_is_on_a_page() -> None:
    shown = {
        (path.parent / target).resolve()
        for path in PAGES
        for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", path.read_text(encoding="utf-8"))
    }

    assert set((ROOT / "notebooks" / "images").iterdir()) == shown


def test_the_readme_is_short() -> None:
    count = len(_README.splitlines())

    assert count < 200


def test_the_test_command_is_where_ci_finds_it() -> None:
    assert "```console\nmake test\n```" in _README
