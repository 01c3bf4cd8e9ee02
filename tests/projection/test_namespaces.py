"""Which namespaces gain by moving, and what is gained on the way: by hand, and adding up."""

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.measurement.usage import MeshUsage
from analyzer.projection import Projection, project_usage
from analyzer.projection.modes import evaluate
from analyzer.projection.namespaces import stakes
from analyzer.projection.needs import Case
from tests.projection.builders import Call, Node, Proxy, as_published, mesh, shop_mesh
from tests.projection.fits import calibration
from tests.projection.test_project_by_hand import CHURN
from tests.support.examples import examples


def saving_vcpu(projection: Projection, mode: str = "ambient-waypoint") -> float:
    return next(saving.vcpu.mid for saving in projection.savings if saving.mode == mode)


def three() -> MeshUsage:
    """Return a busy namespace of two sidecars, a quiet one, and one without HTTP, on one node."""
    return mesh(
        Proxy(workload="busy/a", cpu_vcpu=(0.5, 0.5), proxy_rps=(1000, 1000)),
        Proxy(workload="busy/b", cpu_vcpu=(0.3, 0.3), proxy_rps=(500, 500)),
        Proxy(workload="quiet/a", cpu_vcpu=(0.012, 0.012), proxy_rps=(2, 2)),
        Proxy(
            workload="tcp/redis",
            cpu_vcpu=(0.1, 0.1),
            proxy_rps=(0, 0),
            tcp_bytes_per_second=12.5e6,
            new_connections_per_second=20.0,
        ),
        calls=[
            Call(source="busy/a", destination="busy/b", rps=(400, 600)),
            Call(source="busy/b", destination="quiet/a", rps=(2, 2)),
        ],
    )


def ranked(**changes: object) -> pd.DataFrame:
    return project_usage(three(), calibration(), as_published(**changes)).namespaces.set_index(
        "namespace"
    )


def test_each_namespace_is_what_a_hand_works_out() -> None:
    found = ranked()

    # A quarter of the ztunnel's 0.003 for each sidecar; 0.06 for 1000 rps, 0.165 for a Gbit/s,
    # 0.45 for 1000 new connections/s. A waypoint rests at 0.0125 and takes 0.375 for 1000 calls/s.
    layer4 = {
        "busy": 0.0015 + 1.5 * 0.06,
        "quiet": 0.00075 + 0.002 * 0.06,
        "tcp": 0.00075 + 0.1 * 0.165 + 0.02 * 0.45,
    }
    waypoint = {"busy": 0.0125 + 0.5 * 0.375, "quiet": 0.0125 + 0.002 * 0.375, "tcp": 0.0125}
    sidecar = {"busy": 0.8, "quiet": 0.012, "tcp": 0.1}
    assert found["sidecar_vcpu"].to_dict() == pytest.approx(sidecar)
    assert found["ambient_l4_vcpu"].to_dict() == pytest.approx(layer4)
    assert found["waypoint_vcpu"].to_dict() == pytest.approx(waypoint)
    assert found["saving_l4_vcpu"].to_dict() == pytest.approx(
        {name: sidecar[name] - layer4[name] for name in sidecar}
    )
    assert found["saving_waypoint_vcpu"].to_dict() == pytest.approx(
        {name: sidecar[name] - layer4[name] - waypoint[name] for name in sidecar}
    )


def test_a_waypoint_that_costs_more_than_the_sidecars_is_flagged() -> None:
    # quiet: 0.012 of its sidecar against 0.01325 of the waypoint alone.
    assert ranked()["waypoint_costs_more"].to_dict() == {
        "busy": False,
        "tcp": False,
        "quiet": True,
    }


def test_a_waypoint_that_it_would_not_have_is_not_blamed() -> None:
    proxy = Proxy(cpu_vcpu=(0.014, 0.014), proxy_rps=(0, 0))
    call = Call(source="shop/front", destination="shop/front", rps=(0.001, 0.001))
    without, called = (
        project_usage(mesh(proxy, calls=calls), calibration(), as_published()).namespaces
        for calls in ((), (call,))
    )

    # 0.0125 of an idle waypoint is less than 0.014, and with 0.003 of the ztunnel more.
    assert called["waypoint_costs_more"].tolist() == [True]
    assert without["waypoint_costs_more"].tolist() == [False]
    assert without["saving_waypoint_vcpu"].tolist() == pytest.approx([0.014 - 0.0125 - 0.003])


def test_a_loss_that_ztunnels_cause_is_not_blamed_on_a_waypoint() -> None:
    proxy = Proxy(cpu_vcpu=(0.001, 0.001), proxy_rps=(100, 100))
    call = Call(source="shop/front", destination="shop/front", rps=(50, 50))
    frame = project_usage(mesh(proxy, calls=[call]), calibration(), as_published()).namespaces

    assert frame["saving_l4_vcpu"].item() < 0
    assert frame["waypoint_costs_more"].tolist() == [False]
    assert frame["why"].tolist() == ["ztunnel_costs_more"]


def test_those_that_gain_most_come_first_and_the_first_pays_for_the_ztunnels() -> None:
    found = ranked()

    # With a waypoint where HTTP was seen, and the 0.003 at rest spent before the first moves.
    gained = {
        "busy": 0.8 - 0.09 - 0.2,
        "tcp": 0.1 - 0.0255,
        "quiet": 0.012 - 0.00012 - 0.01325,
    }
    assert list(found.index) == ["busy", "tcp", "quiet"]
    assert found["cumulative_saving_vcpu"].tolist() == pytest.approx(
        [
            gained["busy"] - 0.003,
            gained["busy"] + gained["tcp"] - 0.003,
            gained["busy"] + gained["tcp"] + gained["quiet"] - 0.003,
        ]
    )


