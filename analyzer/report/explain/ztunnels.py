"""The need of the ztunnels: node by node, from what passes through each."""

import math
from collections.abc import Generator, Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.calibration.result import RoleCalibration
from analyzer.data import assumptions, published_constants
from analyzer.projection.choices import Basis
from analyzer.projection.hardware import (
    REQUEST_BYTES,
    REQUEST_COST,
    REQUEST_RATIO,
    gateway_costs,
    hardware_vcpu,
    request_cost,
)
from analyzer.projection.istio_cni import IstioCni
from analyzer.projection.memory import PODS, SERVICES, ZTUNNEL_MEMORY
from analyzer.projection.needs import Need, Units
from analyzer.projection.passing import COSTS, carried
from analyzer.projection.places import CARRIED_BY_NODES
from analyzer.projection.result import Workings
from analyzer.projection.scenario import HTTP_NEW_CONNECTIONS
from analyzer.projection.uncertainty import WAYPOINT_BYTES, Parameters
from analyzer.projection.unseen import DEVIATES
from analyzer.report.answer import Answer
from analyzer.report.escapes import inert
from analyzer.report.explain import lines
from analyzer.report.explain.lines import equation, figure, query_file
from analyzer.report.sentences.ztunnels import istio_cni_line
from analyzer.units import BITS_PER_GBIT, counted

_ZTUNNEL_COSTS: Final = (
    "ztunnel_idle_vcpu_per_node",
    *(cost.name for cost in COSTS.values()),
)
_ZTUNNEL_CPU: Final = "{} x {} + {} / 1000 x {} + {} x {} + {} / 1000 x {} + {} / 1000 x {}"
"""Nodes, passes, Gbit, new and open connections, each with its cost."""

_AS_SEEN: Final = np.array([DEVIATES.mid])


def ztunnel_lines(
    answer: Answer, need: Need, nodes: pd.DataFrame, workings: Workings
) -> Iterator[str]:
    """Return how the ztunnels' footprint is calculated."""
    parameters, scenario, units = workings.parameters, workings.scenario, need.units
    if units is None:
        return
    yield f"Ztunnels, one per node on {counted(len(nodes), 'node')} ({need.provenance})"
    yield from _hardware_lines(answer, workings)
    yield from lines.assumed(scenario, *_ZTUNNEL_COSTS)
    shares = nodes["present_share"]
    if (shares < 1).any():
        label = "nodes at a time, sum of the shares of the time in which each existed"
        yield from lines.total(label, shares, need.count, "nodes")
    at = int(units.used_vcpu.argmax())
    hottest_name = f"the busiest node, {inert(str(nodes.loc[at, 'node']))}"
    if shares[at] < 1:
        hottest_name += ", while it existed"
    loads = nodes[CARRIED_BY_NODES].astype(float)
    costs = [parameters[name][0] for name in _ZTUNNEL_COSTS]
    for label, rows, count, used_vcpu in (
        ("all nodes", loads.mul(shares, axis=0), need.count, need.vcpu[Basis.USAGE][0]),
        (hottest_name, loads.loc[[at]], 1, units.used_vcpu[at]),
    ):
        passing = carried(rows, "passes_rps", _likely(parameters), _AS_SEEN)
        amounts = {name: float(amount.sum()) for name, amount in passing.items()}
        yield from _passing_lines(label, rows.sum(), amounts, workings)
        of_each = zip((count, *amounts.values()), costs, strict=True)
        terms = [term for amount_and_cost in of_each for term in amount_and_cost]
        yield equation(f"used, {label}", _ZTUNNEL_CPU, terms, used_vcpu, "vCPU")
    yield from _memory_lines(nodes, workings, units)
    known = answer.projection.istio_cni if answer.projection else None
    yield from _request_of_each(known, workings, units)
    yield from lines.sum_lines(need)


def _memory_lines(nodes: pd.DataFrame, workings: Workings, units: Units) -> Iterator[str]:
    """Return the memory of a ztunnel, or the least and the most, with what it depends on."""
    parameters = workings.parameters
    yield from lines.assumed(workings.scenario, PODS, SERVICES, *ZTUNNEL_MEMORY)
    base, pod, service, connection = (parameters[name][0] for name in ZTUNNEL_MEMORY)
    of_each = carried(nodes, "passes_rps", _likely(parameters), _AS_SEEN)["open_connections"]
    gib, names = units.used_memory_gib, [inert(str(name)) for name in units.names]
    least, most = int(gib.argmin()), int(gib.argmax())
    labels = {least: f"least memory, on {names[least]}", most: f"most memory, on {names[most]}"}
    for at, label in ({0: "memory of each ztunnel"} if gib[least] == gib[most] else labels).items():
        known = parameters[PODS][0], pod, parameters[SERVICES][0], service
        how = "{} + {} / 1000 x {} + {} / 1000 x {} + {} / 1000 x {}"
        yield equation(label, how, (base, *known, of_each[at, 0], connection), gib[at], "GiB")


