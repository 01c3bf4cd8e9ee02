"""What cannot be compared is told in one line, with the exit status of its kind."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.data import sample_path


def _compare(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["compare", *map(str, arguments)])
    assert result.stdout == ""
    return result.exit_code, result.stderr


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    folder = tmp_path / "damaged"
    shutil.copytree(sample_path("fleet"), folder)
    (folder / "proxy_cpu_vcpu.parquet").write_bytes(b"no Parquet")
    return folder


def test_a_snapshot_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    for pair in ((tmp_path / "no", sample_path("fleet")), (sample_path("fleet"), tmp_path / "no")):
        status, told = _compare(*pair)

        assert status == 1
        assert told.count("\n") == 1
        assert "There is no snapshot at" in told


def test_a_folder_that_is_no_snapshot_is_one_line(tmp_path: Path) -> None:
    status, told = _compare(tmp_path, sample_path("fleet"))

    assert (status, told.count("\n")) == (1, 1)
    assert "is not a snapshot" in told


def test_a_damaged_snapshot_is_one_line(damaged: Path) -> None:
    status, told = _compare(sample_path("fleet"), damaged)

    assert (status, told.count("\n")) == (1, 1)
    assert "is damaged: proxy_cpu_vcpu.parquet" in told


def test_a_snapshot_against_itself_cannot_support_an_answer() -> None:
    status, told = _compare(sample_path("fleet"), sample_path("fleet"))

    assert (status, told.count("\n")) == (3, 1)
    assert "Give the earlier snapshot first" in told


def test_a_scenario_that_makes_no_sense_is_wrong_usage(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text("waypoint_replica = 2\n")

    status, told = _compare(sample_path("fleet"), sample_path("fleet"), "--scenario", scenario)

    assert (status, told.count("\n")) == (2, 1)
    assert "known key is 'waypoint_replicas'" in told


@pytest.mark.parametrize("arguments", [(), ("one",), ("one", "two", "three"), ("-x",)])
def test_two_snapshots_are_asked_for(arguments: tuple[str, ...]) -> None:
    status, told = _compare(*arguments)

    assert status == 2
    assert "Usage: " in told


def test_csv_is_no_format_of_it(tmp_path: Path) -> None:
    status, _ = _compare(tmp_path, tmp_path, "--format", "csv")

    assert status == 2
