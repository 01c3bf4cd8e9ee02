"""Columns that are one value stay so, and count as what they stand for."""

import numpy as np
import pandas as pd
import pytest

from analyzer.arrays import Floats, are_alike
from analyzer.measurement.columns import (
    added,
    alike,
    as_one,
    assigned,
    elementwise,
    where,
)


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {"one": alike(2.0, 4), "each": np.arange(4.0), "name": ["a", "b", "a", "c"]},
        index=[7, 8, 9, 10],
        copy=False,
    )


def test_chosen_rows_are_those_of_pandas_and_one_value_stays_one() -> None:
    rows, chosen = table(), np.array([True, False, False, True])
    found = where(rows, chosen)
    pd.testing.assert_frame_equal(found, rows[chosen])
    assert are_alike(found["one"].to_numpy())
    assert where(rows, np.ones(4, dtype=bool)) is rows
    assert where(rows, np.zeros(4, dtype=bool)).empty


def test_other_columns_take_their_place_and_new_ones_come_last() -> None:
    rows = table()
    found = assigned(rows, {"new": alike(1.0, 4), "each": np.zeros(4)})
    pd.testing.assert_frame_equal(found, rows.assign(new=1.0, each=0.0))
    assert all(are_alike(found[name].to_numpy()) for name in ("one", "new"))
    assert rows["each"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_function_of_single_values_is_worked_out_once() -> None:
    sizes = []

    def product(first: Floats, second: Floats) -> Floats:
        sizes.append(len(first))
        return np.multiply(first, second)

    assert are_alike(elementwise(product, alike(2.0, 5), alike(3.0, 5)))
    assert elementwise(product, alike(2.0, 3), np.arange(3.0)).tolist() == [0.0, 2.0, 4.0]
    assert sizes == [1, 3]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_columns_of_any_length_are_added(count: int) -> None:
    values = np.arange(float(count))
    assert added(values, np.ones(count)).tolist() == (values + 1).tolist()
    assert added(values, alike(0.0, count)).tolist() == values.tolist()


def test_nothing_more_is_no_copy_and_what_is_not_known_stays_so() -> None:
    values = np.array([np.nan, 1.0])
    assert added(values, alike(0.0, 2)) is values
    assert np.isnan(added(values, alike(np.nan, 2))).all()


def test_a_value_that_is_everywhere_is_found() -> None:
    assert are_alike(as_one(np.full(3, 4.0)))
    assert are_alike(as_one(np.full(3, np.nan)))
    assert not are_alike(as_one(np.array([np.nan, 4.0])))
    assert as_one(np.empty(0)).shape == (0,)
