"""Parts of a mesh that are scraped less often than the rest, and meshes that ran for some hours."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.live.dirty import DAYS_APART, Store, stored
from tests.support.bent import Scene, healthy, parts
from tests.support.bent.healthy import beside_another

pytestmark = pytest.mark.live


def _brief(number: int) -> Scene:
    # Between two of five looks at the day.
    return healthy(41, day=number * DAYS_APART, hours=3)


def _scenes() -> dict[str, Scene]:
    random = np.random.default_rng(4)
    hub = beside_another(healthy(44, day=2 * DAYS_APART, hours=10))
    return {
        "three hours of a day": parts.asked_for_the_day(_brief(0)),
        "three hours of a week": parts.asked_for_days(_brief(1), 6),
        "a cluster every 5 minutes": parts.very_slow_cluster(hub, random),
        "a job four times slower": parts.slow_job(healthy(45, day=3 * DAYS_APART), random),
        "kubelets four times slower": parts.slow_kubelets(healthy(46, day=4 * DAYS_APART), random),
    }


_NAMES = tuple(_scenes())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with stored(tmp_path_factory.mktemp("parts"), _scenes()) as store:
        yield store


@pytest.mark.parametrize("name", _NAMES)
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []
