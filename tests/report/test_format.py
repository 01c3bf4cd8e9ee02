"""Numbers and findings in words."""

import doctest
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report import escapes
from analyzer.report import format as words
from analyzer.report.escapes import inert
from analyzer.report.format import (
    dollars,
    ends,
    named,
    number,
    percent,
    percent_parts,
    ranged,
    saving,
    short_dollars,
    usd,
)
from analyzer.units import Interval, duration
from tests.report.answers import (
    NAUGHTY_NAMES,
)


def test_the_examples_in_the_docstrings_hold() -> None:
    results = [doctest.testmod(sys.modules[module.__name__]) for module in (words, escapes)]

    assert [result.failed for result in results] == [0, 0]
    assert results[0].attempted >= 4
    assert results[1].attempted == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.30487, "0.305"),
        (0.00809, "0.00809"),
        (5.2657, "5.27"),
        (99.94, "99.9"),
        (99.96, "100"),
        (100.4, "100"),
        (999.6, "1,000"),
        (11_307.66, "11,308"),
        (-250.4, "-250"),
    ],
)
def test_a_number_has_three_digits_and_separated_thousands(value: float, text: str) -> None:
    assert number(value) == text


def test_an_exact_value_is_written_without_a_range() -> None:
    assert ranged(Interval.exactly(9000)) == "9,000"
    assert usd(Interval.exactly(2_376_000)) == "$2,376,000"
    assert percent(Interval.exactly(92.6667)) == "93 %"
    assert percent(Interval.exactly(4.26)) == "4.3 %"


def test_an_uncertain_value_is_written_with_its_range() -> None:
    assert ranged(Interval(low=0.21, mid=0.234, high=0.26)) == "0.234 (0.21-0.26)"
    assert usd(Interval(low=-551, mid=644, high=747_000)) == "$644 (-$551 to $747,000)"
    assert percent(Interval(low=46.4, mid=53.7, high=60.1)) == "54 % (46-60 %)"


def test_a_range_whose_ends_are_written_the_same_is_left_out() -> None:
    assert ranged(Interval(low=0.17101, mid=0.17103, high=0.17104)) == "0.171"
    assert usd(Interval(low=76.6, mid=77, high=77.4)) == "$77"
    assert percent(Interval(low=21.6, mid=21.7, high=21.9)) == "22 %"


@pytest.mark.parametrize(
    ("low", "mid", "high", "parts"),
    [
        (4.0, 4.0, 4.0, ("4.0 %", "")),
        (12.3, 12.3, 12.3, ("12 %", "")),
        (3.0, 4.2, 9.8, ("4 %", "3-10 %")),
        (-30.0, -1.0, 4.4, ("-1 %", "-30 to 4 %")),
        (6.4, 6.7, 6.9, ("6.7 %", "6.4-6.9 %")),
        (-101.2, -100.4, -100.1, ("-100 %", "-101 to -100 %")),
    ],
)
def test_percents_have_decimals_only_where_they_matter(
    low: float, mid: float, high: float, parts: tuple[str, str]
) -> None:
    assert percent_parts(Interval(low=low, mid=mid, high=high)) == parts


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "n0"),
        (2, "n0 and n1"),
        (3, "n0, n1 and n2"),
        # One more is as short as "1 more".
        (4, "n0, n1, n2 and n3"),
        (5, "n0, n1, n2 and 2 more"),
    ],
)
def test_of_a_list_of_names_three_are_spelled_out(count: int, text: str) -> None:
    assert named([f"n{number}" for number in range(count)]) == text


def test_names_in_a_list_are_harmless_and_of_limited_length() -> None:
    assert named(["sh\x1bop", "two\nlines"]) == "sh\ufffdop and two lines"
    assert len(named(["x" * 63])) == 28


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Interval(low=0.169, mid=0.171, high=0.173), "0.169-0.173"),
        (Interval(low=-0.5, mid=1, high=2), "-0.5 to 2"),
        (Interval(low=-2, mid=-1, high=-0.5), "-2 to -0.5"),
        (Interval.exactly(3), ""),
        (Interval(low=9000.1, mid=9000.2, high=9000.3), ""),
    ],
)
def test_the_ends_of_a_range(value: Interval, text: str) -> None:
    assert ends(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (600, "10 min"),
        (7_140, "119 min"),
        (7_200, "2 h"),
        (86_400, "24 h"),
        (172_800, "2 days"),
        (30 * 86_400, "30 days"),
    ],
)
def test_how_long_a_time_is(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("low", "high", "verb"),
    [(0.0, 4.0, "save "), (-4.0, 0.0, "cost "), (-4.0, 4.0, "cost between ")],
)
def test_only_a_range_without_loss_saves_and_only_one_without_gain_costs_more(
    low: float, high: float, verb: str
) -> None:
    text = saving(Interval(low=low, mid=(low + high) / 2, high=high))

    assert text.startswith(verb)
    assert ("between" in text) == (low < 0 < high)
    assert text.endswith("more") == (low < 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "$0"),
        (-0.0, "$0"),
        (0.49, "$0"),
        (-0.3, "$0"),
        (-0.5, "$0"),
        (-0.51, "-$1"),
        (1389.6, "$1,390"),
        (-2_201_760.2, "-$2,201,760"),
    ],
)
def test_dollars_are_whole_and_a_nought_has_no_sign(value: float, text: str) -> None:
    assert dollars(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (437.2, "$437"),
        (999.4, "$999"),
        (999.6, "$1k"),
        (1610.0, "$1.61k"),
        (999_499.0, "$999k"),
        (999_600.0, "$1M"),
        (2_376_000.0, "$2.38M"),
        (999_600_000.0, "$1B"),
        (23_760_000_000.0, "$23.8B"),
        (-491_040.0, "-$491k"),
        (-0.2, "$0"),
    ],
)
def test_short_dollars_change_their_unit_in_time(value: float, text: str) -> None:
    assert short_dollars(value) == text


@given(st.floats(-1e11, 1e11))
def test_short_dollars_fit_a_narrow_column(value: float) -> None:
    assert len(short_dollars(value)) <= 7
    assert "e" not in short_dollars(value)


def test_a_percentage_of_nearly_nothing_has_no_sign() -> None:
    assert percent(Interval.exactly(-0.04)) == "0 %"
    assert percent(Interval(low=-0.04, mid=-0.02, high=0.03)) == "0 %"


@pytest.mark.parametrize("name", NAUGHTY_NAMES)
def test_no_text_from_outside_commands_a_terminal(name: str) -> None:
    assert inert(name).isprintable()


def test_harmless_text_is_left_alone() -> None:
    assert inert("shop-1/日本語 [red]") == "shop-1/日本語 [red]"


@given(st.text())
def test_whatever_a_label_holds_becomes_one_printable_line(text: str) -> None:
    assert inert(text).isprintable()
    assert len(inert(text)) <= len(text)
