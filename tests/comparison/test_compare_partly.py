"""Only some namespaces have moved: the others are compared with themselves."""

from dataclasses import replace

import numpy as np
import pytest

from analyzer.comparison.compare import compare_usage
from analyzer.comparison.result import Cause, Comparison, Status
from analyzer.units import Role
from tests.comparison.migrations import NODES, Costs, Migrated
from tests.comparison.test_compare import compared, component, named
from tests.projection.builders import Proxy, scenario

IDLE = Costs().ztunnel_idle_vcpu
"""Of a ztunnel on the hardware of these sidecars."""


def test_only_what_moved_is_predicted_to_pass_ztunnels_but_every_node_has_one() -> None:
    migrated = Migrated(moved=("pay",))

    ztunnel = component(compared(migrated), "ztunnel")

    assert ztunnel.predicted_count == ztunnel.measured_count == len(NODES)
    assert ztunnel.before_rps == pytest.approx(migrated.passes_rps(), rel=0.01)
    assert ztunnel.predicted_vcpu.mid == pytest.approx(
        len(NODES) * IDLE + 0.105 * migrated.passes_rps() / 1000, rel=0.01
    )
    assert ztunnel.measured_vcpu == pytest.approx(ztunnel.predicted_vcpu.mid, rel=0.02)


def test_namespaces_have_the_status_of_their_sidecars() -> None:
    found = compared(Migrated(moved=("pay", "web")))

    assert {item.namespace: item.status for item in found.namespaces} == {
        "pay": Status.MOVED,
        "shop": Status.STAYED,
        "web": Status.MOVED,
    }
    roles = {item.namespace: [part.role for part in item.components] for item in found.namespaces}
    assert roles == {"pay": ["waypoint"], "shop": ["sidecar"], "web": ["waypoint"]}


def test_sidecars_that_stayed_are_compared_with_themselves() -> None:
    sidecar = component(compared(Migrated(moved=("pay",))), "sidecar")

    before = Migrated().before()
    rows = before.of_role(Role.SIDECAR)
    stayed = rows[rows["namespace"] != "pay"]["cpu_vcpu"].sum() / len(before.observed_points)
    assert sidecar.predicted_vcpu.mid == pytest.approx(stayed)
    assert sidecar.measured_vcpu == pytest.approx(stayed, rel=0.01)


def test_more_traffic_through_sidecars_that_stayed_is_traffic() -> None:
    sidecar = component(compared(Migrated(moved=("pay",), growth=1.5)), "sidecar")

    added_rps = sidecar.after_rps - sidecar.before_rps
    assert added_rps == pytest.approx(0.5 * sidecar.before_rps)
    assert sidecar.parts_vcpu[Cause.TRAFFIC] == pytest.approx(0.35 * added_rps / 1000, rel=0.02)
    assert sidecar.predicted_at_after_vcpu.mid == pytest.approx(sidecar.measured_vcpu, rel=0.01)


def test_sidecars_that_cost_more_than_they_did_are_named() -> None:
    found = compared(Migrated(moved=("pay",), sidecar_factor=1.5))

    sidecar = component(found, "sidecar")
    assert named(found) == ("sidecar", Cause.UNIT_COST)
    assert sidecar.parts_vcpu[Cause.IDLE] == pytest.approx(6 * 0.005, rel=0.1)


def test_a_workload_that_is_new_brings_its_idle_and_its_requests_with_it() -> None:
    course = tuple(100 + 50 * np.sin(np.linspace(0, 6, 48)))
    law = tuple(0.01 + 0.00035 * rate for rate in course)
    one = Proxy(workload="shop/new", node=NODES[0], cpu_vcpu=law, proxy_rps=course)

    sidecar = component(compared(Migrated(moved=("pay",), newcomers=(one,))), "sidecar")

    assert sidecar.parts_vcpu[Cause.COUNT] == pytest.approx(np.mean(law), rel=0.02)
    assert sidecar.measured_count == sidecar.predicted_count + 1


def test_a_namespace_without_its_waypoint_keeps_the_passes_of_before_with_a_warning() -> None:
    """Shop's sidecars count their requests to pay; no proxy counts pay's requests to itself."""
    migrated = Migrated(moved=("pay",), replicas={"pay": 0}, growth=2.0, counted_by_waypoints=False)

    found = compared(migrated)

    ztunnel = component(found, "ztunnel")
    # shop/cart to pay/api doubles, pay/api to pay/books is assumed unchanged.
    assert ztunnel.after_rps - ztunnel.before_rps == pytest.approx(500, rel=0.01)
    (warning,) = found.warnings
    assert warning.name == "ztunnel_requests_assumed"
    assert "38 %" in warning.text


def test_where_waypoints_are_ztunnels_are_predicted_at_the_traffic_after() -> None:
    migrated = Migrated(moved=("pay",), growth=2.0)

    ztunnel = component(compared(migrated), "ztunnel")

    assert ztunnel.after_rps == pytest.approx(migrated.passes_rps(2.0), rel=0.01)
    assert ztunnel.predicted_at_after_vcpu.mid == pytest.approx(ztunnel.measured_vcpu, rel=0.02)


