"""The load where it is not simply what was measured, and where things run: by hand."""

import math

import pytest

from analyzer.errors import InsufficientData
from analyzer.projection import project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.demand import Growth, MeasuredLoad, mesh_load
from analyzer.units import Interval, Role
from tests.projection.builders import MEBIBYTE, Call, Node, Proxy, mesh, scenario, shop_mesh
from tests.projection.fits import calibration, fit, no_fit


def by_namespace(load: MeasuredLoad, column: str) -> dict[str, float]:
    return dict(zip(load.namespaces["namespace"], load.namespaces[column], strict=True))


def passes(load: MeasuredLoad) -> dict[str, float]:
    assert load.nodes is not None
    return dict(zip(load.nodes["node"], load.nodes["passes_rps"], strict=True))


# --- which calls pass waypoints ---


def test_ingress_passes_waypoints_if_the_scenario_asks_for_it() -> None:
    # Into shop go 80 rps of the gateway, 20 of nobody known, and 40 and 60 of shop's own front.
    usual, told = (
        mesh_load(shop_mesh(), ingress_through_waypoint=through) for through in (False, True)
    )

    assert by_namespace(usual, "waypoint_rps") == pytest.approx({"data": 20, "shop": 50})
    assert by_namespace(told, "waypoint_rps") == pytest.approx({"data": 20, "shop": 130})
    assert by_namespace(usual, "waypoint_peak_rps") == pytest.approx({"data": 30, "shop": 60})
    assert by_namespace(told, "waypoint_peak_rps") == pytest.approx({"data": 30, "shop": 140})


@pytest.mark.parametrize("ingress_through_waypoint", [False, True])
def test_a_pod_on_the_hosts_network_has_no_sidecar_and_its_calls_pass_no_waypoint(
    *,
    ingress_through_waypoint: bool,
) -> None:
    # Istio knows no caller that has no proxy: its calls come from "unknown".
    usage = mesh(
        Proxy(),
        calls=[Call(source="unknown/unknown", destination="shop/front", rps=(30, 30))],
    )
    load = mesh_load(usage, ingress_through_waypoint=ingress_through_waypoint)

    assert by_namespace(load, "waypoint_rps") == {"shop": 0}
    assert by_namespace(load, "has_http") == {"shop": True}
    # They do pass the ztunnel of the pod that they reach.
    assert passes(load) == {"a": 100}


def test_the_peak_is_of_all_callers_together_in_one_step() -> None:
    usage = mesh(
        Proxy(),
        calls=[
            Call(source="shop/front", destination="shop/front", rps=(90, 10)),
            Call(source="far/away", destination="shop/front", rps=(10, 80)),
        ],
    )

    # 100 and 90 together; not 90 + 80.
    assert by_namespace(mesh_load(usage), "waypoint_peak_rps") == {"shop": 100}


def test_a_namespace_without_callers_has_no_peak() -> None:
    assert by_namespace(mesh_load(mesh(Proxy())), "waypoint_peak_rps") == {"shop": 0}


# --- nodes ---


def test_a_call_within_a_node_passes_its_ztunnel_once_for_each_proxy() -> None:
    # 40 rps from front to back: 40 out of one proxy and 40 into the other.
    front = Proxy(workload="shop/front", proxy_rps=(40, 40))
    call = [Call(source="shop/front", destination="shop/back", rps=(40, 40))]

    def found(node: str) -> dict[str, float]:
        back = Proxy(workload="shop/back", node=node, proxy_rps=(40, 40))
        return passes(mesh_load(mesh(front, back, calls=call, nodes=("a", "b"))))

    assert found("a") == {"a": 80, "b": 0}
    assert found("b") == {"a": 40, "b": 40}


def test_a_call_to_itself_passes_the_ztunnel_twice() -> None:
    usage = mesh(
        Proxy(proxy_rps=(60, 60)),
        calls=[Call(source="shop/front", destination="shop/front", rps=(30, 30))],
    )

    assert passes(mesh_load(usage)) == {"a": 60}


