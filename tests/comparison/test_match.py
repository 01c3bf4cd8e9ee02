"""Who has moved, and which of their requests somebody still counts, on meshes made by hand."""

from dataclasses import replace

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


BY_WAYPOINT = Call(source="pay/api", destination="pay/books", rps=(60, 60), reporter="waypoint")
BY_CLIENT = (
    Call(source="shop/cart", destination="pay/api", rps=(130, 130), reporter="source"),
    Call(source="edge/gateway", destination="pay/api", rps=(25, 25), reporter="source"),
)


def test_what_clients_report_is_known_whatever_is_in_front_of_the_server() -> None:
    """Not known are the calls out of the mesh, which have no proxy any more."""
    passes = migration(before(), after(WAYPOINT, calls=(*BY_CLIENT, BY_WAYPOINT))).passes()

    assert passes.added_rps == pytest.approx(30 + 5 + 2 * 10)
    assert passes.assumed_rps == pytest.approx(5)


def test_calls_that_clients_would_report_and_do_not_are_gone() -> None:
    passes = migration(before(), after(WAYPOINT, calls=(BY_WAYPOINT,))).passes()

    assert passes.added_rps == pytest.approx(-100 - 20 + 2 * 10)


def test_calls_that_a_waypoint_would_report_and_does_not_are_gone() -> None:
    other = Call(source="pay/jobs", destination="pay/books", rps=(1, 1), reporter="waypoint")

    passes = migration(before(), after(WAYPOINT, calls=(*BY_CLIENT, other))).passes()

    assert passes.added_rps == pytest.approx(30 + 5 - 2 * 50 + 1)


def test_a_waypoint_of_another_service_leaves_calls_unknown() -> None:
    """Its namespace has one, but no call to this workload was reported by it."""
    passes = migration(before(), after(WAYPOINT, calls=BY_CLIENT)).passes()

    assert passes.added_rps == pytest.approx(30 + 5)
    assert passes.assumed_rps == pytest.approx(2 * 50 + 5)


def test_calls_back_to_sidecars_that_stayed_are_seen_by_them() -> None:
    back = Call(source="pay/api", destination="shop/cart", rps=(8, 8))
    first = mesh(CART, API, BOOKS, GATEWAY, calls=(*CALLS, back))

    passes = migration(first, after(WAYPOINT, calls=(*BY_CLIENT, BY_WAYPOINT))).passes()

    assert passes.added_rps == pytest.approx(30 + 5 + 2 * 10 - 8)


@pytest.mark.parametrize(("reporter", "direct"), [("source", ["cart"]), ("waypoint", [])])
def test_sidecars_go_past_waypoints_unless_one_reports_them(
    reporter: str, direct: list[str]
) -> None:
    call = Call(source="shop/cart", destination="pay/api", rps=(130, 130), reporter=reporter)

    found = migration(before(), after(WAYPOINT, calls=(call,)))

    assert found.direct_callers["workload"].tolist() == direct


@pytest.mark.parametrize(
    ("past", "found"), [("source", ("shop/cart",)), ("waypoint", ()), ("", ())]
)
def test_a_workload_with_calls_past_its_sidecars_has_moved_in_part(
    past: str, found: tuple[str, ...]
) -> None:
    calls = [Call(source="edge/gateway", destination="shop/cart", rps=(6, 6))]
    if past:
        calls.append(replace(calls[0], source="pay/api", reporter=past))

    assert migration(before(), after(calls=tuple(calls))).part_moved == found


def test_a_waypoint_shows_a_part_that_moved_where_there_are_fewer_sidecars() -> None:
    calls = tuple(
        Call(source="pay/api", destination="shop/cart", rps=(6, 6), reporter=reporter)
        for reporter in ("destination", "waypoint")
    )
    two = mesh(CART, CART, calls=())

    assert migration(two, mesh(CART, ZTUNNEL, calls=calls)).part_moved == ("shop/cart",)
    assert migration(two, mesh(CART, CART, ZTUNNEL, calls=calls)).part_moved == ()


def test_what_moves_itself_does_not_join_a_waypoint_once_more() -> None:
    """In BEFORE its clients report a part of the calls: those to pods without a sidecar."""
    sent = Call(source="web/front", destination="shop/api", rps=(50, 50))
    first = mesh(
        Proxy(workload="web/front"),
        Proxy(workload="shop/api"),
        calls=[sent, replace(sent, reporter="source")],
    )
    handled = replace(sent, rps=(100, 100), reporter="waypoint")
    second = mesh(Proxy(workload="other/x"), ZTUNNEL, WAYPOINT, calls=[handled])
    moved = migration(first, second)

    assert moved.joining_rps.to_dict() == {}
    assert mesh_load(moved.moved_part).namespaces["waypoint_rps"].sum() == 100


def test_a_caller_that_kept_its_sidecar_in_another_cluster_does_not_count_as_direct() -> None:
    front, api = Proxy(workload="web/front"), Proxy(workload="shop/api")
    called = Call(source="web/front", destination="shop/api", rps=(100, 100))
    first = in_clusters(mesh(front, front, api, calls=[called]), "c1/web", "c2/web", "c2/shop")
    second = in_clusters(mesh(front, WAYPOINT, calls=()), "c1/web", "c2/shop")
    moved = migration(first, second)

    load = mesh_load(moved.moved_part, direct_callers=moved.direct_callers)
    assert load.namespaces["waypoint_rps"].tolist() == [100, 0]


def in_clusters(usage: MeshUsage, *namespaces: str) -> MeshUsage:
    """Return the mesh with other namespaces of its proxies; all calls are in the cluster c2."""
    ends = ["source_workload_namespace", "destination_workload_namespace"]
    calls = usage.calls.assign(**{end: "c2/" + usage.calls[end] for end in ends})
    return replace(usage, proxies=usage.proxies.assign(namespace=[*namespaces]), calls=calls)


def test_calls_that_are_new_pass_too() -> None:
    told = (*CALLS, Call(source="shop/cart", destination="pay/books", rps=(7, 7)))

    assert migration(before(), after(WAYPOINT, calls=told)).passes().added_rps == pytest.approx(7)


def test_requests_that_are_not_known_after_are_taken_as_before() -> None:
    unknown = Proxy(workload="shop/cart", proxy_rps=(float("nan"), float("nan")))

    rows = migration(before(), mesh(unknown, ZTUNNEL)).workloads
    (cart,) = rows[rows["workload"] == "cart"].to_dict("records")

    assert cart["after_rps"] == cart["before_rps"] == 100
