"""A snapshot: a folder with everything that later steps need, written once and never changed."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analyzer import files
from analyzer.errors import OutputError, SnapshotError
from analyzer.measurement.frames import frame_of
from analyzer.measurement.manifest import Manifest, QueryRecord
from analyzer.measurement.parquet import MOST_FILE_BYTES, read_table, times_of
from analyzer.measurement.pieces import Pieces, checked_pieces
from analyzer.memory import release_unused
from analyzer.prometheus.query import load_queries
from analyzer.units import moment

MANIFEST = "manifest.json"

MOST_MANIFEST_BYTES = 8 * files.MIB
"""Of a manifest, or of the plan of a collection: those of large meshes have 1 MiB."""

SUBFOLDER = "snapshot"
"""Where `analyze` puts the snapshot, in the folder of its report."""

_NAMED_FILES = 3
"""Files that a message names before it counts the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The answers of one Prometheus for one window."""

    path: Path
    manifest: Manifest

    def frame(self, name: str) -> pd.DataFrame:
        """Return the samples of one query; no rows if it was not asked or nothing was there.

        Raises:
            SnapshotError: if the file cannot be read.
            FrameError: if it holds impossible values.
        """
        return self.pieces(name).frame()

    def pieces(self, name: str) -> Pieces:
        """Return the same by series; raises as `frame`."""
        query = load_queries()[name]
        for record in self.manifest.queries:
            if record.name == name:
                table = read_table(self.path / record.file, query, record.sample_count)
                found = checked_pieces(query, table)
                del table
                release_unused(len(found))
                return found
        return _no_pieces(name, pd.get_option("mode.string_storage"))


@cache
def _no_pieces(name: str, storage: str) -> Pieces:  # noqa: ARG001 - of the texts, by the option
    """Return the table of a query without rows, which must not be changed.

    A small mesh answers a third of the queries.
    """
    return Pieces.of(name, frame_of(load_queries()[name], ()))


def load_snapshot(path: Path | str) -> Snapshot:
    """Open a snapshot and verify every file in it.

    Args:
        path: of its folder, or of a folder in which `analyze` put one.

    Raises:
        SnapshotError: if it is missing, incomplete, damaged or of a newer schema.
    """
    path = Path(path)
    # Shells complete a path down to the only file that looks like it.
    candidates = (path, path / SUBFOLDER, path.parent if path.name == MANIFEST else path)
    try:
        found = next((one for one in candidates if (one / MANIFEST).is_file()), None)
        if found is None:
            raise SnapshotError(_why_not(path))
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}.") from error
    return open_snapshot(found)


def open_snapshot(path: Path, *, is_own: bool = False) -> Snapshot:
    """Open the snapshot whose folder is `path`; raises as `load_snapshot`.

    `is_own`: this process has just written it, so its tables have the times of its manifest.
    """
    manifest_path = path / MANIFEST
    try:
        text = files.read_file(manifest_path, MOST_MANIFEST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise SnapshotError(
            f"{path} is damaged: {MANIFEST} cannot be read ({reason}). Collect it again."
        ) from error
    manifest = Manifest.from_json(text, str(path))
    known = load_queries()
    _require_once(path, manifest)
    for record in manifest.queries:
        # The name comes from a file that anybody may have edited: it must not lead elsewhere.
        if record.name not in known or record.file != f"{record.name}.parquet":
            raise SnapshotError(
                f"{path} is damaged: {MANIFEST} names an unknown query {record.name!r}. "
                "Collect it again."
            )
        if _sha256(path / record.file) != record.sha256:
            raise SnapshotError(
                f"{path} is damaged: {record.file} is not the file that was collected. "
                "Collect it again."
            )
        if not is_own:
            _require_times(path / record.file, record, manifest)
    return Snapshot(path=path, manifest=manifest)


def _require_once(path: Path, manifest: Manifest) -> None:
    """Refuse a query that is there twice."""
    names = [record.name for record in manifest.queries]
    if len(set(names)) < len(names):
        raise SnapshotError(f"{path} is damaged: {MANIFEST} has a query twice. Collect it again.")


def _require_times(path: Path, record: QueryRecord, manifest: Manifest) -> None:
    """Refuse a table with a step that the manifest's window does not have, or has not so often."""
    window = manifest.window
    query, counts = load_queries()[record.name], np.zeros(window.point_count, dtype=np.int64)
    for times in times_of(path, query, record.sample_count):
        stray = window.stray_time(times)
        if stray is not None:
            raise SnapshotError(
                f"{path.parent} is damaged: {path.name} has a sample of {moment(stray)} UTC, "
                f"which is not in the window of {MANIFEST}. Collect it again."
            )
        np.add.at(counts, np.rint(window.points(times)).astype(np.int64), 1)
        if counts.max() > record.series_count:
            raise SnapshotError(
                f"{path.parent} is damaged: {path.name} has more samples of one time than series, "
                "by the manifest. Collect it again."
            )


def write_table(path: Path, table: pa.Table) -> str:
    """Write a Parquet file, as `write_file` writes."""
    sink = pa.BufferOutputStream()
    # Without it readers see texts where the table has numbers of texts, as Parquet does anyway.
    is_noted = bool(table.schema.metadata)
    # Numbers of distinct values take time, and no less room: most samples are distinct.
    repeated = [one.name for one in table.schema if not pa.types.is_floating(one.type)]
    # Nothing reads statistics of columns, which take half of the time.
    pq.write_table(
        table,
        sink,
        compression="zstd",
        store_schema=is_noted,
        use_dictionary=repeated,
        write_statistics=False,
    )
    return write_file(path, sink.getvalue().to_pybytes())


def write_file(path: Path, content: bytes, *, is_private: bool = False) -> str:
    """Write a file in one stroke and return its SHA-256; SnapshotError if that fails."""
    try:
        files.write_file(path, content, is_private=is_private)
    except OutputError as error:
        raise SnapshotError(str(error)) from error
    return hashlib.sha256(content).hexdigest()


def _sha256(path: Path) -> str:
    try:
        files.require_regular(path, MOST_FILE_BYTES)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SnapshotError(
            f"{path.parent} is damaged: {path.name}: {error.strerror}. Collect it again."
        ) from error


def partial_path(target: Path) -> Path:
    """Return the folder that a collection of `target` lives in until it is whole."""
    return target.parent / f"{target.name}.partial"


def done_path(target: Path) -> Path:
    """Return the folder that a collection of `target` lives in while it is put at its place."""
    return target.parent / f"{target.name}.partial.done"


def contents(path: Path) -> str:
    """Return the first few names in a folder, and how many more there are."""
    names = sorted(item.name for item in path.iterdir())
    more = len(names) - _NAMED_FILES
    rest = (f"{more} more",) if more > 0 else ()
    return ", ".join((*names[:_NAMED_FILES], *rest))


def _why_not(path: Path) -> str:
    command = "the same `istio-usage` command"
    for target in (path, path / SUBFOLDER):
        if partial_path(target).is_dir() or done_path(target).is_dir():
            return f"{target} is not complete. Run {command} again to finish it."
    if path.name.endswith(".partial") and path.is_dir():
        return f"{path} is an interrupted collection. Run {command} again to finish it."
    if path.is_file():
        return f"{path} is a file, and a snapshot is a folder. Give the folder."
    if not path.exists():
        return f"There is no snapshot at {path}. Make one with `istio-usage collect`."
    try:
        held = contents(path)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}."
    return (
        f"{path} is not a snapshot: it has no {MANIFEST} and no folder {SUBFOLDER} with one. "
        f"It holds {held or 'nothing'}."
    )
