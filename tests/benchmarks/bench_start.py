"""What `analyze` costs the client for a small mesh, beside importing what it stands on.

A mesh is written into a real Prometheus. In turn and in one run: a Python that imports pandas,
pyarrow and scipy and ends, `analyze` without charts, and `analyze` with the report and its charts.
Prints the least CPU seconds of each, and their ratios. Without charts the aim is twice the imports,
and more than 10 times fails. The time of the server is printed beside them.

    bench_start.py [--pods COUNT] [--hours HOURS] [--runs COUNT]
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.benchmarks.demands import cpu_seconds, finish
from tests.support import MeshCache, PrometheusServer, default_mesh
from tests.support.spec import MeshSpec

SEED: Final = 1
AIM: Final = 2.0
MOST: Final = 10.0

_IMPORTS: Final = "import pandas, pyarrow, scipy"


def main() -> None:
    """Print the figures of each; fail if the ratio is missed."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--pods", type=int, default=150)
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    started = time.monotonic()
    spec = default_mesh(pods=given.pods, hours=given.hours, seed=SEED)
    print(f"{given.pods} pods, {given.hours:g} hours, seed {SEED}")
    with TemporaryDirectory(prefix="bench-start-") as name:
        folder = Path(name)
        with MeshCache(folder / "meshes").filled(spec).serve(folder / "raw") as server:
            # The first run compiles modules and finds cold caches.
            runs = [_run(server, spec, folder / str(turn)) for turn in range(given.runs + 1)][1:]
    imports, plain, charts, of_server = (min(column) for column in zip(*runs, strict=True))
    print(f"imports of pandas, pyarrow and scipy {imports:6.2f} s of CPU")
    for what, seconds in (("without charts", plain), ("with report and charts", charts)):
        print(f"{what:<36} {seconds:6.2f} s of CPU, {seconds / imports:.2f} times the imports")
    print(f"{'the server, for one of the two':<36} {of_server:6.2f} s of CPU")
    ratio = plain / imports
    limits = f"aim {AIM:g}, at most {MOST:g}"
    finish([(f"without charts: {ratio:.2f} times ({limits})", ratio <= MOST)], started)


def _run(
    server: PrometheusServer, spec: MeshSpec, folder: Path
) -> tuple[float, float, float, float]:
    """Return CPU seconds: of the imports, of both ways to analyze, and of the server for one."""
    analyze = (sys.executable, "-m", "analyzer", "analyze", "-q", "-p", server.url)
    window = ("--start", _moment(spec.start), "--end", _moment(spec.end))
    imports = cpu_seconds(sys.executable, "-c", _IMPORTS)
    before = server.cpu_seconds()
    plain = cpu_seconds(*analyze, *window)
    of_server = server.cpu_seconds() - before
    return imports, plain, cpu_seconds(*analyze, *window, "-o", str(folder)), of_server


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


if __name__ == "__main__":
    main()
