"""Things that are stored twice: each is counted once."""

from collections.abc import Iterator

import pytest

from tests.live.chosen import asked_for
from tests.live.dirty import Store, each_bent, stored
from tests.support.bent import copies

pytestmark = [pytest.mark.live, pytest.mark.few(2)]

_SHAPES = {
    "two cgroup ids": (copies.two_cgroups,),
    "a pair by any label": (copies.replicas,),
    "a pair for some nodes": (copies.replicas_of_a_part,),
    "a pair for some time": (copies.replicas_of_a_time,),
    "two agents, two labels": (copies.two_agents,),
    "metrics/resource as well": (copies.resource_metrics,),
    "a cgroup in another": (copies.nested_cgroup,),
}

_NAMED = {
    "two cgroup ids": "duplicate_scrapes",
    "a pair by any label": "copied_series",
    "a pair for some nodes": "copied_series",
    "a pair for some time": "copied_series",
    "two agents, two labels": "copied_series",
}


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    scenes = each_bent(_SHAPES, 21, asked_for(request, "name"))
    with stored(tmp_path_factory.mktemp("copies"), scenes) as store:
        yield store


@pytest.mark.parametrize("name", _SHAPES)
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []


@pytest.mark.parametrize("name", _NAMED)
def test_the_fault_is_named(name: str, store: Store) -> None:
    assert _NAMED[name] in store.names(name)
