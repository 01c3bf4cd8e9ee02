"""Waypoints of old versions and gateways with helpers are not among the sidecars."""

import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.live.dirty import DAYS_APART, Store, stored
from tests.support.bent import Scene, healthy, roles

pytestmark = [pytest.mark.live, pytest.mark.few(2)]

_SHAPES: Mapping[str, Callable[[Scene], Scene]] = {
    "an old waypoint": roles.old_waypoint,
    "an old waypoint, labels on metrics": roles.old_waypoint_of_labelled_pods,
    "a gateway with a helper": lambda scene: roles.with_helper(
        roles.gateway_called(scene, roles.ISTIOS_GATEWAY)
    ),
    "a labelled gateway with a helper": lambda scene: roles.with_helper(
        roles.labelled_gateway(scene)
    ),
    "a gateway of some name with a helper": lambda scene: roles.with_helper(
        roles.gateway_called(scene, "shop-gateway")
    ),
}
_AMBIGUOUS = "a gateway of some name with a helper"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    scenes = {
        name: bend(healthy(81 + number, day=number * DAYS_APART))
        for number, (name, bend) in enumerate(_SHAPES.items())
    }
    with stored(tmp_path_factory.mktemp("roles"), scenes) as store:
        yield store


@pytest.mark.parametrize("name", _SHAPES)
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []


@pytest.mark.parametrize("name", _SHAPES)
def test_every_proxy_has_its_role_or_is_named(name: str, store: Store) -> None:
    mesh = store.answer(name)["mesh"]

    is_ambiguous = name == _AMBIGUOUS
    assert (mesh["gateway_count"], mesh["waypoint_count"]) == (0 if is_ambiguous else 2, 2)
    assert ("ambiguous_roles" in store.names(name)) == is_ambiguous


def test_an_old_waypoint_has_a_cost_of_its_requests(store: Store) -> None:
    waypoint = store.answer("an old waypoint")["calibration"]["waypoint"]

    assert waypoint["provenance"] == "measured"
    assert waypoint["vcpu_per_1000_rps"]["mid"] == pytest.approx(0.4, rel=0.1)


def test_the_total_is_given_with_and_without_an_ambiguous_proxy(store: Store) -> None:
    answer = store.projected(_AMBIGUOUS)
    (finding,) = (one for one in answer["quality"] if one["name"] == "ambiguous_roles")

    assert len(finding["affected"]) == 2
    assert f"{answer['measured']['sidecar_vcpu']:.3g} vCPU without them" in finding["text"]
    (saving,) = (one for one in answer["quality"] if one["name"] == "ambiguous_saving")
    assert saving["affected"] == finding["affected"]
    for mode in answer["projection"]["savings"]:
        assert re.search(rf"{abs(mode['vcpu']['mid']):.3g} vCPU( more)? without", saving["text"])
