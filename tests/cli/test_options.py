"""How the text of an option becomes a value, and what is said of text that cannot."""

import importlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Never

import click
import pytest
from click.testing import CliRunner, Result

from analyzer.cli import cli
from analyzer.cli.options import ProjectionOptions
from analyzer.defaults import DEFAULT_DAYS, DEFAULT_TIMEOUT_SECONDS
from analyzer.errors import SnapshotError
from analyzer.measurement.plan import Ask
from analyzer.prometheus.connection import Source
from analyzer.prometheus.promql import Scope
from analyzer.report.charts.style import DPI, FORMATS


def _invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


@pytest.mark.parametrize("text", ["0", "5x", "-5m", "1.5h", "m"])
def test_a_step_that_is_no_duration_is_wrong_usage(text: str) -> None:
    result = _invoke("collect", "-p", "http://h", "-o", "x", f"--step={text}")

    assert result.exit_code == 2
    assert f"'--step': {text!r}" in result.stderr


def test_an_end_that_is_no_time_is_wrong_usage() -> None:
    result = _invoke("collect", "-p", "http://h", "-o", "x", "--end", "yesterday")

    assert result.exit_code == 2
    assert "'--end': 'yesterday'" in result.stderr


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


def test_what_is_typed_reaches_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option of scope, time and content, through the command to what is collected."""
    asks: list[Ask] = []

    def remember(_: Source, ask: Ask, *__: object, **___: object) -> Never:
        asks.append(ask)
        raise SnapshotError("seen")

    module = importlib.import_module("analyzer.measurement.collect")
    monkeypatch.setattr(module, "collect_snapshot", remember)
    typed = (
        "--namespace a.* --namespace b --cluster east --cluster-label region --days 2 "
        "--replica-label agent "
        "--start 2026-11-20T08:00Z --end 2026-11-21 --step 10m --hide-names --note trial"
    )
    result = _invoke("collect", "-p", "http://h", "-o", "x", *typed.split())

    assert result.exit_code == 1
    assert asks == [
        Ask(
            source="http://h",
            scope=Scope(namespaces=("a.*", "b"), cluster="east"),
            cluster_label="region",
            replica_labels=("agent",),
            days=2.0,
            start=datetime(2026, 11, 20, 8, tzinfo=UTC),
            end=datetime(2026, 11, 21, tzinfo=UTC),
            step_seconds=600,
            hide_names=True,
            note="trial",
        )
    ]


def test_replicas_given_as_an_option_win_over_the_scenario_file(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text("waypoint_replicas = 2\nvcpu_month_usd = 30")

    scenario = ProjectionOptions(scenario=path, waypoint_replicas=3).assumed()

    assert scenario.waypoint_replicas == 3
    assert scenario["vcpu_month_usd"].mid == 30


@pytest.mark.parametrize("command", ["analyze", "demo", "report"])
def test_defaults_and_choices_are_those_of_the_layers_below(command: str) -> None:
    parameters = {item.name: item for item in cli.commands[command].params}
    formats = parameters["file_format"].type

    assert isinstance(formats, click.Choice)
    assert tuple(formats.choices) == FORMATS
    assert parameters["dpi"].default == DPI
    if command == "analyze":
        assert parameters["days"].default == DEFAULT_DAYS
        assert parameters["timeout_seconds"].default == f"{DEFAULT_TIMEOUT_SECONDS}s"


@pytest.mark.parametrize("namespace", ["shop[", "(?P<x"])
def test_a_namespace_that_is_no_regex_is_wrong_usage(namespace: str) -> None:
    result = _invoke("queries", "--namespace", namespace)

    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "not a regular expression" in result.stderr
