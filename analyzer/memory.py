"""Memory that nothing uses any more, given back to the system."""

import ctypes
import sys
from typing import Final

import pyarrow as pa

_MANY: Final = 1_000_000
"""Values that take some ten megabytes. To look through all memory takes up to 30 ms of CPU."""


_M_MMAP_THRESHOLD: Final = -3
"""The name of glibc's parameter, from its malloc.h."""

_LARGE_BYTES: Final = 4 * 2**20


def return_large() -> None:
    """Have glibc give back arrays of several megabytes as soon as they are freed.

    By itself it keeps each size that was freed once, up to 32 MiB: then every array of a large mesh
    is kept.
    """
    _of_glibc("mallopt", _M_MMAP_THRESHOLD, _LARGE_BYTES)


def _of_glibc(function: str, *arguments: int) -> None:
    """Call a function of glibc. Other C libraries, and systems, have no such one."""
    found = getattr(ctypes.CDLL(None), function, None) if sys.platform == "linux" else None
    if found is not None:
        found(*arguments)


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
