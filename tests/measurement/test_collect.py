"""A collection ends whole, however often it was interrupted, or leaves no snapshot."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from analyzer.errors import PrometheusError, SnapshotError, UsageError
from analyzer.measurement.collect import Progress, collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.measurement.snapshot import Snapshot, load_snapshot
from analyzer.notebook.api import collect
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.window import TimeWindow
from tests.support import (
    SMALL_MESH,
    Answer,
    FaultyHttp,
    FilledMesh,
    PrometheusServer,
    Received,
    prometheus_error,
    prometheus_success,
)

pytestmark = pytest.mark.live

SURVEYS = 5
"""Range queries of the survey: they come before those of the collection."""
PASSED = 5
"""Chunks that are answered before things go wrong."""
PATIENCE_SECONDS = 30
BROKEN = prometheus_error(500, "internal", "it broke")

# What `istio-usage collect` does, in a process that can be killed.
COLLECT = """
import json, sys
from datetime import datetime
from pathlib import Path
from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.connection import Connection

url, source, target, start, end = sys.argv[1:]
start, end = datetime.fromisoformat(start), datetime.fromisoformat(end)
with Connection(Access(url=url)) as connection:
    ask = Ask(source=source, start=start, end=end)
    collect_snapshot(connection, ask, Path(target), now=end)
"""


def collected(
    access: Access | str,
    ask: Ask,
    target: Path,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    note: Callable[[str], None] = lambda _: None,
) -> Snapshot:
    access = Access(url=access) if isinstance(access, str) else access
    with Connection(access, sleep=lambda _: None) as source:
        return collect_snapshot(
            source, ask, target, now=SMALL_MESH.end, on_progress=on_progress, note=note
        )


def is_range(request: Received) -> bool:
    return request.path.endswith("query_range")


def ranges(requests: tuple[Received, ...]) -> list[tuple[str, str, str]]:
    """Return which ranges were asked for, the survey's left out."""
    asked = [parse_qs(request.body.decode()) for request in requests if is_range(request)]
    return [
        (one["query"][0], one["start"][0], one["end"][0]) for one in asked if one["step"] == ["600"]
    ]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def finished_chunks(partial: Path) -> list[str]:
    return sorted(path.name for path in (partial / "chunks").glob("[!.]*.parquet"))


@pytest.fixture
def interrupted(small_server: PrometheusServer, small_ask: Ask, tmp_path: Path) -> Path:
    """Return the target of a collection that failed in the middle."""
    target = tmp_path / "snap"
    script = [None] * (SURVEYS + PASSED) + [BROKEN] * 20
    with (
        FaultyHttp(script, upstream=small_server.url, counts=is_range) as faulty,
        pytest.raises(PrometheusError, match="it broke"),
    ):
        collected(faulty.url, small_ask, target)
    assert not target.exists()
    return target


def test_a_collection_makes_a_snapshot_and_nothing_else(
    small_server: PrometheusServer, small_ask: Ask, tmp_path: Path
) -> None:
    progress: list[Progress] = []
    snapshot = collected(
        small_server.url, small_ask, tmp_path / "snap", on_progress=progress.append
    )

    assert [path.name for path in tmp_path.iterdir()] == ["snap"]
    assert snapshot == load_snapshot(tmp_path / "snap")
    manifest = snapshot.manifest
    assert set(contents(snapshot.path)) == {
        "manifest.json",
        *(record.file for record in manifest.queries),
    }
    assert (manifest.window.start, manifest.window.end) == (SMALL_MESH.start, SMALL_MESH.end)
    assert manifest.source == small_ask.source
    counts = {
        record.name: (record.series_count, record.sample_count) for record in manifest.queries
    }
    assert counts["proxy_cpu_vcpu"] == (10, 120)
    assert counts["mesh_requests_rps"] == (3, 36)
    assert "istio_build" in manifest.warnings
    total = len(manifest.queries)
    assert [one.done_count for one in progress] == list(range(total + 1))
    assert {one.total_count for one in progress} == {total}
    assert [one.sample_count for one in progress] == sorted(one.sample_count for one in progress)
    assert progress[0].sample_count == 0
    assert progress[-1].sample_count == sum(record.sample_count for record in manifest.queries)


