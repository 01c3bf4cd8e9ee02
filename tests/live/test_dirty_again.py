"""Bent meshes, asked about in other ways too: by the doctor, and in VictoriaMetrics."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from tests.live.chosen import asked_for
from tests.live.dirty import Store, each_bent, question, stored
from tests.support import VictoriaServer
from tests.support.bent import bursts, copies, gaps, lives, parts, prices, rates
from tests.support.bent.judge import NAMES, figures, finding_names

pytestmark = [pytest.mark.live, pytest.mark.few(4)]

_SHAPES = {
    "healthy": (),
    "cpu falls": (rates.cpu_dips,),
    "one absurd sample": (rates.cpu_spike, rates.request_spike),
    "two cgroups": (copies.two_cgroups,),
    "replicas": (copies.replicas,),
    "kubelets for a time": (gaps.kubelets_for_a_time,),
    "proxies for a time": (gaps.proxies_for_a_time,),
    "slow job": (parts.slow_job,),
    "nodes replaced": (lives.node_churn,),
    "debug container": (lives.debug_container,),
    "prices of zero": (prices.zero_prices,),
    "evicted": (bursts.evicted_series,),
    "bursts": (bursts.every_ten_minutes,),
}

_BURSTS = "bursts"
"""Compared between the servers only."""

_IN_BOTH = (
    "cpu falls", "replicas", "kubelets for a time", "slow job", "nodes replaced",
    "prices of zero", _BURSTS,
)  # fmt: skip
_MOST_APART = 0.02

_NAMED = {
    "cpu falls": "impossible_cpu",
    "one absurd sample": "impossible_requests",
    "two cgroups": "duplicate_scrapes",
    "replicas": "copied_series",
    "kubelets for a time": "unseen_cpu",
    "proxies for a time": "unseen_requests",
    "nodes replaced": "replaced_nodes",
    "prices of zero": "nodes_without_price",
    "evicted": "evicted_series",
}


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    scenes = each_bent(_SHAPES, 71, asked_for(request, "name"))
    with stored(tmp_path_factory.mktemp("doctor"), scenes, projects=True) as store:
        yield store


@pytest.fixture(scope="module")
def victoria(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    scenes = {name: scene for name, scene in store.scenes.items() if name in _IN_BOTH}
    with stored(tmp_path_factory.mktemp("victoria"), scenes, VictoriaServer) as other:
        yield other


def diagnosed(store: Store, name: str) -> dict[str, Any]:
    scene = store.scenes[name]
    _, *asked = question(store.url, scene)
    asked.remove("-q")
    done = CliRunner().invoke(cli, ("doctor", *asked))
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", [name for name in _SHAPES if name != _BURSTS])
def test_an_answer_that_is_right_is_called_so(name: str, store: Store) -> None:
    found = diagnosed(store, name)

    assert store.wrong(name) == []
    assert (found["judgement"], found["bias"]) == ("right", "none"), found["verdict"]
    names = {finding["name"] for finding in found["findings"]}
    assert _NAMED.get(name) in {*names, None}
    codes = {check["code"] for check in found["checks"]}
    assert {finding["code"] for finding in found["findings"]} <= codes
    # What analyze has found is what the doctor has, which also looks at the survey and at OpenCost.
    assert names - {"unequal_sources", "nodes_without_price"} <= store.names(name)


@pytest.mark.parametrize("name", _IN_BOTH)
def test_both_servers_answer_alike_or_name_the_reason(
    name: str, store: Store, victoria: Store
) -> None:
    scene = store.scenes[name]
    documents = store.answer(name), victoria.answer(name)
    one, other = (
        {figure.name: figure.found for figure in figures(scene, document)} for document in documents
    )
    reasons = NAMES[next(iter(scene.kinds))]

    if one != pytest.approx(other, rel=_MOST_APART):
        assert all(finding_names(document) & reasons for document in documents), (one, other)
