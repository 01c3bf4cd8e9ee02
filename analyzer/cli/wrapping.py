"""Text that fits the terminal."""

import shutil
import textwrap
from typing import Final

MIN_WIDTH: Final = 60
"""Columns below which a terminal wraps by itself: lines would hold two or three words."""


def wrapped(text: str, indent: int = 0, widest: int | None = None) -> str:
    """Return one paragraph in lines that fit the terminal, each after `indent` blanks.

    Lines have at most `widest` columns, where it is given. A word that is longer than a line, such
    as a flag with many values, is cut where the line ends.
    """
    columns = max(shutil.get_terminal_size((80, 24)).columns, MIN_WIDTH)
    blanks = " " * indent
    return textwrap.fill(
        text,
        width=min(columns, widest or columns),
        initial_indent=blanks,
        subsequent_indent=blanks,
        # A hyphen may be part of a flag or a name.
        break_on_hyphens=False,
    )
