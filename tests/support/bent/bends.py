"""All bends by name, and how they are composed."""

from collections.abc import Callable, Collection, Mapping

import numpy as np

from tests.support.bent import bursts, copies, gaps, lives, parts, prices, rates
from tests.support.bent.edit import Random
from tests.support.bent.healthy import beside_another
from tests.support.bent.scene import Kind, Scene

Bend = Callable[[Scene, Random], Scene]

BENDS: Mapping[Kind, tuple[Bend, ...]] = {
    Kind.BURSTS: (bursts.every_ten_minutes, bursts.at_clock_times, bursts.evicted_series),
    Kind.LIVES: (
        lives.node_churn,
        lives.node_pool_upgrade,
        lives.surge_nodes,
        lives.virtual_nodes,
        lives.previews,
        lives.init_container,
        lives.debug_container,
    ),
    Kind.PRICES: (
        prices.zero_prices,
        prices.missing_prices,
        prices.negative_prices,
        prices.not_a_number,
        prices.zero_at_times,
    ),
    Kind.GAPS: (
        gaps.kubelets_to_the_end,
        gaps.kubelets_for_a_time,
        gaps.proxies_for_a_time,
        gaps.both_for_a_time,
        gaps.lost_scrapes,
        gaps.state_for_a_time,
        gaps.metrics_for_a_workload,
        gaps.scattered,
        gaps.dark_cluster,
    ),
    Kind.PARTS: (
        parts.slow_cluster,
        parts.slow_job,
        parts.slow_kubelets,
        parts.asked_with_a_margin,
    ),
    Kind.RATES: (
        rates.cpu_dips,
        rates.request_dips,
        rates.source_dips,
        rates.waypoint_dip,
        rates.cpu_spike,
        rates.request_spike,
        rates.cpu_jump,
        rates.request_jump,
        rates.falls_in_a_row,
        rates.both_sides,
    ),
    Kind.COPIES: (
        copies.two_cgroups,
        copies.resource_metrics,
        copies.replicas,
        copies.replicas_of_a_part,
        copies.replicas_of_a_time,
        copies.two_agents,
        copies.kubelets_twice,
        copies.nested_cgroup,
    ),
}
"""In the order in which they are applied: what happens, then what is scraped, then what is stored.

So no bend undoes the sign that an earlier one left in the data.
"""

_OF_TWO_CLUSTERS = (gaps.dark_cluster, parts.slow_cluster, parts.very_slow_cluster)


def bent(scene: Scene, bends: Collection[Bend], seed: int) -> Scene:
    """Return a scene after some bends, each with random numbers of its own."""
    if any(bend in _OF_TWO_CLUSTERS for bend in bends):
        scene = beside_another(scene)
    in_order = [bend for group in BENDS.values() for bend in group if bend in bends]
    if len(in_order) < len(bends):
        raise ValueError("a bend that BENDS does not list")
    for number, bend in enumerate(in_order):
        scene = bend(scene, np.random.default_rng([seed, number]))
    return scene
