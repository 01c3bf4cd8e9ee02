"""How long a server works for `analyze`, beside the version that believed every sample.

Both are asked in turn about a week of 300 pods in one Prometheus, whose log of queries has the
time of each. Prints the sums and their ratio, which is to stay under 1.15.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.earlier import BEFORE, ROOT, Commands, sources_of
from tests.live.test_gentle import SPARSE
from tests.support import PrometheusServer, build_mesh

_RUNS = 5
_MOST = 1.15


def _asked(server: PrometheusServer, commands: Commands) -> tuple[int, float]:
    """Return how many requests one answer takes, and the seconds that the server works."""
    before = len(server.query_log())
    times = ["--days", "7", "--end", SPARSE.end.isoformat()]
    outcome = commands.run(["analyze", "-p", server.url, *times, "--format", "json", "-q"])
    if outcome.status:
        sys.exit(outcome.stderr)
    logged = server.query_log()[before:]
    return len(logged), sum(query.server_seconds for query in logged)


def _shown(name: str, runs: Sequence[tuple[int, float]]) -> float:
    seconds = statistics.median(run[1] for run in runs)
    print(f"{name}: {runs[0][0]} requests, {seconds:.2f} s of the server's time")
    return seconds


def main() -> None:
    """Measure in pairs, so that both see the same machine."""
    with sources_of(BEFORE) as sources, tempfile.TemporaryDirectory() as name:
        if sources is None:
            print(f"commit {BEFORE} is not here, so there is nothing to compare with")
            return
        with (
            PrometheusServer(Path(name) / "server") as server,
            Commands(sources) as earlier,
            Commands(ROOT) as today,
        ):
            server.fill(build_mesh(SPARSE))
            pairs = [(_asked(server, earlier), _asked(server, today)) for _ in range(_RUNS + 1)]
    # The first pair finds nothing in the memory of the machine.
    before, now = zip(*pairs[1:], strict=True)
    ratio = _shown("today", now) / _shown("earlier", before)
    print(f"ratio {ratio:.2f} (at most {_MOST})")
    sys.exit(ratio > _MOST)


if __name__ == "__main__":
    main()