def test_a_daemonset_has_its_traffic_on_each_of_its_nodes() -> None:
    agents = [
        Proxy(workload="ops/agent", node=node, proxy_rps=(rate, rate))
        for node, rate in (("a", 5.0), ("b", 7.0), ("c", 11.0))
    ]
    load = mesh_load(mesh(*agents, nodes=("a", "b", "c")))

    assert passes(load) == {"a": 5, "b": 7, "c": 11}
    assert by_namespace(load, "sidecar_count") == {"ops": 3}


def test_new_connections_are_counted_at_their_node_and_in_their_namespace() -> None:
    usage = mesh(
        Proxy(node="a", new_connections_per_second=30.0),
        Proxy(workload="data/db", node="b", new_connections_per_second=12.0),
        nodes=("a", "b"),
    )
    load = mesh_load(usage)

    assert load.nodes is not None
    assert load.nodes["new_connections_per_second"].tolist() == pytest.approx([30, 12])
    assert by_namespace(load, "new_connections_per_second") == {"data": 12, "shop": 30}


def test_the_placement_of_sidecars_is_by_namespace_and_node() -> None:
    placed = mesh_load(shop_mesh()).placement.set_index(["namespace", "node"])

    assert placed["usage_vcpu"].to_dict() == pytest.approx(
        {("data", ""): 0.04, ("shop", "a"): 0.3, ("shop", "b"): 0.1}
    )
    assert placed["billed_vcpu"].to_dict() == pytest.approx(
        {("data", ""): 0.04, ("shop", "a"): 0.3, ("shop", "b"): 0.2}
    )
    assert placed["billed_memory_gib"].to_dict() == pytest.approx(
        {("data", ""): 32 / 1024, ("shop", "a"): 128 / 1024, ("shop", "b"): 192 / 1024}
    )


def test_a_node_has_the_mean_size_of_those_that_are_known() -> None:
    nodes = (
        Node(name="a", allocatable_vcpu=2, allocatable_memory_bytes=4 * 1024 * MEBIBYTE),
        Node(name="b", allocatable_vcpu=6, allocatable_memory_bytes=math.nan),
        Node(name="c", allocatable_vcpu=math.nan, allocatable_memory_bytes=math.nan),
    )
    load = mesh_load(mesh(Proxy(), nodes=nodes))

    assert load.allocatable_vcpu_per_node == pytest.approx(4)
    assert load.allocatable_memory_gib_per_node == pytest.approx(4)


def test_nodes_of_unknown_size_have_none() -> None:
    load = mesh_load(mesh(Proxy(), nodes=()))

    assert load.allocatable_vcpu_per_node is None
    assert load.allocatable_memory_gib_per_node is None


# --- namespaces: what is known ---


def test_each_namespace_has_requested_and_billed_and_unknown_stays_unknown() -> None:
    load = mesh_load(shop_mesh())

    reserved, billed = (
        by_namespace(load, f"sidecar_{column}") for column in ("reserved_vcpu", "billed_vcpu")
    )
    # front uses 0.2 and 0.4 of 0.1, back 0.1 of 0.2; nobody knows what db reserves.
    assert reserved["shop"] == pytest.approx(0.3)
    assert billed["shop"] == pytest.approx(0.3 + 0.2)
    assert math.isnan(reserved["data"])
    assert math.isnan(billed["data"])
    assert by_namespace(load, "sidecar_memory_gib") == pytest.approx(
        {"data": 32 / 1024, "shop": 256 / 1024}
    )


def test_unknown_memory_and_cpu_of_a_namespace_are_not_zero() -> None:
    usage = mesh(Proxy(), Proxy(workload="dark/one", cpu_vcpu=(math.nan, math.nan)))
    load = mesh_load(usage)

    assert math.isnan(by_namespace(load, "sidecar_vcpu")["dark"])
    assert all(map(math.isnan, by_namespace(load, "sidecar_memory_gib").values()))
    assert by_namespace(load, "proxy_rps")["dark"] == 100


# --- growth ---


