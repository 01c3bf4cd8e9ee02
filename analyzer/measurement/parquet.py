"""Parquet files that somebody else may have made: what they claim is checked before they are read.

Two megabytes can hold 100 million rows, or one text of a gigabyte a million times. So the rows and
types are those of the manifest and the query file, and texts are read as numbers of distinct ones.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analyzer.arrays import Floats, Ints
from analyzer.errors import SnapshotError
from analyzer.files import MIB, require_regular
from analyzer.measurement.frames import TIME, ascend
from analyzer.measurement.numbers import are_distinct, changes
from analyzer.prometheus.query import Query
from analyzer.prometheus.strict import LONGEST_VALUE
from analyzer.units import BYTES_PER_GIB, counted

MOST_FILE_BYTES: Final = 4096 * MIB
_MOST_COLUMNS: Final = 200
_MOST_ROW_GROUPS: Final = 100_000
_LONGEST_LABEL: Final = 4 * LONGEST_VALUE
"""Bytes of a label's value, at most four a character of those that a collection takes."""

_BATCH_ROWS: Final = 65_536
_BYTES_PER_CELL: Final = 24
"""Memory of one value of a table in use, at least: the text of a label with its place."""

_SPARE_BYTES: Final = 64 * MIB
"""What a file's pages may have beside their values: dictionaries of labels and the like."""


def require_memory(cells: int, name: str) -> None:
    """Refuse tables that would not fit into the memory of this machine; raises SnapshotError."""
    needed = cells * _BYTES_PER_CELL
    if needed > (present := _present_bytes()):
        raise SnapshotError(
            f"{name} has {counted(cells, 'value')}, which need {needed / BYTES_PER_GIB:,.0f} GiB "
            f"of memory. This machine has {present / BYTES_PER_GIB:,.0f} GiB. Use a larger one, or "
            "collect a shorter time."
        )


