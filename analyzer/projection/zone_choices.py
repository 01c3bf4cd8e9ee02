"""What other numbers of replicas, and other ways to choose one, change between zones."""

from collections.abc import Iterator

import numpy as np

from analyzer.arrays import Floats
from analyzer.projection.choices import (
    PREFER_CLOSE,
    Basis,
    TrafficDistribution,
    waypoint_weights,
)
from analyzer.projection.components import (
    each_waypoint,
    waypoint_counts,
    waypoint_replicas,
    waypoint_transfer,
)
from analyzer.projection.needs import Case
from analyzer.projection.result import ReplicaChoice, ZoneChoice, ZoneTransfer
from analyzer.projection.scenario import ZONE_PRICE, Scenario
from analyzer.projection.uncertainty import to_interval


def zone_transfer(case: Case, scenario: Scenario, basis: Basis) -> ZoneTransfer | None:
    """Return the traffic between zones with each choice; None where no zone is known."""
    traffic = case.load.zones
    if traffic is None or not case.has_ambient:
        return None
    return ZoneTransfer(
        zone_count=traffic.most_zones,
        usd_per_gb=to_interval(case.parameters[ZONE_PRICE]),
        source=scenario.assumptions[ZONE_PRICE].source,
        choices=tuple(_choices(case, basis, (traffic.nodes_per_zone > 0).sum(axis=1))),
    )


def _choices(case: Case, basis: Basis, zone_counts: Floats) -> Iterator[ZoneChoice]:
    """Yield each choice, that of the scenario first."""
    needed = waypoint_replicas(case.load, case.parameters)
    own = case.parameters.traffic_distribution
    (other,) = [one for one in TrafficDistribution if one != own]
    for distribution in (own, other):
        yield _choice(case, basis, needed, ReplicaChoice.ASSUMED, distribution)
    one_a_zone = np.maximum(needed, zone_counts)
    if (one_a_zone > needed).any():
        for distribution in (TrafficDistribution.RANDOM, PREFER_CLOSE):
            yield _choice(case, basis, one_a_zone, ReplicaChoice.ONE_A_ZONE, distribution)


def _choice(
    case: Case,
    basis: Basis,
    replicas: Floats,
    name: ReplicaChoice,
    distribution: TrafficDistribution,
) -> ZoneChoice:
    weights = waypoint_weights(case.parameters.placement, case.load.namespaces)
    each, counts = each_waypoint(case, replicas), waypoint_counts(case, weights, replicas)
    transfer = waypoint_transfer(case, weights, replicas, distribution)
    waypoint_usd = each.usd_per_year(counts, basis, case.parameters).sum(axis=0)
    gb, transfer_usd = np.zeros(1), np.zeros(1)
    if transfer:
        gb, transfer_usd = transfer.gb_per_month.sum(axis=0), transfer.usd_per_year
    return ZoneChoice(
        replicas=name,
        traffic_distribution=distribution,
        waypoint_count=float(counts.sum()),
        gb_per_month=to_interval(gb),
        transfer_usd_per_year=to_interval(transfer_usd),
        waypoint_vcpu=to_interval(each.amounts(counts)[0][basis].sum(axis=0)),
        waypoint_usd_per_year=to_interval(waypoint_usd),
        usd_per_year=to_interval(waypoint_usd + transfer_usd),
    )
