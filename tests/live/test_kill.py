"""A collection that is killed, and the same command again."""

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.live.command import run
from tests.live.killing import killed
from tests.support import SMALL_MESH, Answer, FaultyHttp, PrometheusServer, Received

pytestmark = pytest.mark.live

_PASSED = 6
"""Chunks that are answered before the server falls silent."""

_SILENCE = Answer(status=503, delay_seconds=60)


def _query(request: Received) -> str:
    return parse_qs(request.body.decode())["query"][0]


def _is_range(request: Received) -> bool:
    """Tell the requests of the collection, and five of the survey's, from the others."""
    return request.path.endswith("query_range")


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_killed_collection_goes_on_and_ends_as_if_nothing_had_been(
    tmp_path: Path, small_server: PrometheusServer
) -> None:
    script = [None] * (_PASSED + 5) + [_SILENCE] * 4
    with FaultyHttp(script, upstream=small_server.url, counts=_is_range) as server:
        target = tmp_path / "mesh"
        end = SMALL_MESH.end.isoformat()
        arguments = ["collect", "-p", server.url, "--end", end, "--days", "0.08", "-o", str(target)]
        chunks = tmp_path / "mesh.partial" / "chunks"
        killed(arguments, chunks, _PASSED)
        # It may have been killed before it sent all that would have met silence.
        server.end_script()
        finished = {path.name.rpartition("-")[0] for path in chunks.glob("[a-z]*.parquet")}
        before = len(server.received)

        again = run(*arguments)

        assert again.status == 0, again.stderr
        assert "Resuming" in again.stderr
        asked = {_query(request) for request in server.received[before:]}
        whole = run(*arguments[:-1], tmp_path / "whole")

        assert whole.status == 0, whole.stderr
        assert _files(target) == _files(tmp_path / "whole")
        promql = {record["name"]: record["promql"] for record in _records(target)}
        assert finished
        # Neither what was finished is asked again, nor the survey.
        assert asked == {promql[name] for name in promql.keys() - finished}
        assert not (tmp_path / "mesh.partial").exists()


def _records(target: Path) -> list[dict[str, str]]:
    records: list[dict[str, str]] = json.loads((target / "manifest.json").read_text())["queries"]
    return records
