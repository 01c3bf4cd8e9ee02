"""The demo: what a newcomer sees first."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.errors import PrometheusError
from analyzer.report.charts import CHARTS
from tests.cli.terminal import STYLES, shown
from tests.live.command import run

_QUICK = ("project", "--constants", "blog", "--pods", "15", "--nodes", "2", "--namespaces", "1")
"""An answer in colours that needs no measuring."""


def test_it_says_on_its_face_what_was_recorded_and_what_was_not() -> None:
    result = CliRunner().invoke(cli, ["demo"])

    assert result.exit_code == 0
    assert result.stdout.startswith("Recorded run: 15 real Envoys")


def test_it_writes_every_chart_and_the_answer(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["demo", "-o", str(tmp_path / "out")])

    assert result.exit_code == 0
    # What this mesh is billed for is what is requested, and that has no range. Requests are
    # recommended from a day of data.
    drawn = {path.stem for path in (tmp_path / "out").glob("*.png")}
    assert drawn == {*CHARTS} - {"sensitivity", "rightsizing"}
    document = json.loads((tmp_path / "out" / "result.json").read_text())
    assert document["note"].startswith("Recorded run")


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    for _ in range(2):
        done = CliRunner().invoke(cli, ["demo", "-o", str(tmp_path), "--charts", "cost"])
        assert done.exit_code == 0


def test_quiet_leaves_stderr_empty(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["demo", "-q", "-o", str(tmp_path), "--charts", "cost"])

    assert result.stderr == ""


@pytest.mark.parametrize("output_format", ["table", "json", "csv", "markdown"])
def test_piped_output_has_no_escape_codes(output_format: str) -> None:
    outcome = run(*_QUICK, "--format", output_format, FORCE_COLOR="1")

    assert outcome.status == 0
    assert "\x1b" not in outcome.stdout


def test_a_terminal_gets_colours_and_the_same_words() -> None:
    seen = shown(*_QUICK, answer_too=True)

    assert "\x1b[32m" in seen.sent
    assert STYLES.sub("", seen.sent).split() == run(*_QUICK).stdout.split()


@pytest.mark.parametrize("setting", ["NO_COLOR=x", "CLICOLOR=0", "TERM=dumb"])
def test_who_wants_no_colours_gets_no_escape_codes(setting: str) -> None:
    name, _, value = setting.partition("=")
    seen = shown(*_QUICK, answer_too=True, environment={name: value})

    assert seen.status == 0
    assert seen.sent.startswith("Hypothetical mesh")
    assert "\x1b" not in seen.sent


def test_a_sample_that_is_not_there_names_those_that_are() -> None:
    result = CliRunner().invoke(cli, ["demo", "--sample", "nothing"])

    assert result.exit_code == 2
    assert "there are: fleet" in result.stderr


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = CliRunner().invoke(cli, ["demo", "-o", str(tmp_path / "file" / "out")])

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "cannot make" in result.stderr


def test_an_unknown_failure_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("analyzer.data.sample_path", fail)

    assert isinstance(CliRunner().invoke(cli, ["demo"]).exception, ZeroDivisionError)


def test_a_known_failure_is_folded_into_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PrometheusError("first\nsecond")

    monkeypatch.setattr("analyzer.data.sample_path", fail)
    result = CliRunner().invoke(cli, ["demo"])

    assert result.exit_code == 1
    assert result.stderr == "istio-usage: first second.\n"
