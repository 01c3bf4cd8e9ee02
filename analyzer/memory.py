"""Memory that nothing uses any more, given back to the system."""

import ctypes
import sys
from typing import Final

import pyarrow as pa

_MANY: Final = 1_000_000
"""Values that take some ten megabytes. To look through all memory takes up to 30 ms of CPU."""


_M_ARENA_MAX: Final = -8
"""The number of this parameter in glibc's malloc.h."""


def share_heap() -> bool:
    """Have threads that start from now on take memory from one heap; return whether they do.

    glibc gives each thread one of its own. Answers are decoded in several threads, and what the
    heaps keep after that stays in the process: at 1,500 sidecars 50 MiB.
    """
    return bool(_of_glibc("mallopt", _M_ARENA_MAX, 1))


def _of_glibc(function: str, *arguments: int) -> int:
    """Call a function of glibc and return its answer; 0 where there is no such function."""
    found = getattr(ctypes.CDLL(None), function, None) if sys.platform == "linux" else None
    return 0 if found is None else int(found(*arguments))


def release_unused(value_count: int) -> None:
    """Give back what was freed but is kept for later use, by Arrow and by glibc.

    Nothing is done after work on few values.

    glibc keeps arrays of up to 32 MiB, in the arena of each thread that had some: after a
    collection, or a measurement, this is more than all that is in use.
    """
    if value_count < _MANY:
        return
    pa.default_memory_pool().release_unused()
    _of_glibc("malloc_trim", 0)
