"""Temporary folders that a killed run cannot leave for good: the next run removes them.

A run holds a lock on a file in its folder, which the system releases with the process. A folder
whose lock is free belongs to a run that was killed.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from analyzer import locks

PREFIX: Final = "istio-usage-"

_LOCK: Final = "lock"
_SETTLED_SECONDS: Final = 60
"""After which a folder without a lock file is not one that is being made."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder that only this user can read, and remove it; first those of killed runs."""
    import shutil
    import tempfile

    remove_stale(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (folder / _LOCK).open("wb") as lock:
            with contextlib.suppress(OSError):
                locks.lock(lock)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_stale(folder: Path) -> None:
    """Remove the temporary folders of this user whose runs were killed."""
    import shutil

    for path in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            facts = path.lstat()
            is_ours = sys.platform == "win32" or facts.st_uid == os.geteuid()
            if path.is_symlink() or not path.is_dir() or not is_ours:
                continue
            if _is_stale(path, facts.st_mtime):
                shutil.rmtree(path, ignore_errors=True)


def _is_stale(path: Path, changed_at: float) -> bool:
    try:
        with (path / _LOCK).open("r+b") as lock:
            locks.lock(lock)
    except FileNotFoundError:
        return time.time() - changed_at > _SETTLED_SECONDS
    except OSError:
        return False
    return True


@contextmanager
def drawing_folder() -> Iterator[None]:
    """Give matplotlib a temporary folder where its own cannot be written: it would leave one."""
    with contextlib.ExitStack() as stack:
        if not all(map(_can_write, _drawing_folders())):
            # Without any temporary folder only the charts fail.
            with contextlib.suppress(OSError):
                os.environ["MPLCONFIGDIR"] = str(stack.enter_context(temporary_folder()))
        yield


def _drawing_folders() -> tuple[Path, ...]:
    """Return where matplotlib keeps its settings and its list of fonts."""
    if given := os.environ.get("MPLCONFIGDIR"):
        return (Path(given),)
    if not sys.platform.startswith(("linux", "freebsd")):
        return (Path("~/.matplotlib"),)
    places = {"XDG_CONFIG_HOME": "~/.config", "XDG_CACHE_HOME": "~/.cache"}
    return tuple(
        Path(os.environ.get(name) or usual) / "matplotlib" for name, usual in places.items()
    )


def _can_write(folder: Path) -> bool:
    """Return whether a folder can be written, or made."""
    try:
        path = folder.expanduser().absolute()
        there = next(one for one in (path, *path.parents) if one.exists())
    except (OSError, RuntimeError):
        return False
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
