"""Snapshots that somebody else made: manifests and tables with random faults, by seed.

Each fault changes one or a few places of a file that is right. A changed table has a manifest that
agrees with it in half of the cases, and its hash always: otherwise only the hash would be tested.
"""

import contextlib
import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ODD: Final[Sequence[object]] = (
    None, True, False, 0, -1, 1, 1e-300, 5e-324, 1e300, 1e18, 1e19, 2**63, 10**30, 10**400, 0.5,
    float("nan"), float("inf"), "", "x", "0", "nan", "\x00", "\x1b[2J", "a" * 20_000, "\ud800", "é",
    '"}) or vector(1) #', "../../etc/passwd", [], [None], [[]], ["x"], [1, -1], {}, {"x": 1},
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-05-14", "2024-05-14T00:00:00", "pod",
    [0] * 5000, ["w"] * 5000, 1_000_000_000, 300, 30, 1e15, 1e-9, "inf", "address", "workload",
)  # fmt: skip
"""Values that a part of a document may have by mistake or on purpose."""

_NUMBERS: Final = (
    np.nan, np.inf, -np.inf, -1.0, -0.0, 0.0, 5e-324, 1e-300, 1e-12, 1.0, 1e9, 1e12, 1e15, 1e18,
    9.9e18, 1e19, 1e100, 1e300, 1.7e308,
)  # fmt: skip
_TEXTS: Final = (
    "", "x", "unknown", "<none>", "istio-proxy", "a" * 300, "\x1b]0;x\x07", "a,b", "=1+1", "\n",
    "istio-system", "ztunnel", "waypoint", "ReplicaSet", "\u202e", "a/b", "a:15090", "é" * 50,
)  # fmt: skip


def spoil_manifest(folder: Path, chance: random.Random) -> str:
    """Change one to three places of the manifest in a folder; return which, for a report."""
    path = folder / "manifest.json"
    if chance.random() < 0.1:
        return _spoil_text(path, chance)
    document = json.loads(path.read_text(encoding="utf-8"))
    named = [_spoil_place(document, chance) for _ in range(chance.choice((1, 1, 2, 3)))]
    path.write_text(json.dumps(document), encoding="utf-8", errors="surrogatepass")
    return "; ".join(named)


def _spoil_text(path: Path, chance: random.Random) -> str:
    content = path.read_bytes()
    at = chance.randrange(len(content))
    kind = chance.choice(("cut", "byte", "twice", "deep", "nan", "empty", "bom"))
    path.write_bytes(
        {
            "cut": content[:at],
            "byte": content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :],
            "twice": content.replace(b'"note"', b'"note": 1, "note"', 1),
            "deep": b'{"schema_version": ' + b"[" * 100_000,
            "nan": content.replace(b'"cpu": 3.0', b'"cpu": NaN').replace(b": 30,", b": Infinity,"),
            "empty": b"",
            "bom": b"\xef\xbb\xbf" + content,
        }[kind]
    )
    return f"text {kind} at {at}"


def _spoil_place(document: Any, chance: random.Random) -> str:  # noqa: ANN401 - JSON
    """Change a place at random depth."""
    place, name = document, ""
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return f"{name} has nothing"
        key = chance.choice(keys)
        name += f".{key}"
        deeper = place[key]
        if isinstance(deeper, dict | list) and deeper and chance.random() < 0.85:
            place = deeper
            continue
        break
    action = chance.choice(("set", "set", "set", "set", "delete", "add", "scale", "swap"))
    if action == "delete":
        del place[key]
    elif action == "add" and isinstance(place, dict):
        place[chance.choice(("more", "also", "", "__class__"))] = chance.choice(ODD)
    elif action == "scale" and isinstance(deeper, int | float):
        place[key] = deeper * chance.choice((-1, 0, 2, 10, 1000, 10**9, 1e-9, 0.5))
    elif action == "swap":
        other = chance.choice(keys)
        place[key], place[other] = place[other], place[key]
    else:
        place[key] = chance.choice(ODD)
    return f"{action} {name}"


def spoil_table(folder: Path, chance: random.Random) -> str:
    """Change one table in a folder, and the hash that the manifest has of it; return how."""
    manifest_path = folder / "manifest.json"
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    full = [one for one in manifest["queries"] if one["sample_count"]]
    record = chance.choice(full if chance.random() < 0.9 else manifest["queries"])
    path = folder / record["file"]
    fault = chance.choice(_FAULTS)
    fault(path, record, chance)
    if path.is_file() and not path.is_symlink():
        record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        if chance.random() < 0.5:
            with contextlib.suppress(OSError, pa.ArrowException):
                record["sample_count"] = pq.ParquetFile(path).metadata.num_rows
    manifest_path.write_text(json.dumps(manifest), encoding="utf-8")
    return f"{fault.__name__.strip('_')} of {record['name']}"


Fault = Callable[[Path, dict[str, Any], random.Random], None]


def _bytes(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    del record
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 4, 64))):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)


def _cut(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    del record
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])


