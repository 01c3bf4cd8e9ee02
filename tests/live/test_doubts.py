"""Counters that are asked for only where there is a doubt show what all counters show."""

from collections.abc import Iterator

import pytest

from analyzer.measurement import collect, doubts, plan
from analyzer.measurement.working import Working
from analyzer.prometheus.connection import Source
from tests.live.chosen import asked_for
from tests.live.dirty import Store, calibrated_within, each_bent, stored
from tests.support.bent import bursts, rates
from tests.support.bent.bends import Bend
from tests.support.bent.judge import finding_names, wrong

pytestmark = [pytest.mark.live, pytest.mark.few(2)]

_SHAPES: dict[str, tuple[Bend, ...]] = {
    "healthy": (),
    "requests fall": (rates.request_dips,),
    "CPU falls": (rates.cpu_dips,),
    "evicted": (bursts.evicted_series,),
    "falls in a row": (rates.falls_in_a_row,),
    "requests in and out fall": (rates.request_dips, rates.source_dips),
}


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    scenes = each_bent(_SHAPES, 11, asked_for(request, "name"))
    with stored(tmp_path_factory.mktemp("doubts"), scenes) as store:
        yield store


@pytest.mark.parametrize("name", _SHAPES)
def test_counters_in_doubt_show_what_all_show(
    name: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[str, ...] | None] = []

    def doubtful(source: Source, place: Working) -> tuple[str, ...] | None:
        found.append(doubts.doubtful_namespaces(source, place))
        return found[-1]

    monkeypatch.setattr(doubts, "_LARGE", 0)
    monkeypatch.setattr(doubts, "_MOST_NAMESPACES", 2.0)
    monkeypatch.setattr(plan, "_MOST_UNGROUPED", 400)
    monkeypatch.setattr(collect, "doubtful_namespaces", doubtful)
    outcome = calibrated_within(store.url, store.scenes[name])

    assert outcome.status == 0
    monkeypatch.undo()
    off = [str(figure) for figure in wrong(store.scenes[name], outcome.document)]
    assert off == store.wrong(name)
    assert finding_names(outcome.document) == store.names(name)
    assert found[0] is not None
    # A pod of the healthy mesh restarts, in one of its namespaces.
    assert len(found[0]) == 1 if name == "healthy" else len(found[0]) >= 1
