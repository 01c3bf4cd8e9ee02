"""Shortened names differ where the names do."""

import doctest

import pytest

from analyzer.report import apart as module
from analyzer.report.apart import apart

LONG = "payments-production-eu-west-{}-with-the-suffix-of-all"


def test_a_name_that_differs_at_its_ends_is_shortened_in_its_middle() -> None:
    assert apart(["shop", "payments-production-west"], 14) == {
        "shop": "shop",
        "payments-production-west": "payment…n-west",
    }


@pytest.mark.parametrize(
    "names",
    [
        [LONG.format(number) for number in range(40)],
        [LONG.format(letter) for letter in ("a-1", "a-2", "b-1", "b-2")],
        ["x" * 40, "x" * 41, "x" * 42],
    ],
)
@pytest.mark.parametrize("width", [16, 20])
def test_names_that_would_look_the_same_do_not(names: list[str], width: int) -> None:
    found = apart(names, width)

    assert list(found) == names
    assert max(map(len, found.values())) <= width
    assert len(set(found.values())) == len(names)


def test_names_that_differ_in_what_cannot_be_shown_end() -> None:
    assert set(apart(["a\x01b", "a\x02b"], 16).values()) == {"…a�b"}


def test_the_examples_are_true() -> None:
    assert doctest.testmod(module) == (0, 1)
