"""Text that fits the terminal."""

import shutil
import textwrap
from typing import Final

MIN_WIDTH: Final = 60
"""Columns below which a terminal wraps by itself: lines would hold two or three words."""

_MARKS: Final = ",[=/"
"""After which a flag with many values is cut, in order of preference."""


class _Wrapper(textwrap.TextWrapper):
    """Cuts a word that is longer than a line after one of `_MARKS`, on a line of its own."""

    def _handle_long_word(
        self, reversed_chunks: list[str], cur_line: list[str], cur_len: int, width: int
    ) -> None:
        if not cur_line:
            word, room = reversed_chunks[-1], max(width - cur_len, 1)
            ends = (word.rfind(mark, 0, room) + 1 for mark in _MARKS)
            end = next(filter(None, ends), room)
            cur_line.append(word[:end])
            reversed_chunks[-1] = word[end:]


def wrapped(text: str, indent: int = 0, widest: int | None = None) -> str:
    """Return one paragraph in lines that fit the terminal, each after `indent` blanks.

    Lines have at most `widest` columns, where it is given.
    """
    columns = max(shutil.get_terminal_size((80, 24)).columns, MIN_WIDTH)
    blanks = " " * indent
    wrapper = _Wrapper(
        width=min(columns, widest or columns),
        initial_indent=blanks,
        subsequent_indent=blanks,
        # A hyphen may be part of a flag or a name.
        break_on_hyphens=False,
    )
    return wrapper.fill(text)
