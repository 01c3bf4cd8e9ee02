"""One run of the lab: load by a schedule, the truth beside it, and a snapshot of its Prometheus."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import requests

from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.measurement.snapshot import Snapshot
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.window import offset_of
from tests.lab.exporter import Exporter
from tests.lab.load import Load
from tests.lab.mesh import LabMesh
from tests.lab.neighbour import Neighbour
from tests.lab.prometheus import LabPrometheus
from tests.lab.schedule import Schedule
from tests.lab.truth import Edge, edges_to_json, read_edge

__all__ = ["DASHBOARD", "LabError", "Plan", "Run", "record", "record_to_json"]


class LabError(Exception):
    """A run that prints nothing."""


_REST_SECONDS = 0.1
"""Of a load step in which the load has ended, so that no request crosses its edge."""

_ANSWERED_SHARE = 0.999
"""Of the requests; what is under way when the load ends may be given up."""

_WARM_UP_SECONDS = 20.0
"""What starting costs an Envoy is over by then."""

DASHBOARD: Final = (
    'sum(irate(container_cpu_usage_seconds_total{{namespace!="istio-system",'
    'container="istio-proxy"}}[{window}])) / '
    "(round(sum(irate(istio_requests_total[{window}])), 0.001) / 1000)"
)
"""Panel "vCPU / 1k rps" of Istio's performance dashboard (manifests/addons/dashboards/
istio-performance-dashboard.json), without its factor of the ingress gateway's name."""

