"""Sums of samples by their names are those of pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from analyzer.measurement.columns import alike
from analyzer.measurement.groups import Groups, names_or, packed

NAMES = some.sampled_from(["", "a", "b", "b/a", "z"])
VALUES = some.one_of(some.just(float("nan")), some.floats(-1e6, 1e6))


@some.composite
def samples(draw: some.DrawFn) -> pd.DataFrame:
    rows = draw(some.lists(some.tuples(NAMES, NAMES, some.integers(0, 3), VALUES), min_size=1))
    return pd.DataFrame(rows, columns=["namespace", "node", "point", "value"])


@given(
    samples(),
    some.sampled_from([["namespace"], ["namespace", "node"], ["node", "point"]]),
    some.sampled_from(["texts", "categories"]),
)
def test_statistics_are_those_of_pandas(rows: pd.DataFrame, keys: list[str], names: str) -> None:
    expected, points = rows.groupby(keys)["value"], rows.groupby(keys)["point"].nunique()
    if names == "categories":
        every = pd.CategoricalDtype(sorted({*rows["namespace"], *rows["node"], "unused"}))
        rows = rows.astype({"namespace": every, "node": every})
    groups, values = Groups.of(rows, keys), rows["value"].to_numpy()
    assert groups.names.tolist() == expected.size().index.tolist()
    for found, pandas in (
        (groups.row_count, expected.size()),
        (groups.known(values), expected.count()),
        (groups.sum(values), expected.sum()),
        (groups.sum(values, min_count=1), expected.sum(min_count=1)),
        (groups.mean(values), expected.mean()),
        (groups.most(values), expected.max()),
        (groups.least(values), expected.min()),
    ):
        assert found == pytest.approx(pandas.to_numpy(float), rel=1e-9, abs=1e-6, nan_ok=True)
    assert groups.distinct(rows["point"].to_numpy(np.int64)).tolist() == points.tolist()


@pytest.mark.parametrize("value", [0.0, 3.0, float("nan")])
def test_one_value_counts_in_each_row(value: float) -> None:
    groups = Groups.of(pd.DataFrame({"name": ["b", "a", "b"]}), ["name"])
    each, one = np.full(3, value), alike(value, 3)
    assert groups.sum(one, min_count=1) == pytest.approx(groups.sum(each, min_count=1), nan_ok=True)
    assert groups.known(one).tolist() == groups.known(each).tolist()


def test_no_rows_are_no_groups() -> None:
    groups = Groups.of(pd.DataFrame({"name": pd.Series(dtype=str), "node": []}), ["name", "node"])
    assert len(groups.names) == 0
    assert groups.sum(np.empty(0)).shape == groups.most(np.empty(0)).shape == (0,)


@given(some.lists(some.integers(0, 50)))
def test_numbers_are_packed_in_their_order(numbers: list[int]) -> None:
    found, place = packed(np.array(numbers, dtype=np.int64))
    assert found.tolist() == sorted({*numbers})
    assert found[place].tolist() == numbers


def test_missing_names_are_those_of_others() -> None:
    names = pd.Categorical(["a", None, None], categories=["a", "b"])
    found = names_or(names, pd.Series(["b", "b", "a"]))
    assert found.tolist() == ["a", "b", "a"]
    assert found.dtype == names.dtype