def test_namespaces_that_gain_alike_are_in_the_order_of_their_names() -> None:
    usage = mesh(*(Proxy(workload=f"{name}/a") for name in ("c", "a", "b")))
    frame = project_usage(usage, calibration(), as_published()).namespaces

    assert frame["namespace"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"waypoint_placement": "all"},
        {"waypoint_placement": "none"},
        {"waypoint_placement": ["quiet", "tcp"]},
        {"waypoint_placement": 0.5},
        {"waypoint_replicas": 3, "waypoint_spare_replicas": 1},
        {"traffic_growth_factor": 2.5},
        {"ingress_through_waypoint": True},
    ],
    ids=str,
)
def test_at_the_end_of_the_migration_is_the_saving_of_the_mesh(changes: dict[str, object]) -> None:
    for usage in (three(), shop_mesh()):
        projection = project_usage(usage, calibration(), as_published(**changes))
        reached = projection.namespaces["cumulative_saving_vcpu"].iloc[-1]
        assert reached == pytest.approx(saving_vcpu(projection), rel=1e-9)


def test_replicas_are_told_with_the_spare_ones() -> None:
    found = ranked(waypoint_replicas=2, waypoint_spare_replicas=1)

    assert set(found["waypoint_replicas"]) == {3}


def test_a_namespace_of_one_pod_pays_for_a_waypoint_of_its_own() -> None:
    usage = mesh(*(Proxy(workload=f"n{number}/only") for number in range(3)))
    frame = project_usage(usage, calibration(), as_published()).namespaces

    assert frame["sidecar_count"].tolist() == [1, 1, 1]
    assert frame["waypoint_vcpu"].tolist() == pytest.approx([0.0125] * 3)


@examples(3)
@given(
    st.lists(
        st.tuples(st.floats(0, 2), st.floats(0, 3000), st.floats(0, 3000)), min_size=1, max_size=6
    )
)
def test_savings_add_up_to_the_mesh_whatever_the_namespaces(
    sizes: list[tuple[float, float, float]],
) -> None:
    proxies = [
        Proxy(workload=f"n{at}/w", cpu_vcpu=(vcpu, vcpu), proxy_rps=(rps, rps))
        for at, (vcpu, rps, _) in enumerate(sizes)
    ]
    calls = [
        Call(source="n0/w", destination=f"n{at}/w", rps=(into, into))
        for at, (_, _, into) in enumerate(sizes)
    ]
    usage = mesh(*proxies, calls=calls)
    # A price at which even unused sidecars leave something to compare.
    projection = project_usage(usage, calibration(), as_published(memory_gib_month_usd=1))
    frame = projection.namespaces

    assert frame["cumulative_saving_vcpu"].iloc[-1] == pytest.approx(
        saving_vcpu(projection), rel=1e-9, abs=1e-12
    )
    assert frame["saving_l4_vcpu"].sum() == pytest.approx(
        saving_vcpu(projection, "ambient-l4"), rel=1e-9, abs=1e-12
    )
    assert frame["saving_waypoint_vcpu"].sum() == pytest.approx(
        saving_vcpu(projection, "ambient-waypoint-all"), rel=1e-9, abs=1e-12
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"waypoint_placement": "all"},
        {"waypoint_placement": ["busy", "shop"]},
        {"waypoint_placement": 0.5},
        {"waypoint_replicas": 3, "memory_gib_month_usd": 3},
        {"traffic_growth_factor": 2.5, "memory_gib_month_usd": {"low": 1, "mid": 2, "high": 5}},
    ],
    ids=str,
)
def test_what_the_namespaces_cost_adds_up_to_what_the_modes_cost(
    changes: dict[str, object],
) -> None:
    for usage in (three(), shop_mesh(), CHURN.usage()):
        projection = project_usage(usage, calibration(), as_published(**changes))
        workings = projection.workings
        assert workings is not None
        found = Case(load=projection.load, parameters=workings.parameters)  # type: ignore[arg-type]
        modes = evaluate(found)
        # Nothing is requested in one of them, so that only usage is known.
        for basis in modes["sidecar"].bases:
            at_stake = stakes(found, basis)
            paid, l4, waypoints = (
                modes[name].usd_per_year(basis, found.parameters)
                for name in ("sidecar", "ambient-l4", "ambient-waypoint")
            )
            shared = at_stake.shared_usd
            assert at_stake.sidecar_usd.sum(axis=0) == pytest.approx(paid)
            assert at_stake.l4_usd.sum(axis=0) - shared == pytest.approx(paid - l4)
            assert at_stake.saved_usd.sum(axis=0) - shared == pytest.approx(paid - waypoints)


def test_with_a_price_of_each_node_the_namespaces_add_up_too() -> None:
    nodes = (
        Node(name="a", vcpu_usd_per_hour=0.03, memory_usd_per_gib_hour=0.004),
        Node(name="b", vcpu_usd_per_hour=0.05, memory_usd_per_gib_hour=0.002),
    )
    usage = replace(shop_mesh(), nodes=mesh(Proxy(), nodes=nodes).nodes)
    projection = project_usage(
        usage, calibration(), as_published(prices="opencost", basis="billed")
    )
    saving = next(item for item in projection.savings if item.mode == "ambient-waypoint")
    decision = projection.decision

    assert projection.workings is not None
    assert projection.workings.node_prices is not None
    assert decision.sidecar_usd_per_year is not None
    assert decision.shared_ztunnel_usd_per_year is not None
    each = sum(item.saving_usd_per_year.mid for item in decision.by_namespace)
    assert each - decision.shared_ztunnel_usd_per_year.mid == pytest.approx(saving.usd_per_year.mid)
    sidecar = projection.modes[0].usd_per_year.mid
    assert decision.sidecar_usd_per_year.mid == pytest.approx(sidecar)
