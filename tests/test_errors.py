"""Failures are one tree of exceptions, each with its exit code."""

import re

import pytest

from analyzer import errors
from analyzer.errors import AnalyzerError, QueryRejected, Unreachable
from analyzer.settings import Setting

_CLASSES = [
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, AnalyzerError)
]
_EXIT_CODES = {"UsageError": 2, "InsufficientData": 3}


@pytest.mark.parametrize("error", _CLASSES, ids=lambda error: str(error.__name__))
def test_every_known_failure_has_the_exit_code_it_is_documented_with(
    error: type[AnalyzerError],
) -> None:
    assert error.exit_code == _EXIT_CODES.get(error.__name__, 1)


@pytest.mark.parametrize("error", [one for one in _CLASSES if one is not Unreachable])
def test_a_text_is_given_or_made_from_the_facts(error: type[AnalyzerError]) -> None:
    assert str(error("In one line.")) == "In one line."


def test_the_text_of_a_refused_query_is_made_from_its_facts() -> None:
    error = QueryRejected(url="http://p", promql="up" * 100, status=422, words="no")

    assert (error.url, error.status, error.words) == ("http://p", 422, "no")
    assert error.promql == "up" * 100
    assert str(error).startswith("http://p answered HTTP 422: no. ")
    assert str(error).endswith("...")
    assert len(str(error)) < len(error.promql)


def test_the_text_of_a_server_out_of_reach_is_made_from_its_facts() -> None:
    error = Unreachable(url="http://p", cause="refused", advice="Go home.")

    assert (error.url, error.cause, error.status) == ("http://p", "refused", None)
    assert str(error).endswith(" http://p: refused. Go home.")


def test_an_error_has_the_settings_that_its_text_names() -> None:
    error = AnalyzerError(f"wrong {Setting.STEP}: see {Setting.DAYS}, {Setting.STEP}")

    assert error.settings == (Setting.STEP, Setting.DAYS)
    assert AnalyzerError("wrong step").settings == ()


def test_a_known_failure_is_no_programming_mistake() -> None:
    assert not any(issubclass(error, (ValueError, TypeError, KeyError)) for error in _CLASSES)


def test_the_drawn_tree_is_the_real_tree() -> None:
    """Read the drawing: four columns of indentation are one level of inheritance."""
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in str(errors.__doc__).splitlines():
        match = re.fullmatch(r" {4}([ │├└─]*)([A-Z]\w+) {2,}.*", line)
        if match:
            level = len(match[1]) // 4
            path[level:] = [match[2]]
            drawn[match[2]] = path[level - 1] if level else "Exception"

    assert drawn == {error.__name__: error.__bases__[0].__name__ for error in _CLASSES}
