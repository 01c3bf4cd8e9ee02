"""What ran and was not scraped is filled from the same workloads."""

from collections.abc import Iterator

import pytest

from tests.live.chosen import asked_for
from tests.live.dirty import Store, each_bent, stored
from tests.support.bent import gaps

pytestmark = [pytest.mark.live, pytest.mark.few(2)]

_SHAPES = {
    "kubelets of half the nodes": (gaps.kubelets_to_the_end,),
    "proxies for a third": (gaps.proxies_for_a_time,),
    "both on one node": (gaps.both_for_a_time,),
    "every other scrape lost": (gaps.lost_scrapes,),
    "no kube-state-metrics": (gaps.state_for_a_time,),
    "ten minutes everywhere": (gaps.scattered,),
}

_NAMED = {
    "kubelets of half the nodes": "unseen_cpu",
    "proxies for a third": "unseen_requests",
    "both on one node": "unseen_cpu",
    "ten minutes everywhere": "unseen_cpu",
}


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    scenes = each_bent(_SHAPES, 31, asked_for(request, "name"))
    with stored(tmp_path_factory.mktemp("gaps"), scenes) as store:
        yield store


@pytest.mark.parametrize("name", _SHAPES)
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []


@pytest.mark.parametrize("name", _NAMED)
def test_the_fault_is_named(name: str, store: Store) -> None:
    assert _NAMED[name] in store.names(name)
