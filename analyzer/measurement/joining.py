"""Joining the chunks of a query: by numbers of labels, so that no text is there once a row."""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from analyzer.arrays import Ints
from analyzer.measurement.frames import TIME, may_repeat
from analyzer.measurement.numbers import changes
from analyzer.prometheus.query import Query


def joined_table(query: Query, tables: Sequence[pa.Table]) -> tuple[pa.Table, int]:
    """Return the rows of all tables in one order, whichever theirs is, and how many series.

    Args:
        query: whose answers they are.
        tables: with the columns of the query, labels as texts or as dictionaries.
    """
    texts, codes = {}, {}
    for label in query.labels:
        texts[label], codes[label] = _numbered([table.column(label) for table in tables])
    times = _values(tables, TIME, np.dtype(np.int64))
    values = _values(tables, query.name, np.dtype(np.float64))
    order = _order([codes[label] for label in query.labels], times)
    is_new_series = changes([codes[label][order] for label in query.labels], len(order))
    if may_repeat(query):
        order = order[is_new_series | changes([times[order]], len(order))]
    columns: dict[str, pa.Array] = {
        label: pa.DictionaryArray.from_arrays(pa.array(codes[label][order]), texts[label])
        for label in query.labels
    }
    columns[TIME] = pa.array(times[order])
    columns[query.name] = pa.array(values[order])
    return pa.table(columns), int(is_new_series.sum())


def _order(codes: Sequence[Ints], times: Ints) -> Ints:
    """Return the rows by their numbers of labels, and then by time.

    Chunks are in this order and follow each other in time: a stable sort by one number for each
    series merges them, in a tenth of the time.
    """
    sizes = [int(each.max(initial=0)) + 1 for each in codes]
    if math.prod(sizes) <= np.iinfo(np.int64).max:
        series = np.zeros(len(times), np.int64)
        for each, size in zip(codes, sizes, strict=True):
            series *= size
            series += each
        order = np.argsort(series, kind="stable")
        is_later = np.diff(times[order]) >= 0
        if (is_later | (np.diff(series[order]) != 0)).all():
            return order
    # numpy sorts by the last key first.
    return np.lexsort((times, *reversed(codes)))


def _numbered(columns: Sequence[pa.ChunkedArray]) -> tuple[pa.Array, Ints]:
    """Return the texts of some columns, sorted, and the number of that in each row."""
    chunks = [_dictionary(chunk) for column in columns for chunk in column.chunks]
    known = [chunk.dictionary.to_numpy(zero_copy_only=False) for chunk in chunks]
    texts, inverse = np.unique(np.concatenate([np.empty(0, object), *known]), return_inverse=True)
    ends = np.cumsum([0, *map(len, known)])
    codes = [
        inverse[begin:end].astype(np.int32)[np.asarray(chunk.indices)]
        for chunk, begin, end in zip(chunks, ends[:-1], ends[1:], strict=True)
    ]
    return pa.array(texts, pa.string()), np.concatenate([np.empty(0, np.int32), *codes])


def _dictionary(chunk: pa.Array) -> pa.DictionaryArray:
    is_dictionary = pa.types.is_dictionary(chunk.type)
    # A table without rows may not know the type of a label.
    return chunk if is_dictionary else chunk.cast(pa.string()).dictionary_encode()


def _values(tables: Sequence[pa.Table], name: str, kind: np.dtype) -> np.ndarray:
    columns = [table.column(name).to_numpy() for table in tables]
    return np.concatenate([np.empty(0, kind), *columns])
