"""The needs of the components: sidecars as sums, ztunnels by node, waypoints by namespace."""

import math
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pandas as pd

from analyzer.calibration.models import Curve, Knee, Power
from analyzer.calibration.result import RoleCalibration
from analyzer.data import assumptions, published_constants
from analyzer.projection.choices import Basis
from analyzer.projection.components import waypoint_replicas
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.hardware import REQUEST_COST, REQUEST_RATIO, hardware_vcpu
from analyzer.projection.needs import Need
from analyzer.projection.result import Workings
from analyzer.projection.sidecars import SidecarFootprint, SidecarTally
from analyzer.projection.uncertainty import Parameters
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.explain import lines
from analyzer.report.explain.lines import equation, figure, query_file
from analyzer.report.explain.unseen import unseen_lines
from analyzer.units import Provenance, counted

_ZTUNNEL_COSTS: Final = (
    "ztunnel_idle_vcpu_per_node",
    "ztunnel_vcpu_per_1000_rps",
    "ztunnel_vcpu_per_gbit_per_second",
    "ztunnel_vcpu_per_1000_new_connections_per_second",
)
_ZTUNNEL_LOADS: Final = ["passes_rps", "gbit_per_second", "new_connections_per_second"]
_ZTUNNEL_CPU: Final = "{} x {} + {} / 1000 x {} + {} x {} + {} / 1000 x {}"
"""Nodes, passes, Gbit and connections, each with its cost."""


def sidecar_lines(answer: Answer, load: MeasuredLoad, workings: Workings) -> Iterator[str]:
    """Return the sidecars' footprint: sums over sidecars and intervals, divided by intervals."""
    sums, footprint, manifest = load.tally, load.sidecars, answer.manifest
    is_recorded = manifest is not None and manifest.label_mapping.is_recorded
    yield f"Sidecars ({Provenance.MEASURED})"
    query = query_file("proxy_recorded_cpu_vcpu" if is_recorded else "proxy_cpu_vcpu")
    yield f"  CPU used is from {query}"
    yield (
        f"  {counted(sums.value_count, 'value')}, one per sidecar and interval: "
        f"{counted(sums.step_count, 'interval')}, {counted(load.sidecar_count, 'sidecar')}"
    )
    yield from _sidecars_used(answer, workings, sums, footprint)
    yield from _sidecars_reserved(sums, footprint)
    yield from _sidecars_memory(load, workings, sums, footprint)
    inbound, outbound = query_file("inbound_requests_rps"), query_file("outbound_requests_rps")
    yield f"  requests are from {inbound} and {outbound}"
    growth = workings.scenario["traffic_growth_factor"].mid
    how, terms = "{} / {} x {}", (sums.measured_rps, sums.step_count, growth)
    how = "{} / {}" if growth == 1 else how
    yield equation("proxy requests, sum / intervals", how, terms, load.proxy_rps, "requests/s")
    yield from unseen_lines(load)


def _sidecars_used(
    answer: Answer, workings: Workings, sums: SidecarTally, footprint: SidecarFootprint
) -> Iterator[str]:
    label, terms = "used, sum of the values / intervals", [sums.measured_vcpu]
    if workings.scenario["traffic_growth_factor"].mid == 1:
        yield equation(label, "{} / {}", (*terms, sums.step_count), footprint.vcpu, "vCPU")
        return
    yield from lines.assumed(workings.scenario, "traffic_growth_factor")
    if answer.sidecar:
        yield from lines.fitted(answer.sidecar)
        added, how = (sums.added_rps, answer.sidecar.vcpu_per_1000_rps.mid), "{} / 1000 x {}"
        yield equation("growth, sum of the added requests", how, added, sums.added_vcpu, "vCPU")
        terms.append(sums.added_vcpu)
    if sums.floored_vcpu > 0:
        yield "  no sidecar uses less than 0 vCPU: what growth takes below 0 is added back"
        terms.append(sums.floored_vcpu)
    how = f"({lines.plus(terms)}) / {sums.step_count}"
    yield equation(label, how, (), footprint.vcpu, "vCPU")


def _sidecars_reserved(sums: SidecarTally, footprint: SidecarFootprint) -> Iterator[str]:
    reserved, billed, steps = footprint.reserved_vcpu, footprint.billed_vcpu, sums.step_count
    if reserved is None or billed is None:
        yield "  requested and billed: no CPU request of a sidecar is known"
        return
    yield f"  CPU requested is from {query_file('proxy_reserved_vcpu')}"
    label, terms = "requested, sum / intervals", (sums.reserved_vcpu, steps)
    yield equation(label, "{} / {}", terms, reserved, "vCPU")
    yield "  billed is the larger of the two, per sidecar and interval:"
    used, requested = sums.billed_by_use_vcpu, sums.billed_by_reservation_vcpu
    yield (
        f"  used, if more is used than requested or no request is known, {figure(used)}; "
        f"otherwise requested, {figure(requested)}"
    )
    yield equation(
        "billed, sum / intervals", "({} + {}) / {}", (used, requested, steps), billed, "vCPU"
    )


