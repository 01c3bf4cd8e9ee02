"""The post's arithmetic, to the dollar, through the command line."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import cli

_POST = ["--constants", "blog", "--pods", "15000", "--nodes", "200", "--namespaces", "1000"]


def _project(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, ["project", *arguments, "--format", "json"])
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    modes = {mode["name"]: mode for mode in document["projection"]["modes"]}
    savings = {item["mode"]: item for item in document["projection"]["savings"]}
    return {"modes": modes, "savings": savings}


def _exactly(value: float) -> dict[str, float]:
    return {"low": value, "mid": value, "high": value}


def test_the_posts_sidecars_cost_what_the_post_says() -> None:
    sidecar = _project(*_POST)["modes"]["sidecar"]

    assert sidecar["vcpu"] == _exactly(9000)
    assert sidecar["usd_per_year"] == _exactly(2_376_000)


def test_the_posts_ambient_costs_what_the_post_says() -> None:
    answer = _project(*_POST)
    ambient = answer["modes"]["ambient-waypoint-all"]

    assert ambient["vcpu"] == _exactly(660)
    assert ambient["usd_per_year"] == _exactly(174_240)
    assert answer["savings"]["ambient-waypoint-all"]["usd_per_year"] == _exactly(2_201_760)


def test_three_replicas_cost_what_the_post_says() -> None:
    answer = _project(*_POST, "--waypoint-replicas", "3")
    ambient = answer["modes"]["ambient-waypoint-all"]

    assert ambient["vcpu"] == _exactly(1860)
    assert ambient["usd_per_year"] == _exactly(491_040)
    assert answer["savings"]["ambient-waypoint-all"]["usd_per_year"] == _exactly(1_884_960)


def test_equal_traffic_at_istios_own_figures_leaves_7_percent_of_the_saving() -> None:
    """15 million proxy requests/s by Istio 1.24's page: 0.20, 0.06 and 0.25 per 1000."""
    answer = _project("--constants", "istio-1.24", *_POST[2:], "--proxy-rps", "15000000")

    assert answer["modes"]["sidecar"]["vcpu"] == _exactly(3000)
    assert answer["modes"]["ambient-l4"]["vcpu"] == _exactly(900)
    assert answer["modes"]["ambient-waypoint-all"]["vcpu"] == _exactly(2775)
    assert answer["savings"]["ambient-waypoint-all"]["percent"] == _exactly(7.5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give a SNAPSHOT, or all of --constants, --pods, --nodes, --namespaces"),
        (["--constants", "blog", "--pods", "5"], "all of --constants"),
        (["--constants", "istio-9", *_POST[2:]], "there are: blog, istio-1.1"),
        (["--constants", "istio-1.24", *_POST[2:]], "--proxy-rps"),
        (["somewhere", *_POST], "a snapshot needs no --constants"),
        (["--constants", "blog", "--pods", "0", *_POST[4:]], "--pods must be at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(cli, ["project", *arguments])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


def test_a_snapshot_that_is_not_there_is_one_line() -> None:
    result = CliRunner().invoke(cli, ["project", "nowhere"])

    assert result.exit_code == 1
    assert "there is no snapshot at nowhere" in result.stderr
