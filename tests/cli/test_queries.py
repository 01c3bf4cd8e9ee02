"""The PromQL is shown as it would be sent."""

import re

import promql_parser
import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.prometheus.query import load_queries, measured_queries
from tests.support import SMALL_MESH, PrometheusServer
from tests.support.each import each

_TIMES = ("--days", "0.0834", "--end", SMALL_MESH.end.isoformat())


def _shown(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["queries", *arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_every_measured_query_is_shown_with_its_meaning_and_unit() -> None:
    shown = _shown()

    for name, query in load_queries().items():
        if not name.startswith("survey_"):
            assert f"# {name}: {query.what} ({query.unit})" in shown


@each({name: (name,) for name in load_queries()})
def test_one_query_can_be_asked_for_and_is_promql(name: str) -> None:
    promql_parser.parse(_shown(name).partition("\n")[2].strip())


def test_scope_and_step_are_in_it() -> None:
    shown = _shown("proxy_cpu_vcpu", "--namespace", "shop", "--cluster", "east", "--step", "600")

    assert 'cluster="east", namespace=~"(?:shop)"' in shown
    assert "[600s]" in shown


def test_an_unknown_name_names_the_known_ones() -> None:
    result = CliRunner().invoke(cli, ["queries", "nothing"])

    assert result.exit_code == 1
    assert "proxy_cpu_vcpu" in result.stderr


@pytest.mark.live
def test_a_named_query_has_its_own_total_and_no_other(small_server: PrometheusServer) -> None:
    shown = _shown("proxy_cpu_vcpu", "-p", small_server.url, *_TIMES).splitlines()
    total = r"(\d+) requests.*, about ([\d,]+) samples"

    of_query, of_all = (re.search(total, line) for line in (shown[1], shown[-1]))
    assert of_query
    assert of_all
    assert of_query.groups() == of_all.groups()
    assert "12 steps of 600 s" in shown[-1]


@pytest.mark.live
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("node_vcpu_usd_per_hour", "node_cpu_hourly_cost", id="lacking"),
        pytest.param("proxy_recorded_cpu_vcpu", "", id="in place of another"),
        pytest.param("survey_labels", "survey", id="of the survey"),
    ],
)
def test_a_query_that_is_not_sent_has_a_reason(
    name: str, reason: str, small_server: PrometheusServer
) -> None:
    title, why, empty, total = _shown(name, "-p", small_server.url, *_TIMES).splitlines()

    assert title.startswith(f"# {name}: ")
    assert why.startswith("# not asked: ")
    assert reason in why
    assert not empty
    assert total.startswith("0 requests for 12 steps")


@pytest.mark.live
def test_all_queries_add_up(small_server: PrometheusServer) -> None:
    *shown, total = _shown("-p", small_server.url, *_TIMES).splitlines()
    counts = [int(line.split()[1]) for line in shown if re.match(r"# \d+ requests", line)]

    assert 0 < len(counts) < len(measured_queries())
    assert total.startswith(f"{sum(counts)} requests")
