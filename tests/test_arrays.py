"""Rows of a column, with no copy where none is needed."""

import numpy as np

from analyzer.arrays import ALL, numbers_of, taken


def test_all_rows_are_a_slice_and_some_are_numbers() -> None:
    assert numbers_of(np.ones(3, dtype=bool)) == ALL
    assert numbers_of(np.zeros(0, dtype=bool)) == ALL
    numbers = numbers_of(np.array([True, False, True]))
    assert not isinstance(numbers, slice)
    assert numbers.tolist() == [0, 2]


def test_a_slice_of_a_column_is_a_view_and_numbers_are_a_copy() -> None:
    column = np.arange(5.0)

    assert np.shares_memory(taken(column, ALL), column)
    assert taken(column, np.array([3, 1])).tolist() == [3, 1]


def test_one_value_for_all_rows_stays_one_value() -> None:
    column = np.broadcast_to(7.0, 5)

    found = taken(column, np.array([4, 0, 2]))

    assert found.tolist() == [7, 7, 7]
    assert found.strides == (0,)


def test_no_rows_of_no_rows_are_none() -> None:
    nothing = np.broadcast_to(7.0, 0)

    assert taken(nothing, np.zeros(0, dtype=np.int64)).tolist() == []
    assert taken(nothing, ALL).tolist() == []
