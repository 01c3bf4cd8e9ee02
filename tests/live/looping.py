"""Collections again and again in one process, and what the process holds after each."""

import gc
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from analyzer.measurement.plan import Ask
from tests.live.kills import collected
from tests.support import SMALL_MESH

_MIB = 2**20
_SPAN = timedelta(minutes=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a process holds."""

    resident_mib: float
    open_files: int
    threads: int
    children: int
    temporary_files: int
    written_files: int


def collections(url: str, folder: Path, count: int) -> Iterator[Held]:
    """Collect into one folder, each time a later time, and yield what is held afterwards."""
    ask = Ask(source=url)
    target = folder / "snap"
    for number in range(count):
        # A day in small: each collection ends a little later, and replaces the one before.
        end = SMALL_MESH.end - timedelta(seconds=60 * (number % 60))
        collected(url, replace(ask, start=end - _SPAN, end=end), target, end, force=True)
        gc.collect()
        yield _held(folder)


def _held(folder: Path) -> Held:
    process = Path("/proc/self")
    pages = int((process / "statm").read_text().split()[1])
    children = process / "task" / str(os.getpid()) / "children"
    return Held(
        resident_mib=pages * os.sysconf("SC_PAGE_SIZE") / _MIB,
        open_files=len(list((process / "fd").iterdir())),
        threads=threading.active_count(),
        children=len(children.read_text().split()),
        temporary_files=len(list(Path(tempfile.gettempdir()).iterdir())),
        written_files=len(list(folder.rglob("*"))),
    )
