"""Showing what would be asked asks nothing but the survey."""

import re
from urllib.parse import parse_qs

import pytest

from analyzer.prometheus.query import load_queries, measured_queries
from tests.live.command import run
from tests.support import SMALL_MESH, FaultyHttp, PrometheusServer, Received

pytestmark = pytest.mark.live

_TIMES = ("--days", "0.0834", "--end", SMALL_MESH.end.isoformat())
_OTHERS = re.compile(
    r"(container_cpu_usage_seconds_total|istio_requests_total)\{.*\}\[3600s\]"
    r"|last_over_time\(istio_usage:rules_info\[3600s\]\)"
)
"""Raw samples of a few series, read for the scrape intervals, and the mark of recording rules."""


def _promql(request: Received) -> str:
    return parse_qs(request.body.decode())["query"][0]


def _is_of(promql: str, name: str) -> bool:
    """Return whether a query is the named one, with any values of its placeholders.

    The parts between them must be there in their order. A pattern would try every way to divide
    the values.
    """
    template = load_queries()[name].template
    # A selector without matchers has no braces.
    parts = [part.lstrip("}").rstrip(", {") for part in re.split(r"\$\$|\$\w+", template)]
    place = 0
    for part in parts:
        found = promql.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return promql.startswith(parts[0]) and promql.endswith(parts[-1])


def test_only_the_survey_is_sent(small_server: PrometheusServer) -> None:
    surveys = [name for name in load_queries() if name not in measured_queries()]
    with FaultyHttp(upstream=small_server.url) as server:
        shown = run("queries", "-p", server.url, *_TIMES)
        sent = [_promql(request) for request in server.received]

    assert shown.status == 0, shown.stderr
    offered = set(shown.stdout.splitlines())
    assert len(sent) <= 10
    for promql in sent:
        assert promql not in offered
        assert _OTHERS.fullmatch(promql) or any(_is_of(promql, name) for name in surveys), promql


def test_what_is_shown_is_what_a_collection_sends(
    small_server: PrometheusServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shown = run("queries", "-p", small_server.url, *_TIMES)
    target = tmp_path_factory.mktemp("shown") / "mesh"
    with FaultyHttp(upstream=small_server.url) as server:
        outcome = run("collect", "-p", server.url, *_TIMES, "-o", target)
        sent = {_promql(request) for request in server.received}

    assert outcome.status == 0, outcome.stderr
    offered = [line for line in shown.stdout.splitlines()[:-1] if line and line[0] != "#"]
    assert offered
    assert set(offered) <= sent
    # The survey, and nothing else, is sent besides.
    assert len(sent - set(offered)) <= 10


def test_one_query_is_shown_with_its_own_cost(small_server: PrometheusServer) -> None:
    shown = run("queries", "proxy_cpu_vcpu", "-p", small_server.url, *_TIMES)
    lines = shown.stdout.splitlines()

    assert shown.status == 0
    assert lines[0].startswith("# proxy_cpu_vcpu: ")
    assert re.fullmatch(r"# 1 requests, \D+[\d,]+ samples", lines[1])
    assert re.match(r"\d+ requests for 12 steps", lines[-1])
