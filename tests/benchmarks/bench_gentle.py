"""How long a server works for `analyze`, beside the version that believed every sample.

Both are asked in turn about a week of 300 pods in one Prometheus. Prints the time of their queries
by the server's log, and the CPU that its process used meanwhile. The ratio of CPU is to stay under
1.15: it is the same on a busy machine.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.earlier import BEFORE, ROOT, Commands, sources_of
from tests.live.test_gentle import SPARSE
from tests.support import PrometheusServer, build_mesh

_RUNS = 5
_MOST = 1.15


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What one answer takes of a server."""

    requests: int
    logged_seconds: float
    cpu_seconds: float


def _asked(server: PrometheusServer, commands: Commands) -> _Asked:
    logged, cpu_seconds = len(server.query_log()), server.cpu_seconds()
    times = ["--days", "7", "--end", SPARSE.end.isoformat()]
    outcome = commands.run(["analyze", "-p", server.url, *times, "--format", "json", "-q"])
    if outcome.status:
        sys.exit(outcome.stderr)
    queries = server.query_log()[logged:]
    return _Asked(
        requests=len(queries),
        logged_seconds=sum(query.server_seconds for query in queries),
        cpu_seconds=server.cpu_seconds() - cpu_seconds,
    )


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
    _show("earlier", before)
    _show("today", now)
    logged = _median(now, "logged_seconds") / _median(before, "logged_seconds")
    ratio = _median(now, "cpu_seconds") / _median(before, "cpu_seconds")
    print(f"ratio of the queries' time {logged:.2f}, of CPU {ratio:.2f} (at most {_MOST})")
    sys.exit(ratio > _MOST)


def _show(name: str, runs: Sequence[_Asked]) -> None:
    queries, cpu = (_median(runs, figure) for figure in ("logged_seconds", "cpu_seconds"))
    print(f"{name}: {runs[0].requests} requests, {queries:.2f} s by the log, {cpu:.2f} s of CPU")


def _median(runs: Sequence[_Asked], figure: str) -> float:
    return float(statistics.median(getattr(run, figure) for run in runs))


if __name__ == "__main__":
    main()
