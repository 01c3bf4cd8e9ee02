"""Who passes what in ambient mode: ztunnels and waypoints, by where a call comes from and goes to.

Each proxy request of a sidecar becomes one pass through the ztunnel of its pod's node, and each
call of a meshed caller into a namespace one through its waypoint. Sources:

- a pod's outbound and inbound requests are redirected to the ztunnel of its node, also if both are
  on one node; ztunnel sends them to the waypoint of the destination; callers outside the mesh,
  sidecars and gateways pass none: istio.io, "Ambient data plane";
- gateways pass one only for services that ask for it (`istio.io/ingress-use-waypoint`):
  `EnableIngressWaypointRouting` in istio's pilot/pkg/xds/endpoints/endpoint_builder.go;
- only pods of the ambient mode are redirected, none with a proxy of its own, `dataplane-mode: none`
  or the host's network: `PodRedirectionEnabled` in istio's cni/pkg/util/podutil.go. Injected
  gateways have a proxy of their own, and istiod labels other gateways and waypoints `none`
  (pilot/pkg/config/kube/gateway/deploymentcontroller.go, files/waypoint.yaml);
- a service has the waypoint of its namespace, unless it is a waypoint: `fetchWaypointForService` in
  istio's pilot/pkg/serviceregistry/ambient/waypoints.go;
- between networks, the caller's ztunnel sends to the east-west gateway of the other cluster, which
  forwards to the ztunnel there; waypoints are those of the destination's cluster: istio.io,
  "Introducing multicluster support for ambient mode" (2025-08-04).
"""

from dataclasses import replace

import pytest

from analyzer.measurement.usage import MeshUsage
from analyzer.projection.demand import MeasuredLoad, mesh_load
from analyzer.units import Role
from tests.projection.builders import Call, Proxy, mesh

RPS = 40.0
OUTSIDE = "unknown/unknown"


def sidecar(workload: str, node: str, requests: int = 1) -> Proxy:
    """Return a sidecar that handles each call so often: once, or twice for a call to itself."""
    return Proxy(workload=workload, node=node, proxy_rps=(requests * RPS,) * 2)


def gateway(workload: str, node: str) -> Proxy:
    return Proxy(workload=workload, node=node, role=Role.GATEWAY, proxy_rps=(RPS, RPS))


def call(source: str, destination: str) -> Call:
    return Call(source=source, destination=destination, rps=(RPS, RPS))


def passes(load: MeasuredLoad) -> dict[str, float]:
    """Return how often ztunnels see each call, by node, where they do."""
    assert load.nodes is not None
    by_node = zip(load.nodes["node"], load.nodes["passes_rps"], strict=True)
    return {node: rps / RPS for node, rps in by_node if rps}


def waypoints(load: MeasuredLoad) -> dict[str, float]:
    """Return how often waypoints see each call, by namespace, where they do."""
    by_namespace = zip(load.namespaces["namespace"], load.namespaces["waypoint_rps"], strict=True)
    return {namespace: rps / RPS for namespace, rps in by_namespace if rps}


def found(
    usage: MeshUsage, *, ingress_through_waypoint: bool = False
) -> tuple[dict[str, float], dict[str, float]]:
    load = mesh_load(usage, ingress_through_waypoint=ingress_through_waypoint)
    return passes(load), waypoints(load)


def shop(*proxies: Proxy, calls: list[Call]) -> MeshUsage:
    return mesh(*proxies, calls=calls, nodes=("a", "b"))


# --- between pods of the mesh ---


def test_a_call_between_pods_passes_both_ztunnels_and_one_waypoint() -> None:
    usage = shop(
        sidecar("shop/front", "a"),
        sidecar("data/back", "b"),
        calls=[call("shop/front", "data/back")],
    )

    assert found(usage) == ({"a": 1, "b": 1}, {"data": 1})


def test_within_a_node_it_passes_the_same_ztunnel_twice() -> None:
    usage = shop(
        sidecar("shop/front", "a"),
        sidecar("shop/back", "a"),
        calls=[call("shop/front", "shop/back")],
    )

    assert found(usage) == ({"a": 2}, {"shop": 1})


def test_a_chain_of_calls_passes_the_ztunnel_of_its_middle_twice() -> None:
    usage = shop(
        sidecar("shop/front", "a"),
        sidecar("shop/middle", "b", requests=2),
        sidecar("data/back", "a"),
        calls=[call("shop/front", "shop/middle"), call("shop/middle", "data/back")],
    )

    assert found(usage) == ({"a": 2, "b": 2}, {"shop": 1, "data": 1})


# --- from outside the mesh ---


@pytest.mark.parametrize("ingress_through_waypoint", [False, True])
def test_an_unmeshed_caller_passes_the_ztunnel_of_the_called_pod_alone(
    *, ingress_through_waypoint: bool
) -> None:
    usage = shop(sidecar("shop/front", "a"), calls=[call(OUTSIDE, "shop/front")])

    expected: tuple[dict[str, float], dict[str, float]] = ({"a": 1}, {})
    assert found(usage, ingress_through_waypoint=ingress_through_waypoint) == expected


@pytest.mark.parametrize(("asked", "at_waypoint"), [(False, {}), (True, {"shop": 1})])
def test_ingress_passes_a_waypoint_where_its_services_ask_for_it(
    *, asked: bool, at_waypoint: dict[str, float]
) -> None:
    usage = shop(
        gateway("edge/ingress", "b"),
        sidecar("shop/front", "a"),
        calls=[call("edge/ingress", "shop/front")],
    )

    # The gateway speaks HBONE itself: its node's ztunnel has nothing of it.
    assert found(usage, ingress_through_waypoint=asked) == ({"a": 1}, at_waypoint)


