"""The doctor's table, its JSON and its exit status."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import cli
from analyzer.measurement.metrics import ESSENTIAL, OPTIONAL
from tests.cli.terminal import STYLES
from tests.support import (
    SMALL_MESH,
    FaultyHttp,
    PrometheusServer,
    build_mesh,
    dialect,
    prometheus_error,
    prometheus_success,
    unseen,
)

pytestmark = pytest.mark.live

_TIMES = ("--days", "0.0834", "--end", SMALL_MESH.end.isoformat())
_MESH = replace(SMALL_MESH, envoy_scrape_seconds=15, cadvisor_scrape_seconds=15)


def _doctor(url: str, *options: str, columns: int = 1000) -> Result:
    """Ask the doctor on a terminal on which no line is wrapped, unless it is narrower."""
    arguments = ["doctor", "-p", url, *_TIMES, *options]
    return CliRunner().invoke(cli, arguments, env={"COLUMNS": str(columns)})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    with PrometheusServer(tmp_path_factory.mktemp("doctor") / "whole") as server:
        server.fill(dialect("kube-prometheus-stack").tell(build_mesh(_MESH)))
        yield server


@pytest.fixture(scope="module")
def unmeasured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """Return a server of a mesh whose kubelets nobody scrapes."""
    mesh = unseen(build_mesh(_MESH), "shop", {"cadvisor"})
    with PrometheusServer(tmp_path_factory.mktemp("doctor") / "unmeasured") as server:
        server.fill(dialect("kube-prometheus-stack").tell(mesh))
        yield server


def test_a_healthy_mesh_is_a_table_of_checks_answers_and_a_verdict(
    whole: PrometheusServer,
) -> None:
    result = _doctor(whole.url)
    checks, answers, verdict = result.stdout.strip().split("\n\n")

    assert result.exit_code == 0, result.output
    lines = checks.splitlines()
    assert [line[:8].strip() for line in lines[: len(ESSENTIAL)]] == ["ok"] * len(ESSENTIAL)
    assert all(
        line[8:].startswith(f"{name}: ") for line, name in zip(lines, ESSENTIAL, strict=False)
    )
    rest = {line[8:].partition(": ")[0]: line for line in lines}
    assert rest["scrape intervals"].startswith("ok ")
    assert re.findall(r"\d+ s\b", rest["scrape intervals"]) == ["15 s", "15 s", "300 s"]
    assert rest["requests of a pod"].startswith("ok ")
    assert "label pod" in rest["requests of a pod"]
    # There is no OpenCost here, and the answer stands without it.
    price = "node_cpu_hourly_cost"
    assert f"warn    {price}: {OPTIONAL[price]}" in lines
    assert answers.startswith("yes     Cost per request")
    assert "can be answered" in verdict


def test_the_json_says_what_the_table_says(whole: PrometheusServer) -> None:
    result = _doctor(whole.url, "--format", "json")
    document = json.loads(result.stdout)
    told = _doctor(whole.url).stdout

    assert result.exit_code == 0
    assert document["can_answer"] is True
    assert document["verdict"] in told
    for check in document["checks"]:
        assert f"{check['status']:8}{check['subject']}: {check['detail']}" in told
    assert [item["answer"] for item in document["answers"] if not item["possible"]] == [
        line[8:].partition(" (missing")[0] for line in told.splitlines() if line.startswith("no  ")
    ]


def test_colours_change_no_word(whole: PrometheusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _doctor(whole.url).stdout
    monkeypatch.setattr("analyzer.report.escapes.colour_wanted", lambda _: True)
    coloured = _doctor(whole.url).stdout

    assert "\x1b[32mok" in coloured
    assert STYLES.sub("", coloured) == plain


def test_without_cpu_the_fix_is_given_and_the_exit_status_is_3(
    unmeasured: PrometheusServer,
) -> None:
    result = _doctor(unmeasured.url)
    cpu = "container_cpu_usage_seconds_total"

    assert result.exit_code == 3
    assert f"missing {cpu}: [IU104] {ESSENTIAL[cpu]}" in result.stdout
    assert re.search(rf"^no      Cost .* \(missing: {cpu}\)$", result.stdout, re.MULTILINE)
    assert "cannot be answered. This Prometheus" in result.stdout.splitlines()[-1]
    assert result.stderr == ""
    as_json = _doctor(unmeasured.url, "--format", "json")
    assert as_json.exit_code == 3
    assert json.loads(as_json.stdout)["can_answer"] is False


@pytest.mark.parametrize("columns", [60, 72, 120])
def test_no_line_is_wider_than_the_terminal(whole: PrometheusServer, columns: int) -> None:
    """The statuses stay in a column of their own, and no word is lost."""
    narrow, wide = (_doctor(whole.url, columns=width).stdout for width in (columns, 1000))
    lines = narrow.splitlines()

    assert max(map(len, lines)) <= columns
    checks = lines[: lines.index("")]
    assert {line[:8].strip() for line in checks} == {"ok", "warn", ""}
    assert all(line[8] != " " for line in checks)
    # A word that is longer than a line is cut, such as the flag with the labels of pods.
    assert "".join(narrow.split()) == "".join(wide.split())


def test_a_server_that_holds_nothing_is_told_in_a_verdict() -> None:
    with FaultyHttp([prometheus_success([])]) as server:
        result = _doctor(server.url)

    assert result.exit_code == 3
    assert "missing istio_requests_total" in result.stdout
    assert "no Istio metrics" in result.stdout


def test_a_cluster_that_no_label_tells_is_the_verdict(whole: PrometheusServer) -> None:
    result = _doctor(whole.url, "--cluster", "north")

    assert result.exit_code == 3
    assert "cannot be answered. --cluster north" in result.stdout


def test_a_time_too_short_for_a_slope_is_no_yes(whole: PrometheusServer) -> None:
    """It is what `analyze` would refuse, with the same words."""
    short = ("--start", "2024-05-14T11:00Z", "--end", "2024-05-14T11:10Z")
    result = CliRunner().invoke(cli, ["doctor", "-p", whole.url, *short])

    assert result.exit_code == 3
    assert "1 interval of 300 s" in " ".join(result.stdout.split())


def test_a_step_too_short_is_refused(whole: PrometheusServer) -> None:
    result = _doctor(whole.url, "--step", "60s")

    assert result.exit_code == 2
    assert "Use --step 150s or longer" in result.stderr
    assert _doctor(whole.url, "--step", "150s").exit_code == 0


@pytest.mark.parametrize("output_format", ["table", "json"])
def test_a_server_that_cannot_be_asked_is_one_line(output_format: str) -> None:
    with FaultyHttp([prometheus_error(500, "internal", "it\nbroke")]) as server:
        result = _doctor(server.url, "--format", output_format)

    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "it broke" in line


def test_what_a_server_says_cannot_steer_a_terminal(tmp_path: Path) -> None:
    """A label of a series is in the verdict, with what a terminal would obey."""
    odd = f"{tmp_path.name}\x1b[2J"
    with FaultyHttp([prometheus_success([])]) as server:
        result = _doctor(server.url, "--cluster", odd)

    assert result.exit_code == 3
    assert "\x1b" not in result.output