def _sidecars_memory(
    load: MeasuredLoad, workings: Workings, sums: SidecarTally, footprint: SidecarFootprint
) -> Iterator[str]:
    used, steps = footprint.memory_gib, sums.step_count
    if used is None:
        name = "sidecar_memory_gib_per_proxy"
        yield from lines.assumed(workings.scenario, name)
        count, each = load.sidecar_count, workings.scenario[name].mid
        yield equation("memory, assumed", "{} x {}", (count, each), count * each, "GiB")
    else:
        yield f"  memory used is from {query_file('proxy_memory_bytes')}"
        yield equation("memory, sum / intervals", "{} / {}", (sums.memory_gib, steps), used, "GiB")
    reserved, billed = footprint.reserved_memory_gib, footprint.billed_memory_gib
    if reserved is None or billed is None:
        return
    yield f"  memory requested is from {query_file('proxy_reserved_memory_bytes')}"
    terms = sums.reserved_memory_gib, steps
    yield equation("memory requested, sum / intervals", "{} / {}", terms, reserved, "GiB")
    parts = sums.billed_by_use_gib, sums.billed_by_reservation_gib, steps
    yield equation("memory billed, by the same rule", "({} + {}) / {}", parts, billed, "GiB")


def ztunnel_lines(
    answer: Answer, need: Need, nodes: pd.DataFrame, workings: Workings
) -> Iterator[str]:
    """Return how the ztunnels' footprint is calculated."""
    parameters, scenario, units = workings.parameters, workings.scenario, need.units
    if units is None:
        return
    yield f"Ztunnels, one per node on {counted(len(nodes), 'node')} ({need.provenance})"
    yield from _hardware_lines(answer, workings)
    yield from lines.assumed(scenario, *_ZTUNNEL_COSTS, "ztunnel_memory_gib_per_node")
    shares = nodes["present_share"]
    if (shares < 1).any():
        label = "nodes at a time, sum of the shares of the time in which each existed"
        yield from lines.total(label, shares, need.count, "nodes")
    passes, gbit, connections = (float((nodes[name] * shares).sum()) for name in _ZTUNNEL_LOADS)
    yield (
        "  each proxy request passes the ztunnel of its pod's node: "
        f"{figure(passes)} passes/s on all nodes"
    )
    yield (
        f"  TCP is from {query_file('proxy_tcp_bytes_per_second')}, {figure(gbit)} Gbit/s; new "
        f"connections are from {query_file('proxy_new_connections_per_second')}, "
        f"{figure(connections)}/s"
    )
    at = int(units.used_vcpu.argmax())
    hottest, costs = nodes.iloc[at], [parameters[name][0] for name in _ZTUNNEL_COSTS]
    hottest_name = f"the busiest node, {fmt.inert(str(hottest['node']))}"
    if hottest["present_share"] < 1:
        hottest_name += ", while it existed"
    for label, loads, used_vcpu in (
        ("used, all nodes", (need.count, passes, gbit, connections), need.vcpu[Basis.USAGE][0]),
        (hottest_name, (1, *hottest[_ZTUNNEL_LOADS]), units.used_vcpu[at]),
    ):
        terms = [term for load_and_cost in zip(loads, costs, strict=True) for term in load_and_cost]
        yield equation(label, _ZTUNNEL_CPU, terms, used_vcpu, "vCPU")
    whose = ("ztunnel",) if parameters.istio_cni_installed else ("ztunnel", "istio_cni")
    for label, unit, amount, result in (
        ("requested", "vCPU", "reserved_vcpu", units.reserved_vcpu),
        ("memory requested", "GiB", "reserved_memory_gib", units.reserved_memory_gib),
    ):
        names = [f"{part}_{amount}_per_node" for part in whose]
        yield from lines.assumed(scenario, *names)
        how = lines.plus(parameters[name][0] for name in names)
        yield equation(f"{label} on a node", how, (), result, unit)
    yield from lines.sum_lines(need)


def _hardware_lines(answer: Answer, workings: Workings) -> Iterator[str]:
    """Return how the costs that follow the sidecars are scaled to the hardware of this mesh."""
    following, sidecar, scenario = workings.parameters.following, answer.sidecar, workings.scenario
    if not following or sidecar is None:
        return
    yield from lines.fitted(sidecar)
    slope = sidecar.vcpu_per_1000_rps.mid
    for name in _ZTUNNEL_COSTS:
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
            yield equation(name, "{} x {} / {}", terms3, item.value.mid, "vCPU")


