"""Prices of nodes that are zero, absent or impossible: nodes cost what nodes of their kind do."""

from collections.abc import Iterator

import pytest

from tests.live.chosen import asked_for
from tests.live.dirty import Store, each_bent, stored
from tests.support.bent import prices

pytestmark = [pytest.mark.live, pytest.mark.few(2)]

_SHAPES = {
    "two are zero, one absent": (prices.zero_prices,),
    "every other one absent": (prices.missing_prices,),
    "one is below zero": (prices.negative_prices,),
    "two are no number": (prices.not_a_number,),
    "one is zero for hours": (prices.zero_at_times,),
}

_NAMED = {
    "two are zero, one absent": "nodes_without_price",
    "every other one absent": "nodes_without_price",
    "one is below zero": "nodes_without_price",
    "two are no number": "nodes_without_price",
}


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("prices")
    scenes = {
        name: prices.asked_with_prices(scene, folder)
        for name, scene in each_bent(_SHAPES, 61, asked_for(request, "name")).items()
    }
    with stored(folder, scenes, projects=True) as store:
        yield store


@pytest.mark.parametrize("name", _SHAPES)
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []


@pytest.mark.parametrize("name", _NAMED)
def test_the_fault_is_named(name: str, store: Store) -> None:
    assert _NAMED[name] in store.names(name)
