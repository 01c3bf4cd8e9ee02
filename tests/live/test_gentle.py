"""How much is asked of a server, counted on its side."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.measurement.sample import MOST_REQUESTS
from tests.live.command import run
from tests.support import PrometheusServer, build_mesh, default_mesh

pytestmark = pytest.mark.live

SPARSE = replace(
    default_mesh(pods=100, hours=7 * 24),
    envoy_scrape_seconds=300,
    cadvisor_scrape_seconds=300,
    state_scrape_seconds=300,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> PrometheusServer:
    server = PrometheusServer(tmp_path_factory.mktemp("sparse") / "server")
    server.start()
    server.fill(build_mesh(SPARSE))
    return server


def test_a_week_of_100_pods_takes_at_most_52_requests(
    server: PrometheusServer, tmp_path: Path
) -> None:
    times = ("--days", "7", "--end", SPARSE.end.isoformat())
    try:
        shown = run("queries", "-p", server.url, *times)
        before = len(server.query_log())
        written = ("-o", tmp_path / "out", "--charts", "none")
        outcome = run("analyze", "-p", server.url, *times, *written)
        asked = len(server.query_log()) - before
        diagnosed = run("doctor", "-p", server.url, *times, "--format", "json")
        doctors = len(server.query_log()) - asked - before
    finally:
        server.stop()

    assert outcome.status == 0, outcome.stderr
    # One of them for right-sizing: `proxy_pods`. One looks for recording rules. Four more where
    # there are owners and autoscalers.
    assert asked <= 52
    # What was promised is what was asked, but for the survey's own few.
    promised = re.search(r"^(\d+) requests for 201 steps of 3000 s", shown.stdout, re.MULTILINE)
    assert promised is not None, shown.stdout[-300:]
    # Its moments are more than a day apart, and each is a request: a range would read all between.
    assert 0 < asked - int(promised[1]) <= 27
    # The survey is all that `queries` sends.
    assert before <= 27
    # The doctor asks as much, and for a few intervals.
    assert diagnosed.status == 0, diagnosed.stderr
    assert diagnosed.document["judgement"] == "right"
    assert 0 < doctors - before <= MOST_REQUESTS
