"""`explain`: every code and name, on any width, and what it does not know."""

import json

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import cli
from analyzer.cli.flags import FLAGS
from analyzer.data import codes
from analyzer.data.explained import all_topics
from analyzer.settings import Setting
from tests.cli.terminal import STYLES
from tests.cli.test_completing import offered


def explain(*arguments: str, columns: int = 80) -> Result:
    return CliRunner().invoke(cli, ["explain", *arguments], env={"COLUMNS": str(columns)})


def words_of(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("asked", ["IU204", "iu204", "tcp_only"])
def test_a_code_and_a_name_print_all_of_a_topic(asked: str) -> None:
    result = explain(asked)
    topic = codes()["tcp_only"]

    assert result.exit_code == 0
    assert result.stdout.startswith(f"IU204 tcp_only: {topic.title}\n")
    shown = words_of(result.stdout)
    for part in (topic.meaning, topic.why, topic.fix):
        assert words_of(part) in shown
    assert result.stderr == ""


def test_several_words_are_one_name() -> None:
    assert explain("cost", "per", "request").stdout == explain("cost_per_request").stdout
    assert explain("idle CPU").stdout.startswith("idle_cpu: ")


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    for topic in (None, *all_topics()):
        result = explain(*([topic.short_name] if topic else []), columns=columns)
        assert result.exit_code == 0
        assert max(map(len, result.stdout.splitlines())) <= columns


def test_lines_of_code_are_kept() -> None:
    lines = explain("by_address").stdout.splitlines()

    assert "  relabel_configs:" in lines
    assert "    - source_labels: [__meta_kubernetes_namespace]" in lines


def test_settings_are_spelled_as_flags() -> None:
    for output_format in ("table", "json"):
        shown = explain("short_lives", "--format", output_format).stdout
        assert FLAGS[Setting.STEP] in shown
        assert str(Setting.STEP) not in shown


def test_without_a_name_everything_is_listed() -> None:
    result = explain(columns=200)
    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines() if line]

    assert result.exit_code == 0
    for topic in all_topics():
        assert [topic.short_name, topic.title] in lines


def test_json_has_every_part() -> None:
    one = json.loads(explain("IU204", "--format", "json").stdout)
    listed = json.loads(explain("--format", "json").stdout)

    assert {"code", "name", "kind", "title", "meaning", "why", "fix"} <= one.keys()
    assert (one["code"], one["name"]) == ("IU204", "tcp_only")
    assert one in listed
    assert len(listed) == len(all_topics())


def test_what_is_unknown_is_one_line_and_status_2() -> None:
    result = explain("IU2044")

    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "'IU2044'" in line
    assert "IU204" in line.partition("'IU2044'")[2]


def test_what_is_asked_cannot_steer_a_terminal() -> None:
    assert "\x1b" not in explain("odd\x1b[2J").output


def test_colours_change_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = explain("IU204").stdout
    monkeypatch.setattr("analyzer.report.escapes.colour_wanted", lambda _: True)
    coloured = explain("IU204").stdout

    assert "\x1b[1m" in coloured
    assert STYLES.sub("", coloured) == plain


def test_a_shell_completes_codes_and_names() -> None:
    assert offered("explain", "IU20")[:2] == ["IU201", "IU202"]
    assert offered("explain", "constant") == ["constant_traffic"]
    assert offered("explain", "ambient-w") == ["ambient-waypoint", "ambient-waypoint-all"]
