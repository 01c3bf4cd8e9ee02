"""A projection done the slow way: plain loops over plain numbers, sharing no code with ours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.projection.builders import Call, Proxy

__all__ = ["Bill", "bills"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Best estimates of one mode on one basis."""

    vcpu: float
    memory_gib: float
    usd_per_year: float


def bills(
    proxies: Sequence[Proxy],
    calls: Sequence[Call],
    nodes: Sequence[str],
    assumed: Mapping[str, float],
    waypoint: tuple[float, float],
) -> dict[tuple[str, str], Bill]:
    """Return the bill of each (mode, basis); every reservation and every node must be known.

    Args:
        proxies: the mesh.
        calls: between its workloads.
        nodes: names.
        assumed: the scenario's best estimates.
        waypoint: what one replica uses at rest, and for 1000 requests per second.
    """
    sidecars = [proxy for proxy in proxies if proxy.role == "sidecar"]
    steps = len(sidecars[0].cpu_vcpu)
    units: dict[str, list[tuple[float, float, float, float]]] = {
        "sidecar": list(_sidecars(sidecars, steps)),
        "ambient-l4": list(_ztunnels(sidecars, nodes, assumed)),
    }
    for mode, everywhere in (("ambient-waypoint", False), ("ambient-waypoint-all", True)):
        chosen = _waypoints(sidecars, proxies, calls, assumed, waypoint, everywhere)
        units[mode] = [*units["ambient-l4"], *chosen]
    # Each step of a sidecar is a unit of its own, worth one step of the window.
    weights = {"sidecar": 1 / steps}
    return {
        (mode, basis): _bill(rows, basis, weights.get(mode, 1.0), assumed)
        for mode, rows in units.items()
        for basis in ("usage", "reserved", "billed")
    }


def _sidecars(sidecars: Sequence[Proxy], steps: int) -> Iterable[tuple[float, float, float, float]]:
    for proxy in sidecars:
        for step in range(steps):
            yield (
                proxy.cpu_vcpu[step],
                proxy.reserved_vcpu,
                proxy.memory_bytes / 2**30,
                proxy.reserved_memory_bytes / 2**30,
            )


def _ztunnels(
    sidecars: Sequence[Proxy], nodes: Sequence[str], assumed: Mapping[str, float]
) -> Iterable[tuple[float, float, float, float]]:
    for node in nodes:
        used = assumed["ztunnel_idle_vcpu_per_node"]
        for proxy in sidecars:
            if proxy.node == node:
                rps = sum(proxy.proxy_rps) / len(proxy.proxy_rps)
                gbit = proxy.tcp_bytes_per_second * 8 / 1_000_000_000
                used += rps * assumed["ztunnel_vcpu_per_1000_rps"] / 1000
                used += gbit * assumed["ztunnel_vcpu_per_gbit_per_second"]
        yield (
            used,
            assumed["ztunnel_reserved_vcpu_per_node"] + assumed["istio_cni_reserved_vcpu_per_node"],
            assumed["ztunnel_memory_gib_per_node"],
            assumed["ztunnel_reserved_memory_gib_per_node"]
            + assumed["istio_cni_reserved_memory_gib_per_node"],
        )


def _waypoints(
    sidecars: Sequence[Proxy],
    proxies: Sequence[Proxy],
    calls: Sequence[Call],
    assumed: Mapping[str, float],
    waypoint: tuple[float, float],
    everywhere: bool,  # noqa: FBT001 - one flag of one function
) -> Iterable[tuple[float, float, float, float]]:
    gateways = {proxy.workload for proxy in proxies if proxy.role == "gateway"}
    idle, slope = waypoint
    for namespace in sorted({proxy.namespace for proxy in sidecars}):
        through = into = 0.0
        by_step: dict[int, float] = {}
        for call in calls:
            if call.destination.split("/")[0] == namespace:
                rate = sum(call.rps) / len(call.rps)
                into += rate
                if call.source not in gateways and call.source != "unknown/unknown":
                    through += rate
                    for step, rps in enumerate(call.rps):
                        by_step[step] = by_step.get(step, 0.0) + rps
        if into == 0 and not everywhere:
            continue
        replicas = _replicas(max(by_step.values(), default=0.0), assumed, waypoint)
        for _ in range(replicas):
            yield (
                idle + slope * through / replicas / 1000,
                assumed["waypoint_reserved_vcpu_per_replica"],
                assumed["waypoint_memory_gib_per_replica"],
                assumed["waypoint_reserved_memory_gib_per_replica"],
            )


def _replicas(peak_rps: float, assumed: Mapping[str, float], waypoint: tuple[float, float]) -> int:
    most = assumed["waypoint_limit_vcpu_per_replica"] * assumed["waypoint_target_utilisation_share"]
    replicas = int(assumed["waypoint_replicas"])
    while waypoint[0] + waypoint[1] * peak_rps / replicas / 1000 > most:
        replicas += 1
    return replicas + int(assumed["waypoint_spare_replicas"])


def _bill(
    rows: Sequence[tuple[float, float, float, float]],
    basis: str,
    weight: float,
    assumed: Mapping[str, float],
) -> Bill:
    vcpu = memory_gib = 0.0
    for used_vcpu, reserved_vcpu, used_gib, reserved_gib in rows:
        if basis == "usage":
            vcpu += used_vcpu * weight
            memory_gib += used_gib * weight
        elif basis == "reserved":
            vcpu += reserved_vcpu * weight
            memory_gib += reserved_gib * weight
        else:
            vcpu += max(used_vcpu, reserved_vcpu) * weight
            memory_gib += max(used_gib, reserved_gib) * weight
    month = vcpu * assumed["vcpu_month_usd"] + memory_gib * assumed["memory_gib_month_usd"]
    assert math.isfinite(month)
    return Bill(vcpu=vcpu, memory_gib=memory_gib, usd_per_year=month * 12)