def test_what_ingress_calls_passes_waypoints_further_on() -> None:
    usage = shop(
        gateway("edge/ingress", "b"),
        sidecar("shop/front", "a", requests=2),
        sidecar("data/back", "b"),
        calls=[call("edge/ingress", "shop/front"), call("shop/front", "data/back")],
    )

    assert found(usage) == ({"a": 2, "b": 1}, {"data": 1})


# --- to outside the mesh ---


@pytest.mark.parametrize("destination", [OUTSIDE, "legacy/unmeshed"])
def test_a_call_out_of_the_mesh_passes_the_ztunnel_of_its_caller_alone(destination: str) -> None:
    usage = shop(sidecar("shop/front", "a"), calls=[call("shop/front", destination)])

    assert found(usage) == ({"a": 1}, {})


def test_egress_passes_the_ztunnel_of_its_caller_alone() -> None:
    """A gateway reports its own call too, which no sidecar handles."""
    usage = shop(
        sidecar("shop/front", "a"),
        gateway("edge/egress", "b"),
        calls=[call("shop/front", "edge/egress"), call("edge/egress", OUTSIDE)],
    )

    assert found(usage) == ({"a": 1}, {})


@pytest.mark.parametrize("destination", ["shop/egress", "shop/unmeshed"])
def test_services_of_gateways_and_unmeshed_pods_have_the_waypoint_of_their_namespace(
    destination: str,
) -> None:
    usage = shop(
        sidecar("shop/front", "a"),
        gateway("shop/egress", "b"),
        calls=[call("shop/front", destination)],
    )

    assert found(usage) == ({"a": 1}, {"shop": 1})


# --- between clusters ---


def test_a_call_into_another_cluster_passes_a_ztunnel_in_each() -> None:
    """Gateways between clusters pass it on without HTTP, so they report no requests."""
    usage = shop(
        sidecar("east-shop/front", "a"),
        gateway("west-istio-system/eastwest", "b"),
        sidecar("west-shop/back", "b"),
        calls=[call("east-shop/front", "west-shop/back")],
    )

    assert found(usage) == ({"a": 1, "b": 1}, {"west-shop": 1})


def test_of_one_cluster_the_half_of_a_call_that_is_in_it_passes() -> None:
    """A snapshot of the called cluster has a caller that it has no proxy of."""
    called = shop(sidecar("shop/back", "b"), calls=[call("shop/front", "shop/back")])
    calling = shop(sidecar("shop/front", "a"), calls=[call("shop/front", OUTSIDE)])

    assert found(called) == ({"b": 1}, {"shop": 1})
    assert found(calling) == ({"a": 1}, {})


# --- proxies that are no sidecars ---


@pytest.mark.parametrize("role", [Role.GATEWAY, Role.WAYPOINT, Role.ZTUNNEL])
def test_gateways_waypoints_and_ztunnels_pass_no_ztunnel(role: Role) -> None:
    """What they handle passes where a pod of the mesh sends or receives it."""
    other = Proxy(
        workload="edge/proxy",
        node="b",
        role=role,
        proxy_rps=(900, 900),
        tcp_bytes_per_second=1e9,
        new_connections_per_second=50,
    )
    load = mesh_load(shop(sidecar("shop/front", "a"), other, calls=[]))

    assert passes(load) == {"a": 1}
    assert load.nodes is not None
    carried = load.nodes.set_index("node").loc["b"]
    assert carried["gbit_per_second"] == carried["new_connections_per_second"] == 0


# --- TCP ---


def test_tcp_passes_the_ztunnels_of_both_pods_and_the_waypoint_of_the_called_one() -> None:
    client = carrying("shop/front", "a", inbound=0)
    server = carrying("data/db", "b", inbound=1)
    load = mesh_load(shop(client, server, calls=[]))

    assert load.nodes is not None
    assert load.nodes["gbit_per_second"].tolist() == [1, 1]
    assert load.nodes["new_connections_per_second"].tolist() == [20, 20]
    at_waypoints = load.namespaces.set_index("namespace")
    assert at_waypoints["waypoint_gbit_per_second"].to_dict() == {"data": 1, "shop": 0}
    assert at_waypoints["waypoint_connections_per_second"].to_dict() == {"data": 20, "shop": 0}


def carrying(workload: str, node: str, *, inbound: float) -> Proxy:
    """Return a sidecar with a Gbit/s and 20 connections/s, which accepts this share of them."""
    return Proxy(
        workload=workload,
        node=node,
        proxy_rps=(0, 0),
        tcp_bytes_per_second=125e6,
        inbound_tcp_bytes_per_second=inbound * 125e6,
        new_connections_per_second=20,
    )


def test_a_gateway_is_known_where_the_called_proxy_writes_it_with_its_own_cluster() -> None:
    usage = shop(
        gateway("edge/ingress", "a"),
        sidecar("shop/front", "b"),
        calls=[call("edge/ingress", "shop/front")],
    )
    proxies = usage.proxies.assign(namespace="east/" + usage.proxies["namespace"])
    calls = usage.calls.assign(
        source_workload_namespace="west/edge", destination_workload_namespace="east/shop"
    )

    assert found(replace(usage, proxies=proxies, calls=calls))[1] == {}
