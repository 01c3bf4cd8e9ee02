"""What a terminal is, and what it understands."""

from __future__ import annotations

import os
import shutil
from typing import TextIO

__all__ = ["colour_wanted", "obeys_escapes", "terminal_width"]


def colour_wanted(stream: TextIO) -> bool:
    """Tell whether colours are welcome: on a terminal, unless NO_COLOR or CLICOLOR=0 is set."""
    refused = os.environ.get("NO_COLOR") or os.environ.get("CLICOLOR") == "0"
    return obeys_escapes(stream) and not refused


def obeys_escapes(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that obeys escape codes."""
    dumb = os.environ.get("TERM", "").lower() in {"dumb", "unknown"}
    return stream.isatty() and not dumb


def terminal_width() -> int:
    """Return the terminal's width; 80 columns where there is none."""
    return shutil.get_terminal_size((80, 24)).columns
