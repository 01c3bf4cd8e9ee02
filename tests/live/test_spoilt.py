"""Some of the collections of bench_spoilt, and deadlines of whole commands."""

import time
from pathlib import Path

import pytest

from tests.live.command import Outcome, run
from tests.live.spoilt import Ended, collect, faults
from tests.support import SMALL_MESH, PrometheusServer
from tests.support.spoilt import ALWAYS, KINDS, Once, SpoiltServer, breaks
from tests.support.spoilt.server import When

pytestmark = pytest.mark.live

_EARLY, _LATE = Once(2), Once(30)
_TIMES = ("--start", SMALL_MESH.start.isoformat(), "--end", SMALL_MESH.end.isoformat())


@pytest.fixture(scope="module")
def clean(small_server: PrometheusServer, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    ended = collect(small_server.url, None, ALWAYS, tmp_path_factory.mktemp("clean") / "folder")
    assert ended.outcome.status == 0, ended.outcome.stderr
    return ended


@pytest.mark.parametrize(
    ("kind", "when"),
    [
        ("flood of 100 Continue", ALWAYS),
        ("1,000 headers", ALWAYS),
        ("gzip bomb", ALWAYS),
        ("login page", ALWAYS),
        ("chunk size below zero", ALWAYS),
        ("500 in charset undefined", ALWAYS),
        ("crawling body", _EARLY),
        ("gzip garbled", _EARLY),
        ("redirect to rubbish", _EARLY),
        ("crawling head", _LATE),
        ("millions of lists", _LATE),
        ("JSON cut", _LATE),
    ],
)
def test_a_collection_ends_as_its_table_has_it(
    kind: str, when: When, small_server: PrometheusServer, clean: Ended, tmp_path: Path
) -> None:
    words = KINDS[kind].always if when is ALWAYS else KINDS[kind].once
    ended = collect(small_server.url, kind, when, tmp_path / "folder")

    assert faults(ended, words, clean) == []


def _timed(*arguments: object) -> tuple[Outcome, float]:
    began = time.monotonic()
    return run(*arguments), time.monotonic() - began


@pytest.mark.parametrize("command", ["analyze", "doctor", "queries"])
def test_a_deadline_ends_a_command_in_one_line(
    command: str, small_server: PrometheusServer
) -> None:
    with SpoiltServer(small_server.url, breaks.silent, lambda number: number > 3) as server:
        outcome, seconds = _timed(command, "-p", server.url, *_TIMES, "--deadline", "1s")

    assert outcome.status == 1
    assert outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1
    assert "--deadline" in outcome.stderr
    assert seconds < 1 + 5


def test_what_was_collected_by_the_deadline_is_kept(
    small_server: PrometheusServer, tmp_path: Path
) -> None:
    folder = tmp_path / "mesh"
    asked = ("collect", *_TIMES, "-o", folder)
    with SpoiltServer(small_server.url, breaks.silent, lambda number: number > 30) as server:
        outcome, seconds = _timed(*asked, "-p", server.url, "--deadline", "5s")
        assert outcome.status == 1
        assert str(folder.with_name("mesh.partial")) in outcome.stderr
        assert "Run the same command" in outcome.stderr
        assert seconds < 5 + 5
    kept = len(list((tmp_path / "mesh.partial" / "chunks").glob("*.parquet")))
    assert kept > 0
