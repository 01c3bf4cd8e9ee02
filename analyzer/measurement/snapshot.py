"""A snapshot: a folder with everything that later steps need, written once and never changed."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analyzer import files
from analyzer.errors import OutputError, SnapshotError
from analyzer.measurement.frames import check_frame, frame_of
from analyzer.measurement.manifest import Manifest
from analyzer.prometheus.query import load_queries

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one Prometheus said of one window."""

    path: Path
    manifest: Manifest

    def frame(self, name: str) -> pd.DataFrame:
        """Return the samples of one query; no rows if it was not asked or nothing was there.

        Raises:
            SnapshotError: if the file cannot be read.
            FrameError: if it holds impossible values.
        """
        query = load_queries()[name]
        for record in self.manifest.queries:
            if record.name == name:
                return check_frame(query, read_table(self.path / record.file).to_pandas())
        return frame_of(query, ())


def load_snapshot(path: Path | str) -> Snapshot:
    """Open a snapshot and verify every file in it.

    Raises:
        SnapshotError: if it is missing, incomplete, damaged or of a newer schema.
    """
    path = Path(path)
    manifest_path = path / MANIFEST
    if not manifest_path.is_file():
        raise SnapshotError(_why_not(path))
    try:
        text = manifest_path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotError(f"{path} is damaged: {MANIFEST} cannot be read") from error
    manifest = Manifest.from_json(text, str(path))
    known = load_queries()
    for record in manifest.queries:
        # The name comes from a file that anybody may have edited: it must not lead elsewhere.
        if record.name not in known or record.file != f"{record.name}.parquet":
            raise SnapshotError(f"{path} is damaged: unknown query {record.name!r} in {MANIFEST}")
        if _sha256(path / record.file) != record.sha256:
            raise SnapshotError(
                f"{path} is damaged: {record.file} is not the file that was collected; "
                "collect it again"
            )
    return Snapshot(path=path, manifest=manifest)


def read_table(path: Path) -> pa.Table:
    """Read one Parquet file; SnapshotError if that is not what it is."""
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise SnapshotError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def write_table(path: Path, table: pa.Table) -> str:
    """Write a Parquet file, as `write_file` writes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return write_file(path, sink.getvalue().to_pybytes())


def write_file(path: Path, content: bytes) -> str:
    """Write a file, whole or not at all, and return its SHA-256; SnapshotError if it cannot be."""
    try:
        files.write_file(path, content)
    except OutputError as error:
        raise SnapshotError(str(error)) from error
    return hashlib.sha256(content).hexdigest()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SnapshotError(f"{path.parent} is damaged: {path.name}: {error.strerror}") from error


def _why_not(path: Path) -> str:
    partial = path.with_name(f"{path.name}.partial")
    if partial.is_dir():
        return f"{path} is not complete: run the same `istio-usage collect` again to finish it"
    if path.name.endswith(".partial") and path.is_dir():
        return f"{path} is an interrupted collection: run the same `istio-usage collect` again"
    if not path.exists():
        return f"there is no snapshot at {path}: make one with `istio-usage collect`"
    return f"{path} is not a snapshot: it holds no {MANIFEST}"
