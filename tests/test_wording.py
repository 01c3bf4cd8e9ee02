"""The check for sentences in assertions, on assertions with and without one."""

import pytest

from tests.wording import long_literals, main

SENTENCE = "one two three four five six"


@pytest.mark.parametrize(
    "line",
    [
        f"assert text == {SENTENCE!r}",
        f"assert {SENTENCE!r} in text",
        f"assert text == f'{{name}} {SENTENCE}'",
        f"raises(ValueError, match={SENTENCE!r})",
    ],
)
def test_a_sentence_in_an_assertion_is_found(line: str) -> None:
    ((number, text),) = long_literals(f"x = 1\n{line}\n")

    assert number == 2
    assert text.strip() == SENTENCE


@pytest.mark.parametrize(
    "line",
    [
        "assert text == 'one two three four five'",
        f"text = {SENTENCE!r}",
        f"assert text, explained({SENTENCE[:10]!r})",
    ],
)
def test_a_few_words_and_what_is_no_assertion_are_not(line: str) -> None:
    assert list(long_literals(line)) == []


def test_no_assertion_of_this_project_holds_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main() == 0, capsys.readouterr().out