def waypoint_lines(answer: Answer, load: MeasuredLoad, workings: Workings) -> Iterator[str]:
    """Return the need of a waypoint in each namespace, also where a mode has none."""
    parameters, scenario = workings.parameters, workings.scenario
    yield f"Waypoints ({parameters.waypoint_provenance})"
    waypoint = answer.calibration and answer.calibration.waypoint
    found = answer.sidecar if parameters.waypoint_follows_sidecar else waypoint
    role = found if isinstance(found, RoleCalibration) else None
    if role:
        yield from lines.fitted(role)
    if parameters.waypoint_follows_sidecar:
        yield from lines.assumed(scenario, "waypoint_to_sidecar_ratio")
        yield from _replica_cost_lines(parameters, role)
    yield from lines.assumed(
        scenario,
        "waypoint_limit_vcpu_per_replica",
        "waypoint_target_utilisation_share",
        "waypoint_replicas",
        "waypoint_spare_replicas",
        "waypoint_memory_gib_per_replica",
        "waypoint_reserved_vcpu_per_replica",
        "waypoint_reserved_memory_gib_per_replica",
    )
    limit, share = (
        parameters[name][0]
        for name in ("waypoint_limit_vcpu_per_replica", "waypoint_target_utilisation_share")
    )
    unit = "vCPU in the busiest interval"
    yield equation("a replica may use", "{} x {}", (limit, share), limit * share, unit)
    callers = "" if scenario.ingress_through_waypoint else ", without ingress gateways"
    yield f"  requests are from {query_file('mesh_requests_rps')}, of meshed callers{callers}"
    columns = ["namespace", "waypoint_rps", "waypoint_peak_rps", "present_share"]
    rates = load.namespaces[columns]
    counts = waypoint_replicas(load, parameters)
    for row, replicas in zip(rates.itertuples(index=False, name=None), counts, strict=True):
        yield from _own_lines(row[0], workings, role)
        yield from _namespace_lines(row, replicas, parameters, _cost_at(parameters, role, row[0]))


def _own_lines(namespace: str, workings: Workings, role: RoleCalibration | None) -> Iterator[str]:
    """Return the costs of a namespace's called workloads, if they are not the mesh's."""
    parameters, name = workings.parameters, fmt.inert(namespace)
    own = workings.own_costs.get(namespace)
    if own is None or namespace not in parameters.waypoint_own:
        return
    for called in own.called:
        fit = "" if called.is_own else " (no fit of its own: the mesh's mean)"
        yield (
            f"  {name}/{fmt.inert(called.workload)}: {figure(called.rps)} requests/s; a request "
            f"costs {figure(called.request_ratio.mid)} times the mesh's, idle CPU is "
            f"{figure(called.idle_ratio.mid)} times the mesh's{fit}"
        )
    rps = sum(called.rps for called in own.called)
    mesh = parameters.waypoint_idle_vcpu[0], parameters.waypoint_vcpu_per_1000_rps[0]
    for what, each, mean, of_mesh in (
        ("idle CPU", [item.idle_ratio.mid for item in own.called], own.idle_ratio.mid, mesh[0]),
        (
            "a request",
            [item.request_ratio.mid for item in own.called],
            own.request_ratio.mid,
            mesh[1],
        ),
    ):
        parts = [item.rps * times for item, times in zip(own.called, each, strict=True)]
        label = f"{name}, {what} of its called workloads over the mesh's"
        yield from lines.total(f"{label}, requests/s x times", parts, sum(parts), "requests/s")
        yield equation(label, "{} / {}", (sum(parts), rps), mean, "times")
        if what != "a request" or not isinstance(_curve_of(role), Power):
            unit = "per replica" if what == "idle CPU" else "per 1000 requests/s"
            how = of_mesh, mean
            yield equation(f"{name}, vCPU {unit}", "{} x {}", how, of_mesh * mean, "vCPU")


def _replica_cost_lines(parameters: Parameters, role: RoleCalibration | None) -> Iterator[str]:
    if role is None:
        return
    ratio, idle = parameters["waypoint_to_sidecar_ratio"][0], parameters.waypoint_idle_vcpu[0]
    at_rest = ratio, role.idle_vcpu_per_proxy.mid
    yield equation("idle CPU of a replica", "{} x {}", at_rest, idle, "vCPU")
    if not isinstance(_curve_of(role), Power):
        more, slope = (ratio, role.vcpu_per_1000_rps.mid), parameters.waypoint_vcpu_per_1000_rps[0]
        yield equation("per 1000 requests/s", "{} x {}", more, slope, "vCPU")


def _curve_of(role: RoleCalibration | None) -> Curve | None:
    return role.curve if role and role.vcpu_per_1000_rps.mid else None


