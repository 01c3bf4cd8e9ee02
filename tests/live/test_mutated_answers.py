"""Answers that are mutated by chance: a figure or one line, and never a traceback or a warning.

`make bench` mutates more of them.
"""

from collections.abc import Iterator

import pytest

from tests.support.spoiling import Spoiler

pytestmark = pytest.mark.live

_ANSWERS = 200
_COMMANDS = 10
_FIRST_SEED = 1


@pytest.fixture(scope="module")
def spoiler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoiler]:
    with Spoiler.serving(tmp_path_factory.mktemp("spoilt")) as found:
        yield found


def test_answers_as_they_are_are_read(spoiler: Spoiler) -> None:
    """Else a mutated one is refused for another reason than its mutations."""
    answers = spoiler.replayed.answers
    ended = [spoiler.read(question, answers[question]) for question in spoiler.each_question]

    assert [(one.about, one.errors, one.faults) for one in ended if one.errors or one.faults] == []


def test_a_mutated_answer_is_read_or_refused_in_one_line(spoiler: Spoiler) -> None:
    ended = [spoiler.decoded(seed) for seed in range(_FIRST_SEED, _FIRST_SEED + _ANSWERS)]

    assert [(one.seed, one.name, one.faults) for one in ended if one.faults] == []
    # Else nothing was mutated, or all was refused at once.
    assert {one.status for one in ended} == {0, 1}


def test_a_command_with_mutated_answers_ends_with_an_answer_or_one_line(spoiler: Spoiler) -> None:
    ended = [spoiler.commanded(seed) for seed in range(_FIRST_SEED, _FIRST_SEED + _COMMANDS)]

    assert [(one.seed, one.name, one.faults) for one in ended if one.faults] == []
    assert {one.status for one in ended} >= {0, 1}
