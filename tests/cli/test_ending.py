"""How a run ends where its answer cannot be written, or its user stops it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import STYLES, Shown, shown
from tests.live.command import command, run
from tests.support import SMALL_MESH, Answer, FaultyHttp, PrometheusServer, Received

pytestmark = [pytest.mark.live, pytest.mark.few(3)]

_TIMES = ("--days", "0.0834", "--end", SMALL_MESH.end.isoformat())

_ANSWERING = [
    # Fits into a buffer, unlike the next one.
    pytest.param(
        ("project", "--constants=blog", "--pods=15", "--nodes=2", "--namespaces=1"), id="table"
    ),
    pytest.param(("demo", "--format", "json"), id="json"),
    pytest.param(("--help",), id="help"),
    pytest.param(("queries",), id="queries"),
    pytest.param(("doctor",), id="doctor"),
]


@pytest.fixture(params=_ANSWERING)
def answering(request: pytest.FixtureRequest, small_server: PrometheusServer) -> list[str]:
    """Return a command line that prints an answer."""
    arguments: tuple[str, ...] = request.param
    server = ("-p", small_server.url, *_TIMES) if arguments == ("doctor",) else ()
    return command(*arguments, *server)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_one_line(answering: list[str], unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            answering,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )

    assert done.returncode == 1
    assert done.stderr.startswith("istio-usage: Cannot write the answer: ")
    assert os.strerror(28) in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_closed_stdout_is_one_line(answering: list[str]) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *answering], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "stdout is closed" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_ends_it_in_silence(answering: list[str], unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            answering,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    finally:
        os.close(writing)

    assert done.returncode == 1
    assert done.stderr == ""


def test_a_closed_stderr_changes_nothing_on_stdout(tmp_path: Path) -> None:
    arguments = command("demo", "--charts", "none", "-o", tmp_path)
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert done.stdout == run("demo").stdout


def _is_range(request: Received) -> bool:
    return request.path.endswith("query_range")


@pytest.fixture
def silent(small_server: PrometheusServer) -> Iterator[FaultyHttp]:
    """Return a server that answers the survey and three queries, and then nothing for a minute."""
    script = [None] * (5 + 3) + [Answer(status=503, delay_seconds=60)] * 4
    with FaultyHttp(script, upstream=small_server.url, counts=_is_range) as server:
        yield server


def _stopped(*arguments: object, with_signal: signal.Signals = signal.SIGINT) -> Shown:
    """Run a command until three queries are answered, and stop it."""
    return shown(
        *arguments,
        *_TIMES,
        interrupt_when=lambda sent: "3/" in STYLES.sub("", sent),
        interrupt_with=with_signal,
        columns=400,
    )


@pytest.mark.parametrize(
    ("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_stopped_collection_names_what_is_kept(
    silent: FaultyHttp, tmp_path: Path, stop: signal.Signals, status: int
) -> None:
    target = tmp_path / "mesh"
    began = time.monotonic()
    seen = _stopped("collect", "-p", silent.url, "-o", target, with_signal=stop)

    assert seen.status == status
    assert time.monotonic() - began < 30  # It does not wait for the requests under way.
    assert seen.screen[-1].startswith("istio-usage: Interrupted. ")
    assert f"kept in {target}.partial." in seen.screen[-1]
    assert len(list((tmp_path / "mesh.partial" / "chunks").iterdir())) == 3
    assert seen.stdout == ""
    # How many requests were under way when it was stopped is a matter of speed.
    silent.end_script()
    again = run("collect", "-p", silent.url, "-o", target, *_TIMES)
    assert again.status == 0, again.stderr
    assert "Resuming" in again.stderr


def test_a_stopped_analysis_goes_on_with_the_same_command(
    silent: FaultyHttp, tmp_path: Path
) -> None:
    seen = _stopped("analyze", "-p", silent.url, "-o", tmp_path / "out")

    assert seen.status == 130
    assert f"kept in {tmp_path / 'out' / 'snapshot.partial'}." in seen.screen[-1]


def test_a_stopped_analysis_without_a_folder_keeps_nothing(silent: FaultyHttp) -> None:
    seen = _stopped("analyze", "-p", silent.url)

    assert seen.status == 130
    assert seen.screen[-1].endswith("Nothing is kept without -o.")


def test_what_is_stopped_before_the_first_answer_keeps_nothing(
    small_server: PrometheusServer, tmp_path: Path
) -> None:
    script = [Answer(status=503, delay_seconds=60)]
    with FaultyHttp(script, upstream=small_server.url) as server:
        seen = shown(
            *("collect", "-p", server.url, "-o", tmp_path / "mesh"),
            interrupt_when=lambda sent: "looking" in sent,
        )

    assert seen.status == 130
    assert "Nothing" in seen.screen[-1]
    assert list(tmp_path.iterdir()) == []
