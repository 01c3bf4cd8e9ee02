"""Memory that nothing uses any more, given back to the system."""

import ctypes
import sys
from typing import Final

import pyarrow as pa

_MANY: Final = 1_000_000
"""Values that take some ten megabytes. To look through all memory takes up to 30 ms of CPU."""


def release_unused(value_count: int) -> None:
    """Give back what was freed but is kept for later use, by Arrow and by glibc.

    Nothing is done after work on few values.

    glibc keeps arrays of up to 32 MiB, in the arena of each thread that had some: after a
    collection, or a measurement, this is more than all that is in use.
    """
    if value_count < _MANY:
        return
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        # Other C libraries than glibc have no such function.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
