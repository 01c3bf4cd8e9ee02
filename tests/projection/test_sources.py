"""Published runs as meshes of their shapes: what was measured there lies in the ranges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from analyzer.calibration import calibrate_usage
from analyzer.data import published_constants
from analyzer.projection import Projection, project_usage
from analyzer.projection.result import Saving
from analyzer.projection.scenario import default_scenario
from tests.projection.builders import Call, Proxy, mesh

STEPS = 96
NOISE_SHARE = 0.03
MOST_POINTS = 35
"""Between the ends of the saving of L4, in percent of the sidecars' CPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A published run of both modes.

    Attributes:
        slope: vCPU of a sidecar for 1000 requests/s; idle: without any.
        calls: caller, called workload and rate of each call per client request.
        measured: what ambient saved, in percent of the sidecars' CPU, by mode.
        error_points: of that, where it was read off a plot.
        payload_bytes: of a request; NaN: not stated.
        open_connections: of HTTP, of each sidecar; 0: not stated.
    """

    slope: float
    idle: float
    node_count: int
    client_rps: float
    calls: Sequence[tuple[str, str, float]]
    pods_each: int
    measured: dict[str, float]
    waypoint_replicas: int = 1
    error_points: float = 0.0
    payload_bytes: float = math.nan
    open_connections: int = 0


RUNS = {
    # BuoyantIO/great-sidecar-debate at 600 client requests/s, three calls each, on three nodes:
    # sidecars 2.97 vCPU (0.825 for 1000 proxy requests), ztunnels 1.204, waypoints 1.375.
    "buoyant": Run(
        slope=0.82,
        idle=0.003,
        node_count=3,
        client_rps=600,
        calls=[
            ("faces/load", "faces/face", 1),
            ("faces/face", "faces/smiley", 1),
            ("faces/face", "faces/color", 1),
        ],
        pods_each=1,
        waypoint_replicas=3,
        error_points=3.0,
        measured={
            "ambient-l4": 100 * (1 - 1.204 / 2.97),
            "ambient-waypoint": 100 * (1 - (1.204 + 1.375) / 2.97),
        },
    ),
    # The page of Istio 1.24: 0.20 at each end, 0.06 a pass, 0.25 a waypoint.
    "istio-1.24": Run(
        slope=0.20,
        idle=0.002,
        node_count=2,
        client_rps=1000,
        calls=[("load/fortio", "load/server", 1)],
        pods_each=1,
        payload_bytes=1024,
        open_connections=4,
        measured={"ambient-l4": 70.0, "ambient-waypoint": 100 * (1 - (0.12 + 0.25) / 0.40)},
    ),
    # uds-core at 50 requests/s over 90 pods of nginx on one node, called by an ingress gateway:
    # nginx 175.7 and 90.0 thousandths, istio-system 2.9 and 8.5.
    "uds-core, 90 pods": Run(
        slope=0.26,
        idle=0.0008,
        node_count=1,
        client_rps=50,
        calls=[("unknown/unknown", "web/nginx", 1)],
        pods_each=90,
        measured={"ambient-l4": 100 * (1 - (8.5 - 2.9) / (175.7 - 90.0))},
    ),
    # Over 50 pods: 96.8 and 50.0, 2.3 and 8.0.
    "uds-core, 50 pods": Run(
        slope=0.26,
        idle=0.0008,
        node_count=1,
        client_rps=50,
        calls=[("unknown/unknown", "web/nginx", 1)],
        pods_each=50,
        measured={"ambient-l4": 100 * (1 - (8.0 - 2.3) / (96.8 - 50.0))},
    ),
}

PUBLISHED = {
    "buoyant": "buoyant-1.25",
    "istio-1.24": "istio-1.24",
    "uds-core, 90 pods": "uds-core-2025",
}
"""The sets of constants of the runs."""


@cache
def projected(name: str) -> Projection:
    """Return the projection of a run: a day of sidecars around its rate, fitted as any other."""
    run, rng = RUNS[name], np.random.default_rng(7)
    course = 1 + 0.6 * np.sin(np.arange(STEPS) / STEPS * 2 * np.pi)
    nodes = [f"node-{number}" for number in range(run.node_count)]
    through: dict[str, float] = {}
    for caller, called, times in run.calls:
        for end in {caller, called} - {"unknown/unknown"}:
            through[end] = through.get(end, 0.0) + times * run.client_rps
    proxies = []
    for number, (workload, rps) in enumerate(through.items()):
        for pod in range(run.pods_each):
            each = rps / run.pods_each * course
            law = run.idle + run.slope * each / 1000
            proxies.append(
                Proxy(
                    workload=workload,
                    node=nodes[(number + pod) % len(nodes)],
                    cpu_vcpu=tuple(law * (1 + NOISE_SHARE * rng.normal(size=STEPS))),
                    proxy_rps=tuple(each),
                    http_bytes_per_second=run.payload_bytes * float(each.mean()),
                )
            )
    calls = [
        Call(source=caller, destination=called, rps=tuple(times * run.client_rps * course))
        for caller, called, times in run.calls
    ]
    usage = mesh(*proxies, calls=calls, nodes=nodes, steps=STEPS)
    # Where a run does not state its connections, they are in its ztunnels' cost of a request, and
    # so in the ratio: they are not priced again.
    conditions = {
        "basis": "usage",
        "http_new_connection_share": 0,
        "open_connections_per_proxy": run.open_connections,
        "waypoint_replicas": run.waypoint_replicas,
    }
    assumed = default_scenario().changed("the run", conditions)
    return project_usage(usage, calibrate_usage(usage), assumed)


def saving_of(name: str, mode: str) -> Saving:
    return next(item for item in projected(name).savings if item.mode == mode)


CASES = [(name, mode) for name, run in RUNS.items() for mode in run.measured]


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_what_was_measured_is_in_the_range(name: str, mode: str) -> None:
    percent, run = saving_of(name, mode).percent, RUNS[name]

    assert percent.low <= run.measured[mode] - run.error_points
    assert run.measured[mode] + run.error_points <= percent.high


@pytest.mark.parametrize("name", ["buoyant", "istio-1.24", "uds-core, 90 pods"])
def test_the_figures_on_the_page_are_these(name: str) -> None:
    shown = published_constants()[PUBLISHED[name]]

    assert shown.measured_saving_percent == pytest.approx(RUNS[name].measured, abs=0.1)
    for mode, expected in shown.projected_saving_percent.items():
        found = saving_of(name, mode).percent
        assert (found.low, found.mid, found.high) == pytest.approx(
            (expected.low, expected.mid, expected.high), abs=0.3
        )
    assert set(shown.projected_saving_percent) == set(shown.measured_saving_percent)


@pytest.mark.parametrize("name", RUNS)
def test_the_range_of_l4_is_narrow_enough_to_decide_on(name: str) -> None:
    percent = saving_of(name, "ambient-l4").percent

    assert percent.high - percent.low <= MOST_POINTS


def test_the_figures_of_buoyant_are_those_of_the_issue() -> None:
    measured = RUNS["buoyant"].measured

    assert measured["ambient-l4"] == pytest.approx(60, abs=1)
    assert measured["ambient-waypoint"] == pytest.approx(13, abs=1)


@pytest.mark.parametrize("name", RUNS)
def test_the_break_even_of_l4_is_above_what_a_pass_costs_there(name: str) -> None:
    saving = saving_of(name, "ambient-l4")
    cost, most = (
        projected(name).ztunnel_vcpu_per_1000_rps,
        (saving.break_even_ztunnel_vcpu_per_1000_rps),
    )

    assert cost is not None
    assert most is not None
    assert most > cost.high
