"""Chunks become one table whose order and texts do not depend on how they were fetched."""

from itertools import pairwise

import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from analyzer.measurement.frames import frame_of, sorted_frame
from analyzer.measurement.joining import joined_table
from analyzer.measurement.parquet import frame_in
from analyzer.prometheus.query import load_queries, load_query
from tests.measurement.snapshots import frame_of_rows
from tests.support.each import each

QUERY = load_query("proxy_cpu_vcpu")

NAMES = ("", "a", "A", "a-1", "a-10", "ä", "\U0001f600", "a\0")
"""Texts whose order is another one by letters, or whose bytes are several."""


def _table(frame: pd.DataFrame, *, is_numbered: bool) -> pa.Table:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for at, label in enumerate(QUERY.labels if is_numbered else ()):
        table = table.set_column(at, label, table.column(label).dictionary_encode())
    return table


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 5)),
        unique=True,
        max_size=20,
    ),
    st.lists(st.integers(0, 20), max_size=3),
    st.booleans(),
)
def test_the_order_is_that_of_texts_and_times(
    keys: list[tuple[str, str, int]],
    cuts: list[int],
    is_numbered: bool,  # noqa: FBT001 - drawn
) -> None:
    rows = [("", space, pod, "", at, float(n)) for n, (space, pod, at) in enumerate(keys)]
    whole = frame_of_rows(QUERY.name, rows)
    pieces = [whole.iloc[begin:end] for begin, end in pairwise([0, *sorted(cuts), 20])]

    tables = [_table(piece, is_numbered=is_numbered) for piece in pieces]
    found, series_count = joined_table(QUERY, tables)

    pd.testing.assert_frame_equal(frame_in(found), sorted_frame(QUERY, pieces))
    assert series_count == len({key[:2] for key in keys})


@each({name: (name,) for name in load_queries()})
def test_nothing_fetched_is_an_empty_table(name: str) -> None:
    query = load_query(name)
    empty = frame_of(query, ())

    for tables in ([], [pa.Table.from_pandas(empty, preserve_index=False)]):
        found, series_count = joined_table(query, tables)
        pd.testing.assert_frame_equal(frame_in(found), empty)
        assert series_count == 0


def test_what_two_jobs_store_is_there_once() -> None:
    query = load_query("request_policies")
    labels = ("",) * (len(query.labels) - 1)
    frame = frame_of_rows(query.name, [(*labels, "x", 0, 1.0), (*labels, "x", 1, 1.0)])
    table = pa.Table.from_pandas(frame, preserve_index=False)

    found, series_count = joined_table(query, [table, table])

    assert found.num_rows == 2
    assert series_count == 1
