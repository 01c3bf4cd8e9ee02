"""Writing files in one stroke."""

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from analyzer.errors import OutputError

_LONGEST_SECONDS: Final = 60
"""No file takes as long to write."""


def write_file(path: Path, content: bytes, *, is_private: bool = False) -> None:
    """Write a file, which replaces an older one in one stroke; a failure leaves nothing new.

    Args:
        path: of the file.
        content: of the file.
        is_private: whether only this user may read it.

    Raises:
        OutputError: if it cannot be written.
    """
    temporary = temporary_path(path)
    try:
        if is_private:
            # One that is there keeps its mode.
            temporary.unlink(missing_ok=True)
        with open(temporary, "wb", opener=_for_this_user if is_private else None) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written: {error.strerror}.") from error


def remove_left(folder: Path, names: Iterable[str]) -> None:
    """Remove what writing these files left in a folder when a run was killed a while ago."""
    for name in names:
        path = temporary_path(folder / name)
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _LONGEST_SECONDS:
                path.unlink()


def temporary_path(path: Path) -> Path:
    """Return where a file is written before it takes its place."""
    return path.with_name(f".{path.name}.tmp")


def _for_this_user(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
