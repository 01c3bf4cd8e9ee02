"""What a waypoint needs in each namespace: how many replicas, and what each uses."""

from collections.abc import Callable, Iterator

import numpy as np

from analyzer.calibration.models import Power
from analyzer.calibration.result import RoleCalibration
from analyzer.projection.choices import Basis
from analyzer.projection.components import waypoint_replicas
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.needs import Need
from analyzer.projection.result import Workings
from analyzer.projection.uncertainty import Parameters
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.explain.lines import (
    assumed,
    equation,
    figure,
    fitted,
    query_file,
    sum_lines,
    total,
)

_Cost = Callable[[str], str]
"""What one replica uses, as text, of the text of its rate."""


def waypoint_lines(answer: Answer, load: MeasuredLoad, workings: Workings) -> Iterator[str]:
    """Return what a waypoint is in each namespace, whether a mode has one there or not."""
    parameters, scenario = workings.parameters, workings.scenario
    yield f"Waypoints ({parameters.waypoint_provenance})"
    role = _role(answer, parameters)
    if role:
        yield from fitted(role)
    if parameters.waypoint_follows_sidecar:
        yield from assumed(scenario, "waypoint_to_sidecar_ratio")
    yield from _costs(parameters, role)
    yield from assumed(
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
    most = equation(
        "a replica may use", f"{figure(limit)} x {figure(share)}", limit * share, "vCPU"
    )
    yield f"{most} in the busiest step"
    callers = "" if scenario.ingress_through_waypoint else " but for ingress gateways"
    yield f"  requests are from {query_file('mesh_requests_rps')}, callers in the mesh{callers}"
    cost = _cost(parameters, role)
    columns = zip(
        load.namespaces["namespace"],
        load.namespaces["waypoint_rps"],
        load.namespaces["waypoint_peak_rps"],
        waypoint_replicas(load, parameters),
        strict=True,
    )
    for name, rps, peak_rps, replicas in columns:
        yield from _namespace(fmt.inert(name), rps, peak_rps, replicas, parameters, cost)


def placed_lines(need: Need) -> Iterator[str]:
    """Return what the waypoints of a mode add up to."""
    units = need.units
    if units is None:
        return
    for name, times, whole in zip(units.names, units.unit_count, units.whole_count, strict=True):
        if times not in (0, whole):
            expression = f"{figure(times / whole)} x {figure(whole)}"
            yield equation(f"part needed of {fmt.inert(name)}", expression, times, "replicas")
    rows = list(zip(units.names, units.unit_count, units.used_vcpu, strict=True))
    times = [count for _, count, _ in rows]
    yield from total("waypoint replicas", times, need.count, "replicas")
    for name, count, used in rows:
        expression = f"{figure(count)} x {figure(used)}"
        yield equation(f"waypoint of {fmt.inert(name)}", expression, count * used, "vCPU")
    used_vcpu = [count * used for _, count, used in rows]
    yield from total("waypoints", used_vcpu, float(need.vcpu[Basis.USAGE][0]), "vCPU")
    yield from (f"  waypoints, {line.lstrip()}" for line in sum_lines(need))


def _role(answer: Answer, parameters: Parameters) -> RoleCalibration | None:
    """Return the fit that waypoints follow."""
    if parameters.waypoint_follows_sidecar:
        return answer.sidecar
    found = answer.calibration and answer.calibration.waypoint
    return found if isinstance(found, RoleCalibration) else None


def _costs(parameters: Parameters, role: RoleCalibration | None) -> Iterator[str]:
    if role is None or not parameters.waypoint_follows_sidecar:
        return
    ratio = figure(parameters["waypoint_to_sidecar_ratio"][0])
    idle, slope = parameters.waypoint_idle_vcpu[0], parameters.waypoint_vcpu_per_1000_rps[0]
    at_rest = f"{ratio} x {figure(role.idle_vcpu_per_proxy.mid)}"
    yield equation("a replica at rest", at_rest, idle, "vCPU")
    if not _is_curved(role):
        more = f"{ratio} x {figure(role.vcpu_per_1000_rps.mid)}"
        yield equation("for 1000 requests/s more", more, slope, "vCPU")


def _is_curved(role: RoleCalibration | None) -> bool:
    return role is not None and isinstance(role.curve, Power) and role.vcpu_per_1000_rps.mid != 0


def _cost(parameters: Parameters, role: RoleCalibration | None) -> _Cost:
    idle = figure(parameters.waypoint_idle_vcpu[0])
    if role is not None and isinstance(role.curve, Power) and _is_curved(role):
        ratio = parameters["waypoint_to_sidecar_ratio"][0]
        times = f"{figure(ratio)} x " if parameters.waypoint_follows_sidecar else ""
        factor, exponent = figure(role.curve.vcpu_per_rps_power), figure(role.curve.exponent)
        return lambda rps: f"{idle} + {times}{factor} x ({rps})^{exponent}"
    slope = figure(parameters.waypoint_vcpu_per_1000_rps[0])
    return lambda rps: f"{idle} + {rps} / 1000 x {slope}"


def _namespace(
    name: str, rps: float, peak_rps: float, replicas: float, parameters: Parameters, cost: _Cost
) -> Iterator[str]:
    least, spare = parameters["waypoint_replicas"][0], parameters["waypoint_spare_replicas"][0]
    needed = replicas - spare
    yield f"  {name}: {figure(rps)} requests/s, {figure(peak_rps)} in the busiest step"
    # One fewer would not do, or may not be.
    for count in [needed - 1, needed] if needed > least else [needed]:
        used = float(parameters.waypoint_vcpu(np.array([peak_rps / count]))[0, 0])
        at_peak = f"{figure(peak_rps)} / {figure(count)}"
        label = f"{name}, each of {figure(count)} in the busiest step"
        yield equation(label, cost(at_peak), used, "vCPU")
    why = "the least" if needed == least else "as few as stay below that"
    parts = f"{figure(needed)} + {figure(spare)}"
    yield f"{equation(f'{name}, with spare ones', parts, replicas, 'replicas')}: {why}"
    used = float(parameters.waypoint_vcpu(np.array([rps / replicas]))[0, 0])
    share = f"{figure(rps)} / {figure(replicas)}"
    yield equation(f"{name}, one replica", cost(share), used, "vCPU")
