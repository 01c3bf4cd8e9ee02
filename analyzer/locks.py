"""Locks on open files, which the system releases when their process ends, however it ends."""

import sys
from typing import IO

if sys.platform == "win32":
    import msvcrt

    _FAR_AWAY = 2**30
    """A byte that no file of ours has: Windows lets no one read a byte that is locked."""

    def lock(file: IO[bytes]) -> None:
        """Lock a file; raises one of `HELD` if another has, else OSError if it cannot be."""
        file.seek(_FAR_AWAY)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)
else:
    import fcntl

    def lock(file: IO[bytes]) -> None:
        """Lock a file; raises one of `HELD` if another has, else OSError if it cannot be."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


HELD = (BlockingIOError, PermissionError)
"""What locking raises if another process or another open file has the lock."""
