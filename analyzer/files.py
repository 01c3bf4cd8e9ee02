"""Reading files that a user or somebody else made, and writing files in one stroke.

A file from outside may be a pipe that never ends, a device, or 100 GB. Only regular files are read,
up to a bound. A symbolic link counts as the file that it leads to.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
import time
import tomllib
from pathlib import Path
from typing import IO, Any, Final

from analyzer import locks
from analyzer.errors import OutputError, UsageError

MIB: Final = 1024**2

MOST_TEXT_BYTES: Final = MIB
"""Of a file that a user writes: a scenario with prices of 5,000 instance types has half of it."""

_INHERITED: Final = re.compile(r"/dev/(stdin|fd/\d+)|/proc/self/fd/\d+")
"""A pipe that whoever started this process has filled: `--token-file <(vault read ...)`."""

_KEY_DOT: Final = re.compile(r"[\w\"'][ \t]*\.")
_KEY_ENDS: Final = re.compile(r"[=,{}\[\]\n]")
_MOST_KEY_PARTS: Final = 100
"""The time to read a dotted key grows with the square of its parts: 16,000 take 9 s."""

_TEMPORARY: Final = ".istio-usage-"
_TEMPORARY_END: Final = ".tmp"
"""Of the name that a file has until it is whole. No other program uses it, so it may be removed."""

_LONGEST_SECONDS: Final = 60
"""No file takes as long to write."""


def require_regular(path: Path, most_bytes: int) -> None:
    """Raise OSError, with its reason, if a path is no regular file, or one that is too long."""
    try:
        status = path.stat()
    except ValueError as error:  # A zero byte in the name.
        raise OSError(errno.EINVAL, "it is not the name of a file") from error
    _check(status, most_bytes)


def read_file(path: Path, most_bytes: int, *, may_be_pipe: bool = False) -> bytes:
    """Return the content of a regular file of at most so many bytes.

    `may_be_pipe` permits a pipe that this process was started with as well.

    Raises:
        OSError: with its reason, if it is something else, longer, or cannot be read.
    """
    if not (may_be_pipe and _INHERITED.fullmatch(str(path)) and path.is_fifo()):
        require_regular(path, most_bytes)
    with path.open("rb") as file:
        # It may have grown or been replaced since.
        content = file.read(most_bytes + 1)
    _check_size(len(content), most_bytes)
    return content


def read_text(path: Path) -> str:
    """Return the text of a short file that a user wrote: UTF-8, perhaps after a byte order mark.

    Raises:
        OSError: as `read_file`, and if it is not text.
    """
    content = read_file(path, MOST_TEXT_BYTES, may_be_pipe=True)
    try:
        # -sig: some editors begin a file with a byte order mark, which is no part of the text.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OSError(errno.EINVAL, "it is not text in UTF-8") from error


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return a TOML file that a message calls `what`.

    Raises:
        UsageError: if it cannot be read.
    """
    try:
        text = read_text(path)
        _check_keys(text)
        return tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"Cannot read {what} {path}: {error.strerror}.") from error
    except RecursionError as error:
        raise UsageError(f"{path} is not valid TOML: it is nested too deeply.") from error
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from error


def _check(status: os.stat_result, most_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    _check_size(status.st_size, most_bytes)


def _check_size(size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {most_bytes / MIB:g} MiB")


def _check_keys(text: str) -> None:
    """Refuse a dotted key that would take minutes to read; raises ValueError."""
    for part in _KEY_ENDS.split(text):
        if part.count(".") > _MOST_KEY_PARTS < len(_KEY_DOT.findall(part)):
            raise ValueError(f"a key has more than {_MOST_KEY_PARTS} parts")


def write_file(path: Path, content: bytes, *, is_private: bool = False) -> None:
    """Write a file, which replaces an older one in one stroke; a failure leaves nothing new.

    Args:
        path: of the file.
        content: of the file.
        is_private: whether only this user may read it.

    Raises:
        OutputError: if it cannot be written.
    """
    made: Path | None = None
    try:
        made, file = _temporary(path.parent, is_private=is_private)
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if sys.platform != "win32":
                # Before its lock is released. Windows renames no file that is open.
                made.replace(path)
        if sys.platform == "win32":
            made.replace(path)
    except OSError as error:
        if made is not None:
            with contextlib.suppress(OSError):
                made.unlink()
        raise OutputError(f"{path} cannot be written: {error.strerror}.") from error


def remove_left(folder: Path) -> None:
    """Remove what `write_file` left in a folder when its process was killed.

    A file that is being written is locked. Where there are no locks, its age decides.
    """
    with contextlib.suppress(OSError):
        for path in folder.glob(f"{_TEMPORARY}*{_TEMPORARY_END}"):
            with contextlib.suppress(OSError), path.open("r+b") as file:
                if _is_left(file):
                    path.unlink()


def is_temporary(path: Path) -> bool:
    """Return whether `write_file` gave a file its name."""
    return path.name.startswith(_TEMPORARY) and path.name.endswith(_TEMPORARY_END)


def _is_left(file: IO[bytes]) -> bool:
    if sys.platform != "win32":
        try:
            locks.lock(file)
        except locks.HELD:
            return False
        except OSError:
            pass  # A file system without locks.
        else:
            return True
    return time.time() - os.fstat(file.fileno()).st_mtime > _LONGEST_SECONDS


def _temporary(folder: Path, *, is_private: bool) -> tuple[Path, IO[bytes]]:
    """Make a file that is this process's alone, and lock it where there are locks."""
    while True:
        path = folder / f"{_TEMPORARY}{secrets.token_hex(8)}{_TEMPORARY_END}"
        file = open(path, "xb", opener=_for_this_user if is_private else None)  # noqa: SIM115
        try:
            locks.lock(file)
            # Another run may have taken it for left before it was locked.
            if path.exists():
                return path, file
        except locks.HELD:
            pass
        except OSError:
            return path, file
        file.close()


def _for_this_user(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