def _request_of_each(known: IstioCni | None, workings: Workings, units: Units) -> Iterator[str]:
    """Return what each ztunnel requests: one CPU request for all nodes."""
    parameters, scenario = workings.parameters, workings.scenario
    if known:
        yield f"  {istio_cni_line(known)}"
    whose = ("ztunnel",) if parameters.istio_cni_installed else ("ztunnel", "istio_cni")
    for label, unit, amount, result in (
        ("requested", "vCPU", "reserved_vcpu", units.reserved_vcpu),
        ("memory requested", "GiB", "reserved_memory_gib", units.reserved_memory_gib),
    ):
        names = [f"{part}_{amount}_per_node" for part in whose]
        yield from lines.assumed(scenario, *names)
        how = lines.plus(parameters[name][0] for name in names)
        busiest, chart = units.used_vcpu.max(), parameters[names[0]][0]
        if unit == "vCPU" and busiest > chart:
            yield (
                f"  the busiest ztunnel uses {figure(busiest)} vCPU, more than {figure(chart)}; a "
                "DaemonSet has one CPU request for all nodes, so each requests that"
            )
            others = [parameters[name][0] for name in names[1:]]
            how = " + ".join([f"max({figure(chart)}, {figure(busiest)})", *map(figure, others)])
        yield equation(f"{label} on a node", how, (), result, unit)


def _likely(parameters: Parameters) -> dict[str, Floats]:
    names = parameters.values.keys()  # noqa: PD011 - a mapping, no table
    return {name: parameters[name][:1] for name in names}


def _passing_lines(
    label: str, loads: pd.Series, amounts: Mapping[str, float], workings: Workings
) -> Iterator[str]:
    """Return what passes through ztunnels, from what was measured and what is assumed."""
    assumed = workings.scenario
    passes, tcp, http, unsized, opened, still_open, uncounted = (
        float(loads[name]) for name in CARRIED_BY_NODES
    )
    yield (
        f"  {label}: each proxy request passes the ztunnel of its pod's node, {figure(passes)} "
        f"passes/s; TCP {figure(tcp)} Gbit/s ({query_file('proxy_tcp_bytes_per_second')}); HTTP "
        f"{figure(http)} Gbit/s ({query_file('proxy_http_bytes_per_second')})"
    )
    how, terms = "{} + {}", [tcp, http]
    if unsized:
        how = f"{how} + {{}} x {{}} x 8 / {figure(BITS_PER_GBIT)}"
        terms += [unsized, assumed[REQUEST_BYTES].mid]
    yield equation(f"{label}, bytes", how, terms, amounts["gbit_per_second"], "Gbit/s")
    how, terms = "{} x {} + {}", [passes, assumed[HTTP_NEW_CONNECTIONS].mid, opened]
    result = amounts["new_connections_per_second"]
    yield equation(f"{label}, new connections", how, terms, result, "connections/s")
    terms = [uncounted, assumed["open_connections_per_proxy"].mid, still_open]
    result = amounts["open_connections"]
    yield equation(f"{label}, open connections", how, terms, result, "connections")


def _hardware_lines(answer: Answer, workings: Workings) -> Iterator[str]:
    """Return how the costs that follow the sidecars are scaled to the hardware of this mesh."""
    following, sidecar, scenario = workings.parameters.following, answer.sidecar, workings.scenario
    if not following or sidecar is None:
        return
    yield from lines.fitted(sidecar)
    slope = yield from _request_lines(sidecar, workings)
    for name in (*_ZTUNNEL_COSTS, WAYPOINT_BYTES):
        item, published = scenario.assumptions[name], assumptions()[name]
        if name == REQUEST_COST and name in following:
            yield from lines.assumed(scenario, REQUEST_RATIO)
            terms = scenario[REQUEST_RATIO].mid, slope
            yield equation(name, "{} x {}", terms, item.value.mid, "vCPU")
        elif name in following:
            set_of = published_constants()[published.hardware]
            base = hardware_vcpu(published)
            proxy = "gateway" if set_of.sidecar_vcpu_per_1000_rps is None else "sidecar"
            yield (
                f"  {name} is from {set_of.title}: a {proxy} there costs {figure(base or 0)} vCPU "
                "per 1000 requests/s"
            )
            terms3 = published.value.mid, slope, base or 0
            scaled = published.value.mid * slope / (base or 1.0)
            if math.isclose(scaled, item.value.mid):
                yield equation(name, "{} x {} / {}", terms3, scaled, "vCPU")
            else:
                # The measured cost of bytes may include it: between nothing and all of it.
                yield equation(f"{name}, all of it", "{} x {} / {}", terms3, scaled, "vCPU")
                yield equation(name, "{} / 2", (scaled,), item.value.mid, "vCPU")


def _request_lines(sidecar: RoleCalibration, workings: Workings) -> Generator[str, None, float]:
    """Yield how the bytes are taken out of the cost of a request, and return what is left."""
    measured = workings.http_gbit_per_1000_rps
    cost = request_cost(workings.scenario, sidecar, measured)
    slope, share = sidecar.vcpu_per_1000_rps.mid, sidecar.curve.marginal_share
    if share != 1:
        label = "1000 requests/s, mean over the curve"
        yield equation(label, "{} / {}", (slope, share), cost.mean_vcpu, "vCPU")
    if cost.gbit_per_second:
        origin = query_file("proxy_http_bytes_per_second") if measured is not None else "assumed"
        gbit = figure(cost.gbit_per_second)
        yield f"  1000 requests/s here carry {gbit} Gbit/s of HTTP ({origin})"
        label = "1000 requests/s without their bytes"
        if cost.byte_vcpu is None:
            gateway = gateway_costs()
            terms = cost.mean_vcpu, cost.gbit_per_second, gateway.byte, gateway.request
            yield equation(label, "{} / (1 + {} x {} / {})", terms, cost.vcpu, "vCPU")
        else:
            how = cost.mean_vcpu, cost.gbit_per_second, cost.byte_vcpu
            yield equation(label, "{} - {} x {}", how, cost.vcpu, "vCPU")
    return cost.vcpu
