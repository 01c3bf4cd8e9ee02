"""Recommended requests on the command line: the table, the files, and what is refused."""

import csv
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from analyzer.cli import cli
from analyzer.data import sample_path, schema_path

FLEET, LAB = sample_path("fleet"), sample_path("lab")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["rightsize", *map(str, arguments)])


@cache
def answer(*arguments: object) -> dict[str, Any]:
    done = run(*arguments, "--format", "json")
    assert done.exit_code == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_every_workload_has_a_row_and_the_json_keeps_its_schema() -> None:
    found = answer(FLEET)

    jsonschema.validate(found, json.loads(schema_path("rightsizing").read_text(encoding="utf-8")))
    rows = list(csv.DictReader(io.StringIO(run(FLEET, "--format", "csv").stdout)))
    assert len(rows) == len(found["workloads"]) == 36
    for row, item in zip(rows, found["workloads"], strict=True):
        assert row["workload"] == item["workload"]
        assert float(row["recommended_request_vcpu"]) == item["recommended"]["request_vcpu"]
    table = run(FLEET).stdout
    assert "and 16 more" in table
    for item in found["workloads"][:5]:
        assert f"{item['recommended']['request_vcpu']:.3g}" in table


def test_the_recommendation_is_that_of_the_projection() -> None:
    done = CliRunner().invoke(cli, ["project", str(FLEET), "--format", "json"])
    projected = json.loads(done.stdout)["projection"]["rightsizing"]
    found = answer(FLEET)

    assert {key: found[key] for key in projected} == projected


@pytest.mark.parametrize(("policy", "limit"), [("none", None), ("keep", None), ("set", 10.0)])
def test_the_policy_of_cpu_limits_is_a_choice(policy: str, limit: float | None) -> None:
    chosen = [] if policy == "keep" else ["--cpu-limit", policy]
    found = answer(FLEET, *chosen)

    assert found["policy"]["cpu_limit"] == policy
    for item in found["workloads"]:
        recommended = item["recommended"]
        if limit is None:  # The fleet has no limits today.
            assert "limit_vcpu" not in recommended
        else:
            expected = limit * recommended["request_vcpu"]
            assert recommended["limit_vcpu"] == pytest.approx(expected, rel=0.1)


def test_a_scenario_changes_the_policy(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('rightsizing_percentile = 99\nrightsizing_cpu_limit = "set"\n', "utf-8")

    chosen = ["--scenario", scenario, "--force-short"]
    policy = answer(LAB, *chosen)["policy"]
    assert (policy["percentile"], policy["cpu_limit"]) == (99, "set")
    assert answer(LAB, *chosen, "--cpu-limit", "none")["policy"]["cpu_limit"] == "none"


def test_less_than_a_day_is_refused_unless_it_is_forced(tmp_path: Path) -> None:
    done = run(LAB, "-o", tmp_path / "out")

    assert (done.exit_code, done.stdout) == (3, "")
    assert "30 min" in done.stderr
    assert "--force-short" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
    forced = answer(LAB, "--force-short")
    assert forced["policy"]["is_short"] is True
    assert all("recommended" in item for item in forced["workloads"])


def test_files_are_written_and_named(tmp_path: Path) -> None:
    done = run(FLEET, "-o", tmp_path, "--style", "defaults")
    names = {path.name for path in tmp_path.iterdir()}

    assert done.exit_code == 0
    assert {f"rightsizing.{end}" for end in ("json", "csv", "md")} | {"values.yaml"} <= names
    assert "values.yaml" in done.stderr
    values = yaml.safe_load((tmp_path / "values.yaml").read_text(encoding="utf-8"))
    resources = values["global"]["proxy"]["resources"]
    default = answer(FLEET)["default"]
    assert resources["requests"]["cpu"] == f"{round(1000 * default['request_vcpu'])}m"
    assert resources["requests"]["memory"] == f"{round(1024 * default['request_memory_gib'])}Mi"
    quiet = run(FLEET, "-o", tmp_path, "-q")
    assert (quiet.exit_code, quiet.stderr) == (0, "")
    assert not (tmp_path / "values.yaml").exists()


def test_limits_that_were_not_measured_are_a_warning() -> None:
    assert "limits were not measured" in answer(FLEET)["warnings"][0]


def test_a_folder_with_files_of_others_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("mine: true\n", encoding="utf-8")
    done = run(FLEET, "-o", tmp_path, "--style", "defaults")

    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "values.yaml" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--style", "both"], 2),
        (["--kustomize-api", "3"], 2),
        (["--cpu-limit", "some"], 2),
        (["--scenario", "nowhere.toml"], 2),
    ],
)
def test_a_wrong_option_is_refused(arguments: list[str], status: int) -> None:
    done = run(FLEET, *arguments)

    assert (done.exit_code, done.stdout) == (status, "")


def test_a_snapshot_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    done = run(tmp_path / "none")

    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
