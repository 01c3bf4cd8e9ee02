"""What can be wrong with a Prometheus: one line for each, and no half-written file."""

import errno
import os
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from tests.live.command import Outcome, run
from tests.support import (
    SMALL_MESH,
    Answer,
    FaultyHttp,
    MeshCache,
    PrometheusServer,
    login_page,
    prometheus_error,
)

pytestmark = pytest.mark.live

_END = SMALL_MESH.end.isoformat()
_TIMES = ("--days", "0.08", "--end", _END)


def _analyze(url: str, folder: Path, *options: str) -> Outcome:
    return run("analyze", "-p", url, "-o", folder, *(options or _TIMES))


def _told_in_one_line(outcome: Outcome, folder: Path, status: int, *words: str) -> None:
    assert outcome.status == status, outcome.stderr
    assert outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert outcome.stderr.startswith("istio-usage: ")
    assert "Traceback" not in outcome.stderr
    for word in words:
        assert word in outcome.stderr
    assert not folder.exists()
    assert not list(folder.parent.glob("*"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_nothing_listens_at_the_address(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    outcome = _analyze(f"http://127.0.0.1:{_free_port()}", folder)

    _told_in_one_line(outcome, folder, 1, "Cannot reach", "refused", "--prometheus-url")


def test_no_route_leads_to_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No address that tests may use is without a route, so the socket raises the error."""

    def connect(_: socket.socket, __: object) -> None:
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr("time.sleep", lambda _: None)
    folder = tmp_path / "out"
    result = CliRunner().invoke(cli, ["analyze", "-p", "http://127.0.0.1:9", "-o", str(folder)])

    told = Outcome(status=result.exit_code, stdout=result.stdout, stderr=result.stderr)
    _told_in_one_line(told, folder, 1, "Network is unreachable", "--prometheus-url")


@pytest.mark.parametrize("url", ["/prometheus", "ftp://localhost", "http://", "http://h:port"])
def test_the_address_is_none(tmp_path: Path, url: str) -> None:
    folder = tmp_path / "out"

    _told_in_one_line(_analyze(url, folder), folder, 2, "http://prometheus:9090")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(status=401, body=b"Unauthorized"), ("401", "--token-file", "PROMETHEUS_TOKEN")),
        (Answer(status=403, body=b"Forbidden"), ("403", "No credentials", "--username")),
        (Answer(status=404, body=b"404 page not found"), ("404", "--prometheus-url", "prefix")),
        (login_page(), ("login page",)),
        (
            Answer(status=302, headers=(("Location", "https://sso.example/login"),)),
            ("302", "redirects"),
        ),
        (
            prometheus_error(400, "bad_data", "invalid parameter: no such thing"),
            ("invalid parameter: no such thing",),
        ),
        (Answer(status=500, body=b"it broke"), ("500", "it broke")),
    ],
    ids=["401", "403", "404", "login page", "redirect", "400", "500"],
)
def test_the_server_does_not_answer_as_prometheus(
    tmp_path: Path, answer: Answer, words: tuple[str, ...]
) -> None:
    folder = tmp_path / "out"
    with FaultyHttp([answer]) as server:
        outcome = _analyze(server.url, folder)

    _told_in_one_line(outcome, folder, 1, *words)


def test_no_secret_is_in_a_message(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with FaultyHttp([Answer(status=401)]) as server:
        url = server.url.replace("http://", "http://me:hunter2@")
        outcome = run("analyze", "-p", url, "-o", folder, PROMETHEUS_TOKEN="sesame")

    assert outcome.status == 1
    assert "hunter2" not in outcome.stderr
    assert "sesame" not in outcome.stderr


def test_there_are_no_istio_metrics(tmp_path: Path) -> None:
    folder = tmp_path / "answers" / "out"
    folder.parent.mkdir()
    with PrometheusServer(tmp_path / "server") as server:
        outcome = _analyze(server.url, folder)

    _told_in_one_line(outcome, folder, 3, "no Istio metrics", "/stats/prometheus")


def test_the_mesh_carries_no_traffic(tmp_path: Path, mesh_cache: MeshCache) -> None:
    """Its counters are there and stand still."""
    still = replace(
        SMALL_MESH,
        workloads=tuple(
            replace(workload, inbound_rps_per_pod=1e-9) for workload in SMALL_MESH.workloads
        ),
    )
    folder = tmp_path / "answers" / "out"
    folder.parent.mkdir()
    with mesh_cache.filled(still).serve(tmp_path / "server") as server:
        outcome = _analyze(server.url, folder)

    _told_in_one_line(outcome, folder, 3, "did not grow", "time with traffic")


def test_the_time_holds_a_single_step(tmp_path: Path, small_server: PrometheusServer) -> None:
    folder = tmp_path / "out"
    start = (SMALL_MESH.end - timedelta(minutes=10)).isoformat()
    outcome = _analyze(small_server.url, folder, "--start", start, "--end", _END)

    _told_in_one_line(outcome, folder, 3, "1 interval of", "longer time")


def test_the_step_is_shorter_than_ten_scrapes(
    tmp_path: Path, small_server: PrometheusServer
) -> None:
    folder = tmp_path / "out"
    outcome = _analyze(small_server.url, folder, *_TIMES, "--step", "5m")

    _told_in_one_line(outcome, folder, 2, "--step 600s or longer")


def test_doctor_fails_where_the_question_cannot_be_answered(tmp_path: Path) -> None:
    with PrometheusServer(tmp_path / "server") as server:
        outcome = run("doctor", "-p", server.url, *_TIMES)

    assert outcome.status == 3
    assert "cannot be answered" in outcome.stdout
