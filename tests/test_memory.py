"""What was freed is given back, and where a system cannot, nothing happens."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from analyzer.memory import release_unused, share_heap

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


def test_threads_share_one_heap() -> None:
    code = """
import sys, threading
from itertools import pairwise
from pathlib import Path
from analyzer.memory import share_heap

def heaps():
    # glibc aligns the heap of a thread at 64 MiB, and reserves as much: one part in use, one not.
    lines = Path("/proc/self/maps").read_text().splitlines()
    spans = [line.split()[0].split("-") for line in lines if line.endswith(" 0 ")]
    parts = pairwise([int(start, 16), int(end, 16)] for start, end in spans)
    size = 2**26
    return sum(used[0] % size == 0 and rest[1] == used[0] + size for used, rest in parts)

if sys.argv[1] == "shared":
    assert share_heap()
before, barrier = heaps(), threading.Barrier(4)

def work():
    kept = [bytes(2000) for _ in range(1000)]
    barrier.wait()
    found.append(heaps() - before)
    barrier.wait()

found = []
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(max(found))
"""
    own, shared = (
        int(subprocess.check_output([sys.executable, "-c", code, how])) for how in ("own", "shared")
    )
    assert own >= 1
    assert shared == 0


def test_a_system_without_the_function_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())

    release_unused(_MANY)
    assert not share_heap()
