"""Names are found as pandas finds them, whatever else is in the tables."""

from itertools import groupby

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analyzer.measurement.numbers import (
    Numbers,
    are_among,
    are_distinct,
    distinct,
    first_rows,
    numbered,
)

KEY = ["namespace", "pod"]

# Few names, so that many are shared; one that joins two others, and one that is empty.
NAMES = st.tuples(*[st.sampled_from(["", "a", "b", "a/b", "ab", "é"])] * 2)


def table(names: list[tuple[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(names, columns=KEY, dtype="str")


@given(st.lists(NAMES, unique=True), st.lists(NAMES))
def test_each_row_has_the_number_of_its_names(
    known: list[tuple[str, str]], rows: list[tuple[str, str]]
) -> None:
    expected = [known.index(name) if name in known else -1 for name in rows]

    assert Numbers(table(known)).of(table(rows)).tolist() == expected


@given(st.lists(NAMES, unique=True), st.lists(NAMES), st.lists(NAMES))
def test_a_row_is_among_tables_where_one_has_its_names(
    known: list[tuple[str, str]], first: list[tuple[str, str]], second: list[tuple[str, str]]
) -> None:
    expected = [name in {*first, *second} for name in known]

    assert Numbers(table(known)).among(table(first), table(second)).tolist() == expected


def test_other_columns_and_the_index_do_not_count() -> None:
    rows = table([("b", "a"), ("a", "b")]).assign(point=[7, 8]).set_index("point", drop=False)

    assert Numbers(rows[KEY]).of(rows).tolist() == [0, 1]
    assert Numbers(rows[KEY]).of(rows[["pod", "point", "namespace"]]).tolist() == [0, 1]


def test_names_of_one_level_and_categories_are_found() -> None:
    rows = table([("a", "x"), ("b", "y")])
    asked = rows.iloc[[1, 0, 1]].astype("category")

    assert Numbers(rows[["pod"]]).of(asked).tolist() == [1, 0, 1]
    assert Numbers(rows).of(asked).tolist() == [1, 0, 1]


def test_many_names_have_numbers_of_their_own() -> None:
    names = [(f"n{number % 97}", f"p{number}") for number in range(5000)]
    order = np.random.default_rng(3).permutation(5000)

    assert Numbers(table(names)).of(table([names[at] for at in order])).tolist() == order.tolist()


def test_more_combinations_than_an_integer_holds_are_distinct() -> None:
    columns = {f"c{number}": [f"{name}" for name in range(9000)] for number in range(6)}
    known = pd.DataFrame(columns, dtype="str")
    strange = known.assign(c5=known["c5"].to_numpy()[::-1])

    assert Numbers(known).of(known[::-1]).tolist() == list(range(9000))[::-1]
    assert not Numbers(known).among(strange).any()


def test_names_are_compared_column_by_column() -> None:
    known = table([("a", "b"), ("a", "b"), ("c", "d")])
    rows = pd.DataFrame({"x": ["c", "d", "a"], "y": ["d", "c", "b"]}, dtype="str")

    assert are_among(rows, known).tolist() == [True, False, True]
    assert are_among(rows, known.iloc[:0]).tolist() == [False] * 3
    assert are_among(rows.iloc[:0], known).tolist() == []


@given(st.lists(NAMES, max_size=12))
def test_names_in_any_order_are_numbered_and_listed_as_pandas_does(
    names: list[tuple[str, str]],
) -> None:
    rows = table(names)

    assert numbered(rows).tolist() == rows.groupby(KEY).ngroup().tolist()
    pd.testing.assert_frame_equal(distinct(rows), rows.drop_duplicates())
    assert [names[row] for row in first_rows(rows)] == [name for name, _ in groupby(names)]


@given(st.lists(st.tuples(*[st.integers(-1, 3)] * 2)))
def test_rows_are_distinct_if_none_is_there_twice(rows: list[tuple[int, int]]) -> None:
    columns = [np.array([row[at] for row in rows], dtype=np.int64) for at in range(2)]

    assert are_distinct(columns, len(rows)) == (len(set(rows)) == len(rows))


def test_without_columns_one_row_alone_is_distinct() -> None:
    assert [are_distinct([], count) for count in range(3)] == [True, True, False]
