"""What other numbers of replicas, and other ways to choose one, change between zones."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from analyzer.arrays import Floats
from analyzer.projection.choices import PREFER_CLOSE, Basis, TrafficDistribution
from analyzer.projection.needs import Case
from analyzer.projection.result import ReplicaChoice, ZoneChoice, ZoneTransfer
from analyzer.projection.scenario import ZONE_PRICE, Scenario
from analyzer.projection.uncertainty import to_interval
from analyzer.projection.waypoints import (
    Waypoints,
    counts_of,
    each_waypoint,
    placed,
    replicas_of,
    transfer_of_waypoints,
)
from analyzer.projection.zone_traffic import ZoneTraffic


def zone_transfer(case: Case, scenario: Scenario, basis: Basis) -> ZoneTransfer | None:
    """Return the traffic between zones with each choice; None where no zone is known."""
    traffic = case.load.zones
    if traffic is None or not case.has_ambient:
        return None
    return ZoneTransfer(
        zone_count=traffic.most_zones,
        usd_per_gb=to_interval(case.parameters[ZONE_PRICE]),
        source=scenario.assumptions[ZONE_PRICE].source,
        choices=tuple(_choices(case, basis, traffic)),
    )


def _choices(case: Case, basis: Basis, traffic: ZoneTraffic) -> Iterator[ZoneChoice]:
    """Yield each choice, that of the scenario first."""
    waypoints = placed(case.load, case.parameters.placement)
    needed = replicas_of(waypoints, case.parameters)
    own = case.parameters.traffic_distribution
    (other,) = [one for one in TrafficDistribution if one != own]
    for distribution in (own, other):
        yield _choice(case, basis, waypoints, needed, distribution)
    zone_counts = np.zeros(len(needed))
    np.maximum.at(zone_counts, waypoints.row, (traffic.nodes_per_zone > 0).sum(axis=1))
    one_a_zone = np.maximum(needed, zone_counts)
    if ((one_a_zone > needed) & waypoints.exist).any():
        for distribution in (TrafficDistribution.RANDOM, PREFER_CLOSE):
            found = _choice(case, basis, waypoints, one_a_zone, distribution)
            yield replace(found, replicas=ReplicaChoice.ONE_A_ZONE)


def _choice(
    case: Case,
    basis: Basis,
    waypoints: Waypoints,
    replicas: Floats,
    distribution: TrafficDistribution,
) -> ZoneChoice:
    each, counts = each_waypoint(case, waypoints, replicas), counts_of(waypoints, replicas)
    waypoint_usd = each.usd_per_year(counts, basis, case.parameters).sum(axis=0)
    placement = case.parameters.placement
    transfer = transfer_of_waypoints(case, placement, replicas=replicas, distribution=distribution)
    gb, transfer_usd = np.zeros(1), np.zeros(1)
    if transfer:
        gb, transfer_usd = transfer.gb_per_month.sum(axis=0), transfer.usd_per_year
    return ZoneChoice(
        replicas=ReplicaChoice.ASSUMED,
        traffic_distribution=distribution,
        waypoint_count=float(counts.sum()),
        gb_per_month=to_interval(gb),
        transfer_usd_per_year=to_interval(transfer_usd),
        waypoint_vcpu=to_interval(each.amounts(counts)[0][basis].sum(axis=0)),
        waypoint_usd_per_year=to_interval(waypoint_usd),
        usd_per_year=to_interval(waypoint_usd + transfer_usd),
    )