_BY_WORKLOAD = (
    "sum by (namespace, workload) (label_replace(irate(container_cpu_usage_seconds_total"
    '{{container="istio-proxy"}}[{window}]), "workload", "$1", "pod", "(.+)-[0-9]+")) / '
    "(sum by (namespace, workload) (label_replace(irate(istio_requests_total[{window}]), "
    '"workload", "$1", "pod", "(.+)-[0-9]+")) / 1000)'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a run is made.

    Attributes:
        loads: of each load step.
        load_seconds: that a load step lasts; a multiple of `step_seconds`.
        step_seconds: of the snapshot's steps.
        scrape_seconds: at least ten fit into a step.
        block_seconds: of the blocks of time that are fitted and held against in turn; a multiple
            of `load_seconds`. 0: the run is not cut.
        neighbour_cores: that a neighbour burns in each load step; empty: there is none.
        change_step: the load step in which the HTTP sidecars are restarted without a filter that
            they had until then. It has no load. None: they never have that filter.
        character: what the run is like, as a sentence.
    """

    loads: Schedule
    load_seconds: int
    step_seconds: int
    scrape_seconds: int
    block_seconds: int = 0
    neighbour_cores: Sequence[float] = ()
    change_step: int | None = None
    character: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run has left: a snapshot, and the truth that it is held against."""

    snapshot: Snapshot
    edges: list[tuple[Edge, ...]]
    record: dict[str, Any]


def record(plan: Plan, folder: Path, *, say: Callable[[str], None] = lambda _: None) -> Run:
    """Start everything, load it as planned, collect a snapshot, and end everything.

    Args:
        plan: of the run.
        folder: to work in; the snapshot is `folder`/snapshot, the truth `folder`/truth.json.
        `say`: called with the progress.
    """
    with (
        LabMesh(folder / "mesh", is_scripted=plan.change_step is not None) as mesh,
        Exporter(lambda: mesh.pids) as exporter,
        LabPrometheus(
            folder / "prometheus",
            mesh=mesh,
            exporter_port=exporter.port,
            scrape_seconds=plan.scrape_seconds,
        ) as server,
        Load(mesh, folder) as load,
        Neighbour() as neighbour,
    ):
        # The load changes where the steps of the snapshot begin.
        offset = offset_of(plan.step_seconds)
        begin = _next_edge(time.time() + _WARM_UP_SECONDS + offset, plan.load_seconds) - offset
        edges = _drive(plan, begin, mesh, _Loads(load, neighbour), say)
        end = begin + plan.load_seconds * len(plan.loads)
        # The last step's samples must be there, and the counters after it.
        time.sleep(2 * plan.scrape_seconds)
        snapshot = _collected(server, plan, (begin, end), folder, mesh)
        told = _record(plan, mesh, server, begin, end)
    told["edges"] = edges_to_json(edges)
    (folder / "truth.json").write_text(record_to_json(told))
    return Run(snapshot=snapshot, edges=edges, record=told)


@dataclass(frozen=True, slots=True)
class _Loads:
    """What is started in each load step."""

    load: Load
    neighbour: Neighbour


def record_to_json(document: Mapping[str, Any]) -> str:
    """Return a record as JSON with one line for each of its entries."""
    lines = (f"{json.dumps(key)}: {_compact(value)}" for key, value in document.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _drive(
    plan: Plan, begin: int, mesh: LabMesh, loads: _Loads, say: Callable[[str], None]
) -> list[tuple[Edge, ...]]:
    edges = []
    for number, rates in enumerate(plan.loads):
        _sleep_until(begin + number * plan.load_seconds)
        edges.append(read_edge(mesh))
        left_seconds = begin + (number + 1) * plan.load_seconds - time.time()
        loads.load.start(rates, left_seconds - _REST_SECONDS)
        if plan.neighbour_cores:
            loads.neighbour.start(plan.neighbour_cores[number], left_seconds - _REST_SECONDS)
        if number == plan.change_step:
            mesh.drop_scripts()
        say(f"load step {number + 1} of {len(plan.loads)}")
    _sleep_until(begin + len(plan.loads) * plan.load_seconds)
    edges.append(read_edge(mesh))
    loads.load.finish()
    _all_answered(mesh)
    return edges


def _all_answered(mesh: LabMesh) -> None:
    """Refuse a run in which a request failed: it costs another CPU than one that is answered.

    Raises:
        LabError: if one did.
    """
    for key, envoy in mesh.envoys.items():
        counts = envoy.stats()
        for name, count in counts.items():
            if name.endswith("downstream_rq_completed"):
                answered = counts.get(name.replace("rq_completed", "rq_2xx"), 0)
                if answered < _ANSWERED_SHARE * count:
                    raise LabError(
                        f"{count - answered} of {count} requests failed at {key}: {name}"
                    )


def _collected(
    server: LabPrometheus, plan: Plan, times: tuple[int, int], folder: Path, mesh: LabMesh
) -> Snapshot:
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in times)
    ask = Ask(
        source=server.url,
        start=start,
        end=end,
        step_seconds=plan.step_seconds,
        note=_note(plan, mesh, start),
    )
    with Connection(Access(url=server.url)) as source:
        return collect_snapshot(source, ask, folder / "snapshot", now=end)


def _note(plan: Plan, mesh: LabMesh, start: datetime) -> str:
    version = next(iter(mesh.envoys.values())).version
    return (
        f"{plan.character} Recorded run: {len(mesh.envoys)} real Envoys {version} under real load "
        f"on one machine ({machine()}), {start:%Y-%m-%d}. No Kubernetes, no Istio filters, and "
        "nodes by name only."
    ).strip()


def machine() -> str:
    """Return what the machine is, in a few words."""
    models = {
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    }
    count = sum(
        line.startswith("processor") for line in Path("/proc/cpuinfo").read_text().splitlines()
    )
    kernel = platform.release().split("-")[0]
    return f"{count} vCPU {' and '.join(sorted(models))}, Linux {kernel}"


def _record(
    plan: Plan, mesh: LabMesh, server: LabPrometheus, begin: int, end: int
) -> dict[str, Any]:
    window = f"{4 * plan.scrape_seconds}s"
    whole = _ask(server, DASHBOARD.format(window=window), plan, begin, end)
    by_workload = _ask(server, _BY_WORKLOAD.format(window=window), plan, begin, end)
    return {
        "machine": machine(),
        "envoy_version": next(iter(mesh.envoys.values())).version,
        "begin": datetime.fromtimestamp(begin, UTC).isoformat(),
        "character": plan.character,
        "load_seconds": plan.load_seconds,
        "block_seconds": plan.block_seconds,
        "loads_rps": list(plan.loads),
        "neighbour_cores": list(plan.neighbour_cores),
        "change_step": plan.change_step,
        "dashboard": {
            "promql": DASHBOARD.format(window=window),
            "vcpu_per_1000_rps": _finite_mean(whole[0]["values"]) if whole else None,
            "workloads": {
                f"{item['metric'].get('namespace')}/{item['metric'].get('workload')}": _finite_mean(
                    item["values"]
                )
                for item in by_workload
            },
        },
    }


def _ask(
    server: LabPrometheus, promql: str, plan: Plan, begin: int, end: int
) -> list[dict[str, Any]]:
    asked = {
        "query": promql,
        "start": str(begin + plan.step_seconds),
        "end": str(end),
        "step": str(plan.step_seconds),
    }
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{server.url}/api/v1/query_range", params=asked, timeout=30)
    answer.raise_for_status()
    result: list[dict[str, Any]] = answer.json()["data"]["result"]
    return result


def _finite_mean(values: list[tuple[float, str]]) -> float | None:
    """Return the mean of what the panel would have drawn; it draws neither NaN nor infinity."""
    drawn = [float(value) for _, value in values if value not in ("NaN", "+Inf", "-Inf")]
    return sum(drawn) / len(drawn) if drawn else None


def _next_edge(moment: float, seconds: int) -> int:
    return (int(moment) // seconds + 1) * seconds


def _sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.time(), 0.0))
