"""What each query of `analyze` reads on a server, beside the three that it cannot do without.

    bench_asking.py [--pods 100] [--days 7]

Prints the samples that a real Prometheus read for each query by its own count, as a share of those
of the rates of CPU, of requests in and of requests out, of each pod in each step. Fails if all
queries together read more than twice as many, or if totals and slope are not those of the mesh.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from analyzer.measurement.plan import BARE, Ask, Plan, make_plan
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from tests.benchmarks.demands import finish
from tests.live.command import run
from tests.support import PrometheusServer
from tests.support.great_mesh import GreatMesh, end_of, write_great_mesh
from tests.support.prometheus import LoggedQuery

_MOST_SAMPLES, _MOST_APART = 2.0, 0.003


def main() -> None:
    """Ask a new server once."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--pods", type=int, default=100)
    parser.add_argument("--days", type=int, default=7)
    given = parser.parse_args()
    started, mesh = time.monotonic(), GreatMesh(pods=given.pods, days=given.days)
    print(f"{mesh.pods} sidecars, {mesh.days} days, seed {mesh.seed}")
    with tempfile.TemporaryDirectory() as name:
        with PrometheusServer(Path(name) / "server") as server:
            truth = write_great_mesh(mesh, f"{server.url}/api/v1/write")
            end = datetime.fromisoformat(end_of(mesh))
            ask = Ask(source=server.url, days=mesh.days, end=end)
            with Connection(Access(url=server.url)) as source:
                plan = make_plan(source, ask, now=end)
            logged = len(server.query_log())
            times = ("--days", str(mesh.days), "--end", end_of(mesh))
            out = Path(name) / "out"
            outcome = run("analyze", "-p", server.url, *times, "-o", out)
            queries = server.query_log()[logged:]
        if outcome.status:
            sys.exit(outcome.stderr)
        answer = json.loads((out / "result.json").read_text())
    read = _read(plan, queries)
    bare = sum(read[one] for one in BARE)
    for found, samples in sorted(read.items(), key=lambda item: -item[1]):
        planned = plan.queries.get(found)
        estimate = f", estimated {planned.sample_count:,}" if planned else ""
        print(f"{samples / bare:6.3f}  {found}: {samples:,} samples{estimate}")
    ratio = sum(read.values()) / bare
    demands = [
        (f"{name} {apart:.3%} from the truth", apart <= _MOST_APART)
        for name, apart in truth.apart(answer).items()
    ]
    ours = f"{ratio:.2f} times the samples of the bare queries (at most {_MOST_SAMPLES:g})"
    finish([*demands, (ours, ratio <= _MOST_SAMPLES)], started)


def _read(plan: Plan, queries: Sequence[LoggedQuery]) -> Counter[str]:
    """Return the samples that were read for each query of a plan, and for each of the survey."""
    names = {job.promql: job.query.name for job in plan.jobs}
    read: Counter[str] = Counter()
    for query in queries:
        found = names.get(query.promql) or f"survey: {query.promql[:60]}"
        read[found] += query.samples_read
    return read


if __name__ == "__main__":
    main()