def test_traffic_grows_by_the_factor_everywhere() -> None:
    usage, tripled = shop_mesh(), Growth(factor=3, sidecar_vcpu_per_rps=0.0)
    before, after = mesh_load(usage), mesh_load(usage, growth=tripled)

    assert after.proxy_rps == pytest.approx(3 * before.proxy_rps)
    assert after.mesh_rps == pytest.approx(3 * before.mesh_rps)
    assert before.nodes is not None
    assert after.nodes is not None
    for table_before, table_after, columns in (
        (before.nodes, after.nodes, ["passes_rps", "gbit_per_second"]),
        (
            before.namespaces,
            after.namespaces,
            ["proxy_rps", "gbit_per_second", "waypoint_rps", "waypoint_peak_rps"],
        ),
    ):
        for column in columns:
            assert table_after[column].tolist() == pytest.approx(
                (3 * table_before[column]).tolist()
            )
    assert after.sidecar_count == before.sidecar_count
    assert by_namespace(after, "sidecar_memory_gib") == by_namespace(before, "sidecar_memory_gib")


def test_sidecars_use_what_was_measured_and_the_slope_for_what_is_added() -> None:
    load = mesh_load(shop_mesh(), growth=Growth(factor=3, sidecar_vcpu_per_rps=0.0005))

    # 540 more proxy requests/s at 0.0005, of which 40 in data.
    assert load.sidecars.vcpu == pytest.approx(0.44 + 0.27)
    assert by_namespace(load, "sidecar_vcpu") == pytest.approx({"data": 0.06, "shop": 0.4 + 0.25})


def test_the_bill_of_a_grown_sidecar_is_worked_out_step_by_step() -> None:
    usage = mesh(Proxy(cpu_vcpu=(0.1, 0.3), proxy_rps=(100, 300), reserved_vcpu=0.25))
    load = mesh_load(usage, growth=Growth(factor=2, sidecar_vcpu_per_rps=0.001))

    # It uses 0.2 and 0.6 then, and 0.25 is reserved.
    assert load.sidecars.billed_vcpu == pytest.approx((0.25 + 0.6) / 2)
    assert load.sidecars.reserved_vcpu == pytest.approx(0.25)
    assert by_namespace(load, "sidecar_billed_vcpu") == pytest.approx({"shop": 0.425})


def test_traffic_that_falls_away_never_leaves_less_than_nothing() -> None:
    # 200 rps less at 0.001 would be 0.1 below zero in the second step.
    usage = mesh(Proxy(cpu_vcpu=(0.5, 0.1), proxy_rps=(100, 400)))
    load = mesh_load(usage, growth=Growth(factor=0.5, sidecar_vcpu_per_rps=0.001))

    assert load.sidecars.vcpu == pytest.approx((0.45 + 0.0) / 2)


def test_a_proxy_of_unknown_requests_does_not_grow() -> None:
    usage = mesh(Proxy(cpu_vcpu=(0.2, 0.2), proxy_rps=(math.nan, math.nan)))
    load = mesh_load(usage, growth=Growth(factor=5, sidecar_vcpu_per_rps=0.001))

    assert load.sidecars.vcpu == pytest.approx(0.2)
    assert load.proxy_rps == 0


def test_the_scenario_grows_sidecars_by_the_slope_of_the_fit() -> None:
    fitted = calibration(fit(slope=Interval(low=0.3, mid=0.4, high=0.5)))
    grown = project_usage(shop_mesh(), fitted, scenario(traffic_growth_factor=2))

    # 270 more proxy requests/s at 0.4 for 1000.
    assert grown.modes[0].bases[Basis.USAGE].vcpu.mid == pytest.approx(0.44 + 0.27 * 0.4)


def test_without_a_slope_more_traffic_is_refused_and_the_same_is_not() -> None:
    fitted = calibration(no_fit(), fit(role=Role.WAYPOINT))

    assert len(project_usage(shop_mesh(), fitted, scenario()).modes) == 4
    with pytest.raises(InsufficientData) as caught:
        project_usage(shop_mesh(), fitted, scenario(traffic_growth_factor=2))
    assert "traffic_growth_factor 2" in str(caught.value)
    assert str(no_fit()) in str(caught.value)
