"""Numbers and findings in words."""

import doctest
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report import format as words
from analyzer.report.format import dollars, inert, number, percent, ranged, short_dollars, usd
from analyzer.units import Interval
from tests.report.answers import (
    NAUGHTY_NAMES,
)


def test_the_examples_in_the_docstrings_hold() -> None:
    results = doctest.testmod(sys.modules[words.__name__])

    assert results.failed == 0
    assert results.attempted >= 4


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


def test_an_exact_value_is_told_without_a_range() -> None:
    assert ranged(Interval.exactly(9000)) == "9,000"
    assert usd(Interval.exactly(2_376_000)) == "$2,376,000"
    assert percent(Interval.exactly(92.6667)) == "92.7 %"


def test_an_uncertain_value_is_told_with_its_range() -> None:
    assert ranged(Interval(low=0.21, mid=0.234, high=0.26)) == "0.234 [0.21-0.26]"
    assert usd(Interval(low=-551, mid=644, high=747_000)) == "$644 [-$551 to $747,000]"
    assert percent(Interval(low=46.4, mid=53.7, high=60.1)) == "54 % [46 to 60]"


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
    assert percent(Interval.exactly(-0.04)) == "0.0 %"
    assert percent(Interval(low=-0.4, mid=-0.2, high=0.3)) == "0 % [0 to 0]"


@pytest.mark.parametrize("name", NAUGHTY_NAMES)
def test_no_text_from_outside_commands_a_terminal(name: str) -> None:
    assert inert(name).isprintable()


def test_harmless_text_is_left_alone() -> None:
    assert inert("shop-1/日本語 [red]") == "shop-1/日本語 [red]"


@given(st.text())
def test_whatever_a_label_holds_becomes_one_printable_line(text: str) -> None:
    assert inert(text).isprintable()
    assert len(inert(text)) <= len(text)
