"""What `analyze` takes for up to 15,000 sidecars, beside the three queries that it must ask.

    bench_scale.py [--sizes 150x1,1500x1,15000x1,1500x7,1500x28,15000x7] [--scrape SECONDS]
                   [--folder FOLDER]

A size is sidecars x days, scraped every five minutes if no SECONDS are given. Each mesh is written
once into a real Prometheus, at some half a million samples a second, and kept in FOLDER. Then, size
by size and in one run on one machine: three bare queries (the rates of CPU, of requests in and of
requests out, of each pod in each step, by four connections of `requests` that read the bytes and no
more, compressed as it asks for them by default), and `analyze` with charts and report. Prints time,
samples that the server read, and memory of each, and how they grow with sidecars and days.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import requests

from analyzer.files import MIB
from analyzer.window import Chunk, TimeWindow, choose_step_seconds
from tests.benchmarks.demands import Demand, finish
from tests.support import PrometheusServer
from tests.support.great_mesh import (
    GreatMesh,
    Totals,
    end_of,
    write_great_mesh,
)

_FOLDER: Final = Path(__file__).resolve().parents[2] / ".bench"
_SIZES: Final = "150x1,1500x1,15000x1,1500x7,1500x28,15000x7"
_WHOLE: Final = 15_000, 7

_MOST_WALL, _MOST_SAMPLES, _MOST_MIB = 2.5, 2.0, 1024.0
_MOST_EXPONENT, _MOST_APART = 1.05, 0.003
_FLAT: Final = 1.1
"""A peak that grows by less than this factor is flat."""

_LONGEST_SETTLING_SECONDS: Final = 600.0
_WATCHED_SECONDS: Final = 5.0
_IDLE_SHARE: Final = 0.1
"""Of one core: what a server takes that nobody asks is less."""

_CONNECTIONS: Final = 4
_BLOCK_HOURS: Final = 2
"""Prometheus's own."""
_BARE: Final = (
    'rate(container_cpu_usage_seconds_total{{container="istio-proxy"}}[{seconds}s])',
    'sum by (namespace, pod) (rate(istio_requests_total{{reporter="destination"}}[{seconds}s]))',
    'sum by (namespace, pod) (rate(istio_requests_total{{reporter="source"}}[{seconds}s]))',
)


@dataclass(frozen=True, kw_only=True)
class Took:
    """What one way of asking took."""

    wall_seconds: float
    server_seconds: float
    samples_read: int
    requests: int
    client_cpu_seconds: float = math.nan
    peak_mib: float = math.nan

    def __str__(self) -> str:
        client = f", client {self.client_cpu_seconds:.1f} s of CPU and {self.peak_mib:,.0f} MiB"
        return (
            f"{self.wall_seconds:6.1f} s, server {self.server_seconds:6.1f} s, "
            f"{self.samples_read / 1e6:8.1f} M samples, {self.requests} requests"
            + ("" if math.isnan(self.peak_mib) else client)
        )


@dataclass(frozen=True, kw_only=True)
class Run:
    """Both ways of asking about one mesh, and how far the answer is from the truth."""

    mesh: GreatMesh
    bare: Took
    ours: Took
    apart: dict[str, float]