def test_the_same_question_gives_the_same_bytes(
    small_server: PrometheusServer, small_ask: Ask, small_snapshot: Path, tmp_path: Path
) -> None:
    again = collected(small_server.url, small_ask, tmp_path / "again")

    assert contents(again.path) == contents(small_snapshot)


def test_what_was_asked_in_pieces_is_the_same_to_the_byte(
    small_server: PrometheusServer,
    small_ask: Ask,
    small_snapshot: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_pieces = partialmethod(TimeWindow.chunks, sample_budget=300)
    monkeypatch.setattr(TimeWindow, "chunks", in_pieces)
    progress: list[Progress] = []
    snapshot = collected(
        small_server.url, small_ask, tmp_path / "snap", on_progress=progress.append
    )

    assert len(progress) > 2 * len(snapshot.manifest.queries)
    assert contents(snapshot.path) == contents(small_snapshot)


def test_the_servers_remarks_are_kept(
    small_server: PrometheusServer, small_ask: Ask, tmp_path: Path
) -> None:
    partial = prometheus_success([], warnings=["a store is down"])
    script = [None] * SURVEYS + [partial, None, partial]
    with FaultyHttp(script, upstream=small_server.url, counts=is_range) as faulty:
        snapshot = collected(faulty.url, small_ask, tmp_path / "snap")

    assert snapshot.manifest.remarks == ("a store is down",)
    assert "a store is down" not in snapshot.manifest.warnings


def test_a_failed_collection_goes_on_with_what_it_lacks(
    small_server: PrometheusServer, small_ask: Ask, small_snapshot: Path, interrupted: Path
) -> None:
    partial = interrupted.with_name("snap.partial")
    kept = finished_chunks(partial)
    notes: list[str] = []
    with FaultyHttp(upstream=small_server.url) as counting:
        snapshot = collected(counting.url, small_ask, interrupted, note=notes.append)
        asked = ranges(counting.received)

    assert len(kept) >= PASSED
    names = {record.promql: record.name for record in snapshot.manifest.queries}
    asked_again = {f"{names[promql]}-000000.parquet" for promql, _, _ in asked}
    assert len(asked) == len(names) - len(kept)
    assert asked_again.isdisjoint(kept)
    assert notes == [f"Resuming the interrupted collection in {partial}."]
    assert not partial.exists()
    assert contents(interrupted) == contents(small_snapshot)


def test_a_killed_collection_goes_on_and_ends_like_any_other(
    small_mesh: FilledMesh, small_ask: Ask, small_snapshot: Path, tmp_path: Path
) -> None:
    target, partial = tmp_path / "snap", tmp_path / "snap.partial"
    silence = Answer(status=503, delay_seconds=2 * PATIENCE_SECONDS)
    times = [SMALL_MESH.start.isoformat(), SMALL_MESH.end.isoformat()]
    with small_mesh.serve(tmp_path / "server") as server:
        script = [None] * (SURVEYS + PASSED) + [silence] * 20
        with FaultyHttp(script, upstream=server.url, counts=is_range) as silent:
            arguments = [silent.url, small_ask.source, str(target), *times]
            with subprocess.Popen([sys.executable, "-c", COLLECT, *arguments]) as process:
                deadline = time.monotonic() + PATIENCE_SECONDS
                while len(finished_chunks(partial)) < PASSED and time.monotonic() < deadline:
                    time.sleep(0.01)
                process.kill()
            assert process.returncode == -signal.SIGKILL
        before = server.query_log()
        kept = finished_chunks(partial)
        snapshot = collected(server.url, small_ask, target)
        after = server.query_log()[len(before) :]

    assert len(kept) == PASSED
    names = {record.promql: record.name for record in snapshot.manifest.queries}
    answered = [names[one.promql] for one in before if one.promql in names]
    asked_again = [names[one.promql] for one in after if one.promql in names]
    assert sorted(f"{name}-000000.parquet" for name in answered) == kept
    assert sorted([*answered, *asked_again]) == sorted(names.values())
    assert contents(target) == contents(small_snapshot)


def test_an_interrupted_collection_is_not_mixed_with_another_question(
    small_server: PrometheusServer, small_ask: Ask, interrupted: Path
) -> None:
    other = Ask(source=small_ask.source, start=SMALL_MESH.start, end=SMALL_MESH.end, note="other")
    before = contents(interrupted.with_name("snap.partial"))

    with pytest.raises(UsageError, match=r"snap\.partial answers another question"):
        collected(small_server.url, other, interrupted)
    assert contents(interrupted.with_name("snap.partial")) == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"proxy_cpu_vcpu"', '"of_another_version"'),
    ],
    ids=["cut", "another version"],
)
def test_a_damaged_interrupted_collection_is_refused(
    damage: Callable[[str], str], small_server: PrometheusServer, small_ask: Ask, interrupted: Path
) -> None:
    plan = interrupted.with_name("snap.partial") / "plan.json"
    plan.write_text(damage(plan.read_text()))

    with pytest.raises(SnapshotError, match=r"snap\.partial is damaged"):
        collected(small_server.url, small_ask, interrupted)


