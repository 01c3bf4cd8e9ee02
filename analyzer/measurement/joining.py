"""Joining the chunks of a query: by numbers of labels, so that no text is there once a row."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
    codes = {label: numbers[order] for label, numbers in codes.items()}
    times, values = times[order], values[order]
    is_new_series = changes([*codes.values()], len(order))
    columns: dict[str, pa.Array] = {
        label: pa.DictionaryArray.from_arrays(pa.array(numbers), texts[label])
        for label, numbers in codes.items()
    }
    table = pa.table({**columns, TIME: pa.array(times), query.name: pa.array(values)})
    if may_repeat(query):
        table = table.filter(pa.array(is_new_series | changes([times], len(order))))
    return table, int(is_new_series.sum())


def _order(codes: Sequence[Ints], times: Ints) -> Ints:
    """Return the rows by their numbers of labels, and then by time.

    In a chunk the rows of a series follow each other, and chunks follow each other in time: as a
    rule whole pieces of series need sorting, and no rows.
    """
    firsts = np.flatnonzero(changes(codes, len(times)))
    lengths = np.diff(firsts, append=len(times))
    keys = [each[firsts] for each in codes]
    # numpy sorts by the last key first. Pieces of one series stay in their order.
    pieces = np.lexsort([np.arange(len(firsts)), *reversed(keys)])
    begins = np.cumsum(lengths[pieces]) - lengths[pieces]
    order = np.repeat(firsts[pieces] - begins, lengths[pieces]) + np.arange(len(times))
    is_later = np.diff(times[order]) >= 0
    # A piece that begins a series comes after another one's.
    is_later[begins[1:][changes([key[pieces] for key in keys], len(pieces))[1:]] - 1] = True
    return order if is_later.all() else np.lexsort((times, *reversed(codes)))


def _numbered(columns: Sequence[pa.ChunkedArray]) -> tuple[pa.Array, Ints]:
    """Return the texts of some columns, sorted, and the number of that in each row."""
    chunks = [_dictionary(chunk) for column in columns for chunk in column.chunks]
    known = [chunk.dictionary.cast(pa.string()) for chunk in chunks]
    texts = pc.unique(pa.chunked_array(known, pa.string()))
    texts = texts.take(pc.sort_indices(texts))
    codes = [
        np.asarray(pc.index_in(its_texts, texts))[np.asarray(chunk.indices)]
        for chunk, its_texts in zip(chunks, known, strict=True)
    ]
    return texts, np.concatenate([np.empty(0, np.int32), *codes])


def _dictionary(chunk: pa.Array) -> pa.DictionaryArray:
    is_dictionary = pa.types.is_dictionary(chunk.type)
    # A table without rows may not know the type of a label.
    return chunk if is_dictionary else chunk.cast(pa.string()).dictionary_encode()


def _values(tables: Sequence[pa.Table], name: str, kind: np.dtype) -> np.ndarray:
    columns = [table.column(name).to_numpy() for table in tables]
    return np.concatenate([np.empty(0, kind), *columns])
