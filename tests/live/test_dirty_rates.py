"""Counters that jump or fall though nothing restarted: the totals are right all the same."""

from collections.abc import Iterator

import pytest

from tests.live.chosen import asked_for
from tests.live.dirty import Store, each_bent, stored
from tests.support.bent import rates

pytestmark = [pytest.mark.live, pytest.mark.few(2)]

_SHAPES = {
    "a few fall by some ms": (rates.cpu_dips,),
    "requests fall by three": (rates.request_dips,),
    "one waypoint's fall": (rates.waypoint_dip,),
    "one absurd sample": (rates.cpu_spike, rates.request_spike),
    "up and stays there": (rates.cpu_jump, rates.request_jump),
    "one pod falls often": (rates.falls_in_a_row,),
}

_NAMED = {
    "a few fall by some ms": "impossible_cpu",
    "requests fall by three": "impossible_requests",
    "one waypoint's fall": "impossible_requests",
    "one absurd sample": "impossible_requests",
    "up and stays there": "impossible_cpu",
    "one pod falls often": "impossible_cpu",
}


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    scenes = each_bent(_SHAPES, 11, asked_for(request, "name"))
    with stored(tmp_path_factory.mktemp("rates"), scenes) as store:
        yield store


@pytest.mark.parametrize("name", _SHAPES)
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []


@pytest.mark.parametrize("name", _NAMED)
def test_the_fault_is_named(name: str, store: Store) -> None:
    assert _NAMED[name] in store.names(name)
