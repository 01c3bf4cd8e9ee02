"""One collection at a time in one folder: a lock that the system releases with its process.

The lock is a file beside the folder, because the folder itself is renamed and removed. The run that
holds the lock removes the file before it lets go. So a run that gets the lock checks that its file
is still the one at that path, and opens the next one if it is not.
"""

import contextlib
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from analyzer import locks
from analyzer.errors import SnapshotError
from analyzer.measurement.snapshot import partial_path

_ATTEMPTS = 20
"""How often the folder above is made while others remove it, and a name is looked for."""
_NAMING_SECONDS = 0.02
"""Between looks for the name of the run that holds the lock."""
_HOLDER = re.compile(r"(?P<process>\d{1,10}) (?P<host>\S{1,255})")


def lock_path(target: Path) -> Path:
    """Return the file that is locked while a folder is collected."""
    partial = partial_path(target)
    return partial.with_name(f"{partial.name}.lock")


@contextmanager
def locked(target: Path, note: Callable[[str], None]) -> Iterator[None]:
    """Be the only one, of all processes and threads, that collects into `target`.

    Folders above it that are made for the lock are removed with it if they stayed empty.

    Args:
        target: the folder of the snapshot.
        note: called with a sentence if the file system has no locks.

    Raises:
        SnapshotError: if another collection is under way there, or no file can be made there.
    """
    path = lock_path(target)
    absent: list[Path] = []
    try:
        absent += [folder for folder in path.parents if not folder.exists()]
        file = _opened(path, target, note)
    except OSError as error:
        _remove_empty(absent)
        raise SnapshotError(f"{partial_path(target)} cannot be made: {error.strerror}.") from error
    try:
        yield
    finally:
        _release(path, file)
        _remove_empty(absent)


def _opened(path: Path, target: Path, note: Callable[[str], None]) -> BinaryIO:
    while True:
        file = _made(path)
        try:
            locks.lock(file)
        except locks.HELD as error:
            with file:
                raise SnapshotError(_under_way(target, file)) from error
        except OSError as error:
            note(
                f"{path.parent} has no file locks ({error.strerror}). "
                f"Do not start a second collection of {target}."
            )
            return file
        if _is_at(path, file):
            file.truncate(0)
            file.write(f"{os.getpid()} {platform.node() or '?'}".encode())
            file.flush()
            return file
        file.close()


def _made(path: Path) -> BinaryIO:
    for _ in range(_ATTEMPTS):
        # A run that ends removes the folders that it made and left empty.
        with contextlib.suppress(FileNotFoundError):
            return path.open("a+b")
        path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a+b")


def _is_at(path: Path, file: BinaryIO) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    return False


def _release(path: Path, file: BinaryIO) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
    file.close()
    if sys.platform == "win32":
        # Windows does not remove a file that is open.
        with contextlib.suppress(OSError):
            path.unlink()


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders, the deepest first, up to the first that holds something."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _under_way(target: Path, file: BinaryIO) -> str:
    holder = _holder(file)
    process = f", process {holder['process']}" if holder else ""
    host = f" on {holder['host']}" if holder and holder["host"] != platform.node() else ""
    return (
        f"Nothing was collected: another collection is under way in {target}{process}{host}. "
        "Wait until it ends, or use another folder."
    )


def _holder(file: BinaryIO) -> re.Match[str] | None:
    """Return the process that holds the lock and its host; None if it does not name itself."""
    for attempt in range(_ATTEMPTS):
        # One that has just locked the file has not written its name yet.
        time.sleep(_NAMING_SECONDS if attempt else 0)
        file.seek(0)
        if holder := _HOLDER.fullmatch(file.read(300).decode(errors="replace")):
            return holder
    return None
