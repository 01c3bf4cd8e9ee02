"""A snapshot that somebody else made: what it claims is checked before it is read."""

import hashlib
import json
import os
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analyzer.data import sample_path
from analyzer.errors import FrameError, SnapshotError
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.snapshot import MANIFEST, load_snapshot
from analyzer.prometheus.query import load_query
from tests.support.spoilt_files import spoil_manifest, spoil_table

_CPU = "proxy_cpu_vcpu"
_TEXT = (sample_path("lab") / MANIFEST).read_text(encoding="utf-8")

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A copy of the smaller sample."""
    return Path(shutil.copytree(sample_path("lab"), tmp_path / "lab"))


def _changed(change: Change) -> str:
    document = json.loads(_TEXT)
    change(document)
    return json.dumps(document)


_WRONG: Final[Sequence[tuple[Change, str]]] = (
    (lambda at: at["window"].update(step_seconds=0), "window.step_seconds"),
    (lambda at: at["window"].update(step_seconds=30.0), "window.step_seconds: a whole"),
    (lambda at: at["window"].update(step_seconds=True), "window.step_seconds: a whole"),
    (lambda at: at["window"].update(step_seconds=10**30), "window.step_seconds"),
    (lambda at: at["window"].update(offset_seconds=10**9), "window.offset_seconds"),
    (lambda at: at["window"].update(start="0001-01-01T00:00:00Z"), "window.start: the year 1"),
    (lambda at: at["window"].update(end="9999-12-31T23:59:59Z"), "window.end: the year 9999"),
    (
        lambda at: at["window"].update(start="1970-01-01T00:00:00Z", step_seconds=1),
        "window: it has 1,795",
    ),
    (lambda at: at["scrape_seconds"].update(cpu=0), "scrape_seconds.cpu"),
    (lambda at: at["scrape_seconds"].update(cpu=-3.0), "scrape_seconds.cpu"),
    (lambda at: at["scrape_seconds"].update(requests=float("nan")), "NaN is no number"),
    (lambda at: at["scrape_seconds"].update(requests=float("inf")), "Infinity is no number"),
    (lambda at: at["scrape_seconds"].update(requests=10**400), "scrape_seconds.requests"),
    (lambda at: at["dialect"].update(attribution="luck"), "dialect.attribution: one of pod"),
    (lambda at: at["dialect"].update(cluster='a"} or x{'), "dialect.cluster"),
    (lambda at: at["dialect"].update(cpu="up or vector(1)"), "dialect.cpu"),
    (lambda at: at["dialect"]["proxy"].update(pod=["pod"]), "dialect.proxy.pod: text"),
    (lambda at: at["dialect"].update(state_cluster=7), "dialect.state_cluster: text"),
    (lambda at: at["queries"][3].update(sample_count="9"), "queries[3].sample_count: a whole"),
    (lambda at: at["queries"][3].update(sample_count=10**9), "queries[3].sample_count: 2 ser"),
    (lambda at: at["queries"][3].update(series_count=10**9), "queries[3].series_count"),
    (lambda at: at.update(warnings=["w"] * 10**6), "warnings: it has more than"),
    (lambda at: at.update(remarks=[["w"]]), "remarks[0]: text"),
    (lambda at: at.update(note="a" * 10**7), "note: it has more than"),
    (lambda at: at.update(note="\ud800"), "note: it is not text"),
    (lambda at: at.update(duplicate_scrapes={"proxy": -1}), "duplicate_scrapes.proxy"),
    (lambda at: at.update(copied_proxies="many"), "copied_proxies: a whole"),
    (
        lambda at: at.update(rate_window_seconds={"cpu": 0, "requests": 60}),
        "window_seconds.cpu",
    ),
    (lambda at: at.update(question={"days": "7"}), "question.days: a number"),
    (lambda at: at.update(question={"end": "soon"}), "question.end: a time"),
    (lambda at: at.update(question={"replica_labels": "a"}), "question.replica_labels: a list"),
    (
        lambda at: at.update(proxy_counts={"start_seconds": 0}),
        "proxy_counts.part_seconds: it is",
    ),
    (
        lambda at: at.update(
            proxy_counts={"start_seconds": 10**14, "part_seconds": 1, "copied": [1]}
        ),
        "proxy_counts: ",
    ),
)


@pytest.mark.parametrize(
    ("change", "place"), _WRONG, ids=[f"{at} {place}" for at, (_, place) in enumerate(_WRONG)]
)
def test_a_field_of_another_type_or_size_is_named_with_its_place(
    change: Change, place: str
) -> None:
    with pytest.raises(SnapshotError) as caught:
        Manifest.from_json(_changed(change), "it")

    assert place in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a": ' * 100_000, _TEXT.replace('"note"', '"note": "", "note"', 1)],
    ids=["lists", "objects", "a key twice"],
)
def test_json_that_is_too_deep_or_has_a_key_twice_is_refused(text: str) -> None:
    with pytest.raises(SnapshotError, match=r"nested|twice"):
        Manifest.from_json(text, "it")


@pytest.mark.parametrize("kind", ["fifo", "device", "huge"])
@pytest.mark.parametrize("name", [MANIFEST, f"{_CPU}.parquet"])
def test_only_regular_files_are_read(lab: Path, name: str, kind: str) -> None:
    (lab / name).unlink()
    if kind == "fifo":
        os.mkfifo(lab / name)
    elif kind == "device":
        (lab / name).symlink_to("/dev/zero")
    else:
        (lab / name).touch()
        os.truncate(lab / name, 2**40)

    with pytest.raises(SnapshotError):
        load_snapshot(lab)


def test_a_link_to_a_table_is_read(lab: Path, tmp_path: Path) -> None:
    moved = (lab / f"{_CPU}.parquet").rename(tmp_path / "elsewhere.parquet")
    (lab / f"{_CPU}.parquet").symlink_to(moved)

    assert len(load_snapshot(lab).frame(_CPU)) == 900


def _write(lab: Path, table: pa.Table, **claims: int) -> None:
    """Write the table of CPU, and a manifest that agrees with it."""
    path = lab / f"{_CPU}.parquet"
    pq.write_table(table, path, compression="zstd", dictionary_pagesize_limit=2**30)
    document = json.loads(_TEXT)
    (record,) = (one for one in document["queries"] if one["name"] == _CPU)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    record |= {"sha256": sha256, "sample_count": table.num_rows, **claims}
    (lab / MANIFEST).write_text(json.dumps(document), encoding="utf-8")


def _bomb(lab: Path, rows: int, text: str) -> pa.Table:
    times = pq.read_table(lab / f"{_CPU}.parquet")["time"].to_numpy()
    labels = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int8), [text])
    columns = dict.fromkeys(load_query(_CPU).labels, labels)
    values = {"time": np.resize(times, rows), _CPU: np.zeros(rows)}
    return pa.table({**columns, **values})


@pytest.mark.parametrize("text", ["a", "z" * 1_000_000], ids=["rows", "texts"])
def test_many_rows_in_few_bytes_are_refused_before_they_are_read(lab: Path, text: str) -> None:
    _write(lab, _bomb(lab, 2_000_000, text), series_count=2_000_000)
    begun = time.monotonic()

    with pytest.raises(SnapshotError, match="twice"):
        load_snapshot(lab)
    assert time.monotonic() - begun < 10


def test_a_text_that_is_too_long_is_refused(lab: Path) -> None:
    table = pq.read_table(lab / f"{_CPU}.parquet")
    pods = pa.array([f"{name}{'z' * 20_000}" for name in table["pod"].to_pylist()])
    _write(lab, table.set_column(table.column_names.index("pod"), "pod", pods))

    with pytest.raises(SnapshotError, match="'pod' is longer than"):
        load_snapshot(lab).frame(_CPU)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("pod", pa.array([1] * 900)),
        ("pod", pa.array([["a"]] * 900)),
        ("pod", pa.array([b"\xff"] * 900)),
        (_CPU, pa.array(["1"] * 900)),
        (_CPU, pa.array([1] * 900)),
        ("time", pa.array([1.5] * 900)),
        ("time", pa.array([0] * 900, pa.timestamp("ns"))),
    ],
)
def test_a_column_of_another_type_is_named(lab: Path, name: str, column: pa.Array) -> None:
    table = pq.read_table(lab / f"{_CPU}.parquet")
    _write(lab, table.set_column(table.column_names.index(name), name, column))

    with pytest.raises(SnapshotError, match=f"its column '{name}' is of type"):
        load_snapshot(lab)


@pytest.mark.parametrize(
    "notes",
    [b'{"index_columns": [', b'{"index_columns": ["pod"], "columns": [], "column_indexes": []}'],
    ids=["cut", "another index"],
)
def test_what_pandas_notes_about_a_table_does_not_matter(lab: Path, notes: bytes) -> None:
    known = load_snapshot(lab).frame(_CPU)
    table = pq.read_table(lab / f"{_CPU}.parquet")
    _write(lab, table.replace_schema_metadata({b"pandas": notes}))

    pd.testing.assert_frame_equal(load_snapshot(lab).frame(_CPU), known)


def test_rows_that_the_manifest_does_not_count_are_refused(lab: Path) -> None:
    table = pq.read_table(lab / f"{_CPU}.parquet")
    _write(lab, table.slice(0, 899), sample_count=900)

    with pytest.raises(SnapshotError, match="899 rows"):
        load_snapshot(lab)


def test_a_label_that_is_no_text_in_utf_8_is_refused(lab: Path) -> None:
    table = pq.read_table(lab / f"{_CPU}.parquet")
    texts = pa.array([f"\u00ff{at}".encode("latin-1") for at in range(900)], pa.binary())
    at = table.column_names.index("pod")
    broken = pa.Array.from_buffers(pa.string(), 900, texts.buffers())
    _write(lab, table.set_column(at, "pod", broken), series_count=900)

    with pytest.raises(SnapshotError, match=r"[Ii]nvalid UTF"):
        load_snapshot(lab).frame(_CPU)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_value_that_nothing_has_is_refused(lab: Path, value: float) -> None:
    table = pq.read_table(lab / f"{_CPU}.parquet")
    values = np.array(table[_CPU]).copy()
    values[7] = value
    _write(lab, table.set_column(table.column_names.index(_CPU), _CPU, pa.array(values)))

    with pytest.raises(FrameError, match="row 7"):
        load_snapshot(lab).frame(_CPU)


@pytest.mark.parametrize("spoil", [spoil_manifest, spoil_table])
def test_spoilt_snapshots_are_read_or_refused_in_one_line(
    spoil: Callable[[Path, random.Random], str], tmp_path: Path
) -> None:
    for seed in range(20):
        folder = Path(shutil.copytree(sample_path("lab"), tmp_path / str(seed)))
        what = spoil(folder, random.Random(seed))
        text = _refusal(folder)

        assert "\n" not in text, what
        assert len(text) < 1000, what


def _refusal(folder: Path) -> str:
    """Return why a snapshot is refused; "" if it is read."""
    try:
        snapshot = load_snapshot(folder)
        for record in snapshot.manifest.queries:
            snapshot.frame(record.name)
    except (SnapshotError, FrameError) as error:
        return str(error)
    return ""
