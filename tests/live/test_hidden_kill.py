"""A collection with hidden names that is killed gives no name away, and ends with one salt."""

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.live.command import run
from tests.live.killing import killed
from tests.live.nameless import assert_alike
from tests.live.remarking import Remarking
from tests.support import SMALL_MESH, Answer, PrometheusServer

pytestmark = pytest.mark.live

_PASSED = 9
_SURVEYS = 5
_SILENCE = Answer(status=503, delay_seconds=60)
_OPTIONS = ("--days", "0.08", "--end", SMALL_MESH.end.isoformat(), "--namespace", "shop")


def _killed(url: str, target: Path) -> None:
    """Collect until some chunks are there, and kill without warning."""
    arguments = ["collect", "-p", url, *_OPTIONS, "--hide-names", "-o", str(target)]
    chunks = target.with_name(f"{target.name}.partial") / "chunks"
    killed(arguments, chunks, _PASSED)


def _written(folder: Path) -> str:
    """Return everything in a folder as text, tables with their metadata."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            found.append(f"{path.name} {table.schema.metadata} {table.to_pandas().to_csv()}")
        elif path.is_file():
            found.append(f"{path.name} {path.read_text()}")
    return "\n".join(found)


def _require_private(partial: Path) -> None:
    """Require that no other user can read what is kept, with the salt, to go on."""
    assert partial.stat().st_mode & 0o777 == 0o700
    assert (partial / "plan.json").stat().st_mode & 0o777 == 0o600


@pytest.fixture(autouse=True)
def _open_to_all() -> Iterator[None]:
    """Let new files be readable and writable by everybody, unless the tool sees to it."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_what_a_killed_collection_leaves_names_nobody_and_is_finished_with_its_salt(
    small_server: PrometheusServer, tmp_path: Path
) -> None:
    names = ["shop", "front-", "back-", "node-0,", "node-1,", "10.0.", "acme"]
    target = tmp_path / "hidden"
    script = [None] * (_PASSED + _SURVEYS) + [_SILENCE] * 4
    with Remarking(small_server.url, {"warnings": ["acme-store-0 is down"]}, script) as server:
        _killed(server.url, target)
        _require_private(tmp_path / "hidden.partial")
        left = _written(tmp_path / "hidden.partial")

        assert [name for name in (*names, server.url) if name in left] == []
        other = run("collect", "-p", server.url, *_OPTIONS, "-o", target)
        # Another salt from without does not change the one that it began with.
        again = run(
            "collect", "-p", server.url, *_OPTIONS, "--hide-names", "-o", target,
            ISTIO_USAGE_SALT="cumin",
        )  # fmt: skip

    assert other.status == 2
    assert "answers another question" in other.stderr
    assert again.status == 0, again.stderr
    assert "Resuming" in again.stderr
    assert list(tmp_path.glob("hidden?*")) == []
    written = _written(target)
    assert [name for name in (*names, "salt") if name in written] == []
    opened = run("collect", "-p", small_server.url, *_OPTIONS, "-o", tmp_path / "open")
    assert opened.status == 0, opened.stderr
    told, found = (
        run("calibrate", folder, "--format", "json").document
        for folder in (tmp_path / "open", target)
    )
    # With two salts CPU and requests of a pod would not meet.
    assert found["mesh"] == told["mesh"]
    assert_alike(*(item["calibration"]["sidecar"] for item in (found, told)))


@pytest.fixture(autouse=True)
def _no_salt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ISTIO_USAGE_SALT", raising=False)
