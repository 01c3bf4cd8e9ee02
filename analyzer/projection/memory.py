"""Memory of ztunnels and waypoints, by what they know of the cluster and carry.

    ztunnel    base + pods and services of the cluster x cost + its open connections x cost
    waypoint   base + Envoy clusters and hosts of its namespace x cost

The figures of a ztunnel are padded in their source: the ranges reach down to what was observed.
"""

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.data import assumptions
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.passing import open_connections
from analyzer.projection.scenario import Scenario
from analyzer.projection.uncertainty import Parameters
from analyzer.units import Interval, Role

PODS: Final = "cluster_pods"

SERVICES: Final = "cluster_services"

OBSERVED_ZTUNNEL_MIB: Final = Interval(low=11.4, mid=26, high=38)
"""MiB of one ztunnel where it was measured.

low: 12 MB, istio.io's load tests, Istio 1.24. Buoyant's three ztunnels together held 37-70 MiB, by
load: 12-23 each. mid and high: 26-38 MiB, Netcracker on EKS.
"""

ZTUNNEL_MEMORY: Final = (
    "ztunnel_memory_gib_per_node",
    "ztunnel_memory_gib_per_1000_pods",
    "ztunnel_memory_gib_per_1000_services",
    "ztunnel_memory_gib_per_1000_open_connections",
)

WAYPOINT_MEMORY: Final = (
    "waypoint_memory_gib_per_replica",
    "waypoint_memory_gib_per_1000_clusters",
    "waypoint_memory_gib_per_1000_hosts",
)

_CALLED: Final = ["destination_workload_namespace", "destination_workload"]


def ztunnel_memory_gib(nodes: pd.DataFrame, parameters: Parameters) -> Floats:
    """Return the GiB of each node's ztunnel, shape (nodes, draws).

    Each ztunnel knows every pod and service; the connections are those through it.
    """
    base, pod, service, connection = (parameters[name] for name in ZTUNNEL_MEMORY)
    connections = open_connections(nodes, parameters.values, parameters.unseen_time)
    known = parameters[PODS] * pod + parameters[SERVICES] * service
    return np.asarray(base + (known + connections * connection) / 1000)


def waypoint_memory_gib(waypoints: pd.DataFrame, parameters: Parameters) -> Floats:
    """Return the GiB of one replica of each waypoint, shape (waypoints, draws).

    `waypoints` has the called workloads and the sidecars of the namespaces of each.
    """
    base, cluster, host = (parameters[name] for name in WAYPOINT_MEMORY)
    called, pods, shares = (
        waypoints[name].to_numpy(float)[:, None]
        for name in ("called_count", "sidecar_count", "present_share")
    )
    hosts = pods / shares
    return np.asarray(base + (called * cluster + hosts * host) / 1000)


def with_counted(scenario: Scenario, usage: MeshUsage) -> Scenario:
    """Return the scenario with the pods and services of the snapshot, unless they are stated."""
    counted = (
        (PODS, _pods(usage), "pods with a proxy, up to twice as many: others are in no query"),
        (SERVICES, _services(usage), "called workloads, and Envoy clusters of a sidecar"),
    )
    return scenario.with_assumptions(
        {
            name: replace(assumptions()[name].measured(found), source=source)
            for name, found, source in counted
            if scenario.assumptions[name] == assumptions()[name]
        }
    )


def _pods(usage: MeshUsage) -> Interval:
    count = sum(usage.count(role) for role in (Role.SIDECAR, Role.GATEWAY, Role.WAYPOINT))
    return Interval(low=count, mid=count, high=2 * count)


def _services(usage: MeshUsage) -> Interval:
    """Return how many services there are: a sidecar has an Envoy cluster for each port of each."""
    calls = usage.calls[_CALLED]
    called = len(calls[calls["destination_workload"] != "unknown"].drop_duplicates())
    clusters = usage.of_role(Role.SIDECAR)["configured_clusters"].max()
    if np.isnan(clusters):
        return Interval(low=called, mid=called, high=2 * called)
    most = max(called, float(clusters))
    return Interval(low=called, mid=most, high=most)
