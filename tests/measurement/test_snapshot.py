"""A snapshot is what was collected, to the byte, or it is refused in one line."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from analyzer.errors import SnapshotError
from analyzer.measurement.frames import frame_of
from analyzer.measurement.parquet import read_table
from analyzer.measurement.snapshot import (
    MANIFEST,
    load_snapshot,
    write_file,
    write_table,
)
from analyzer.prometheus.query import load_query
from tests.measurement.snapshots import frame_of_rows, make_snapshot, steady

CPU = "proxy_cpu_vcpu"
ROWS = steady(CPU, ("shop", "a"), 0.25)
FILE = f"{CPU}.parquet"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a sound snapshot of one table."""
    return make_snapshot(tmp_path / "snap", {CPU: ROWS}).path


def refusal(path: Path) -> str:
    with pytest.raises(SnapshotError) as caught:
        load_snapshot(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest of a snapshot."""
    document = json.loads((path / MANIFEST).read_text())
    change(document)
    (path / MANIFEST).write_text(json.dumps(document))


def test_a_table_is_read_back_as_it_was_written(path: Path) -> None:
    snapshot = load_snapshot(path)

    pd.testing.assert_frame_equal(snapshot.frame(CPU), frame_of_rows(CPU, ROWS))
    assert load_snapshot(str(path)) == snapshot


def test_a_quantity_that_was_not_asked_is_an_empty_table(path: Path) -> None:
    found = load_snapshot(path).frame("proxy_build")

    pd.testing.assert_frame_equal(found, frame_of(load_query("proxy_build"), ()))


@pytest.mark.parametrize("place", [0, 100, -1])
def test_one_wrong_byte_is_found(path: Path, place: int) -> None:
    content = bytearray((path / FILE).read_bytes())
    content[place] ^= 1
    (path / FILE).write_bytes(content)

    message = refusal(path)
    assert message.startswith(f"{path} is damaged: {FILE} is not ")
    assert message.endswith("Collect it again.")


def test_a_missing_table_is_found(path: Path) -> None:
    (path / FILE).unlink()

    assert refusal(path).startswith(f"{path} is damaged: {FILE}: No such file")


def shift(window: dict[str, Any], **by: float) -> None:
    for key in ("start", "end"):
        window[key] = (datetime.fromisoformat(window[key]) + timedelta(**by)).isoformat()


@pytest.mark.parametrize("by", [{"days": 365}, {"minutes": 10}, {"minutes": 5}, {"days": -7}])
def test_a_window_over_the_data_of_another_is_damage(path: Path, by: dict[str, float]) -> None:
    edit(path, lambda document: shift(document["window"], **by))

    message = refusal(path)
    assert message.startswith(f"{path} is damaged: {FILE} has a sample of 2024-05-14 ")
    assert message.endswith("Collect it again.")


def test_another_step_is_damage(path: Path) -> None:
    edit(path, lambda document: document["window"].update(step_seconds=1200))

    assert "2024-05-14 10:10 UTC" in refusal(path)


def test_a_newer_schema_asks_for_a_newer_tool(path: Path) -> None:
    edit(path, lambda document: document.update(schema_version=99))

    assert f"{path} has schema version 99" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"], ids=["empty", "cut", "bytes"])
def test_a_manifest_that_cannot_be_read_is_damage(path: Path, content: bytes) -> None:
    (path / MANIFEST).write_bytes(content)

    assert refusal(path).startswith(f"{path} is damaged: {MANIFEST} cannot be read")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        (CPU, "../proxy_cpu_vcpu.parquet"),
        (CPU, "/etc/passwd"),
        (CPU, "other.parquet"),
        ("../proxy_cpu_vcpu", "../proxy_cpu_vcpu.parquet"),
        ("unheard_of", "unheard_of.parquet"),
    ],
)
def test_a_manifest_cannot_lead_out_of_its_folder(path: Path, name: str, file: str) -> None:
    shutil.copy(path / FILE, path.parent / FILE)
    edit(path, lambda document: document["queries"][0].update(name=name, file=file))

    message = refusal(path)
    assert message.startswith(f"{path} is damaged: {MANIFEST} ")
    assert f"unknown query {name!r}" in message


def test_nothing_there_says_how_to_make_one(tmp_path: Path) -> None:
    path = tmp_path / "snap"

    assert refusal(path).startswith(f"There is no snapshot at {path}.")


def test_a_folder_of_something_else_is_no_snapshot(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"{tmp_path} is not a snapshot: ")


def test_an_interrupted_collection_says_how_to_finish_it(tmp_path: Path) -> None:
    (tmp_path / "snap.partial").mkdir()

    for path, fault in (("snap", "not complete"), ("snap.partial", "an interrupted collection")):
        message = refusal(tmp_path / path)
        assert message.startswith(f"{tmp_path / path} is {fault}. ")
        assert "same `istio-usage` command" in message


def test_the_folder_of_an_analysis_is_the_snapshot_in_it(tmp_path: Path) -> None:
    made = make_snapshot(tmp_path / "out" / "snapshot", {CPU: ROWS})
    (tmp_path / "out" / "report.md").write_text("")

    for path in (tmp_path / "out", made.path, made.path / MANIFEST, f"{tmp_path}/out/"):
        assert load_snapshot(path) == made


def test_a_snapshot_comes_before_one_in_it(path: Path) -> None:
    make_snapshot(path / "snapshot", {CPU: steady(CPU, ("other", "b"), 0.5)})

    assert load_snapshot(path).path == path


def test_the_folder_of_an_interrupted_analysis_is_named(tmp_path: Path) -> None:
    (tmp_path / "snapshot.partial").mkdir()

    assert refusal(tmp_path).startswith(f"{tmp_path / 'snapshot'} is not complete. ")


@pytest.mark.parametrize(
    ("names", "held"),
    [
        ((), "It holds nothing."),
        (("b.md", "a.md"), "It holds a.md, b.md."),
        (tuple("fedcba"), "It holds a, b, c, 3 more."),
    ],
)
def test_what_a_folder_of_something_else_holds_is_named(
    names: tuple[str, ...], held: str, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).write_text("")

    message = refusal(tmp_path)
    assert message.endswith(held)
    assert f"no {MANIFEST} and no folder" in message


def test_a_file_is_no_snapshot(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("{}")

    assert " is a file, " in refusal(tmp_path / "result.json")


def test_a_table_that_is_none_is_refused_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"not a table")

    with pytest.raises(SnapshotError, match=r"a\.parquet cannot be read: ") as caught:
        read_table(tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)


def test_the_name_of_a_folder_adds_nothing_to_a_table(tmp_path: Path) -> None:
    """Parquet readers take `namespace=shop` in a path for a column."""
    snapshot = make_snapshot(tmp_path / "zone=eu" / "snap", {CPU: ROWS})

    assert list(snapshot.frame(CPU).columns) == [
        "cluster",
        "namespace",
        "pod",
        "container",
        "time",
        CPU,
    ]


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    table = pa.Table.from_pandas(frame_of_rows(CPU, ROWS), preserve_index=False)
    hashes = [write_table(tmp_path / f"{name}.parquet", table) for name in "ab"]

    assert hashes[0] == hashes[1]
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_file_that_cannot_be_written_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"a cannot .*: No such"):
        write_file(tmp_path / "absent" / "a", b"one")
