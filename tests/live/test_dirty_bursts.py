"""Load in bursts at clock times: no part of it is between two steps."""

from collections.abc import Iterator

import pytest

from tests.live.dirty import DAYS_APART, Store, stored
from tests.support.bent import bursts, healthy
from tests.support.bent.bends import bent
from tests.support.bent.bursts import Clockwork, with_bursts

pytestmark = pytest.mark.live

_CLOCKWORKS = {
    "a minute of ten": Clockwork(period_seconds=600, burst_seconds=60),
    "just before a full hour": Clockwork(
        period_seconds=3600, burst_seconds=200, shift_seconds=3600 - 100
    ),
    "twenty seconds of five minutes": Clockwork(
        period_seconds=300, burst_seconds=20, shift_seconds=140
    ),
    "half a minute of fifteen": Clockwork(period_seconds=900, burst_seconds=30, shift_seconds=145),
}


_EVICTED = "evicted counters"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    scenes = {
        name: with_bursts(healthy(71 + number, day=number * DAYS_APART), clockwork)
        for number, (name, clockwork) in enumerate(_CLOCKWORKS.items())
    }
    last = healthy(79, day=len(scenes) * DAYS_APART)
    scenes[_EVICTED] = bent(last, (bursts.evicted_series,), seed=7)
    with stored(tmp_path_factory.mktemp("bursts"), scenes) as store:
        yield store


@pytest.mark.parametrize("name", [*_CLOCKWORKS, _EVICTED])
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []
