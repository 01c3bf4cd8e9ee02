"""What a shell offers at the tabulator."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete, get_completion_class

from analyzer.cli import cli
from analyzer.data import complete_constants
from analyzer.prometheus.query import load_queries
from analyzer.report.charts import CHARTS

VARIABLE = "_ISTIO_USAGE_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


def offered(*words: str) -> list[str]:
    """Return what the last word, as far as it is typed, may become."""
    completion = ShellComplete(cli, {}, "istio-usage", VARIABLE)
    return [item.value for item in completion.get_completions(list(words[:-1]), words[-1])]


def complete(instruction: str, **environment: str) -> str:
    """Run the command line as a shell's completion does."""
    done = subprocess.run(
        [sys.executable, "-m", "analyzer"],
        env={**os.environ, VARIABLE: instruction, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_commands_and_options_are_offered() -> None:
    assert offered("") == sorted(cli.commands)
    assert offered("c") == ["calibrate", "collect", "compare"]
    assert offered("demo", "--ch") == ["--charts", "--chart-format"]
    assert offered("demo", "--format", "") == ["table", "json", "csv", "markdown"]
    assert offered("report", "x", "--chart-format", "p") == ["png", "pdf"]


def test_samples_constants_and_queries_are_offered() -> None:
    assert "fleet" in offered("demo", "--sample", "")
    assert offered("demo", "--sample", "fle") == ["fleet"]
    assert offered("project", "--constants", "") == list(complete_constants())
    assert offered("project", "--constants", "bl") == ["blog"]
    assert offered("queries", "") == list(load_queries())
    assert offered("queries", "proxy_cpu") == ["proxy_cpu_counter_seconds", "proxy_cpu_vcpu"]


def test_modes_to_explain_are_offered() -> None:
    assert offered("demo", "--explain", "ambient-w") == ["ambient-waypoint", "ambient-waypoint-all"]


@pytest.mark.parametrize("command", [("analyze",), ("demo",), ("report", "snapshot")])
def test_charts_are_offered_after_each_comma(command: tuple[str, ...]) -> None:
    known = list(CHARTS)

    assert offered(*command, "--charts", "") == [*known, "all", "none"]
    assert offered(*command, "--charts", "cos") == ["cost"]
    assert offered(*command, "--charts", "cost,") == [
        f"cost,{name}" for name in known if name != "cost"
    ]
    assert offered(*command, "--charts", "cost,nothing") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_can_be_taught(shell: str) -> None:
    made = get_completion_class(shell)
    assert made is not None
    # The class asks bash for its version, which is no matter here.
    script = made.source_template % made(cli, {}, "istio-usage", VARIABLE).source_vars()

    assert f"{VARIABLE}={shell}_complete" in script
    assert "istio-usage" in script


@pytest.mark.parametrize(("shell", "word"), [("bash", "2"), ("zsh", "2"), ("fish", "--chart-f")])
def test_each_shell_is_answered(shell: str, word: str) -> None:
    told = complete(f"{shell}_complete", COMP_WORDS="istio-usage demo --chart-f", COMP_CWORD=word)

    assert "--chart-format" in told
    assert "--sample" not in told


def test_bash_completes_a_line_with_the_script_that_it_is_given(tmp_path: Path) -> None:
    program = tmp_path / "istio-usage"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m analyzer "$@"\n')
    program.chmod(0o755)
    lines = (
        complete("bash_source"),
        "COMP_WORDS=(istio-usage demo --sample fl) COMP_CWORD=3",
        "_istio_usage_completion istio-usage",
        'echo "${COMPREPLY[@]}"',
    )
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.split() == ["fleet"], done.stderr