def _cost_at(
    parameters: Parameters, role: RoleCalibration | None, namespace: str
) -> Callable[[str], str]:
    """Return the formula of one replica's CPU, as text, from the text of its rate."""
    one = (np.ones(1), np.ones(1))
    at_rest, request = (times[0] for times in parameters.waypoint_own.get(namespace, one))
    idle, curve = figure(parameters.waypoint_idle_vcpu[0] * at_rest), _curve_of(role)
    is_derived = parameters.waypoint_follows_sidecar
    if isinstance(curve, Power):
        ratio = parameters["waypoint_to_sidecar_ratio"][0]
        times = f"{figure(ratio)} x " if is_derived else ""
        times += f"{figure(request)} x " if namespace in parameters.waypoint_own else ""
        factor, exponent = figure(curve.vcpu_per_rps_power), figure(curve.exponent)
        return lambda rps: f"{idle} + {times}{factor} x ({rps})^{exponent}"
    slope = figure(parameters.waypoint_vcpu_per_1000_rps[0] * request)
    if isinstance(curve, Knee) and is_derived:
        # A request costs the sidecars' mean: the quoted cost is that of one more request.
        return lambda rps: f"{idle} + {rps} / 1000 x {slope} / {figure(curve.marginal_share)}"
    if isinstance(curve, Knee):
        low, knee = figure(1000 * curve.vcpu_per_rps), figure(curve.knee_rps)
        beyond = f"{figure(curve.rise_share)} x max"
        return lambda rps: f"{idle} + ({rps} + {beyond}({rps} - {knee}, 0)) / 1000 x {low}"
    return lambda rps: f"{idle} + {rps} / 1000 x {slope}"


def _namespace_lines(
    rates: tuple[str, float, float, float],
    replicas: float,
    parameters: Parameters,
    cost_at: Callable[[str], str],
) -> Iterator[str]:
    """Return the replicas of one namespace: its name, its mean rate, its highest and its time."""
    name, rps, peak_rps, share = fmt.inert(rates[0]), *rates[1:]
    least, spare = parameters["waypoint_replicas"][0], parameters["waypoint_spare_replicas"][0]

    def use(label: str, rps: float, count: float) -> str:
        used = parameters.waypoint_vcpu(np.array([rps / count]), [rates[0]])[0, 0]
        return equation(label, cost_at(f"{figure(rps)} / {figure(count)}"), (), used, "vCPU")

    needed = replicas - spare
    yield f"  {name}: {figure(rps)} requests/s, {figure(peak_rps)} in the busiest interval"
    if share < 1:
        while_there = f"{name}, for the share of the time in which it had sidecars"
        yield equation(while_there, "{} / {}", (rps, share), rps / share, "requests/s")
        rps /= share
    # Above the least number, one replica fewer is shown too: its CPU is above the limit.
    for count in [needed - 1, needed] if needed > least else [needed]:
        yield use(f"{name}, each of {figure(count)} in the busiest interval", peak_rps, count)
    why = "the least" if needed == least else "the fewest below that limit"
    unit = f"{_replicas(replicas)}: {why}"
    yield equation(f"{name}, with spare replicas", "{} + {}", (needed, spare), replicas, unit)
    yield use(f"{name}, one replica", rps, replicas)


def _replicas(count: float) -> str:
    return "replica" if count == 1 else "replicas"


def placed_lines(need: Need, load: MeasuredLoad) -> Iterator[str]:
    """Return the sum of a mode's waypoints."""
    units = need.units
    if units is None:
        return
    shares = load.namespaces["present_share"]
    columns = zip(units.names, units.unit_count, units.whole_count, shares, strict=True)
    for name, times, whole, share in columns:
        if times in (0, whole):
            continue
        part = times / whole / share
        factors = {"part needed": part, "share of the time": share}
        named = {what: factor for what, factor in factors.items() if not math.isclose(factor, 1)}
        label, how = f"{' and '.join(named)} of {fmt.inert(name)}", " x ".join(["{}"] * len(named))
        yield equation(label, f"{how} x {{}}", (*named.values(), whole), times, _replicas(times))
    total = need.count
    yield from lines.total("waypoint replicas", units.unit_count, total, _replicas(total))
    used_vcpu = units.unit_count * units.used_vcpu
    rows = zip(units.names, units.unit_count, units.used_vcpu, used_vcpu, strict=True)
    for name, *terms, used in rows:
        yield equation(f"waypoint of {fmt.inert(name)}", "{} x {}", terms, used, "vCPU")
    yield from lines.total("waypoints", used_vcpu, need.vcpu[Basis.USAGE][0], "vCPU")
    yield from (f"  waypoints, {line.lstrip()}" for line in lines.sum_lines(need))
