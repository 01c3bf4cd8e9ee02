"""Load in bursts at clock times: no part of it is between two steps."""

from collections.abc import Iterator

import pytest

from tests.live.chosen import asked_for
from tests.live.dirty import DAYS_APART, Store, stored
from tests.support.bent import bursts, healthy, parts
from tests.support.bent.bends import bent
from tests.support.bent.bursts import Clockwork, with_bursts

pytestmark = [pytest.mark.live, pytest.mark.few(2)]

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
_EVICTED_OFTEN = "evicted counters of a fast scrape"
_SPLIT = "bursts that slow kubelets split"


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    wanted = asked_for(request, "name")
    scenes = {
        name: with_bursts(healthy(71 + number, day=number * DAYS_APART), clockwork)
        for number, (name, clockwork) in enumerate(_CLOCKWORKS.items())
        if name in wanted
    }
    day = len(_CLOCKWORKS) * DAYS_APART
    if _EVICTED in wanted:
        scenes[_EVICTED] = bent(healthy(79, day=day), (bursts.evicted_series,), seed=7)
    if _EVICTED_OFTEN in wanted:
        fast = healthy(80, day=day + DAYS_APART, hours=6, scrape_seconds=15)
        scenes[_EVICTED_OFTEN] = bent(fast, (bursts.evicted_series,), seed=52)
    half_hourly = Clockwork(period_seconds=1800, burst_seconds=375, shift_seconds=145)
    split = with_bursts(healthy(81, day=day + 2 * DAYS_APART, hours=3), half_hourly)
    scenes[_SPLIT] = bent(split, (parts.slow_kubelets,), seed=59)
    with stored(tmp_path_factory.mktemp("bursts"), scenes) as store:
        yield store


@pytest.mark.parametrize("name", [*_CLOCKWORKS, _EVICTED, _EVICTED_OFTEN])
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []


def test_a_cost_that_split_bursts_lower_is_doubtful(store: Store) -> None:
    """Nine intervals of ten scrapes of the slow kubelets: too few for longer ones to show it."""
    cost = store.answer(_SPLIT)["calibration"]["sidecar"]["vcpu_per_1000_rps"]

    assert "bursty_load" in store.names(_SPLIT)
    assert cost["low"] <= store.scenes[_SPLIT].slope <= cost["high"]
