"""The doctor's verdict on bent meshes is what the answer about them deserves."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from tests.live.dirty import Store, each_bent, question, stored
from tests.support.bent import bursts, copies, gaps, lives, parts, prices, rates

pytestmark = pytest.mark.live

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
}

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
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with stored(tmp_path_factory.mktemp("doctor"), each_bent(_SHAPES, 71)) as store:
        yield store


def diagnosed(store: Store, name: str) -> dict[str, Any]:
    scene = store.scenes[name]
    _, *asked = question(store.url, scene)
    asked.remove("-q")
    done = CliRunner().invoke(cli, ("doctor", *asked))
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", _SHAPES)
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
