"""What goes wrong is told by one tree of exceptions, each with its exit code."""

import re

import pytest

from analyzer import errors
from analyzer.errors import AnalyzerError

_CLASSES = [getattr(errors, name) for name in errors.__all__]
_EXIT_CODES = {"UsageError": 2, "InsufficientData": 3}


@pytest.mark.parametrize("error", _CLASSES, ids=lambda error: str(error.__name__))
def test_every_known_failure_has_the_exit_code_it_is_documented_with(
    error: type[AnalyzerError],
) -> None:
    assert issubclass(error, AnalyzerError)
    assert error.exit_code == _EXIT_CODES.get(error.__name__, 1)
    assert str(error("told in one line")) == "told in one line"


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
