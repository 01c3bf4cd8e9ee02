"""Two clusters in one store, whose series do not all have the same cluster label."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from tests.live.chosen import asked_for
from tests.live.command import run
from tests.live.dirty import DAYS_APART, Store, question, stored
from tests.support.bent import Scene, two_clusters
from tests.support.bent.called import called
from tests.support.bent.clusters import KUBELETS, PROXIES, STATE, relabelled

pytestmark = [pytest.mark.live, pytest.mark.few(2)]

_OTHER_VALUES = {"east": "east-1", "west": "west-1"}


def _two(day: int, *, stateful: bool = False) -> Scene:
    one, other = (called(seed, day=day, stateful=stateful) for seed in (71, 72))
    return two_clusters(one, other)


def _asked(scene: Scene) -> Scene:
    return replace(scene, flags=("--cluster-label", "cluster"))


_SHAPES: Mapping[str, Callable[[int], Scene]] = {
    "not on state": lambda day: relabelled(_two(day), STATE),
    "not on state, asked": lambda day: _asked(relabelled(_two(day), STATE)),
    "not on state, same pods": lambda day: relabelled(_two(day, stateful=True), STATE),
    "another name on state": lambda day: relabelled(_two(day), STATE, name="k8s_cluster"),
    "other values on kubelets": lambda day: relabelled(
        _two(day), KUBELETS, name="cluster", values=_OTHER_VALUES
    ),
    "not on proxies": lambda day: relabelled(_two(day), PROXIES),
}
_TWO_NAMES = "another name on state"
"""Two names with the same values are no fault."""
_SAME_PODS = "not on state, same pods"
_UNMATCHED = "not on proxies, same pods"


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    wanted = {*asked_for(request, "name"), _TWO_NAMES, _SAME_PODS}
    scenes = {
        name: make(number * DAYS_APART)
        for number, (name, make) in enumerate(_SHAPES.items())
        if name in wanted
    }
    last = len(_SHAPES) * DAYS_APART
    scenes["whole"] = _two(last)
    scenes[_UNMATCHED] = relabelled(_two(last + DAYS_APART, stateful=True), PROXIES)
    with stored(tmp_path_factory.mktemp("clusters"), scenes) as store:
        yield store


@pytest.mark.parametrize("name", ["whole", *_SHAPES])
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []


@pytest.mark.parametrize("name", [name for name in _SHAPES if name != _TWO_NAMES])
def test_the_fault_is_named(name: str, store: Store) -> None:
    assert "cluster_label_partial" in store.names(name)


@pytest.mark.parametrize("name", ["whole", *sorted(set(_SHAPES) - {_SAME_PODS})])
def test_every_pod_is_matched(name: str, store: Store) -> None:
    measured = store.answer(name)["measured"]

    assert measured["sidecar_reserved_vcpu"] == pytest.approx(2 * 12 * 0.1)
    assert "pods_in_several_clusters" not in store.names(name)


def test_what_may_be_of_either_cluster_is_refused(store: Store) -> None:
    assert "pods_in_several_clusters" in store.names(_SAME_PODS)
    assert "sidecar_reserved_vcpu" not in store.answer(_SAME_PODS)["measured"]


def test_requests_that_fit_no_cluster_give_no_answer(store: Store) -> None:
    outcome = run(*question(store.url, store.scenes[_UNMATCHED]))

    assert outcome.status == 3
    assert "cluster" in outcome.stderr


def test_a_store_with_labels_everywhere_has_no_such_finding(store: Store) -> None:
    assert "cluster_label_partial" not in store.names("whole") | store.names(_TWO_NAMES)
