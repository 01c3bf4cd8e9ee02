"""A day of collecting in small: 500 collections in one process, into one folder.

Prints what the process holds as it goes, and exits with 1 if memory grew by more than 8 MiB after
the first tenth, or if files, threads, children or temporary files grew. The argument is the number
of collections.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.live.looping import Held, collections
from tests.support import SMALL_MESH, PrometheusServer, build_mesh

_COUNT = 500
_ALLOWED_MIB = 8.0
_LINES = 10


def _mib(seen: list[Held]) -> float:
    return statistics.median(one.resident_mib for one in seen)


def main() -> None:
    """Collect, and compare the begin with the end."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else _COUNT
    part = max(count // _LINES, 1)
    seen: list[Held] = []
    with tempfile.TemporaryDirectory() as name:
        # Only what the collections leave is in it.
        (Path(name) / "temporary").mkdir()
        with PrometheusServer(Path(name) / "server") as server:
            server.fill(build_mesh(SMALL_MESH))
            tempfile.tempdir = str(Path(name) / "temporary")
            begun = time.monotonic()
            for held in collections(server.url, Path(name) / "out", count):
                seen.append(held)
                if len(seen) % part == 0:
                    print(f"{len(seen):4} {time.monotonic() - begun:6.0f} s {held}", flush=True)
    first, last = seen[part : 2 * part], seen[-part:]
    grown_mib = _mib(last) - _mib(first)
    counts = [
        (one.open_files, one.threads, one.children, one.temporary_files, one.written_files)
        for one in (first[0], last[-1])
    ]
    print(f"{count} collections: memory {_mib(first):.1f} MiB, then {_mib(last):.1f} MiB")
    print(f"files, threads, children, temporary files, written files: {counts[0]}, {counts[1]}")
    sys.exit(grown_mib > _ALLOWED_MIB or counts[0] != counts[1])


if __name__ == "__main__":
    main()
