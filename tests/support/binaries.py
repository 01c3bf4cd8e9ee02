"""Where the real engines that tests start are found."""

import os
import shutil
import sys
from pathlib import Path

_TOOLS = Path(__file__).resolve().parents[2] / ".tools" / "bin"

LIBRARIES = _TOOLS.parent / "lib"
"""Shared libraries that `make tools` unpacked because this machine has not got them."""


class MissingBinaryError(Exception):
    """A program that a test needs is neither on PATH nor among the project's own tools."""


def find_binary(name: str) -> Path:
    """Return the path of a program: from PATH, else from `.venv/bin` or `.tools/bin`.

    A test that needs the program fails with this message; it never skips, or a run without
    engines would look like a run that passed.
    """
    own = os.pathsep.join(map(str, (Path(sys.executable).parent, _TOOLS)))
    found = shutil.which(name) or shutil.which(name, path=own)
    if found is None:
        raise MissingBinaryError(f"{name} is not installed: run `make tools` and try again")
    return Path(found)
