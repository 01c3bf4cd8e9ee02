"""Whether recording rules give the same totals for at most a tenth of the server's time.

A mesh is written into a real Prometheus, once as it is and once with what the rules of `istio-usage
rules` keep of it. The same question is then collected from raw samples and from the rules. The
server's time is that of its query log, for all queries of a collection, the survey included.

    bench_rules.py [--pods COUNT] [--hours HOURS]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from analyzer.calibration import calibrate_usage
from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.measurement.rules_for import recording_for
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.units import Refusal, Role
from tests.benchmarks.demands import Demand, finish
from tests.support import MeshCache, PrometheusServer, default_mesh
from tests.support.ruled import ADMIN, recorded_beside
from tests.support.spec import MeshSpec

SEED: Final = 1
MOST_APART: Final = 0.005
MOST_TIME_SHARE: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Collected:
    """One collection: totals of its answer, and what it took."""

    totals: Mapping[str, float]
    server_seconds: float
    wall_seconds: float
    request_count: int


def main() -> None:
    """Print the figures of both ways; fail if one is missed."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--pods", type=int, default=300)
    parser.add_argument("--hours", type=float, default=12)
    given = parser.parse_args()
    started = time.monotonic()
    spec = replace(
        default_mesh(pods=given.pods, hours=given.hours, seed=SEED),
        envoy_scrape_seconds=15.0,
        cadvisor_scrape_seconds=30.0,
        state_scrape_seconds=30.0,
    )
    with TemporaryDirectory(prefix="bench-rules-") as folder:
        raw, ruled = _both(spec, Path(folder))
    write = sys.stdout.write
    write(f"{given.pods} pods, {given.hours:g} hours, seed {SEED}\n")
    for name, one in (("raw samples", raw), ("recording rules", ruled)):
        write(
            f"{name:<16}{one.request_count:>5} requests, server {one.server_seconds:7.3f} s, "
            f"wall {one.wall_seconds:6.2f} s\n"
        )
    finish(list(_demands(raw, ruled)), started)


def _both(spec: MeshSpec, folder: Path) -> tuple[Collected, Collected]:
    mesh = MeshCache(folder / "meshes").filled(spec)
    with mesh.serve(folder / "raw", flags=ADMIN) as server:
        ask = Ask(source=server.url, start=spec.start, end=spec.end)
        with Connection(Access(url=server.url)) as source:
            recording = recording_for(source, ask, now=spec.end)
        other = recorded_beside(server, recording, spec.start, spec.end, folder / "ruled")
    with other:
        ask = replace(ask, source=other.url)
        # The first collection finds cold caches, so each is made twice and the second counts.
        pairs = [
            tuple(
                _collected(other, replace(ask, no_rules=no_rules), folder / f"{turn}-{no_rules}")
                for no_rules in (True, False)
            )
            for turn in range(2)
        ]
    raw, ruled = pairs[-1]
    return raw, ruled


def _collected(server: PrometheusServer, ask: Ask, target: Path) -> Collected:
    before, begun = len(server.query_log()), time.monotonic()
    with Connection(Access(url=server.url)) as source:
        snapshot = collect_snapshot(source, ask, target, now=ask.end)  # type: ignore[arg-type]
    seconds = time.monotonic() - begun
    if bool(snapshot.manifest.rules_version) == ask.no_rules:
        raise SystemExit("the rules were read where they must not be, or the other way round")
    asked = server.query_log()[before:]
    return Collected(
        totals=_totals(measure(snapshot)),
        server_seconds=sum(one.server_seconds for one in asked),
        wall_seconds=seconds,
        request_count=len(asked),
    )


def _totals(usage: MeshUsage) -> dict[str, float]:
    names = ("cpu_vcpu", "proxy_rps", "memory_bytes")
    means = {f"sidecar {name}": usage.mean_total(Role.SIDECAR, name) for name in names}
    means["ztunnel cpu_vcpu"] = usage.mean_total(Role.ZTUNNEL, "cpu_vcpu")
    sidecar = calibrate_usage(usage).sidecar
    if isinstance(sidecar, Refusal):
        raise SystemExit(str(sidecar))
    means["vcpu_per_1000_rps"] = sidecar.vcpu_per_1000_rps.mid
    return {name: mean for name, mean in means.items() if mean is not None}


def _demands(raw: Collected, ruled: Collected) -> Iterator[Demand]:
    yield "the same quantities", raw.totals.keys() == ruled.totals.keys()
    for name, total in raw.totals.items():
        apart = abs(ruled.totals[name] / total - 1)
        # A slope is fitted to other steps, so it is shown and no total.
        is_met = apart <= MOST_APART or name == "vcpu_per_1000_rps"
        yield f"{name}: {total:.6g} raw, {apart:.3%} apart from rules", is_met
    share = ruled.server_seconds / raw.server_seconds
    yield f"server time from rules: {share:.3f} of raw", share <= MOST_TIME_SHARE


if __name__ == "__main__":
    main()
