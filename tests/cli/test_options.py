"""How the text of an option becomes a value, and what is said of text that cannot."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import cli
from analyzer.cli.options import ask_of, scenario_of


def _invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


@pytest.mark.parametrize("text", ["0", "5x", "-5m", "1.5h", "m"])
def test_a_step_that_is_no_duration_is_wrong_usage(text: str) -> None:
    result = _invoke("collect", "-p", "http://h", "-o", "x", f"--step={text}")

    assert result.exit_code == 2
    assert "is not a duration such as 300, 30s or 5m" in result.stderr


def test_an_end_that_is_no_time_is_wrong_usage() -> None:
    result = _invoke("collect", "-p", "http://h", "-o", "x", "--end", "yesterday")

    assert result.exit_code == 2
    assert "is not a time such as 2026-11-20T08:00Z" in result.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T08:00Z", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        (
            "2026-11-20T08:00+02:00",
            datetime(2026, 11, 20, 8, tzinfo=timezone(timedelta(hours=2))),
        ),
    ],
)
def test_a_time_without_a_zone_is_utc(text: str, expected: datetime) -> None:
    parameter = next(item for item in cli.commands["collect"].params if item.name == "end")

    assert parameter.type.convert(text, None, None) == expected


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7200), ("90", 90)])
def test_a_duration_is_seconds_minutes_or_hours(text: str, seconds: int) -> None:
    parameter = next(item for item in cli.commands["collect"].params if item.name == "step_seconds")

    assert parameter.type.convert(text, None, None) == seconds


def test_an_ask_takes_its_options_and_leaves_the_others() -> None:
    options = {
        "namespaces": ("a.*",), "cluster": "east", "days": 2.0, "start": None, "end": None,
        "step_seconds": 600, "cluster_label": "region", "quiet": True,
    }  # fmt: skip
    ask = ask_of(options, "http://h")

    assert ask.scope.namespaces == ("a.*",)
    assert ask.scope.cluster == "east"
    assert ask.step_seconds == 600
    assert ask.cluster_label == "region"
    assert options == {"quiet": True}


def test_replicas_given_as_an_option_win_over_the_scenario_file(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text("waypoint_replicas = 2\nvcpu_month_usd = 30")

    scenario = scenario_of(path, 3)

    assert scenario.waypoint_replicas == 3
    assert scenario["vcpu_month_usd"].mid == 30


@pytest.mark.parametrize("namespace", ["shop[", "(?P<x"])
def test_a_namespace_that_is_no_regex_is_wrong_usage(namespace: str) -> None:
    result = _invoke("queries", "--namespace", namespace)

    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "not a regular expression" in result.stderr
