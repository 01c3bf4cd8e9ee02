"""The load read off a mesh, against sums done by hand."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from analyzer.errors import UsageError
from analyzer.projection.demand import MOST_NODES, MeshLoad, mesh_load, stated_load
from analyzer.settings import Setting, settings_in
from analyzer.units import Role
from tests.projection.builders import MEBIBYTE, Call, Node, Proxy, mesh, shop_mesh


def passes(load: MeshLoad) -> dict[str, float]:
    assert load.nodes is not None
    assert load.nodes["node"].is_unique
    return dict(zip(load.nodes["node"], load.nodes["passes_rps"], strict=True))


def by_namespace(load: MeshLoad, column: str) -> dict[str, float]:
    return dict(zip(load.namespaces["namespace"], load.namespaces[column], strict=True))


def test_totals_are_means_over_the_window() -> None:
    load = mesh_load(shop_mesh())

    assert load.sidecar_count == 3
    assert load.proxy_rps == pytest.approx((400 + 100 + 40) / 2)
    assert load.mesh_rps == pytest.approx((160 + 40 + 100 + 40 + 10) / 2)


def test_a_node_carries_its_pods_and_a_share_of_those_on_unknown_nodes() -> None:
    # 200 rps on a, 50 on b, and 20 nobody knows where: 10 on each.
    assert passes(mesh_load(shop_mesh())) == pytest.approx({"a": 210, "b": 60})


def test_tcp_payload_is_counted_in_gigabits_at_its_node() -> None:
    nodes = mesh_load(shop_mesh()).nodes

    assert nodes is not None
    # 125 MB/s are 1 Gbit/s.
    assert nodes["gbit_per_second"].tolist() == pytest.approx([0, 1])


def test_a_namespace_has_the_sums_of_its_sidecars() -> None:
    load = mesh_load(shop_mesh())

    assert by_namespace(load, "sidecar_count") == pytest.approx({"data": 1, "shop": 2})
    assert by_namespace(load, "sidecar_vcpu") == pytest.approx({"data": 0.04, "shop": 0.4})
    assert by_namespace(load, "proxy_rps") == pytest.approx({"data": 20, "shop": 250})
    assert by_namespace(load, "gbit_per_second") == pytest.approx({"data": 0, "shop": 1})


def test_calls_of_gateways_and_from_outside_pass_no_waypoint() -> None:
    # Into shop go 80 rps of the gateway, 20 of nobody known, and 50 of shop's own front.
    assert by_namespace(mesh_load(shop_mesh()), "waypoint_rps") == pytest.approx(
        {"data": 20, "shop": 50}
    )


def test_http_that_only_comes_from_a_gateway_is_http_all_the_same() -> None:
    usage = mesh(
        Proxy(workload="shop/front"),
        Proxy(workload="edge/gate", role=Role.GATEWAY),
        calls=[Call(source="edge/gate", destination="shop/front", rps=(7, 7))],
    )
    load = mesh_load(usage)

    assert by_namespace(load, "has_http") == {"shop": True}
    assert by_namespace(load, "waypoint_rps") == {"shop": 0}


def test_a_namespace_without_requests_has_no_http() -> None:
    load = mesh_load(mesh(Proxy(workload="cache/redis", proxy_rps=(0, 0))))

    assert by_namespace(load, "has_http") == {"cache": False}
    assert by_namespace(load, "waypoint_rps") == {"cache": 0}


def test_a_workload_that_shares_a_gateways_name_elsewhere_is_no_gateway() -> None:
    usage = mesh(
        Proxy(workload="shop/ingress"),
        Proxy(workload="edge/ingress", role=Role.GATEWAY),
        calls=[Call(source="shop/ingress", destination="shop/ingress", rps=(6, 8))],
    )

    assert by_namespace(mesh_load(usage), "waypoint_rps") == {"shop": 7}


def test_gateways_waypoints_and_ztunnels_are_no_sidecars() -> None:
    others = [
        Proxy(role=role, proxy_rps=(900, 900), cpu_vcpu=(9, 9))
        for role in (Role.GATEWAY, Role.WAYPOINT, Role.ZTUNNEL)
    ]
    load = mesh_load(mesh(Proxy(), *others))

    assert (load.sidecar_count, load.proxy_rps) == (1, 100)
    assert load.sidecars is not None
    assert load.sidecars.vcpu == pytest.approx(0.1)


def test_a_step_in_which_a_proxy_was_not_scraped_adds_nothing() -> None:
    usage = mesh(Proxy(proxy_rps=(100, math.nan), cpu_vcpu=(math.nan, 0.3)))
    load = mesh_load(usage)

    assert load.proxy_rps == pytest.approx(50)
    assert load.sidecars is not None
    assert load.sidecars.vcpu == pytest.approx(0.15)


def test_without_names_the_nodes_are_not_known() -> None:
    assert mesh_load(mesh(Proxy(node=""), nodes=())).nodes is None


def test_a_node_without_sidecars_has_a_ztunnel_to_run_too() -> None:
    assert passes(mesh_load(mesh(Proxy(node="a"), nodes=("a", "idle")))) == {"a": 100, "idle": 0}


def test_a_node_that_only_a_pod_names_counts() -> None:
    assert passes(mesh_load(mesh(Proxy(node="a"), nodes=()))) == {"a": 100}


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_the_users_number_of_nodes_wins_and_all_traffic_stays(count: int) -> None:
    load = mesh_load(shop_mesh(), node_count=count)

    assert len(passes(load)) == count
    assert sum(passes(load).values()) == pytest.approx(270)
    assert load.nodes is not None
    assert load.nodes["gbit_per_second"].sum() == pytest.approx(1)


def test_a_made_up_node_has_a_name_of_its_own() -> None:
    usage = mesh(Proxy(node="node-1"), Proxy(node="node-2"), nodes=("node-1", "node-2"))

    assert passes(mesh_load(usage, node_count=4)) == pytest.approx(
        {"node-1": 100, "node-2": 100, "node-3": 0, "node-4": 0}
    )


def test_a_number_of_nodes_is_enough_where_none_is_known() -> None:
    usage = mesh(Proxy(node=""), nodes=())

    assert sorted(passes(mesh_load(usage, node_count=4)).values()) == [25, 25, 25, 25]


def test_a_node_carries_its_pods_while_it_exists() -> None:
    usage = mesh(
        Proxy(node="old", proxy_rps=(300, 0), points=(0,)),
        Proxy(node="new", proxy_rps=(0, 500), points=(1,)),
        Proxy(node="", proxy_rps=(60, 20)),
        nodes=(Node(name="old", present_share=0.5), Node(name="new", present_share=0.5)),
    )
    load = mesh_load(usage)

    # Of the last one 40 a second on average, at one node at a time.
    assert passes(load) == pytest.approx({"old": 300 + 40, "new": 500 + 40})
    assert load.nodes is not None
    total = (load.nodes["passes_rps"] * load.nodes["present_share"]).sum()
    assert total == pytest.approx(load.proxy_rps)
    assert load.node_count == 1


@pytest.mark.parametrize(
    ("shares", "count"), [((0.999, 1, 1, 0.9967), 4), ((0.2,), 1), ((0.5, 0.3), 1), ((1, 0.75), 2)]
)
def test_the_number_of_nodes_is_whole_and_never_none(shares: tuple[float, ...], count: int) -> None:
    nodes = [Node(name=f"n{number}", present_share=share) for number, share in enumerate(shares)]

    assert mesh_load(mesh(Proxy(node="n0"), nodes=nodes)).node_count == count


def test_the_users_number_of_nodes_exists_all_the_time() -> None:
    nodes = [Node(name=f"n{number}", present_share=0.25) for number in range(7)]
    usage = mesh(Proxy(node="n0"), nodes=[*nodes, Node(name="z")])
    load = mesh_load(usage, node_count=3)

    assert load.nodes is not None
    # The one that existed longest is kept.
    assert load.nodes["node"].tolist() == ["z", "n0", "n1"]
    assert load.nodes["present_share"].tolist() == [1, 1, 1]
    assert load.nodes["passes_rps"].sum() == pytest.approx(load.proxy_rps)


def test_the_size_of_a_node_is_a_mean_over_their_time_and_those_with_a_ztunnel() -> None:
    usage = mesh(
        Proxy(),
        nodes=(
            Node(name="a", allocatable_vcpu=4, present_share=0.75),
            Node(name="b", allocatable_vcpu=8, present_share=0.25),
            Node(name="tiny", allocatable_vcpu=0.25, runs_daemonsets=False),
        ),
    )

    assert mesh_load(usage).allocatable_vcpu_per_node == pytest.approx(5)


def test_a_namespace_is_there_while_any_of_its_sidecars_is() -> None:
    usage = mesh(
        Proxy(workload="shop/a", cpu_vcpu=(0.1,) * 4, proxy_rps=(1,) * 4),
        Proxy(workload="pr-7/a", cpu_vcpu=(0.1,) * 4, proxy_rps=(1,) * 4, points=(1,)),
        Proxy(workload="pr-7/b", cpu_vcpu=(0.1,) * 4, proxy_rps=(1,) * 4, points=(1, 2)),
        Proxy(workload="pr-8/a", cpu_vcpu=(0.1,) * 4, proxy_rps=(1,) * 4, points=(3,)),
        steps=4,
    )
    load = mesh_load(usage)

    shares = {"shop": 1, "pr-7": 0.5, "pr-8": 0.25}
    assert by_namespace(load, "present_share") == pytest.approx(shares)
    assert load.namespace_count == 2


def test_used_reserved_and_billed_are_counted_proxy_by_proxy() -> None:
    sidecars = mesh_load(shop_mesh()).sidecars

    assert sidecars is not None
    assert sidecars.vcpu == pytest.approx(0.3 + 0.1 + 0.04)
    assert sidecars.reserved_vcpu == pytest.approx(0.1 + 0.2)
    # front uses more than it reserves in both steps, back less, and of db nothing is known.
    assert sidecars.billed_vcpu == pytest.approx((0.2 + 0.4) / 2 + 0.2 + 0.04)
    assert sidecars.memory_gib == pytest.approx((64 + 192 + 32) / 1024)
    assert sidecars.reserved_memory_gib == pytest.approx(256 / 1024)
    assert sidecars.billed_memory_gib == pytest.approx((128 + 192 + 32) / 1024)


def test_the_larger_of_use_and_reservation_is_taken_step_by_step() -> None:
    usage = mesh(Proxy(cpu_vcpu=(0.1, 0.5), reserved_vcpu=0.3))
    sidecars = mesh_load(usage).sidecars

    assert sidecars is not None
    assert sidecars.billed_vcpu == pytest.approx((0.3 + 0.5) / 2)


def test_a_pod_that_is_known_to_reserve_nothing_reserves_zero() -> None:
    usage = mesh(
        Proxy(node="a", cpu_vcpu=(0.2, 0.2)),
        Proxy(node="a", cpu_vcpu=(0.2, 0.2), reserved_vcpu=0.5),
    )
    sidecars = mesh_load(usage).sidecars

    assert sidecars is not None
    assert sidecars.reserved_vcpu == pytest.approx(0.5)
    assert sidecars.billed_vcpu == pytest.approx(0.2 + 0.5)


def test_unknown_requests_are_not_zero() -> None:
    sidecars = mesh_load(mesh(Proxy(node="a"), Proxy(node=""))).sidecars

    assert sidecars is not None
    assert sidecars.reserved_vcpu is None
    assert sidecars.billed_vcpu is None
    assert sidecars.reserved_memory_gib is None


def test_memory_that_was_not_measured_is_not_zero() -> None:
    sidecars = mesh_load(mesh(Proxy())).sidecars

    assert sidecars is not None
    assert sidecars.memory_gib is None


def test_what_is_reserved_counts_where_the_use_is_unknown() -> None:
    usage = mesh(Proxy(memory_bytes=math.nan, reserved_memory_bytes=512 * MEBIBYTE))
    sidecars = mesh_load(usage).sidecars

    assert sidecars is not None
    assert sidecars.billed_memory_gib == pytest.approx(0.5)


def test_means_are_over_the_steps_that_were_observed() -> None:
    usage = shop_mesh()
    first = replace(
        usage,
        observed_points=usage.observed_points[:1],
        steps=usage.steps[usage.steps["point"] == 0],
        calls=usage.calls[usage.calls["point"] == 0],
    )

    assert mesh_load(first).proxy_rps == pytest.approx(100 + 50 + 10)


def test_a_stated_mesh_is_spread_evenly_and_each_call_passes_two_sidecars() -> None:
    load = stated_load(pod_count=12, node_count=3, namespace_count=4, proxy_rps=600)

    assert (load.sidecar_count, load.proxy_rps, load.mesh_rps) == (12, 600, 300)
    assert sorted(passes(load).values()) == pytest.approx([200, 200, 200])
    assert load.namespaces["sidecar_count"].tolist() == [3, 3, 3, 3]
    assert load.namespaces["waypoint_rps"].tolist() == [75, 75, 75, 75]
    assert load.namespaces["namespace"].is_unique
    assert load.sidecars is None


def test_a_stated_mesh_without_requests_has_no_http() -> None:
    load = stated_load(pod_count=1, node_count=1, namespace_count=1, proxy_rps=0)

    assert not load.namespaces["has_http"].any()
    assert isinstance(load.nodes, pd.DataFrame)


@pytest.mark.parametrize(
    "lacking", [Setting.POD_COUNT, Setting.NODE_COUNT, Setting.NAMESPACE_COUNT]
)
def test_a_stated_mesh_of_nothing_is_refused_by_the_settings_name(lacking: Setting) -> None:
    counts = {"pod_count": 1, "node_count": 1, "namespace_count": 1, lacking.value: 0}

    with pytest.raises(UsageError) as caught:
        stated_load(**counts, proxy_rps=1)
    assert settings_in(str(caught.value)) == (lacking,)


# --- what new waypoints would handle in a mesh of several modes ---


@pytest.mark.parametrize(
    ("caller", "reporter", "direct", "expected"),
    [
        ("shop/front", "destination", "", 30.0),
        ("shop/front", "source", "", 30.0),
        ("shop/front", "waypoint", "", 0.0),
        ("shop/front", "destination", "shop/front", 0.0),
        ("shop/front", "destination", "shop/other", 30.0),
        ("unknown/unknown", "destination", "", 0.0),
    ],
    ids=["sidecar", "past", "handled", "keeps its sidecar", "another keeps its", "unmeshed"],
)
def test_a_new_waypoint_handles_meshed_calls_that_no_waypoint_handles(
    caller: str, reporter: str, direct: str, expected: float
) -> None:
    call = Call(source=caller, destination="pay/api", rps=(30.0, 30.0), reporter=reporter)
    usage = mesh(Proxy(workload="pay/api"), Proxy(workload="shop/front"), calls=[call])
    kept = pd.DataFrame([direct.split("/")] if direct else [], columns=["namespace", "workload"])

    load = mesh_load(usage, direct_callers=kept)

    rows = load.namespaces.set_index("namespace")
    assert rows.loc["pay", "waypoint_rps"] == expected
    assert load.mesh_rps == 30.0
    assert bool(rows.loc["pay", "has_http"])


@pytest.mark.parametrize("count", [0, -1, MOST_NODES + 1, 10**300])
def test_a_count_of_nodes_that_cannot_be_listed_is_refused(count: int) -> None:
    with pytest.raises(UsageError) as caught:
        mesh_load(shop_mesh(), node_count=count)

    assert settings_in(str(caught.value)) == (Setting.NODE_COUNT,)


@pytest.mark.parametrize("rps", [-1.0, float("nan"), float("inf"), 1e308])
def test_a_rate_whose_products_overflow_is_refused(rps: float) -> None:
    with pytest.raises(UsageError) as caught:
        stated_load(pod_count=1, node_count=1, namespace_count=1, proxy_rps=rps)

    assert settings_in(str(caught.value)) == (Setting.PROXY_RPS,)
