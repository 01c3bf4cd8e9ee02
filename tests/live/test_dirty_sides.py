"""Request counters without a direction or without labels: what the other side has is used."""

from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.live.chosen import asked_for
from tests.live.dirty import DAYS_APART, Store, stored
from tests.support.bent import Scene, two_clusters
from tests.support.bent.called import BESIDE_BARE, called
from tests.support.bent.sides import (
    unknown_at_clients,
    unknown_at_servers,
    without_labels,
    without_reports,
)

pytestmark = [pytest.mark.live, pytest.mark.few(2)]

_REMOTE = ("pay/api", "stock/items")
_WORKLOADS = tuple(
    f"{end}_workload{suffix}" for end in ("source", "destination") for suffix in ("", "_namespace")
)
_NAMESPACES = (*(f"{end}_workload_namespace" for end in ("source", "destination")),)
_SERVICES = ("destination_service", "destination_service_name", "destination_service_namespace")


def _two(day: int) -> Scene:
    return two_clusters(called(61, day=day), called(62, day=day))


_SHAPES: Mapping[str, Callable[[int], Scene]] = {
    "remote destinations": lambda day: unknown_at_clients(called(51, day=day), _REMOTE),
    "remote beside bare": lambda day: unknown_at_clients(
        called(52, day=day, callers=BESIDE_BARE), ("pay/api", "bank/ledger")
    ),
    "remote, unknown at both": lambda day: unknown_at_servers(
        unknown_at_clients(called(53, day=day), ("pay/api",)), ("stock/import", "shop/web")
    ),
    "received only": lambda day: without_reports(called(54, day=day), "source"),
    "sent only": lambda day: without_reports(called(55, day=day), "destination"),
    "received only, a namespace": lambda day: without_reports(
        called(56, day=day), "source", ("shop",)
    ),
    "no reporter": lambda day: without_labels(called(57, day=day), ("reporter",)),
    "no reporter, a cluster": lambda day: without_labels(_two(day), ("reporter",), "west"),
    "no workloads": lambda day: without_labels(called(58, day=day), _WORKLOADS),
    "no workloads or services": lambda day: without_labels(
        called(58, day=day), (*_WORKLOADS, *_SERVICES)
    ),
    "no namespaces": lambda day: without_labels(
        called(60, day=day), (*_NAMESPACES, "destination_service_namespace")
    ),
    "no callers": lambda day: without_labels(called(58, day=day), _WORKLOADS[:2]),
}
_DROPPED = "no workloads"
_NAMED = {
    "remote destinations": "remote_destinations",
    "remote beside bare": "remote_destinations",
    "remote, unknown at both": "remote_destinations",
    "received only": "one_sided_requests",
    "sent only": "one_sided_requests",
    "received only, a namespace": "one_sided_requests",
    "no reporter": "no_reporter",
    "no reporter, a cluster": "no_reporter",
    "no workloads": "dropped_workload_labels",
    "no workloads or services": "dropped_workload_labels",
    "no namespaces": "dropped_workload_labels",
    "no callers": "dropped_workload_labels",
}


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    wanted = {*asked_for(request, "name"), _DROPPED}
    scenes = {
        name: make(number * DAYS_APART)
        for number, (name, make) in enumerate(_SHAPES.items())
        if name in wanted
    }
    scenes["whole"] = called(58, day=len(_SHAPES) * DAYS_APART)
    with stored(tmp_path_factory.mktemp("sides"), scenes, projects=True) as store:
        yield store


@pytest.mark.parametrize("name", ["whole", *_SHAPES])
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []


@pytest.mark.parametrize("name", _SHAPES)
def test_the_fault_is_named(name: str, store: Store) -> None:
    assert _NAMED[name] in store.names(name)


def test_a_mesh_without_a_fault_has_no_such_finding(store: Store) -> None:
    assert not set(_NAMED.values()) & store.names("whole")


def test_dropped_labels_are_no_remote_destinations(store: Store) -> None:
    assert "remote_destinations" not in store.names(_DROPPED)


def _waypoint_rps(store: Store, name: str) -> float:
    """Return what all waypoints would handle, by their CPU."""
    modes = store.answer(name)["projection"]["modes"]
    mode = next(one for one in modes if one["name"] == "ambient-waypoint")
    return float(
        sum(part["vcpu"]["mid"] for part in mode["components"] if part["role"] == "waypoint")
    )


@pytest.mark.parametrize("name", ["no workloads", "no workloads or services", "no callers"])
def test_waypoints_are_not_free_where_a_label_is_missing(name: str, store: Store) -> None:
    assert _waypoint_rps(store, name) == pytest.approx(_waypoint_rps(store, "whole"), rel=0.1)
