"""Who has moved, and which of their requests somebody still counts, on meshes made by hand."""

import pytest

from analyzer.comparison.match import migration
from analyzer.comparison.result import Status
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.demand import mesh_load
from analyzer.units import Role
from tests.projection.builders import Call, Proxy, mesh

CART = Proxy(workload="shop/cart")
API = Proxy(workload="pay/api")
BOOKS = Proxy(workload="pay/books")
GATEWAY = Proxy(workload="edge/gateway", role=Role.GATEWAY)
WAYPOINT = Proxy(workload="pay/waypoint", role=Role.WAYPOINT)
ZTUNNEL = Proxy(workload="istio-system/ztunnel", role=Role.ZTUNNEL)

CALLS = (
    Call(source="shop/cart", destination="pay/api", rps=(100, 100)),
    Call(source="pay/api", destination="pay/books", rps=(50, 50)),
    Call(source="edge/gateway", destination="pay/api", rps=(20, 20)),
    Call(source="edge/gateway", destination="shop/cart", rps=(10, 10)),
    Call(source="pay/api", destination="unknown/unknown", rps=(5, 5)),
)
BEFORE_PASSES = 100 + 2 * 50 + 20 + 5


def before() -> MeshUsage:
    return mesh(CART, API, BOOKS, GATEWAY, calls=CALLS)


def after(*proxies: Proxy, calls: tuple[Call, ...] = CALLS[3:4]) -> MeshUsage:
    return mesh(CART, ZTUNNEL, GATEWAY, *proxies, calls=calls)


@pytest.mark.parametrize(
    ("left", "statuses"),
    [
        ((), {"shop": Status.STAYED, "pay": Status.MOVED}),
        ((API,), {"shop": Status.STAYED, "pay": Status.PARTLY}),
        ((API, BOOKS), {"shop": Status.STAYED, "pay": Status.STAYED}),
        (
            (Proxy(workload="new/one"),),
            {"shop": Status.STAYED, "pay": Status.MOVED, "new": Status.NEW},
        ),
    ],
)
def test_a_namespace_has_moved_as_far_as_its_workloads_have(
    left: tuple[Proxy, ...], statuses: dict[str, Status]
) -> None:
    assert migration(before(), after(*left)).statuses == statuses


def test_the_moved_part_is_only_what_moved() -> None:
    load = mesh_load(migration(before(), after(API)).moved_part)

    (books,) = load.namespaces.to_dict("records")
    assert (books["namespace"], books["waypoint_rps"]) == ("pay", 50)
    assert books["sidecar_count"] == 1


def test_a_workload_with_fewer_sidecars_has_not_moved() -> None:
    three = mesh(CART, CART, CART, calls=())

    (row,) = migration(three, mesh(CART, ZTUNNEL)).workloads.to_dict("records")

    assert (row["before_count"], row["after_count"], row["has_moved"]) == (3, 1, False)


def test_requests_that_no_proxy_counts_are_assumed_unchanged() -> None:
    """Without a waypoint: pay's own calls, and those that leave the mesh."""
    told = (Call(source="shop/cart", destination="pay/api", rps=(130, 130)), *CALLS[2:4])

    passes = migration(before(), after(calls=told)).passes()

    assert passes.added_rps == pytest.approx(30)
    assert passes.assumed_rps == pytest.approx(2 * 50 + 5)
    assert passes.total_rps == pytest.approx(BEFORE_PASSES + 30)


def test_a_waypoint_sees_what_the_mesh_sends_it_and_not_what_a_gateway_does() -> None:
    told = (
        Call(source="shop/cart", destination="pay/api", rps=(130, 130)),
        Call(source="pay/api", destination="pay/books", rps=(60, 60)),
    )

    passes = migration(before(), after(WAYPOINT, calls=told)).passes()

    assert passes.added_rps == pytest.approx(30 + 2 * 10)
    assert passes.assumed_rps == pytest.approx(20 + 5)


def test_calls_that_would_be_seen_and_are_not_are_gone() -> None:
    passes = migration(before(), after(WAYPOINT)).passes()

    assert passes.added_rps == pytest.approx(-100 - 2 * 50)
    assert passes.total_rps == pytest.approx(20 + 5)


def test_calls_back_to_sidecars_that_stayed_are_seen_by_them() -> None:
    back = Call(source="pay/api", destination="shop/cart", rps=(8, 8))
    first = mesh(CART, API, BOOKS, GATEWAY, calls=(*CALLS, back))

    passes = migration(first, after(WAYPOINT, calls=CALLS[:2])).passes()

    assert passes.added_rps == pytest.approx(-8)


def test_calls_that_are_new_pass_too() -> None:
    told = (*CALLS, Call(source="shop/cart", destination="pay/books", rps=(7, 7)))

    assert migration(before(), after(WAYPOINT, calls=told)).passes().added_rps == pytest.approx(7)


def test_requests_that_are_not_known_after_are_taken_as_before() -> None:
    unknown = Proxy(workload="shop/cart", proxy_rps=(float("nan"), float("nan")))

    rows = migration(before(), mesh(unknown, ZTUNNEL)).workloads
    (cart,) = rows[rows["workload"] == "cart"].to_dict("records")

    assert cart["after_rps"] == cart["before_rps"] == 100