def _some_values(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    table = pq.read_table(path)
    values = np.array(table[record["name"]], dtype=float).copy()
    if len(values):
        size = chance.choice((1, 1, 5, max(1, len(values) // 3), len(values)))
        rows = np.array(chance.sample(range(len(values)), min(size, len(values))))
        values[rows] = (
            [chance.choice(_NUMBERS) for _ in rows]
            if chance.random() < 0.5
            else (chance.choice(_NUMBERS))
        )
    _write(path, _with(table, record["name"], pa.array(values)))


def _scaled(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    table = pq.read_table(path)
    factor = chance.choice((0.0, 1e-300, 1e-30, 1e-12, 1e6, 1e12, 1e16, 1e300))
    with np.errstate(over="ignore"):
        values = np.array(table[record["name"]], dtype=float) * factor
    _write(path, _with(table, record["name"], pa.array(values)))


def _times(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    del record
    table = pq.read_table(path)
    times = np.array(table["time"]).copy()
    if len(times):
        rows = np.array(chance.sample(range(len(times)), min(len(times), chance.choice((1, 9)))))
        times[rows] = chance.choice((0, -1, 2**62, -(2**63), int(times[0]), int(times[-1]) + 30))
    _write(path, _with(table, "time", pa.array(times)))


def _texts(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    table = pq.read_table(path)
    label = _label(table, record, chance)
    texts = table[label].to_pylist()
    few = chance.random() < 0.5
    for row in range(len(texts)):
        if not few or chance.random() < 0.05:
            texts[row] = chance.choice(_TEXTS)
    _write(path, _with(table, label, pa.array(texts, pa.large_string())))


def _types(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    table = pq.read_table(path)
    name = chance.choice(table.column_names)
    count = table.num_rows
    odd: Sequence[Callable[[], pa.Array]] = (
        lambda: pa.array([1] * count, pa.int8()),
        lambda: pa.array([[1, 2]] * count),
        lambda: pa.array([{"a": 1}] * count),
        lambda: pa.array([b"\xff\xfe"] * count),
        lambda: pa.array([None] * count, pa.float64()),
        lambda: pa.array([None] * count, pa.large_string()),
        lambda: pa.nulls(count),
        lambda: pa.array([True] * count),
        lambda: pa.array([0] * count, pa.timestamp("ns")),
        lambda: pa.array(["x"] * count).dictionary_encode(),
        lambda: pa.array([1.5] * count, pa.float32()),
        lambda: pa.array(["1"] * count),
        lambda: pa.array(["y" * 100_000] * count).dictionary_encode(),
        lambda: pa.array([2**63] * count, pa.uint64()),
    )
    _write(path, _with(table, name, chance.choice(odd)()))
    del record


def _columns(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    table = pq.read_table(path)
    name = chance.choice(table.column_names)
    kind = chance.choice(("drop", "rename", "more", "many", "twice", "order"))
    if kind == "drop":
        table = table.drop_columns([name])
    elif kind == "rename":
        table = table.rename_columns(
            [f"{one}_" if one == name else one for one in table.column_names]
        )
    elif kind == "order":
        table = table.select(table.column_names[::-1])
    elif kind == "twice":
        table = table.append_column(name, table[name])
    else:
        for number in range(1 if kind == "more" else 500):
            table = table.append_column(f"more{number}", table[name])
    _write(path, table)
    del record


def _rows(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    table = pq.read_table(path)
    kind = chance.choice(("none", "first", "half", "twice", "shuffled", "repeated"))
    rows = list(range(table.num_rows))
    rows = {
        "none": [],
        "first": rows[:1],
        "half": [row for row in rows if chance.random() < 0.5],
        "twice": rows + rows,
        "shuffled": chance.sample(rows, len(rows)),
        "repeated": rows[:1] * 200_000,
    }[kind]
    _write(path, table.take(pa.array(rows, pa.int64())))
    del record


def _bomb(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    """Write many rows in few bytes, or long texts in few."""
    table = pq.read_table(path)
    count = chance.choice((300_000, 3_000_000))
    columns: dict[str, pa.Array] = {}
    for name in table.column_names:
        if name == "time":
            columns[name] = pa.array(np.full(count, 1_795_448_490, dtype=np.int64))
        elif name == record["name"]:
            columns[name] = pa.array(np.zeros(count))
        else:
            text = "z" * chance.choice((1, 9_000, 10_000_000))
            columns[name] = pa.DictionaryArray.from_arrays(np.zeros(count, np.int8), [text])
    _write(path, pa.table(columns))
    if chance.random() < 0.5:
        record["sample_count"] = record["series_count"] = count


def _other(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    others = sorted(one for one in path.parent.glob("*.parquet") if one != path)
    shutil.copyfile(chance.choice(others), path)
    del record


def _no_file(path: Path, record: dict[str, Any], chance: random.Random) -> None:
    path.unlink()
    kind = chance.choice(("gone", "folder", "fifo", "zero", "link", "loop", "empty"))
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind in {"zero", "link", "loop"}:
        path.symlink_to({"zero": "/dev/zero", "link": "absent", "loop": str(path)}[kind])
    elif kind == "empty":
        path.touch()
    del record


_FAULTS: Final[Sequence[Fault]] = (
    _bytes, _bytes, _cut, _some_values, _some_values, _some_values, _some_values, _scaled, _scaled,
    _times, _texts, _texts, _types, _types, _columns, _rows, _rows, _bomb, _other, _no_file,
)  # fmt: skip


def _label(table: pa.Table, record: dict[str, Any], chance: random.Random) -> str:
    names: list[str] = table.column_names
    return chance.choice([one for one in names if one not in {"time", record["name"]}])


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


def _write(path: Path, table: pa.Table) -> None:
    # A larger dictionary would be written out in each row.
    pq.write_table(table, path, compression="zstd", dictionary_pagesize_limit=2**30)
