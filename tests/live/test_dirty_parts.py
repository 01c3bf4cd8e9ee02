"""Parts of a mesh that are scraped less often than the rest, and meshes that ran for some hours."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pytest

from tests.live.chosen import asked_for
from tests.live.dirty import DAYS_APART, Store, stored
from tests.support.bent import Scene, healthy, parts
from tests.support.bent.healthy import beside_another

pytestmark = [pytest.mark.live, pytest.mark.few(2)]


_RANDOM = np.random.default_rng(4)
_SHAPES: Mapping[str, Callable[[int], Scene]] = {
    # Each ran from 10:00, between two of the looks at the time asked for.
    "three hours of a day": lambda day: parts.asked_for_the_day(healthy(41, day=day, hours=3)),
    "three hours of a week": lambda day: parts.asked_for_days(healthy(42, day=day, hours=3), 6),
    "a cluster every 5 minutes": lambda day: parts.very_slow_cluster(
        beside_another(healthy(44, day=day, hours=10)), _RANDOM
    ),
    "a job four times slower": lambda day: parts.slow_job(healthy(45, day=day), _RANDOM),
    "kubelets four times slower": lambda day: parts.slow_kubelets(healthy(46, day=day), _RANDOM),
}
_NAMED = {
    "three hours of a day": "sparse_window",
    "three hours of a week": "sparse_window",
}


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    wanted = asked_for(request, "name")
    scenes = {
        name: make(number * DAYS_APART)
        for number, (name, make) in enumerate(_SHAPES.items())
        if name in wanted
    }
    with stored(tmp_path_factory.mktemp("parts"), scenes) as store:
        yield store


@pytest.mark.parametrize("name", _SHAPES)
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []


@pytest.mark.parametrize("name", _NAMED)
def test_the_fault_is_named(name: str, store: Store) -> None:
    assert _NAMED[name] in store.names(name)