def _present_bytes() -> int:
    """Return how much memory this machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def read_table(path: Path, query: Query | None = None, rows: int | None = None) -> pa.Table:
    """Read a Parquet file, with the columns of a query or all that it has.

    Args:
        path: of the file.
        query: whose table it is; a column of another type is refused.
        rows: how many the file must have; None: any number that fits into memory.

    Raises:
        SnapshotError: if it is no such file.
    """
    with _opened(path, query, rows) as file:
        # With threads it waits for ever where none can be started.
        return _plain(path, file.read(_wanted(file, query), use_threads=False))


def frame_in(table: pa.Table) -> pd.DataFrame:
    """Return what `read_table` read as a data frame with plain rows."""
    # What pandas notes about columns and the index is JSON that anybody may have written.
    columns = {
        name: _texts(column) if pa.types.is_dictionary(column.type) else column.to_pandas()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return pd.DataFrame(columns)


def _texts(column: pa.ChunkedArray) -> pd.Series:
    known, codes = texts_of(column)
    return pd.Series(known[codes], dtype="str")


def texts_of(column: pa.ChunkedArray) -> tuple[npt.NDArray[Any], Ints]:
    """Return the texts of a column of labels that `read_table` read, and each row's number of one.

    A text is one object, as it is in every other table, and has one number. Each million rows of
    the file has a dictionary of its own.
    """
    number_of: dict[str, int] = {}
    codes = [np.empty(0, dtype=np.int32)]
    for chunk in column.chunks:
        texts = map(sys.intern, chunk.dictionary.to_pylist())
        numbers = [number_of.setdefault(text, len(number_of)) for text in texts]
        codes.append(np.array(numbers, dtype=np.int32)[np.asarray(chunk.indices)])
    return np.array([*number_of], dtype=object), np.concatenate(codes)


def times_of(path: Path, query: Query, rows: int) -> Iterator[Floats]:
    """Yield the times of a file, seconds since the epoch, some at once; raises as `read_table`.

    A row that is there twice in one of these parts is refused. `check_frame` finds it in the whole
    table, which may be too large to be read where it has one row 100 million times.
    """
    with _opened(path, query, rows) as file:
        if TIME not in file.schema_arrow.names:
            # A table without that column is refused when it is used.
            return
        keys = [name for name in _wanted(file, query) if name != query.name]
        for batch in file.iter_batches(_BATCH_ROWS, columns=keys, use_threads=False):
            if any(column.null_count for column in batch.columns):
                raise SnapshotError(f"{path} is damaged: a row lacks a label or its time.")
            codes = {
                name: getattr(column, "indices", column).to_numpy(zero_copy_only=False)
                for name, column in zip(keys, batch.columns, strict=True)
            }
            if _has_row_twice(codes):
                raise SnapshotError(f"{path} is damaged: it has a row twice. Collect it again.")
            yield codes[TIME].astype(np.float64)


def _has_row_twice(codes: Mapping[str, npt.NDArray[Any]]) -> bool:
    """Return whether a row of labels and times is there twice."""
    labels = {name: numbers for name, numbers in codes.items() if name != TIME}
    is_new = changes([*labels.values()], len(codes[TIME]))
    pieces = [numbers[is_new] for numbers in labels.values()]
    # As a rule each series is in one piece, in the order of time.
    lengths = np.diff(np.flatnonzero(is_new), append=len(is_new))
    if ascend(codes[TIME], lengths) and are_distinct(pieces, len(lengths)):
        return False
    return bool(pd.DataFrame(codes).duplicated().any())


def metadata_of(path: Path) -> dict[bytes, bytes] | None:
    """Return what is written beside the columns; None if it cannot be read."""
    try:
        require_regular(path, MOST_FILE_BYTES)
        return dict(pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowException):
        return None


@contextmanager
def _opened(path: Path, query: Query | None, rows: int | None) -> Iterator[pq.ParquetFile]:
    try:
        require_regular(path, MOST_FILE_BYTES)
        with pq.ParquetFile(path) as file:
            if problem := _problem(file, query, rows):
                raise SnapshotError(f"{path} is damaged: {problem}. Collect it again.")
            require_memory(file.metadata.num_rows * file.metadata.num_columns, str(path))
            wanted, metadata = _wanted(file, query), file.metadata
        labels = [name for name in wanted if query and name in query.labels]
        with pq.ParquetFile(path, metadata=metadata, read_dictionary=labels) as file:
            yield file
    except (OSError, pa.ArrowException, MemoryError) as error:
        reason = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), "memory")
        raise SnapshotError(f"{path} cannot be read: {reason[:200].rstrip('.')}.") from error


def _problem(file: pq.ParquetFile, query: Query | None, rows: int | None) -> str:
    """Return why a file is not read, by its metadata; "" if it is."""
    found, schema = file.metadata, file.schema_arrow
    if rows is not None and found.num_rows != rows:
        return f"it has {counted(found.num_rows, 'row')}, and the manifest counts {rows:,}"
    if found.num_columns > _MOST_COLUMNS or found.num_row_groups > _MOST_ROW_GROUPS:
        return f"it has {found.num_columns:,} columns in {found.num_row_groups:,} row groups"
    if len(set(schema.names)) < len(schema.names):
        return "two of its columns have the same name"
    for field in schema if query is None else [schema.field(name) for name in _wanted(file, query)]:
        if not _is_permitted(field, query):
            return f"its column {field.name[:100]!r} is of type {str(field.type)[:100]}"
    size = sum(
        found.row_group(group).column(column).total_uncompressed_size
        for group in range(found.num_row_groups)
        for column in range(found.num_columns)
    )
    if size > found.num_rows * found.num_columns * _LONGEST_LABEL + _SPARE_BYTES:
        return f"its pages have {size / BYTES_PER_GIB:,.1f} GiB"
    return ""


def _wanted(file: pq.ParquetFile, query: Query | None) -> Sequence[str]:
    """Return the columns to read; one that is lacking is named when the table is checked."""
    names = file.schema_arrow.names
    if query is None:
        return list(names)
    return [name for name in (*query.labels, TIME, query.name) if name in names]


def _is_permitted(field: pa.Field, query: Query | None) -> bool:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if field.name == TIME:
        is_permitted = pa.types.is_int64(kind)
    elif query is None:
        is_permitted = is_text or pa.types.is_float64(kind)
    elif field.name == query.name:
        is_permitted = pa.types.is_float64(kind)
    else:
        # A table without rows may not know the type of a label.
        is_permitted = is_text or pa.types.is_null(kind)
    return bool(is_permitted)


def _plain(path: Path, table: pa.Table) -> pa.Table:
    """Return a table with its labels as dictionaries, of whose texts none is too long."""
    # Neither Parquet nor the columns of pandas look whether a text is UTF-8.
    table.validate(full=True)
    for at, field in enumerate(table.schema):
        column = table.column(at)
        if field.name == TIME or not (
            pa.types.is_dictionary(field.type) or pa.types.is_large_string(field.type)
        ):
            continue
        if column.null_count:
            raise SnapshotError(f"{path} is damaged: a row lacks a label or its time.")
        # Each text that a row may have is looked at first: as a rule none would be too long.
        longest = [int(_lengths_of_texts(chunk).max(initial=0)) for chunk in column.chunks]
        most = sum(text * len(chunk) for text, chunk in zip(longest, column.chunks, strict=True))
        if max(longest, default=0) > _LONGEST_LABEL or most > _present_bytes():
            _check_lengths(path, field.name, column)
        if not pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, column.dictionary_encode())
    return table


def _check_lengths(path: Path, name: str, column: pa.ChunkedArray) -> None:
    """Refuse a column of labels with a row whose text is too long, or too much text in all."""
    lengths = [_lengths(chunk) for chunk in column.chunks]
    if max((int(one.max(initial=0)) for one in lengths), default=0) > _LONGEST_LABEL:
        raise SnapshotError(
            f"{path} is damaged: a value of {name[:100]!r} is longer than {_LONGEST_LABEL:,} bytes."
        )
    require_memory(sum(int(one.sum()) for one in lengths) // _BYTES_PER_CELL, str(path))


def _lengths(chunk: pa.Array) -> Ints:
    """Return the length in bytes of each text of an array."""
    lengths = _lengths_of_texts(chunk)
    if not isinstance(chunk, pa.DictionaryArray):
        return lengths
    return lengths[np.asarray(chunk.indices, dtype=np.int64)]


def _lengths_of_texts(chunk: pa.Array) -> Ints:
    """Return the same of the distinct texts, where the array has numbers of these."""
    texts = chunk.dictionary if isinstance(chunk, pa.DictionaryArray) else chunk
    return np.asarray(pc.binary_length(texts), dtype=np.int64)