def test_a_place_that_cannot_be_written_is_told(
    small_server: PrometheusServer, small_ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SnapshotError, match=r"snap\.partial .*: Not a directory"):
        collected(small_server.url, small_ask, tmp_path / "file" / "snap")


def test_a_complete_snapshot_is_no_failure_where_its_temporary_folder_stays(
    small_server: PrometheusServer,
    small_ask: Ask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def busy(path: Path) -> None:
        raise OSError(16, "Device or resource busy", str(path))

    monkeypatch.setattr("shutil.rmtree", busy)
    notes: list[str] = []
    snapshot = collected(small_server.url, small_ask, tmp_path / "snap", note=notes.append)

    assert snapshot == load_snapshot(tmp_path / "snap")
    (note,) = notes
    assert "snap.partial" in note
    assert "Device or resource busy" in note


def test_a_question_that_cannot_be_answered_leaves_nothing(small_ask: Ask, tmp_path: Path) -> None:
    with FaultyHttp([BROKEN]) as broken, pytest.raises(PrometheusError, match="it broke"):
        collected(broken.url, small_ask, tmp_path / "snap")

    assert list(tmp_path.iterdir()) == []


def test_no_file_holds_a_credential(
    small_server: PrometheusServer, small_ask: Ask, tmp_path: Path
) -> None:
    script = [None] * (SURVEYS + PASSED) + [BROKEN] * 20
    with FaultyHttp(script, upstream=small_server.url, counts=is_range) as faulty:
        url = faulty.url.replace("http://", "http://s3cret-user:s3cret-password@")
        access = Access.parse(url, headers=("X-Key: s3cret-key",), environment={})
        ask = Ask(source=access.url, start=small_ask.start, end=small_ask.end)
        with pytest.raises(PrometheusError):
            collected(access, ask, tmp_path / "snap")
        halfway = contents(tmp_path)
        assert faulty.received[0].headers["x-key"] == "s3cret-key"
    with_token = Access(url=small_server.url, token="s3cret-token")
    collected(with_token, ask, tmp_path / "snap")

    for files in (halfway, contents(tmp_path)):
        assert len(files) > PASSED
        assert not any(b"s3cret" in content for content in files.values())


# --- in one call, from a notebook ---


def test_one_call_makes_a_snapshot(small_server: PrometheusServer, tmp_path: Path) -> None:
    snapshot = collect(small_server.url, days=1 / 24, end=SMALL_MESH.end, path=tmp_path / "snap")

    assert snapshot.snapshot == load_snapshot(tmp_path / "snap")
    assert snapshot.manifest.window.point_count == 6
    assert snapshot.manifest.source == small_server.url


def test_without_a_path_the_snapshot_is_temporary(
    small_server: PrometheusServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    snapshot = collect(
        Access(url=small_server.url, token="s3cret"),
        days=2 / 24,
        end=SMALL_MESH.end,
        namespaces=("shop",),
    )

    assert tmp_path in snapshot.path.parents
    assert snapshot.manifest.scope.namespaces == ("shop",)


def test_an_end_without_a_zone_is_refused(small_server: PrometheusServer) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        collect(small_server.url, end=SMALL_MESH.end.replace(tzinfo=None))
