"""What a waypoint costs in each namespace: as its called workloads' own sidecars, times the ratio.

Costs are relative to the mesh's: the mean over the called workloads, weighted by the requests that
a waypoint would handle. A workload without a fit of its own counts as the mesh's mean, with the
spread between workloads as its range.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from analyzer.calibration.models import Power
from analyzer.calibration.result import Calibration, RoleCalibration, WorkloadCalibration
from analyzer.measurement.other_side import DESTINATION
from analyzer.units import Interval, Provenance

_DEVIATIONS: Final = 1.645
"""Half-width of a 90 % interval, in standard deviations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A called workload: its requests/s, and its costs relative to the mesh's.

    Attributes:
        request_ratio: the cost of a request; idle_ratio: the CPU of a proxy without traffic.
        is_own: whether it has a fit.
    """

    workload: str
    rps: float
    request_ratio: Interval
    idle_ratio: Interval
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCosts:
    """The costs of a namespace's called workloads, relative to the mesh's: means by requests.

    Ranges are what a range of the mesh's costs does not hold already.
    """

    called: tuple[Called, ...]
    request_ratio: Interval
    idle_ratio: Interval


NONE_KNOWN: Final[Mapping[str, OwnCosts]] = MappingProxyType({})


def own_costs(
    calls: pd.DataFrame,
    calibration: Calibration,
    points: int,
    fitted_points: int,
    *,
    waypoint_of: Mapping[str, str] | None = None,
) -> Mapping[str, OwnCosts]:
    """Return the own costs by namespace; none without calls, or without fits of workloads.

    Args:
        calls: those that waypoints would handle, columns as in `MeshUsage.calls`.
        calibration: the fit of the sidecars.
        points: number of intervals of the calls.
        fitted_points: number of intervals of the calibration.
        waypoint_of: the waypoint of each namespace that shares one: the own costs are then by these
            waypoints, and no other namespace has any.
    """
    sidecar = calibration.sidecar
    if not isinstance(sidecar, RoleCalibration) or sidecar.vcpu_per_1000_rps.mid <= 0:
        return NONE_KNOWN
    fitted = {
        (item.namespace, item.workload): _relative(item, sidecar, fitted_points)
        for item in calibration.workloads
        if item.provenance == Provenance.MEASURED and item.vcpu_per_1000_rps is not None
    }
    if not fitted:
        return NONE_KNOWN
    request, idle = (_between([both[kind].mid for both in fitted.values()]) for kind in (0, 1))
    rates = (calls.groupby(DESTINATION)["rps"].sum() / points).reset_index()
    by_namespace: dict[str, list[Called]] = {}
    for namespace, workload, rps in rates[rates["rps"] > 0].itertuples(index=False, name=None):
        own = fitted.get((namespace, workload))
        of_request, at_rest = own or (request, idle)
        called = Called(
            workload=str(workload),
            rps=float(rps),
            request_ratio=of_request,
            idle_ratio=at_rest,
            is_own=own is not None,
        )
        serving = str(namespace) if waypoint_of is None else waypoint_of.get(str(namespace))
        if serving is not None:
            by_namespace.setdefault(serving, []).append(called)
    return {name: _together(tuple(called), sidecar) for name, called in by_namespace.items()}


def _relative(
    item: WorkloadCalibration, sidecar: RoleCalibration, points: int
) -> tuple[Interval, Interval]:
    """Return the cost of a request and the idle CPU of a workload, relative to the mesh's."""
    request, idle = item.vcpu_per_1000_rps, item.idle_vcpu_per_proxy
    of_mesh, idle_of_mesh = sidecar.vcpu_per_1000_rps.mid, sidecar.idle_vcpu_per_proxy.mid
    if isinstance(sidecar.curve, Power) and item.mean_rps > 0:
        # At the workload's own rate: on a curve, quieter proxies cost more per request.
        each_rps = item.mean_rps * points / max(item.sample_count, 1)
        exponent = sidecar.curve.exponent
        of_mesh = 1000 * exponent * sidecar.curve.vcpu_per_rps_power * each_rps ** (exponent - 1)
    exact = Interval.exactly(1.0)
    return (
        request.scaled(1 / of_mesh) if request and of_mesh > 0 else exact,
        idle.scaled(1 / idle_of_mesh) if idle and idle_of_mesh > 0 else exact,
    )


def _between(times: list[float]) -> Interval:
    """Return the range of one more workload: by the spread between those that are known."""
    logs = np.log([at for at in times if at > 0])
    width = float(np.exp(_DEVIATIONS * logs.std())) if len(logs) > 1 else 1.0
    return Interval(low=1 / width, mid=1.0, high=width)


def _together(called: tuple[Called, ...], sidecar: RoleCalibration) -> OwnCosts:
    return OwnCosts(
        called=called,
        request_ratio=_mean(
            [(item.rps, item.request_ratio) for item in called], sidecar.vcpu_per_1000_rps
        ),
        idle_ratio=_mean(
            [(item.rps, item.idle_ratio) for item in called], sidecar.idle_vcpu_per_proxy
        ),
    )


def _mean(times: list[tuple[float, Interval]], of_mesh: Interval) -> Interval:
    """Return a mean by requests, with its range beyond that of the mesh's cost."""
    rps = sum(weight for weight, _ in times)
    mid = sum(weight * item.mid for weight, item in times) / rps
    widths = [weight * (item.high - item.low) / 2 for weight, item in times]
    share, of_all = float(np.linalg.norm(widths)) / rps, (of_mesh.high - of_mesh.low) / 2
    if mid <= 0 or of_mesh.mid <= 0:
        return Interval.exactly(max(mid, 0.0))
    beyond = float(np.sqrt(max((share / mid) ** 2 - (of_all / of_mesh.mid) ** 2, 0.0)))
    if beyond >= 1:
        # An error larger than the cost is added to it. As a factor it would have no limit: idle
        # CPU may be close to zero, and its error many times that.
        return Interval(low=0.0, mid=mid, high=mid * (1 + beyond))
    width = float(np.exp(beyond))
    return Interval(low=mid / width, mid=mid, high=mid * width)
