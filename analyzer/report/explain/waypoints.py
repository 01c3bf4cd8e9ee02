"""The need of the waypoints: namespace by namespace."""

import math
from collections.abc import Callable, Collection, Iterator

import numpy as np
import pandas as pd

from analyzer.calibration.models import Curve, Knee, Power
from analyzer.calibration.result import RoleCalibration
from analyzer.projection.choices import Basis, Placement, Scaling, Spread
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.memory import WAYPOINT_MEMORY
from analyzer.projection.modes import AMBIENT_WAYPOINT_ALL
from analyzer.projection.needs import Need
from analyzer.projection.places import WAYPOINT_LOADS
from analyzer.projection.result import Workings
from analyzer.projection.uncertainty import WAYPOINT_BYTES, Parameters
from analyzer.projection.waypoints import placed, replicas_of
from analyzer.report.answer import Answer
from analyzer.report.escapes import inert
from analyzer.report.explain import lines
from analyzer.report.explain.lines import equation, figure, query_file


def waypoint_lines(
    answer: Answer, load: MeasuredLoad, workings: Workings, modes: Collection[str]
) -> Iterator[str]:
    """Return the need of a waypoint in each namespace, also where these modes have none."""
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
        *WAYPOINT_MEMORY,
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
    yield f"  TCP is from {query_file('proxy_tcp_bytes_per_second')}, of connections accepted"
    yield from lines.assumed(scenario, WAYPOINT_BYTES)
    placements: list[Placement] = [parameters.placement]
    # Waypoints everywhere are never shared.
    placements += [Spread.ALL] if AMBIENT_WAYPOINT_ALL in modes else []
    shown: set[str] = set()
    for placement in placements:
        waypoints = placed(load, placement)
        counts = replicas_of(waypoints, parameters)
        for (_, row), replicas in zip(waypoints.table.iterrows(), counts, strict=True):
            name = str(row["namespace"])
            if name not in shown:
                yield from _own_lines(name, workings, role)
                cost = _cost_at(parameters, role, name)
                yield from _namespace_lines(row, replicas, parameters, cost)
        shown.update(waypoints.names)


def _own_lines(namespace: str, workings: Workings, role: RoleCalibration | None) -> Iterator[str]:
    """Return the costs of a namespace's called workloads, if they are not the mesh's."""
    parameters, name = workings.parameters, inert(namespace)
    own = workings.own_costs.get(namespace)
    if own is None or namespace not in parameters.waypoint_own:
        return
    for called in own.called:
        fit = "" if called.is_own else " (no fit of its own: the mesh's mean)"
        yield (
            f"  {name}/{inert(called.workload)}: {figure(called.rps)} requests/s; a request "
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
    row: pd.Series, replicas: float, parameters: Parameters, cost_at: Callable[[str], str]
) -> Iterator[str]:
    """Return the replicas of one namespace, a row of `MeshLoad.namespaces`."""
    name, share = inert(str(row["namespace"])), float(row["present_share"])
    http, opened, gbit = (float(row[column]) for column in WAYPOINT_LOADS)
    peak = float(row["waypoint_peak_rps"]), float(row["waypoint_peak_gbit_per_second"])
    least, spare = parameters["waypoint_replicas"][0], parameters["waypoint_spare_replicas"][0]
    each_gbit = parameters[WAYPOINT_BYTES][0]

    def use(label: str, loads: tuple[float, float], count: float) -> str:
        rps, tcp = loads
        at, names = np.array([rps / count]), [str(row["namespace"])]
        used = parameters.waypoint_vcpu(at, names, np.array([tcp / count]))[0, 0]
        how = cost_at(f"{figure(rps)} / {figure(count)}")
        how += f" + {figure(tcp)} / {figure(count)} x {figure(each_gbit)}" if tcp else ""
        return equation(label, how, (), used, "vCPU")

    needed = replicas - spare
    follows = parameters.scaling == Scaling.HPA
    yield f"  {name}: {figure(http)} requests/s, {figure(peak[0])} in the busiest interval"
    rps = http + opened
    if opened or gbit:
        yield (
            f"  {name}: TCP {figure(gbit)} Gbit/s, {figure(peak[1])} in the busiest interval; each "
            "new connection arrives as one request more"
        )
        yield equation(
            f"{name}, requests and connections", "{} + {}", (http, opened), rps, "per second"
        )
    if share < 1:
        while_there = f"{name}, for the share of the time in which it had sidecars"
        yield equation(while_there, "{} / {}", (rps, share), rps / share, "requests/s")
        if gbit:
            yield equation(f"{while_there}, TCP", "{} / {}", (gbit, share), gbit / share, "Gbit/s")
        rps, gbit = rps / share, gbit / share
    # Above the least number, one replica fewer is shown too: its CPU is above the limit.
    counts = [needed - 1, needed] if needed > least else [needed]
    for count in [] if follows else counts:
        yield use(f"{name}, each of {figure(count)} in the busiest interval", peak, count)
    why = "the least" if needed == least else "the fewest below that limit"
    why = "the mean of what each interval needs" if follows else why
    unit = f"{_replicas(replicas)}: {why}"
    yield equation(f"{name}, with spare replicas", "{} + {}", (needed, spare), replicas, unit)
    yield use(f"{name}, one replica", (rps, gbit), replicas)
    base, cluster, host = (parameters[key][0] for key in WAYPOINT_MEMORY)
    called, hosts = float(row["called_count"]), float(row["sidecar_count"] / share)
    gib = base + (called * cluster + hosts * host) / 1000
    how, memory = "{} + {} / 1000 x {} + {} / 1000 x {}", (base, called, cluster, hosts, host)
    yield equation(f"{name}, memory of a replica", how, memory, gib, "GiB")


def _replicas(count: float) -> str:
    return "replica" if count == 1 else "replicas"


def placed_lines(need: Need) -> Iterator[str]:
    """Return the sum of a mode's waypoints."""
    units = need.units
    if units is None:
        return
    columns = zip(
        units.names, units.unit_count, units.whole_count, units.present_share, strict=True
    )
    for name, times, whole, share in columns:
        if times in (0, whole):
            continue
        part = times / whole / share
        factors = {"part needed": part, "share of the time": share}
        named = {what: factor for what, factor in factors.items() if not math.isclose(factor, 1)}
        label, how = f"{' and '.join(named)} of {inert(name)}", " x ".join(["{}"] * len(named))
        yield equation(label, f"{how} x {{}}", (*named.values(), whole), times, _replicas(times))
    total = need.count
    yield from lines.total("waypoint replicas", units.unit_count, total, _replicas(total))
    used_vcpu = units.unit_count * units.used_vcpu
    rows = zip(units.names, units.unit_count, units.used_vcpu, used_vcpu, strict=True)
    for name, *terms, used in rows:
        yield equation(f"waypoint of {inert(name)}", "{} x {}", terms, used, "vCPU")
    yield from lines.total("waypoints", used_vcpu, need.vcpu[Basis.USAGE][0], "vCPU")
    yield from (f"  waypoints, {line.lstrip()}" for line in lines.sum_lines(need))
