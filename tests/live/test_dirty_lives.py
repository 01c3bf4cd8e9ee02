"""Nodes, namespaces and containers that were there for a part of the time count for that part."""

from collections.abc import Iterator

import pytest

from tests.live.chosen import asked_for
from tests.live.dirty import Store, each_bent, stored
from tests.support.bent import lives

pytestmark = [pytest.mark.live, pytest.mark.few(2)]

_SHAPES = {
    "nodes of half an hour": (lives.node_churn,),
    "one upgrade": (lives.node_pool_upgrade,),
    "nodes for a peak": (lives.surge_nodes,),
    "nodes without DaemonSets": (lives.virtual_nodes,),
    "namespaces of half an hour": (lives.previews,),
    "an init container": (lives.init_container,),
    "a debug container": (lives.debug_container,),
}

_NAMED = {
    "nodes of half an hour": "replaced_nodes",
    "one upgrade": "replaced_nodes",
    "nodes without DaemonSets": "nodes_without_daemonsets",
}


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    scenes = each_bent(_SHAPES, 51, asked_for(request, "name"))
    with stored(tmp_path_factory.mktemp("lives"), scenes) as store:
        yield store


@pytest.mark.parametrize("name", _SHAPES)
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []


@pytest.mark.parametrize("name", _NAMED)
def test_the_fault_is_named(name: str, store: Store) -> None:
    assert _NAMED[name] in store.names(name)
