"""Writing files in one stroke."""

import contextlib
import os
from pathlib import Path

from analyzer.errors import OutputError


def write_file(path: Path, content: bytes) -> None:
    """Write a file, which replaces an older one in one stroke; a failure leaves nothing new.

    Raises:
        OutputError: if it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written: {error.strerror}.") from error
