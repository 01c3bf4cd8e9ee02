"""Tables as pieces: the same rows, whether labels are there once or in each row."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from analyzer.errors import FrameError
from analyzer.measurement.columns import alike, as_one
from analyzer.measurement.frames import TIME, check_frame
from analyzer.measurement.parquet import frame_in
from analyzer.measurement.pieces import Pieces, checked_pieces
from analyzer.prometheus.query import load_query

QUERY = load_query("proxy_cpu_vcpu")

Row = tuple[str, int, float]


def table(*rows: Row) -> pa.Table:
    """Return rows of a pod, time and CPU as a collection writes them."""
    pods, times, samples = zip(*rows, strict=True) if rows else ((), (), ())
    labels = {"cluster": "", "namespace": "shop", "pod": pods, "container": "istio-proxy"}
    columns: dict[str, pa.Array] = {
        name: pa.array(
            [text] * len(rows) if isinstance(text, str) else text, pa.string()
        ).dictionary_encode()
        for name, text in labels.items()
    }
    columns[TIME] = pa.array(times, pa.int64())
    columns[QUERY.name] = pa.array(samples, pa.float64())
    return pa.table(columns)


IN_ORDER = (("a", 600, 0.5), ("a", 1200, 0.25), ("b", 600, 1.0))
APART = (("a", 600, 0.5), ("b", 600, 1.0), ("a", 1200, 0.25))
BACKWARDS = (("a", 1200, 0.25), ("a", 600, 0.5), ("b", 600, 1.0))


@pytest.mark.parametrize("rows", [(), IN_ORDER, APART, BACKWARDS])
def test_written_out_pieces_are_the_checked_table(rows: tuple[Row, ...]) -> None:
    found = checked_pieces(QUERY, table(*rows))
    expected = check_frame(QUERY, frame_in(table(*rows)))

    pd.testing.assert_frame_equal(found.frame(), expected)
    pd.testing.assert_frame_equal(Pieces.of(QUERY.name, expected).frame(), expected)
    assert len(found) == len(rows)


def test_a_series_in_order_is_one_piece() -> None:
    found = checked_pieces(QUERY, table(*IN_ORDER))

    assert found.labels["pod"].tolist() == ["a", "b"]
    assert found.lengths.tolist() == [2, 1]
    assert found.sums().tolist() == [0.75, 1.0]
    assert found.latest().tolist() == [1200, 600]
    assert found.spread(np.array([7, 8])).tolist() == [7, 7, 8]


def test_a_text_that_two_chunks_number_differently_is_one_label() -> None:
    chunks = [table(("a", 600, 0.5), ("b", 600, 1.0)), table(("b", 1200, 2.0), ("c", 600, 3.0))]
    found = checked_pieces(QUERY, pa.concat_tables(chunks))

    assert found.labels["pod"].tolist() == ["a", "b", "c"]
    assert found.lengths.tolist() == [1, 2, 1]
    assert found.frame()[QUERY.name].tolist() == [0.5, 1.0, 2.0, 3.0]


def test_chosen_pieces_keep_their_rows() -> None:
    found = checked_pieces(QUERY, table(*IN_ORDER)).where(np.array([False, True]))

    assert found.frame()["pod"].tolist() == ["b"]
    assert found.frame()[QUERY.name].tolist() == [1.0]


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, 1e13])
def test_an_impossible_sample_is_refused_with_its_row(bad: float) -> None:
    with pytest.raises(FrameError, match="the first in row 1"):
        checked_pieces(QUERY, table(("a", 600, 0.5), ("a", 1200, bad)))


@pytest.mark.parametrize("twice", [(0, 0, 1), (0, 1, 0)])
def test_a_row_that_is_there_twice_is_refused(twice: tuple[int, ...]) -> None:
    with pytest.raises(FrameError, match="duplicate row"):
        checked_pieces(QUERY, table(*(IN_ORDER[number] for number in twice)))


def test_a_table_without_a_column_names_it() -> None:
    with pytest.raises(FrameError, match="lacks the column 'pod'"):
        checked_pieces(QUERY, table(*IN_ORDER).drop_columns("pod"))


@pytest.mark.parametrize(
    ("values", "is_one"),
    [
        ([np.nan, np.nan], True),
        ([2.0, 2.0], True),
        ([2.0, np.nan], False),
        ([np.nan, 2.0], False),
        ([], False),
    ],
)
def test_one_value_is_held_once(values: list[float], *, is_one: bool) -> None:
    given = np.array(values)
    found = as_one(given)

    np.testing.assert_array_equal(found, given)
    assert (found is not given) == is_one
    assert alike(2.0, 1000).base is not None
    assert alike(2.0, 1000).strides == (0,)
