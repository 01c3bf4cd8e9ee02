"""The PromQL is shown as it would be sent."""

import promql_parser
import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.prometheus.query import load_queries


def _shown(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["queries", *arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_every_measured_query_is_shown_with_its_meaning_and_unit() -> None:
    shown = _shown()

    for name, query in load_queries().items():
        if not name.startswith("survey_"):
            assert f"# {name}: {query.what} ({query.unit})" in shown


@pytest.mark.parametrize("name", sorted(load_queries()))
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
