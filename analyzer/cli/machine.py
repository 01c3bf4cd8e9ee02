"""What a run needs of its machine: set up before anything heavy is imported, named where it lacks.

A failure of the machine is one line. A programming mistake keeps its traceback.
"""

import errno
import gc
import os
import re
import sys
import warnings
from collections.abc import Iterator
from typing import Final

LEAST_ADDRESS_SPACE_MIB: Final = 1024
"""Numerical libraries end the process, or wait for ever, where they cannot map their memory."""

_MIB: Final = 2**20

_MEMORY: Final = (
    "The machine has too little memory. Ask for less: fewer days, fewer namespaces or a longer "
    "step. Or raise the limit of memory (ulimit -v, or that of the container)."
)
_FILES: Final = "Too many files are open. Raise the limit of open files (ulimit -n) to 256."
_THREADS: Final = "No thread can be started. Raise the limit of processes (ulimit -u)."
_SPACE: Final = "The disk is full. Make room, and run the same command again."
_TEMPORARY: Final = "No temporary folder can be written. Set TMPDIR to a folder that can."
_FOLDER: Final = "The current folder is gone. Change into one that exists, and run it again."
_ACCESS: Final = "Choose another folder, or allow access to it."

_DENIALS: Final = (
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG),
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ESTALE),
)

_BY_NUMBER: Final = {
    errno.ENOMEM: _MEMORY,
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EAGAIN: _THREADS,
    **dict.fromkeys(_DENIALS, _ACCESS),
}
"""What an error number of the system asks for, and of those alone."""

_BY_WORDS: Final = {
    # Where a library can neither be mapped nor opened, the loader has words and no number.
    "failed to map segment|cannot allocate memory|bad_alloc": _MEMORY,
    "too many open files": _FILES,
    "usable temporary directory|writable cache directory": _TEMPORARY,
    "can't start new thread|pthread_create|thread creation failed": _THREADS,
}


def prepare() -> None:
    """Keep libraries from printing, from more threads than help, and from our three streams."""
    _fill_streams()
    # One more thread of OpenBLAS reserves 32 MiB, and tables of this size gain nothing by it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Charts are drawn into files. A backend for windows may be missing, or be no backend.
    os.environ.pop("MPLBACKEND", None)
    for name in ("COLUMNS", "LINES"):
        if not re.fullmatch("[0-9]{1,6}", os.environ.get(name, ""), re.ASCII):
            os.environ.pop(name, None)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def silence_libraries() -> None:
    """Keep libraries from logging on stderr, where Python prints warnings without any handler."""
    # `--help` logs nothing, and this takes a tenth of its time.
    import logging

    logging.getLogger().addHandler(logging.NullHandler())


def hold_collection() -> None:
    """Collect no garbage until `collect_again`: it would look through each module many times."""
    gc.disable()


def collect_again() -> None:
    """Collect garbage from now on, but not among what was imported: that stays to the end."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def shortage() -> str:
    """Return what this process has too little of to begin, as a line; "" if it has enough."""
    limit_mib = _address_space_mib()
    if limit_mib is None or limit_mib >= LEAST_ADDRESS_SPACE_MIB:
        return ""
    return (
        f"The address space is limited to {limit_mib:,} MiB, and {LEAST_ADDRESS_SPACE_MIB:,} MiB "
        "are needed. Raise the limit (ulimit -v)."
    )


def lacking(error: BaseException) -> str:
    """Return what the machine lacked, as a line; "" if the error is a programming mistake."""
    for cause in _chain(error):
        if isinstance(cause, MemoryError):
            return _MEMORY
        if isinstance(cause, OSError) and (line := _of_system(cause)):
            return line
        if isinstance(cause, ImportError | RuntimeError | OSError):
            for words, line in _BY_WORDS.items():
                if re.search(words, str(cause), re.IGNORECASE):
                    return line
    return ""


def _of_system(error: OSError) -> str:
    if error.errno == errno.ENOENT and error.filename is None and not _has_folder():
        return _FOLDER
    line = _BY_NUMBER.get(error.errno or 0, "")
    if line != _ACCESS:
        return line
    subject = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{subject}{error.strerror}. {line}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from, or while handling."""
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


def _has_folder() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd() would raise as well
    except OSError:
        return False
    return True


def _address_space_mib() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit // _MIB


def _fill_streams() -> None:
    """Open what is closed of stdin, stdout and stderr: a file of ours must not take its number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest number that is free is the one that is missing.
            os.open(os.devnull, os.O_RDWR)