def main() -> None:
    """Print each size and its demands; fail if one is missed."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--sizes", default=_SIZES)
    parser.add_argument("--scrape", type=int, default=300)
    parser.add_argument("--folder", type=Path, default=_FOLDER)
    given = parser.parse_args()
    started = time.monotonic()
    print(_machine())
    sizes = [tuple(map(int, size.split("x"))) for size in given.sizes.split(",")]
    runs = [
        _run(GreatMesh(pods=pods, days=days, scrape_seconds=given.scrape), given.folder)
        for pods, days in sizes
    ]
    finish([*(demand for run in runs for demand in _demands(run)), *_growth(runs)], started)


def _machine() -> str:
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    model = names[0] if names else platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, {memory_gib:.0f} GiB"


def _run(mesh: GreatMesh, folder: Path) -> Run:
    truth = _kept(mesh, folder)
    server = PrometheusServer(folder / mesh.name, block_hours=_BLOCK_HOURS)
    with server, TemporaryDirectory() as report:
        _settle(server, folder / mesh.name)
        bare = _bare(mesh, server)
        ours, answer = _analyzed(mesh, server, Path(report))
    print(f"{mesh.pods} sidecars, {mesh.days} days\n  bare    {bare}\n  analyze {ours}", flush=True)
    return Run(mesh=mesh, bare=bare, ours=ours, apart=truth.apart(answer))


def _settle(server: PrometheusServer, folder: Path) -> None:
    """Wait until the server compacts no more, and have the system read all files once.

    Else whoever asks first waits for the disk, and each quantity that only `analyze` asks for is
    read from it.
    """
    deadline = time.monotonic() + _LONGEST_SETTLING_SECONDS
    busy_seconds = math.inf
    while busy_seconds > _IDLE_SHARE * _WATCHED_SECONDS and time.monotonic() < deadline:
        before = server.cpu_seconds()
        time.sleep(_WATCHED_SECONDS)
        busy_seconds = server.cpu_seconds() - before
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(MIB):
                    pass


def _kept(mesh: GreatMesh, folder: Path) -> Totals:
    """Return what is true of a mesh, which is written where it is not yet."""
    place = folder / mesh.name
    whole = place / "whole.json"
    if not whole.exists():
        shutil.rmtree(place, ignore_errors=True)
        with PrometheusServer(place, block_hours=_BLOCK_HOURS) as server:
            totals = write_great_mesh(mesh, f"{server.url}/api/v1/write")
        whole.write_text(json.dumps(asdict(totals)))
    return Totals(**json.loads(whole.read_text()))


def _bare(mesh: GreatMesh, server: PrometheusServer) -> Took:
    """Ask the three queries, each in chunks as large as `analyze` has them."""
    spec = mesh.spec
    step_seconds = choose_step_seconds(mesh.scrape_seconds, None)
    seconds = step_seconds + mesh.scrape_seconds - 1
    window = TimeWindow.within(spec.start, spec.end, step_seconds)
    per_point = mesh.pods * seconds / mesh.scrape_seconds
    chunks = window.chunks(samples_per_point=per_point, series_count=mesh.pods)

    def ask(job: tuple[str, Chunk]) -> None:
        promql, chunk = job
        first, last = chunk.first_point, chunk.first_point + chunk.point_count - 1
        asked: dict[str, Any] = {
            "query": promql.format(seconds=seconds),
            "start": window.time_of(first).timestamp(),
            "end": window.time_of(last).timestamp(),
            "step": step_seconds,
        }
        session.post(f"{server.url}/api/v1/query_range", data=asked).raise_for_status()

    before, began = len(server.query_log()), time.monotonic()
    with requests.Session() as session, ThreadPoolExecutor(_CONNECTIONS) as pool:
        session.trust_env = False
        list(pool.map(ask, [(promql, chunk) for promql in _BARE for chunk in chunks]))
    return _took(server, before, time.monotonic() - began)


def _analyzed(mesh: GreatMesh, server: PrometheusServer, report: Path) -> tuple[Took, Any]:
    command = [sys.executable, "-m", "analyzer", "analyze", "-p", server.url, "-q"]
    times = ["--days", str(mesh.days), "--end", end_of(mesh)]
    before, began = len(server.query_log()), time.monotonic()
    with (report / "stdout").open("wb") as stdout:
        process = subprocess.Popen([*command, *times, "-o", str(report / "out")], stdout=stdout)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        sys.exit(f"analyze ended with {status}")
    answer = json.loads((report / "out" / "result.json").read_text())
    return _took(
        server,
        before,
        seconds,
        client_cpu_seconds=used.ru_utime + used.ru_stime,
        peak_mib=used.ru_maxrss * 1024 / MIB,
    ), answer


def _took(server: PrometheusServer, before: int, seconds: float, **client: float) -> Took:
    asked = server.query_log()[before:]
    return Took(
        wall_seconds=seconds,
        server_seconds=sum(one.server_seconds for one in asked),
        samples_read=sum(one.samples_read for one in asked),
        requests=len(asked),
        **client,
    )


def _demands(run: Run) -> Iterator[Demand]:
    size = f"{run.mesh.pods} sidecars x {run.mesh.days} d"
    for name, apart in run.apart.items():
        yield f"{size}: {name} {apart:.3%} from the truth", apart <= _MOST_APART
    samples = run.ours.samples_read / run.bare.samples_read
    yield f"{size}: {samples:.2f} times the samples of the bare queries", samples <= _MOST_SAMPLES
    if (run.mesh.pods, run.mesh.days) == _WHOLE:
        wall = run.ours.wall_seconds / run.bare.wall_seconds
        yield f"{size}: {wall:.2f} times the time of the bare queries", wall <= _MOST_WALL
        yield f"{size}: {run.ours.peak_mib:,.0f} MiB at the peak", run.ours.peak_mib <= _MOST_MIB


def _growth(runs: Sequence[Run]) -> Iterator[Demand]:
    """Demand that nothing grows faster than the mesh, from each size to the next larger one."""
    by_pods = sorted((run for run in runs if run.mesh.days == 1), key=lambda run: run.mesh.pods)
    by_days = [run for run in runs if run.mesh.pods == 1500]
    by_days.sort(key=lambda run: run.mesh.days)
    for name, series in (("pods", by_pods), ("days", by_days)):
        for small, large in pairwise(series):
            grown = getattr(large.mesh, name) / getattr(small.mesh, name)
            for figure in ("wall_seconds", "client_cpu_seconds"):
                times = getattr(large.ours, figure) / getattr(small.ours, figure)
                exponent = math.log(times) / math.log(grown)
                text = f"{figure} from {small.mesh.name} to {large.mesh.name}: {exponent:.2f}"
                yield f"exponent of {text}", exponent <= _MOST_EXPONENT
            if name == "days":
                times = large.ours.peak_mib / small.ours.peak_mib
                text = f"peak from {small.mesh.name} to {large.mesh.name}: {times:.2f} times"
                yield text, times <= _FLAT


if __name__ == "__main__":
    main()
