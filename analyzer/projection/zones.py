"""Bytes that cross zones because they pass a waypoint, and what they cost, on draws.

A direct call crosses from one zone to another at most once. Through a waypoint it may cross on the
way to the waypoint, and again on the way to the called pod. Of a call from zone s to zone d through
a replica in zone w, the extra crossings are

    [s is not w] + [w is not d] - [s is not d]

which is never negative: bytes that cross from s to d cross on one of the two ways.

Sources: ztunnel's choice of a waypoint follows the annotation networking.istio.io/traffic-
distribution of the waypoint's Service, which Istio sets to PreferClose by itself (Istio 1.24 change
notes, "waypoints automatically set this"). It prefers replicas in the zone of the caller, and takes
any of the others where there is none (istio.io, "Traffic Distribution"). Without it, replicas are
chosen at random. A called pod is chosen at random, as without a waypoint.

Replicas are spread evenly over the zones of a cluster, as Kubernetes' default topology spread does.
Which zones have one more is not known: all choices count, each by the nodes in its zones. The best
estimate is their mean, and draws are single choices.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from analyzer.arrays import Floats, Ints
from analyzer.calibration.fit.student import SEED
from analyzer.data import assumptions, providers
from analyzer.measurement.findings import Finding
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.hardware import REQUEST_BYTES
from analyzer.projection.needs import Case
from analyzer.projection.scenario import ZONE_PRICE, Scenario
from analyzer.projection.unseen import on_draws
from analyzer.projection.zone_traffic import zoned_nodes
from analyzer.units import (
    HOURS_PER_MONTH,
    MONTHS_PER_YEAR,
    Interval,
    Reason,
    Refusal,
    counted,
    in_percent,
)

BYTES_PER_GB: Final = 1e9
"""Clouds bill by GB of 10^9 bytes, or by GiB, which is 7 % more."""

SECONDS_PER_MONTH: Final = 3600 * HOURS_PER_MONTH

_ROUNDING: Final = 1e-12
"""Share of what a waypoint handles below which a difference is one of rounding."""

_MOST_ZONES: Final = 12
"""Zones in which a surplus replica may be: those with most nodes. Regions have up to six."""

_STREAM: Final = (SEED, 4)
"""Seed of the draws of placements: other draws do not depend on whether zones are known."""

UNKNOWN_PROVIDER: Final = "the provider of the nodes is not known"

_MOSTLY: Final = 0.99
"""Share of the nodes with a known zone from which the others are not mentioned."""


class Crossings(NamedTuple):
    """Bytes a second that cross zones, at the best estimates, shape (namespaces,).

    The first is all that the waypoint handles, whether it crosses or not.
    """

    handled: Floats
    to_waypoint: Floats
    to_pods: Floats
    direct: Floats

    @property
    def extra(self) -> Floats:
        """What crosses in addition."""
        return _extra(self.handled, self.to_waypoint, self.to_pods, self.direct)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Transfer:
    """The extra traffic between zones of the waypoints of a mode.

    Attributes:
        gb_per_month: by namespace, shape (namespaces, draws).
        usd_per_gb: shape (draws,).
        waypoint_count: replicas at a time, on average.
        crossings: of a whole waypoint in each namespace.
        weights: each namespace's share of a waypoint, 0 to 1.
    """

    gb_per_month: Floats
    usd_per_gb: Floats
    waypoint_count: float
    crossings: Crossings
    weights: Floats

    @property
    def by_namespace_usd_per_year(self) -> Floats:
        """What it costs by namespace, shape (namespaces, draws)."""
        return np.asarray(self.gb_per_month * self.usd_per_gb * MONTHS_PER_YEAR)

    @property
    def usd_per_year(self) -> Floats:
        """What all of it costs, shape (draws,)."""
        return np.asarray(self.by_namespace_usd_per_year.sum(axis=0))


def transfer_of(
    case: Case,
    *,
    replicas: Floats,
    row: Ints,
    weights: Floats,
    waypoint_count: float,
    prefers_close: bool,
) -> Transfer | None:
    """Return the extra traffic between zones; None where no zone of a node is known.

    Args:
        case: what is evaluated.
        replicas: of a whole waypoint, shape (waypoints,). They need not be whole numbers: if they
            follow the load, they are means over time.
        row: of the waypoint that serves each namespace, shape (namespaces,).
        weights: how much of a waypoint each namespace has, 0 to 1.
        waypoint_count: all replicas at a time, on average.
        prefers_close: whether callers prefer replicas in their own zone.
    """
    traffic, parameters = case.load.zones, case.parameters
    if traffic is None or ZONE_PRICE not in parameters.values:
        return None
    flows = np.stack(
        [traffic.http_bytes_per_second, traffic.unsized_rps, traffic.tcp_bytes_per_second]
    )
    draw_count = len(parameters.waypoint_idle_vcpu)
    http_times, tcp_times = (
        _times(case, name) for name in ("waypoint_rps", "waypoint_gbit_per_second")
    )
    each_bytes = parameters[REQUEST_BYTES]
    times = (http_times, http_times * each_bytes, tcp_times)
    parts = np.zeros((4, *flows.shape[:2]))
    bytes_per_second = np.zeros((flows.shape[1], draw_count))
    chance = _chance(len(replicas), draw_count)
    for rows, placed, likely in _alike(traffic.nodes_per_zone, replicas[row]):
        found = crossings(flows[:, rows], placed, prefers_close=prefers_close)
        parts[:, :, rows] = found @ likely
        # Namespaces that share a waypoint are served by the same replicas.
        ways = _ways(likely, chance[row[rows]])
        for extra, multiple in zip(_extra(*found), times, strict=True):
            if extra.any():
                amounts = np.take_along_axis(np.column_stack([extra @ likely, extra]), ways, axis=1)
                bytes_per_second[rows] += amounts * multiple[rows]
    per_month = weights[:, None] * SECONDS_PER_MONTH / BYTES_PER_GB
    return Transfer(
        gb_per_month=bytes_per_second * per_month,
        usd_per_gb=parameters[ZONE_PRICE],
        waypoint_count=waypoint_count,
        crossings=Crossings(*(part[0] + part[1] * each_bytes[0] + part[2] for part in parts)),
        weights=weights,
    )


def _extra(handled: Floats, to_waypoint: Floats, to_pods: Floats, direct: Floats) -> Floats:
    """Return what crosses in addition: 0 where only rounding makes a difference."""
    extra = to_waypoint + to_pods - direct
    return np.asarray(np.where(extra > _ROUNDING * handled, extra, 0.0))


def _times(case: Case, name: str) -> Floats:
    """Return what waypoints handle over draws, as multiples of the best estimates."""
    mid = case.load.namespaces[name].to_numpy(float)[:, None]
    amounts = on_draws(case.load.namespaces, name, case.parameters.unseen_time)
    return np.asarray(np.divide(amounts, mid, out=np.ones_like(amounts), where=mid > 0))


def _alike(node_counts: Floats, replicas: Floats) -> Iterator[tuple[Ints, Floats, Floats]]:
    """Yield the waypoints with the same zones and replicas, and their `placements`."""
    kinds, kind_of = np.unique(
        np.column_stack([node_counts, replicas]), axis=0, return_inverse=True
    )
    for number, (*nodes, count) in enumerate(kinds):
        placed, likely = placements(np.array(nodes), float(count))
        if len(placed):
            yield np.flatnonzero(kind_of.reshape(-1) == number), placed, likely


def _chance(waypoint_count: int, draw_count: int) -> Floats:
    """Return what decides where the replicas of each waypoint are, shape (waypoints, draws - 1)."""
    if draw_count == 1:
        return np.zeros((waypoint_count, 0))
    return np.random.default_rng(_STREAM).random((waypoint_count, draw_count - 1))


def _ways(likely: Floats, chance: Floats) -> Ints:
    """Return the way of each draw, shape (waypoints, draws): 0 is the mean of all, first of all."""
    chosen = 1 + np.searchsorted(likely.cumsum()[:-1], chance, side="right")
    return np.pad(chosen, ((0, 0), (1, 0)))


def placements(nodes: Floats, replicas: float) -> tuple[Floats, Floats]:
    """Return the ways to spread replicas evenly over zones, and how likely each is.

    The first has the replicas in each zone, shape (ways, zones), the second has shape (ways,). No
    ways where no zone has nodes. 1.4 replicas are two for 40 % of the time, else one.

    Args:
        nodes: in each zone.
        replicas: at least one.
    """
    fewer = math.floor(replicas)
    found = [
        (placed, likely * share)
        for count, share in ((fewer, 1 - (replicas - fewer)), (fewer + 1, replicas - fewer))
        if share > 0
        for placed, likely in [_placements(nodes, count)]
    ]
    placed, likely = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return placed, likely


def _placements(nodes: Floats, replicas: int) -> tuple[Floats, Floats]:
    zones = np.flatnonzero(nodes > 0)
    if not len(zones) or replicas < 1:
        return np.zeros((0, len(nodes))), np.zeros(0)
    everywhere, surplus = divmod(replicas, len(zones))
    largest = zones[np.argsort(-nodes[zones], kind="stable")][:_MOST_ZONES]
    chosen = list(combinations(sorted(largest), min(surplus, len(largest))))
    placed = np.zeros((len(chosen), len(nodes)))
    placed[:, zones] = everywhere
    for row, extra in enumerate(chosen):
        placed[row, list(extra)] += 1
    likely = np.array([nodes[list(extra)].prod() for extra in chosen])
    return placed, likely / likely.sum()


def crossings(flows: Floats, placed: Floats, *, prefers_close: bool) -> Floats:
    """Return how much of each flow there is, and crosses on each of its ways.

    The first axis is that of `Crossings`, then those of the flows, and last the ways.

    Args:
        flows: from zone to zone, shape (..., zones, zones).
        placed: the replicas in each zone, shape (ways, zones).
        prefers_close: whether callers prefer replicas in their own zone.
    """
    share = placed / placed.sum(axis=1, keepdims=True)
    is_near = ((placed > 0) & prefers_close).astype(float)
    is_far = 1 - is_near
    sent = flows.sum(axis=-1)
    leaving = sent - np.einsum("...zz->...z", flows)
    to_waypoint = sent @ (is_far * (1 - share)).T
    from_far = np.einsum("...sd,ws,wd->...w", flows, is_far, 1 - share, optimize=True)
    whole, direct = (
        np.broadcast_to(amounts.sum(axis=-1)[..., None], to_waypoint.shape)
        for amounts in (sent, leaving)
    )
    return np.stack([whole, to_waypoint, leaving @ is_near.T + from_far, direct])


def with_price(scenario: Scenario, usage: MeshUsage) -> Scenario:
    """Return the scenario with the price of bytes between zones of the nodes' provider.

    A stated price stays. Where no zone is known the scenario has none, unless it is stated. Nodes
    of several providers have the mean price; an unknown provider has the price 0.
    """
    item = scenario.assumptions[ZONE_PRICE]
    if item != assumptions()[ZONE_PRICE]:
        return scenario
    nodes = zoned_nodes(usage)
    if (nodes["zone"] == "").all():
        others = {name: one for name, one in scenario.assumptions.items() if name != ZONE_PRICE}
        return replace(scenario, assumptions=others)
    shares = nodes.groupby("provider")["present_share"].sum()
    found = [(one, float(shares[name])) for name, one in providers().items() if name in shares]
    if not found:
        unknown = replace(item, value=Interval.exactly(0.0), source=UNKNOWN_PROVIDER)
        return scenario.with_assumptions({ZONE_PRICE: unknown})
    prices = [one.zone_usd_per_gb for one, _ in found]
    mean = sum(one.zone_usd_per_gb.mid * share for one, share in found)
    value = Interval(
        low=min(price.low for price in prices),
        mid=mean / sum(share for _, share in found),
        high=max(price.high for price in prices),
    )
    source = "; ".join(f"{one.title}: {one.source}" for one, _ in found)
    return scenario.with_assumptions({ZONE_PRICE: replace(item, value=value, source=source)})


def unpriced(usage: MeshUsage, scenario: Scenario) -> Iterator[Refusal]:
    """Yield why bytes between zones have no price, where they may have one."""
    nodes, item = zoned_nodes(usage), scenario.assumptions.get(ZONE_PRICE)
    bills = [name for name, one in providers().items() if one.zone_usd_per_gb.high > 0]
    subject = "cost of traffic between zones"
    if item is not None and item.source == UNKNOWN_PROVIDER and nodes["zone"].nunique() > 1:
        detail = f"{UNKNOWN_PROVIDER}, so no price is added: set {ZONE_PRICE} in the scenario"
        yield Refusal(subject=subject, reason=Reason.NO_DATA, detail=detail)
    if (nodes["zone"] == "").all() and len(nodes) > 1 and nodes["provider"].isin(bills).any():
        detail = "the zones of the nodes are not known: start kube-state-metrics with "
        detail += "--metric-labels-allowlist=nodes=[topology.kubernetes.io/zone]"
        yield Refusal(subject=subject, reason=Reason.NO_DATA, detail=detail)


def in_no_zone(load: MeasuredLoad) -> Iterator[Refusal]:
    """Yield the clusters without a zone of any node, where others have zones."""
    if load.zones is None:
        return
    unknown = load.zones.nodes_per_zone.sum(axis=1) == 0
    if unknown.any():
        names = load.namespaces["namespace"][unknown]
        where = f"{counted(len(names), 'namespace')}, such as {names.iloc[0]}"
        detail = f"no node has a zone in the clusters of {where}: it is not included there"
        yield Refusal(subject="traffic between zones", reason=Reason.NO_DATA, detail=detail)


def partly_zoned(load: MeasuredLoad) -> Iterator[Finding]:
    """Yield that a part of the nodes has no zone, if it is more than a few."""
    if load.zones is not None and load.zones.zoned_share < _MOSTLY:
        share = in_percent(1 - load.zones.zoned_share)
        yield Finding(
            name="zones_partly_known",
            text=f"{share} of the nodes have no zone. Pods on them are taken to be spread over the "
            "zones of their cluster, where it has any.",
            fix="Label these nodes with topology.kubernetes.io/zone.",
        )
