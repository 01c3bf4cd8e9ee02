"""Memory that nothing uses any more, given back to the system."""

import ctypes
import sys

import pyarrow as pa


def release_unused() -> None:
    """Give back what was freed but is kept for later use, by Arrow and by glibc.

    glibc keeps arrays of up to 32 MiB, in the arena of each thread that had some: after a
    collection, or a measurement, this is more than all that is in use.
    """
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        # Other C libraries than glibc have no such function.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
