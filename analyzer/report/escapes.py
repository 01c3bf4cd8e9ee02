"""Escape codes: text that has none, and where they are welcome. Nothing heavy is imported here."""

import os
from typing import TextIO


def inert(text: str) -> str:
    r"""Return text from outside as one line that a terminal shows and does not obey.

    >>> inert("shop\x1b[2J")
    'shop�[2J'
    """
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(character if character.isprintable() else "�" for character in line)


def colour_wanted(stream: TextIO) -> bool:
    """Tell whether colours are welcome: on a terminal, unless NO_COLOR or CLICOLOR=0 is set."""
    refused = os.environ.get("NO_COLOR") or os.environ.get("CLICOLOR") == "0"
    return obeys_escapes(stream) and not refused


def obeys_escapes(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that obeys escape codes."""
    dumb = os.environ.get("TERM", "").lower() in {"dumb", "unknown"}
    return stream.isatty() and not dumb
