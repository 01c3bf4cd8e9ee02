"""The table model: cells of values, and what each view shows of them."""

import math

import pytest

from analyzer.report.table import Amount, Cell, Head, Listing, Table, Unit, View, Words, in_line
from analyzer.units import Interval

WIDE = Interval(low=1.0, mid=2.0, high=3.0)


def listed() -> Table:
    listing = Listing([("a", WIDE), ("b", None)])
    listing.column(lambda item: Words(item[0]), text="name", page="what it is called")
    listing.column(lambda item: item[1], text=Head("vCPU", absent="-"), page=None)
    listing.text_column(lambda item: f"about {item[0]}", page="remark")
    return Table("things", *listing.filled)


def test_a_view_shows_its_columns_under_their_titles_there() -> None:
    table = listed()

    assert [head.title for head in table.heads(View.TEXT)] == ["name", "vCPU"]
    assert [head.title for head in table.heads(View.PAGE)] == ["what it is called", "remark"]
    assert [column.is_text for column in table.columns_in(View.PAGE)] == [False, True]
    assert table.heads(View.TERMINAL) == ()


def test_a_view_shows_the_cells_of_its_columns() -> None:
    heads = listed().heads(View.TEXT)

    rows = [list(map(in_line, row, heads)) for row in listed().rows_in(View.TEXT)]
    assert rows == [["a", "2 (1-3)"], ["b", "-"]]


def test_rows_beyond_a_limit_are_counted() -> None:
    assert len(list(listed().rows_in(View.PAGE, 1))) == 1
    assert (listed().surplus(1), listed().surplus(2), listed().surplus(9)) == (1, 0, 0)


@pytest.mark.parametrize(
    ("cell", "head", "text"),
    [
        (Words("x", detail="y"), Head(""), "x"),
        (Amount(0.30487), Head(""), "0.305"),
        (Amount(WIDE), Head("", best_only=True), "2"),
        (Amount(WIDE, Unit.PERCENT), Head(""), "2 % (1-3 %)"),
        (Amount(WIDE, Unit.PERCENT), Head("", best_only=True), "2.0 %"),
        (Amount(1234, Unit.COUNT), Head(""), "1,234"),
        (Amount(12.5, Unit.COUNT), Head(""), "12.5"),
        (Amount(WIDE.scaled(1000), Unit.USD), Head(""), "$2,000 ($1,000-$3,000)"),
        (Amount(WIDE.scaled(1000), Unit.USD), Head("", best_only=True), "$2,000"),
        (Amount(None), Head("", absent="unknown"), "unknown"),
        (Amount(math.nan), Head("", absent="unknown"), "unknown"),
        (Amount(None, absent="refused"), Head("", absent="unknown"), "refused"),
    ],
)
def test_a_cell_in_a_line_is_written_by_its_unit(cell: Cell, head: Head, text: str) -> None:
    assert in_line(cell, head) == text


def test_a_view_that_is_none_of_ours_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="pdf"):
        Listing([1]).column(Amount, pdf="title")
