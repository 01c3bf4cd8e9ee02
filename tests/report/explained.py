"""Answers of every kind with their explanations, for tests that redo them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from click.testing import CliRunner

from analyzer.calibration.result import Calibration
from analyzer.cli import cli
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.scenario import Scenario
from analyzer.report.answer import Answer
from analyzer.report.explain import explain
from analyzer.units import Interval, Role
from tests.projection.builders import Call, Proxy, mesh, partly_seen, scenario, shop_mesh
from tests.projection.fits import calibration, fit
from tests.projection.test_curves import bent, curved, ztunnel
from tests.projection.test_own_costs import differing
from tests.projection.test_project_by_hand import (
    BUSY,
    CHURN,
    EDGE,
    SCATTERED,
    SHOP,
    ZONED,
    Case,
)
from tests.report.answers import full
from tests.report.redoing import Line, lines_of

MODES = ("sidecar", "ambient-l4", "ambient-waypoint", "ambient-waypoint-all")

NODE_PRICES = {
    "big": {"vcpu_hour_usd": 0.04, "memory_gib_hour_usd": 0.005},
    "small": {"vcpu_hour_usd": 0.03, "memory_gib_hour_usd": 0.004},
}


def answer(usage: MeshUsage, fitted: Calibration, assumed: Scenario) -> Answer:
    return full(usage=usage, fitted=fitted, assumed=assumed)


def of_case(case: Case) -> Answer:
    usage = mesh(
        *case.proxies, calls=case.calls, nodes=case.nodes, steps=len(case.proxies[0].cpu_vcpu)
    )
    return answer(usage, case.fitted, case.assumed)


def shop(fitted: Calibration | None = None, **changes: object) -> Answer:
    return answer(shop_mesh(), fitted or calibration(), scenario(**changes))


def priced_shop(rule: object) -> Answer:
    """Return the shop on two nodes of known price, and one of unknown price."""
    usage = shop_mesh()
    nodes = usage.nodes.reindex(range(3)).assign(
        node=["a", "b", "c"],
        instance_type=["big", "small", "unheard of"],
        vcpu_usd_per_hour=[0.04, 0.03, math.nan],
        memory_usd_per_gib_hour=[0.005, 0.004, math.nan],
    )
    return answer(replace(usage, nodes=nodes), calibration(), scenario(prices=rule))


def half_scraped() -> Answer:
    """Return a mesh with a proxy whose CPU, one whose requests and one whose memory is unknown."""
    unknown = math.nan
    usage = mesh(
        Proxy(cpu_vcpu=(unknown, 0.2), reserved_vcpu=0.1, memory_bytes=1e8),
        Proxy(node="b", proxy_rps=(unknown, 40.0), reserved_memory_bytes=3e8),
        Proxy(node="b", cpu_vcpu=(0.3, 0.5), memory_bytes=2e8, reserved_memory_bytes=1e8),
        calls=(Call(source="shop/front", destination="shop/front", rps=(30.0, 50.0)),),
        nodes=("a", "b"),
    )
    return answer(usage, calibration(), scenario(traffic_growth_factor=1.75))


def crowded() -> Answer:
    """Return a mesh of 120 namespaces on 30 nodes: its sums do not fit a line."""
    names = [f"space-{number:03d}" for number in range(120)]
    proxies = [
        Proxy(
            workload=f"{name}/app",
            node=f"node-{number % 30}",
            cpu_vcpu=(0.01 * number, 0.02 * number),
            proxy_rps=(3.7 * number, 9.1 * number),
            reserved_vcpu=0.1,
        )
        for number, name in enumerate(names)
    ]
    calls = [
        Call(source="space-001/app", destination=f"{name}/app", rps=(3.3 * number, 71.7 * number))
        for number, name in enumerate(names)
    ]
    usage = mesh(*proxies, calls=calls, nodes=[f"node-{number}" for number in range(30)])
    return answer(usage, calibration(), scenario(ztunnel_idle_vcpu_per_node=0.25))


def partly_seen_shop() -> Answer:
    """Return the shop as billed, with a range of each measured total."""
    usage = partly_seen(
        shop_mesh(),
        {"cpu_vcpu": 0.3, "proxy_rps": 0.2},
        cpu_vcpu=(0.7, 1.9),
        reserved_vcpu=(0.9, 1.2),
        memory_bytes=(0.8, 1.1),
        proxy_rps=(0.85, 1.35),
    )
    return answer(usage, calibration(), scenario(basis="billed", memory_gib_month_usd=2))


ANSWERS: dict[str, Callable[[], Answer]] = {
    "shop": lambda: of_case(SHOP),
    "edge, three replicas": lambda: of_case(EDGE),
    "busy, measured waypoints, many replicas": lambda: of_case(BUSY),
    "gateways, lacking requests": shop,
    "opencost": lambda: priced_shop("opencost"),
    "price list": lambda: priced_shop(NODE_PRICES),
    "growth": lambda: shop(traffic_growth_factor=2.5),
    "shrinking": lambda: shop(traffic_growth_factor=0.2),
    "shrinking to less than nothing": lambda: shop(
        calibration(fit(slope=Interval.exactly(4.0))), traffic_growth_factor=0.1
    ),
    "curve": lambda: shop(calibration(curved())),
    "curve of waypoints": lambda: shop(
        calibration(waypoint=replace(curved(0.731), role=Role.WAYPOINT))
    ),
    "knee": lambda: shop(calibration(bent())),
    "knee of waypoints": lambda: shop(calibration(waypoint=replace(bent(), role=Role.WAYPOINT))),
    "curve, many replicas": lambda: shop(
        calibration(curved()), waypoint_limit_vcpu_per_replica=0.1, waypoint_spare_replicas=2
    ),
    "replicas that idle above the target": lambda: shop(waypoint_limit_vcpu_per_replica=0.001),
    "workloads that differ": lambda: shop(differing()),
    "workloads that differ, on a curve": lambda: shop(differing(sidecar=curved())),
    "stated ztunnels": lambda: shop(ztunnel_idle_vcpu_per_node=0.25),
    "measured ztunnels": lambda: shop(
        replace(calibration(), ztunnel=ztunnel(per_gbit=Interval.exactly(0.5)))
    ),
    "a share needs L7": lambda: shop(waypoint_placement=0.35, waypoint_replicas=3),
    "a named namespace needs L7": lambda: shop(waypoint_placement=["data"]),
    "none needs L7": lambda: shop(waypoint_placement="none"),
    "ingress through waypoints, istio-cni there": lambda: shop(
        ingress_through_waypoint=True, istio_cni_installed=True
    ),
    "as billed, with memory": lambda: shop(basis="billed", memory_gib_month_usd=2.7),
    "no reservations": lambda: answer(mesh(Proxy()), calibration(), scenario()),
    "no memory, paid for": lambda: answer(
        mesh(Proxy(reserved_vcpu=0.2)), calibration(), scenario(memory_gib_month_usd=3)
    ),
    "no nodes": lambda: answer(mesh(Proxy(node=""), nodes=()), calibration(), scenario()),
    "half scraped, and growing": half_scraped,
    "for nothing": lambda: shop(vcpu_month_usd=0),
    "crowded": crowded,
    "partly seen": partly_seen_shop,
    "nodes and a namespace for a part of the time": lambda: of_case(CHURN),
    "zones, callers stay in their own": lambda: of_case(ZONED),
    "zones, any replica": lambda: of_case(SCATTERED),
}


@cache
def explained(name: str) -> tuple[Answer, str]:
    found = ANSWERS[name]()
    return found, explain(found, MODES)


@cache
def demo_text() -> str:
    result = CliRunner().invoke(cli, ["demo", "--sample", "fleet", "--explain"])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def redone(text: str) -> list[Line]:
    """Return every line with a sum, having redone it."""
    found = lines_of(text)
    assert len(found) == sum(" = " in line for line in text.splitlines())
    for line in found:
        assert line.holds(), line
    return found


def the(lines: list[Line], label: str) -> float:
    (found,) = (line.result for line in lines if line.label == label)
    return found


def section(text: str, title: str) -> list[Line]:
    """Return the lines of one paragraph."""
    (found,) = (part for part in text.split("\n\n") if part.startswith(title))
    return lines_of(found)


def to_six_digits(value: float) -> object:
    return pytest.approx(value, rel=1e-5, abs=1e-12)
