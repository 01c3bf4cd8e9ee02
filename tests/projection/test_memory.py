"""Memory of ztunnels and waypoints, against sums done by hand."""

from dataclasses import replace

import numpy as np
import pytest

from analyzer.projection import project_usage
from analyzer.projection.memory import (
    OBSERVED_ZTUNNEL_MIB,
    PODS,
    SERVICES,
    waypoint_memory_gib,
    with_counted,
    ztunnel_memory_gib,
)
from analyzer.units import Interval, Role
from tests.projection.builders import (
    Call,
    Proxy,
    as_published,
    exactly,
    load,
    mesh,
    scenario,
    shop_mesh,
)
from tests.projection.fits import calibration


def mebibytes(**columns: list[float]) -> list[float]:
    """Return the memory of ztunnels with 15,000 pods and 2,000 services in their cluster."""
    nodes = load(passes_rps=[0.0, 0.0]).nodes
    assert nodes is not None
    assumed = scenario(cluster_pods=15_000, cluster_services=2_000)
    parameters = exactly(assumed, waypoint_idle_vcpu=0, waypoint_vcpu_per_1000_rps=0)
    found = ztunnel_memory_gib(nodes.assign(**columns), parameters)
    return [float(gib) * 1024 for gib in found[:, 0]]


def test_a_ztunnel_of_15000_pods_and_2000_services_is_within_180_to_230_mebibytes() -> None:
    # 64 + 120 + 8, and 0.03 for each of 1000 connections on the second node.
    found = mebibytes(open_connections=[0.0, 1000.0])

    assert found == pytest.approx([192, 222])
    assert all(180 <= each <= 230 for each in found)


def test_its_range_reaches_down_towards_what_was_observed() -> None:
    assumed = as_published(cluster_pods=15_000, cluster_services=2_000)
    projection = project_usage(shop_mesh(), calibration(), assumed)
    (l4,) = [mode for mode in projection.modes if mode.name == "ambient-l4"]
    memory_gib = l4.bases["usage"].memory_gib  # type: ignore[index]

    assert memory_gib is not None
    assert memory_gib.mid * 1024 / 2 == pytest.approx(192, rel=0.01)
    # All at their low ends: the least that was observed.
    base = assumed["ztunnel_memory_gib_per_node"]
    assert base.low * 1024 == pytest.approx(OBSERVED_ZTUNNEL_MIB.low, rel=0.01)
    assert OBSERVED_ZTUNNEL_MIB.low <= memory_gib.low * 1024 / 2 < 110


def test_a_waypoint_holds_its_namespaces_clusters_and_hosts() -> None:
    namespaces = load().namespaces.assign(called_count=20.0, sidecar_count=300.0)
    parameters = exactly(scenario(), waypoint_idle_vcpu=0, waypoint_vcpu_per_1000_rps=0)
    found = waypoint_memory_gib(namespaces, parameters)

    assert found[:, 0] * 1024 == pytest.approx([33 + 20 * 0.092 + 300 * 0.018])


def counted(name: str, clusters: float = np.nan) -> Interval:
    usage = mesh(
        Proxy(),
        Proxy(workload="shop/back"),
        Proxy(workload="edge/gate", role=Role.GATEWAY),
        calls=(
            Call(source="edge/gate", destination="shop/front", rps=(1, 1)),
            Call(source="shop/front", destination="shop/back", rps=(1, 1)),
            Call(source="shop/front", destination="shop/unknown", rps=(1, 1)),
        ),
    )
    usage = replace(usage, steps=usage.steps.assign(configured_clusters=clusters))
    return with_counted(scenario(), usage)[name]


def test_pods_are_those_with_a_proxy_up_to_twice_as_many() -> None:
    assert counted(PODS) == Interval(low=3, mid=3, high=6)


def test_services_are_called_workloads_or_envoy_clusters() -> None:
    assert counted(SERVICES) == Interval(low=2, mid=2, high=4)
    assert counted(SERVICES, clusters=50) == Interval(low=2, mid=50, high=50)
    assert counted(SERVICES, clusters=1) == Interval(low=2, mid=2, high=2)


def test_stated_pods_and_services_are_kept() -> None:
    assumed = with_counted(scenario(cluster_pods=7, cluster_services=5), shop_mesh())

    assert (assumed[PODS], assumed[SERVICES]) == (Interval.exactly(7), Interval.exactly(5))
