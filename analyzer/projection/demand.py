"""The traffic that any mode has to carry, and the sidecars that carry it today."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.errors import InsufficientData, UsageError
from analyzer.measurement.columns import alike, as_one, assigned, elementwise, first_known
from analyzer.measurement.lived import LIVED, weighed
from analyzer.measurement.other_side import SOURCE, WORKLOAD
from analyzer.measurement.same_calls import without_cluster
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import BOUNDS, Placement, WorkingHours, is_bounded
from analyzer.projection.places import (
    CARRIED,
    at_a_time,
    even_nodes,
    into_waypoints,
    mean_of_nodes,
    namespace_loads,
    node_loads,
)
from analyzer.projection.rightsizing.applied import RightsizedLoad, rightsized
from analyzer.projection.sidecars import (
    SidecarFootprint,
    SidecarTally,
    footprint_of,
    placement_of,
    tally,
    with_billed,
)
from analyzer.projection.unseen import (
    EXACT,
    MeasuredRanges,
    namespaces_with_ends,
    nodes_with_ends,
    ranges_of,
    samples_at_ends,
    with_ends,
)
from analyzer.projection.zone_traffic import ZoneTraffic, zone_traffic
from analyzer.settings import Setting
from analyzer.units import BYTES_PER_GIB, GBIT_PER_BYTE, Role, duration

MOST_STATED: Final = 1_000_000
"""The most sidecars, nodes or namespaces of a hypothetical mesh."""
MOST_NODES: Final = 10_000
"""The most nodes of a measured mesh that can be stated: each has draws of what its ztunnel uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """The traffic to carry.

    Attributes:
        proxy_rps: proxy requests per second of sidecars; a call between two sidecars counts twice.
        mesh_rps: calls per second, counted once.
        nodes: one row per node that runs DaemonSets: node, present_share (for how much of the time
            it existed, 0 to 1) and, while it existed, passes_rps (proxy requests per second of its
            sidecars: each becomes one pass through its ztunnel), gbit_per_second (their TCP
            payload), http_gbit_per_second (their HTTP), unsized_rps (requests of which no bytes
            are known), new_connections_per_second and open_connections (of TCP),
            uncounted_sidecars (with traffic whose open connections are not known). None if the
            nodes are not known.
        namespaces: one row per namespace with sidecars: namespace, present_share (for how much of
            the time it had any), sidecar_count, proxy_rps, the same columns of bytes and
            connections; what a waypoint of it would handle: waypoint_rps (HTTP requests),
            waypoint_connections_per_second and waypoint_gbit_per_second (TCP), waypoint_peak_rps
            (requests and connections in the busiest interval), waypoint_peak_gbit_per_second;
            called_count (workloads that are called), has_http; if measured also sidecar_vcpu,
            sidecar_reserved_vcpu, sidecar_billed_vcpu and sidecar_memory_gib (NaN: not known). All
            but shares and peaks are means over the whole time.
        ranges: those that unseen time gives to the figures here. If there are any, `nodes` and
            `namespaces` have the ends of their traffic too, such as passes_rps_low.
        waypoint_steps: what a waypoint would handle in each interval: namespace, point, streams
            (requests and new TCP connections a second), gbit (per second, of TCP), and
            has_sidecars, whether the namespace has any then. Empty unless asked for.
        placed: the waypoints of each placement that was asked for, which many evaluations share.
    """

    sidecar_count: int
    proxy_rps: float
    mesh_rps: float
    nodes: pd.DataFrame | None
    namespaces: pd.DataFrame
    ranges: MeasuredRanges = EXACT
    waypoint_steps: pd.DataFrame = field(default_factory=pd.DataFrame)
    # Not for __init__: a load that replaces another one has other waypoints.
    placed: dict[Placement, object] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    @property
    def node_count(self) -> int | None:
        """How many nodes there were at a time, to the nearest; None if they are not known."""
        return None if self.nodes is None else max(round(at_a_time(self.nodes)), 1)

    @property
    def namespace_count(self) -> int:
        """How many namespaces had sidecars at a time, to the nearest."""
        count = round(at_a_time(self.namespaces))
        return max(count, min(len(self.namespaces), 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLoad(_Load):
    """The traffic of a measured mesh, and its sidecars.

    Attributes:
        placement: one row per namespace and node with its sidecars: namespace, node, and their
            need on each basis, such as usage_vcpu and billed_memory_gib (0 also if not known).
            If time was unseen, also their ends, such as usage_vcpu_low and usage_vcpu_high.
        allocatable_vcpu_per_node: mean over the nodes that run DaemonSets, by the time that each
            existed; None if not known. The same for memory.
        zones: what waypoints handle, by the zones of both ends; None if no zone is known.
        rightsized: its sidecars with recommended requests; None where there are none.
    """

    sidecars: SidecarFootprint
    tally: SidecarTally
    placement: pd.DataFrame
    allocatable_vcpu_per_node: float | None
    allocatable_memory_gib_per_node: float | None
    zones: ZoneTraffic | None = None
    rightsized: RightsizedLoad | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedLoad(_Load):
    """The traffic of a hypothetical mesh; only the number of its sidecars is known."""

    nodes: pd.DataFrame

    @property
    def sidecars(self) -> None:
        """The sidecars' footprint is not known."""


MeshLoad = MeasuredLoad | StatedLoad
"""The traffic to carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Multiple of the measured traffic, and a sidecar's cost per added request."""

    factor: float
    sidecar_vcpu_per_rps: float


NO_GROWTH: Final = Growth(factor=1.0, sidecar_vcpu_per_rps=0.0)


def within(usage: MeshUsage, hours: WorkingHours | None) -> MeshUsage:
    """Return the mesh in these hours only: intervals that are completely inside them.

    An interval that ends a few minutes before a full hour, as those of the tool do, is taken to end
    with it. Else each of an hour would be in two hours, and a day would have one too few.
    """
    if hours is None:
        return usage
    window, zone = usage.window, ZoneInfo(hours.time_zone)
    step = timedelta(seconds=window.step_seconds)
    kept = []
    for point in usage.observed_points:
        end = window.evaluated_at(int(point))
        # An interval that ends at midnight belongs to the day before.
        first, last = ((end - ago).astimezone(zone) for ago in (step, timedelta.resolution))
        is_that_day = first.date() == last.date() and first.weekday() in hours.days
        # When clocks are set back, an interval may end at an earlier local time than it begins.
        if is_that_day and all(hours.start <= at.time() <= hours.end for at in (first, last)):
            kept.append(point)
    if not kept:
        cure = (
            "Collect a longer window."
            if step <= hours.length
            else f"Widen the hours, or collect shorter intervals ({Setting.STEP})."
        )
        raise InsufficientData(
            "The window has no complete interval in the scenario's working_hours: they are "
            f"{duration(window.step_seconds)} long. {cure}"
        )
    return usage.only(points=np.array(kept))


def mesh_load(  # noqa: PLR0913 - one parameter for each choice of a scenario
    usage: MeshUsage,
    *,
    node_count: int | None = None,
    growth: Growth = NO_GROWTH,
    ingress_through_waypoint: bool = False,
    direct_callers: pd.DataFrame | None = None,
    keeps_steps: bool = False,
    requests: pd.DataFrame | None = None,
) -> MeasuredLoad:
    """Return the load of a measured mesh; `node_count` overrides the detected number of nodes.

    `direct_callers` is as in `through_waypoints`; `keeps_steps` asks for `waypoint_steps`,
    and `requests` are those that `rightsizing.applied.requests_of` recommends.

    Raises:
        UsageError: if `node_count` is not from 1 to `MOST_NODES`.
    """
    if node_count is not None:
        _check(Setting.NODE_COUNT, node_count, MOST_NODES)
    points = len(usage.observed_points)
    rows = usage.of_role(Role.SIDECAR, filled=True)
    sidecars = grown(rows, growth)
    calls = through_waypoints(
        usage,
        ingress_through_waypoint=ingress_through_waypoint,
        direct_callers=direct_callers,
    )
    passing = calls.assign(rps=lambda calls: calls["rps"] * growth.factor)
    handled = into_waypoints(sidecars, passing)
    shares = usage.ztunnel_shares()
    vcpu, memory_bytes = (
        mean_of_nodes(usage.nodes.set_index("node").reindex(columns=[name])[name], shares)
        for name in ("allocatable_vcpu", "allocatable_memory_bytes")
    )
    namespaces = namespace_loads(usage, sidecars, handled)
    load = MeasuredLoad(
        sidecar_count=usage.count(Role.SIDECAR),
        proxy_rps=float(sidecars["proxy_rps"].sum()) / points,
        mesh_rps=float(usage.calls["rps"].sum()) / points * growth.factor,
        nodes=node_loads(sidecars, shares, node_count, points),
        namespaces=namespaces,
        waypoint_steps=_steps(handled) if keeps_steps else pd.DataFrame(),
        sidecars=footprint_of(sidecars, points),
        tally=tally(rows, sidecars, _added_vcpu(rows, growth), step_count=points),
        placement=placement_of(sidecars, points),
        allocatable_vcpu_per_node=vcpu,
        allocatable_memory_gib_per_node=memory_bytes and memory_bytes / BYTES_PER_GIB,
        zones=zone_traffic(usage, sidecars, passing, namespaces["namespace"]),
        rightsized=None if requests is None else rightsized(rows, sidecars, requests, points),
    )
    at_ends = samples_at_ends(usage, rows)
    if at_ends is None:
        return load
    low, high = (grown(samples, growth) for samples in at_ends)
    footprints = footprint_of(low, points), load.sidecars, footprint_of(high, points)
    of_ends = (node_loads(samples, shares, node_count, points) for samples in (low, high))
    placements = (placement_of(samples, points) for samples in (low, high))
    return replace(
        load,
        nodes=nodes_with_ends(load.nodes, of_ends),
        namespaces=namespaces_with_ends(load.namespaces, (low, high), points),
        placement=with_ends(load.placement, placements, names=["namespace", "node"]).fillna(0.0),
        ranges=ranges_of(usage, footprints, (low, sidecars, high)),
    )


def _steps(handled: pd.DataFrame) -> pd.DataFrame:
    columns = ["streams", "gbit", "has_sidecars"]
    return handled[columns].rename_axis(["namespace", "point"]).reset_index()


def _added_vcpu(rows: pd.DataFrame, growth: Growth) -> Floats:
    """Return the CPU of the growth, before any floor, shape (rows,)."""
    if growth.factor == 1:
        return alike(0.0, len(rows))
    added_rps = (growth.factor - 1) * np.nan_to_num(rows["proxy_rps"].to_numpy())
    return np.asarray(growth.sidecar_vcpu_per_rps * added_rps)


def grown(rows: pd.DataFrame, growth: Growth) -> pd.DataFrame:
    """Return the sidecars' samples with this growth, and what is billed.

    Where nothing grows, what is measured is not copied.
    """
    columns = _carried(rows)
    if growth.factor != 1:
        columns["proxy_rps"] = rows["proxy_rps"].to_numpy()
        columns = {
            name: elementwise(lambda amounts: amounts * growth.factor, amounts)
            for name, amounts in columns.items()
        }
        cpu = rows["cpu_vcpu"].to_numpy() + _added_vcpu(rows, growth)
        columns["cpu_vcpu"] = np.maximum(cpu, 0.0)
    return with_billed(assigned(rows, columns))


def _carried(rows: pd.DataFrame) -> dict[str, Floats]:
    """Return what sidecars carry apart from requests, by column: also into waypoints."""
    rps, http = rows["proxy_rps"].to_numpy(), rows["http_bytes_per_second"].to_numpy()
    tcp, inbound = (
        rows[name].to_numpy() for name in ("tcp_bytes_per_second", "inbound_tcp_bytes_per_second")
    )
    opened, still_open = (
        rows[name].to_numpy() for name in ("new_connections_per_second", "open_connections")
    )
    lived = rows[LIVED].to_numpy()
    # Where the direction is not known, all of it may have been accepted.
    accepted = elementwise(first_known, inbound, tcp)
    return {
        "gbit_per_second": elementwise(_gbit, tcp),
        "http_gbit_per_second": elementwise(_gbit, http),
        "unsized_rps": elementwise(lambda rps, http: np.where(np.isnan(http), rps, 0.0), rps, http),
        "new_connections_per_second": opened,
        "open_connections": still_open,
        # The connections of HTTP are counted by no metric that Istio exports by default.
        "uncounted_sidecars": elementwise(_uncounted, rps, still_open, tcp, lived),
        "inbound_gbit": elementwise(_gbit, accepted),
        "inbound_connections": elementwise(_accepted_connections, opened, accepted, tcp),
    }


def _gbit(bytes_per_second: Floats) -> Floats:
    return bytes_per_second * GBIT_PER_BYTE


def _uncounted(rps: Floats, still_open: Floats, tcp: Floats, lived: Floats) -> Floats:
    is_one = (rps > 0) | (np.isnan(still_open) & (tcp > 0))
    return as_one(weighed(is_one.astype(float), lived))


def _accepted_connections(opened: Floats, accepted: Floats, tcp: Floats) -> Floats:
    share = np.divide(accepted, tcp, out=np.zeros(len(tcp)), where=tcp > 0)
    return np.asarray(opened * np.nan_to_num(share))


def _check(setting: Setting, count: int, most: int) -> None:
    """Refuse a stated count that makes no sense, or that fills the memory."""
    if not 1 <= count <= most:
        raise UsageError(f"{setting} is {count}, and must be from 1 to {most:,}.")


def stated_load(
    *, pod_count: int, node_count: int, namespace_count: int, proxy_rps: float
) -> StatedLoad:
    """Return the load of a hypothetical mesh, spread evenly; each call passes two sidecars.

    Raises:
        UsageError: if a count is not from 1 to `MOST_STATED`, or the rate not in `BOUNDS`.
    """
    settings = (Setting.POD_COUNT, Setting.NODE_COUNT, Setting.NAMESPACE_COUNT)
    for setting, count in zip(settings, (pod_count, node_count, namespace_count), strict=True):
        _check(setting, count, MOST_STATED)
    if not is_bounded(proxy_rps):
        raise UsageError(f"{Setting.PROXY_RPS} is {proxy_rps:g}, and must be {BOUNDS}.")
    namespaces = pd.DataFrame(
        {
            "namespace": [f"namespace-{number + 1}" for number in range(namespace_count)],
            "present_share": 1.0,
            "sidecar_count": pod_count / namespace_count,
            "proxy_rps": proxy_rps / namespace_count,
            **dict.fromkeys(CARRIED[1:], 0.0),
            "unsized_rps": proxy_rps / namespace_count,
            "waypoint_rps": proxy_rps / 2 / namespace_count,
            "waypoint_connections_per_second": 0.0,
            "waypoint_gbit_per_second": 0.0,
            "waypoint_peak_rps": proxy_rps / 2 / namespace_count,
            "waypoint_peak_gbit_per_second": 0.0,
            "called_count": 0.0,
            "has_http": proxy_rps > 0,
        }
    )
    return StatedLoad(
        sidecar_count=pod_count,
        proxy_rps=proxy_rps,
        mesh_rps=proxy_rps / 2,
        nodes=even_nodes(namespaces, node_count),
        namespaces=namespaces,
    )


def through_waypoints(
    usage: MeshUsage,
    *,
    ingress_through_waypoint: bool,
    direct_callers: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the calls that a new waypoint at their destination would handle.

    Meshed callers are sent through it. Unmeshed callers are not, and ingress gateways only if the
    scenario asks for it. What a waypoint handles today it keeps.

    Args:
        usage: the mesh.
        ingress_through_waypoint: whether gateways are sent through it.
        direct_callers: namespace and workload of meshed callers that are not, because they keep
            their sidecars; None: all move.
    """
    calls = usage.calls
    passes = (calls["source_workload"] != "unknown") & (calls["reporter"] != "waypoint")
    gateways = usage.proxies.loc[usage.proxies["role"] == Role.GATEWAY, WORKLOAD]
    if not ingress_through_waypoint:
        passes &= ~_of_any_cluster(calls[SOURCE]).isin(_of_any_cluster(gateways))
    if direct_callers is not None:
        callers = pd.MultiIndex.from_frame(calls[SOURCE])
        passes &= ~callers.isin(pd.MultiIndex.from_frame(direct_callers))
    return calls[passes]


def _of_any_cluster(workloads: pd.DataFrame) -> pd.MultiIndex:
    """Return namespace and workload without cluster: a called proxy does not know its caller's."""
    namespaces, names = (workloads[column].astype(str) for column in workloads)
    return pd.MultiIndex.from_arrays([without_cluster(namespaces), names])
