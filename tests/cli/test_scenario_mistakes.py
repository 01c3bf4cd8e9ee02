"""A scenario that cannot be, through the command line: one line, and the exit status of it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import cli


def demo(scenario: Path) -> Result:
    return CliRunner().invoke(cli, ["demo", "--quiet", "--scenario", str(scenario)])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('vcpu_month_usd = "22"', "vcpu_month_usd is '22'. Permitted: a number"),
        ("vcpu_month_usd = -1", "vcpu_month_usd is -1. Permitted: numbers from 0 up"),
        ("vcpu_month = 22", "'vcpu_month'. The nearest known key is 'vcpu_month_usd'"),
        ("waypoint_replicas = 0", "waypoint_replicas is 0. Permitted: a whole number from 1 up"),
        ("waypoint_placement = 1.2", "waypoint_placement is 1.2. Permitted: observed, all, none, "),
        ("istio_cni_installed = 1", "istio_cni_installed is 1. Permitted: true, false"),
        ('prices."a\\nb" = 1', "prices.a\\nb is 1. Permitted: { vcpu_hour_usd = number"),
        ('working_hours = { days = ["mon"] }', "Permitted: a table like { days = "),
        ("this is no TOML", "is not valid TOML"),
    ],
)
def test_a_mistake_in_a_scenario_is_one_line_and_exit_status_2(
    tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(text, encoding="utf-8")
    result = demo(file)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("istio-usage: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert str(file) in result.stderr


def test_a_folder_is_no_scenario_and_exit_status_2(tmp_path: Path) -> None:
    result = demo(tmp_path)

    assert result.exit_code == 2
    assert result.stderr == f"istio-usage: Cannot read scenario {tmp_path}: Is a directory.\n"


LAST_MINUTE = """
[working_hours]
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
start = "23:59"
end = "24:00"
time_zone = "UTC"
"""
"""No interval of five minutes fits into it."""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'prices."no.such" = { vcpu_hour_usd = 1, memory_gib_hour_usd = 1 }',
            "The scenario's price list has no",
        ),
        (LAST_MINUTE, "The window has no complete interval"),
    ],
    ids=["no node is priced", "no step is in the working hours"],
)
def test_data_that_cannot_answer_the_scenario_are_one_line_and_exit_status_3(
    tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(text, encoding="utf-8")
    result = demo(file)

    assert result.exit_code == 3
    assert result.stdout == ""
    assert result.stderr.startswith(f"istio-usage: {words}")
    assert result.stderr.count("\n") == 1