def test_ambient_that_was_there_before_is_compared_with_itself() -> None:
    """First pay moves, then shop: what pay's waypoint and the ztunnels used, they go on using."""
    dear = Costs(waypoint_vcpu_per_1000_rps=0.8, ztunnel_vcpu_per_1000_rps=0.21)
    first = Migrated(moved=("pay",), costs=dear).after()
    second = Migrated(moved=("pay", "shop"), costs=dear).after()

    found = compare_usage(first, second, scenario())

    assert isinstance(found, Comparison)
    pay, shop = ({item.role: item for item in one.components} for one in found.namespaces[:2])
    assert [(one.namespace, one.status) for one in found.namespaces[:2]] == [
        ("pay", Status.AMBIENT),
        ("shop", Status.MOVED),
    ]
    assert pay[Role.WAYPOINT].predicted_vcpu.mid == pytest.approx(
        pay[Role.WAYPOINT].measured_vcpu, rel=0.01
    )
    # BEFORE has measured a waypoint, so that the next one is predicted by it.
    assert shop[Role.WAYPOINT].predicted_vcpu.mid == pytest.approx(
        shop[Role.WAYPOINT].measured_vcpu, rel=0.02
    )


def test_a_waypoint_where_nothing_had_sidecars_counts_as_added_and_is_warned_of() -> None:
    shared = Proxy(
        workload="common/waypoint",
        role=Role.WAYPOINT,
        node=NODES[0],
        cpu_vcpu=(0.2,) * 48,
        proxy_rps=(100.0,) * 48,
    )

    found = compared(Migrated(moved=("pay",), newcomers=(shared,)))

    (common,) = [item for item in found.namespaces if item.namespace == "common"]
    assert common.status == Status.NEW
    assert common.components[0].parts_vcpu[Cause.COUNT] > 0
    (warning,) = [item for item in found.warnings if item.name == "waypoint_clients_unknown"]
    assert warning.affected == ("common",)
    assert "(common)" in warning.text


def test_ztunnels_of_before_keep_their_nodes() -> None:
    """The same mesh twice, with ztunnels on three of four nodes."""
    after = Migrated(moved=("pay",)).after()
    last = after.proxies.index[after.proxies["role"] == Role.ZTUNNEL][-1]
    role = after.proxies["role"].where(after.proxies.index != last, "unknown")
    usage = replace(after, proxies=after.proxies.assign(role=role))

    found = compare_usage(usage, usage, scenario())

    assert isinstance(found, Comparison)
    ztunnel = component(found, "ztunnel")
    assert ztunnel.predicted_count == ztunnel.measured_count == 3
    assert found.largest is None
    for item in (*found.components, found.total):
        assert item.predicted_vcpu.mid == pytest.approx(item.measured_vcpu)


def test_ztunnels_without_anything_moved_are_compared_at_rest() -> None:
    found = compared(Migrated(moved=()))

    ztunnel = component(found, "ztunnel")
    assert ztunnel.predicted_vcpu.mid == pytest.approx(len(NODES) * IDLE, rel=0.01)
    assert ztunnel.measured_vcpu == pytest.approx(len(NODES) * IDLE, rel=0.02)
    assert "nothing_moved" in [finding.name for finding in found.warnings]


def test_unknown_nodes_before_are_as_many_as_ztunnels_after() -> None:
    migrated = Migrated()
    before = migrated.before()
    nowhere = replace(before, nodes=before.nodes.iloc[:0], proxies=before.proxies.assign(node=""))

    found = compare_usage(nowhere, migrated.after(), scenario())

    assert isinstance(found, Comparison)
    assert component(found, "ztunnel").predicted_count == len(NODES)
    assert "nodes_unknown_before" in [finding.name for finding in found.warnings]


@pytest.mark.parametrize(
    ("role", "namespace", "subject"),
    [
        (Role.WAYPOINT, "pay", "comparison of waypoints of pay"),
        (Role.SIDECAR, "web", "comparison of web/front"),
    ],
)
def test_unknown_cpu_is_refused_and_not_taken_for_zero(
    role: Role, namespace: str, subject: str
) -> None:
    migrated = Migrated(moved=("pay",))
    after = migrated.after()
    proxies = after.proxies[(after.proxies["role"] == role)]
    silent = after.steps["proxy"].isin(proxies.index[proxies["namespace"] == namespace])
    steps = after.steps.assign(cpu_vcpu=after.steps["cpu_vcpu"].mask(silent))

    found = compare_usage(migrated.before(), replace(after, steps=steps), scenario())

    assert isinstance(found, Comparison)
    assert subject in [item.subject for item in found.refusals]
    (space,) = [item for item in found.namespaces if item.namespace == namespace]
    assert space.components == ()
    assert found.total.measured_vcpu > 0


@pytest.mark.parametrize("reached", [False, True])
def test_waypoints_are_predicted_for_the_callers_that_reach_them(
    reached: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """Shop keeps its sidecars. Whether they go past pay's waypoint is a matter of the Istio."""
    migrated = Migrated(moved=("pay",), sidecars_reach_waypoints=reached)

    waypoint = component(compared(migrated), "waypoint")

    # Of pay/api to pay/books, and of shop/cart to pay/api.
    assert waypoint.after_rps == pytest.approx(300 + 500 * reached, rel=0.01)
    assert waypoint.before_rps == pytest.approx(waypoint.after_rps, rel=0.01)
    assert waypoint.predicted_vcpu.mid == pytest.approx(waypoint.measured_vcpu, rel=0.02)
