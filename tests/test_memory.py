"""What was freed is given back, and where a system cannot, nothing happens."""

import ctypes
import os
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from analyzer.memory import release_unused

_PIECES: Final = 1000
_MANY: Final = 10_000_000
_PIECE_BYTES: Final = 100_000
"""glibc maps pieces of more than 128 KiB apart, and gives these back at once."""


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_freed_memory_goes_back_to_the_system() -> None:
    pieces = [np.ones(_PIECE_BYTES, dtype=np.uint8) for _ in range(_PIECES)]
    # The last one keeps the heap from shrinking by itself.
    last = pieces[-1]
    del pieces
    held = _resident_bytes()

    release_unused(_MANY)

    assert held - _resident_bytes() > 0.5 * _PIECES * _PIECE_BYTES
    assert last.all()


def test_a_system_without_the_function_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())

    release_unused(_MANY)
