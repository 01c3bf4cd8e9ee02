"""The post's arithmetic, to the dollar, through the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.data import sample_path
from analyzer.projection.modes import MODES, RIGHTSIZED

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
        ([], "Give a SNAPSHOT, or all"),
        (["--constants", "blog", "--pods", "5"], "all of --constants"),
        (["--constants", "istio-9", *_POST[2:]], "Give one of blog, istio-1.1"),
        (["--constants", "istio-1.24", *_POST[2:]], "--proxy-rps"),
        (["somewhere", *_POST], "describe a hypothetical mesh"),
        (
            ["--constants", "blog", "--pods", "0", *_POST[4:]],
            "--pods is 0, and must be",
        ),
        (["--constants", "blog", "--pods", "9" * 400, *_POST[4:]], "must be from 1 to"),
        ([*_POST, "--proxy-rps", "nan"], "--proxy-rps is nan, and must"),
        ([*_POST, "--proxy-rps", "1e308"], "must be 0, or from 1e-12"),
        ([*_POST, "--proxy-rps", "1e-300"], "must be 0, or from 1e-12"),
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
    assert "no snapshot at nowhere" in result.stderr


@pytest.fixture
def mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a snapshot's name in the working directory, which no mode has, nor a dot."""
    (tmp_path / "mesh").symlink_to(sample_path())
    monkeypatch.chdir(tmp_path)
    return "mesh"


def _explained(*arguments: str) -> list[str]:
    """Return the modes that are explained, by the lines that name them."""
    result = CliRunner().invoke(cli, ["project", *arguments])
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    return [mode for mode in MODES if any(line.startswith(f"Mode {mode}, ") for line in lines)]


_SHORT = [mode for mode in MODES if mode != RIGHTSIZED]
"""Requests are recommended from a day of data."""


@pytest.mark.parametrize("before", [["--explain"], ["-q", "--explain"], ["--explain", "--"]])
def test_the_word_after_a_bare_explain_is_the_snapshot(before: list[str], mesh: str) -> None:
    assert _explained(*before, mesh) == _SHORT
    assert _explained(*before, f"./{mesh}") == _SHORT


def test_a_mode_after_explain_is_the_mode(mesh: str) -> None:
    assert _explained("--explain", "ambient-l4", mesh) == ["ambient-l4"]
    assert _explained(mesh, "--explain=ambient-l4") == ["ambient-l4"]
    assert _explained(mesh, "--explain") == _SHORT


def test_a_mode_wins_over_a_snapshot_of_its_name(mesh: str) -> None:
    Path("sidecar").symlink_to(mesh)

    assert _explained("--explain", "sidecar", mesh) == ["sidecar"]


@pytest.mark.parametrize(
    "arguments", [["--explain", "ambient-l5", "mesh"], ["--explain", "ambient-l5"]]
)
def test_a_mistyped_mode_is_wrong_usage_that_names_the_modes(
    arguments: list[str], mesh: str
) -> None:
    result = CliRunner().invoke(cli, ["project", *arguments])

    assert mesh
    assert result.exit_code == 2
    assert all(repr(mode) in result.stderr for mode in MODES)


def test_a_mistyped_snapshot_after_explain_is_known_for_one() -> None:
    result = CliRunner().invoke(cli, ["project", "--explain", "nowhere.snapshot"])

    assert result.exit_code == 1
    assert "nowhere.snapshot" in result.stderr
