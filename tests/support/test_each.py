"""A test of many cases runs all of them and names those that fail."""

import pytest

from tests.support.each import each

_CASES = {"one": (1, "a"), "two": (2, "b"), "three": (3, "c")}


def test_each_case_is_checked_once() -> None:
    seen: list[tuple[int, str]] = []

    @each(_CASES)
    def check(number: int, text: str) -> None:
        """Keep the case."""
        seen.append((number, text))

    check()
    assert seen == [(1, "a"), (2, "b"), (3, "c")]
    assert (check.__name__, check.__doc__) == ("check", "Keep the case.")


def test_all_cases_that_fail_are_named_and_the_others_are_not() -> None:
    @each(_CASES)
    def check(number: int, _: str) -> None:
        if number == 1:
            raise KeyError(number)
        assert number == 2

    with pytest.raises(ExceptionGroup) as caught:
        check()

    found = {(type(one), *one.__notes__) for one in caught.value.exceptions}
    assert found == {(KeyError, "Case: one"), (AssertionError, "Case: three")}


def test_no_case_is_no_failure() -> None:
    none: dict[str, tuple[int]] = {}

    @each(none)
    def check(_: int) -> None:
        pytest.fail("there is no case")

    check()
