"""Parts of a mesh that lived briefly, or are scraped at another pace, are seen by the survey."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from analyzer.errors import UsageError
from analyzer.measurement.first_look import look
from analyzer.measurement.plan import choose_window
from analyzer.measurement.survey import Survey, examine
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.promql import Scope
from analyzer.settings import Setting
from tests.support import PrometheusServer, ServerProcess, VictoriaServer
from tests.support.bent import Scene, healthy
from tests.support.bent.edit import is_kubelets, is_proxys, kept, label, labelled_more
from tests.support.bent.healthy import beside_another
from tests.support.bent.scene import Kind
from tests.support.series import Series

pytestmark = pytest.mark.live

HOURS = 4
LIFE = (62, 88)
"""Minutes of the cluster that lived briefly; the looks are 48 minutes apart."""


def brief_cluster(scene: Scene) -> Iterator[Series]:
    """The cluster `west` lives for 26 minutes, and its jobs scrape every minute."""
    begin = scene.mesh.spec.start_ms
    for one in scene.mesh.series:
        if label(one, "cluster") != "west":
            yield one
            continue
        minutes = (one.times_ms - begin) / 60_000
        lived = kept(one, (minutes > LIFE[0]) & (minutes < LIFE[1]))
        slow = kept(lived, np.arange(len(lived.times_ms)) % 2 == 0)
        yield labelled_more(slow, job=f"west-{label(one, 'job')}")


def requests_for_a_time(scene: Scene) -> Iterator[Series]:
    """The proxies are scraped for 20 minutes between two looks, the kubelets always."""
    begin = scene.mesh.spec.start_ms
    for one in scene.mesh.series:
        minutes = (one.times_ms - begin) / 60_000
        yield kept(one, (minutes > 100) & (minutes < 120)) if is_proxys(one) else one


def slow_kubelets_of_a_cluster(scene: Scene) -> Iterator[Series]:
    """The kubelets of `west` are scraped every 150 s, in one job with the others."""
    for one in scene.mesh.series:
        is_slow = is_kubelets(one) and label(one, "cluster") == "west"
        yield kept(one, np.arange(len(one.times_ms)) % 5 == 0) if is_slow else one


SHAPES: dict[str, tuple[Callable[[Scene], Iterator[Series]], bool]] = {
    "brief cluster": (brief_cluster, True),
    "requests for a time": (requests_for_a_time, False),
    "slow kubelets": (slow_kubelets_of_a_cluster, True),
}


@pytest.fixture(scope="module", params=[PrometheusServer, VictoriaServer])
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, Scene]]]:
    scenes: dict[str, Scene] = {}
    for number, (name, (bend, has_two)) in enumerate(SHAPES.items()):
        plain = healthy(400 + number, day=number, hours=HOURS)
        both = beside_another(plain) if has_two else plain
        scenes[name] = both.storing(bend(both), Kind.PARTS)
    engine: type[ServerProcess] = request.param
    with engine(tmp_path_factory.mktemp("parts") / "server") as server:
        for scene in scenes.values():
            server.fill(scene.mesh)
        yield server.url, scenes


def surveyed(url: str, scene: Scene, scope: Scope | None = None) -> Survey:
    with Connection(Access(url=url)) as source:
        return examine(source, look(source, scope or Scope(), scene.start, scene.end))


def test_a_cluster_between_two_looks_is_seen(stored: tuple[str, dict[str, Scene]]) -> None:
    url, scenes = stored
    found = surveyed(url, scenes["brief cluster"])
    counts = found.proxy_counts

    assert counts is not None
    west = {group.exporter: group for group in counts.groups if group.cluster == "west"}
    assert {name: group.scrape_seconds for name, group in west.items()} == {
        "cadvisor": 60,
        "proxy": 60,
    }
    assert all(group.job.startswith("west-") for group in west.values())
    assert all(max(group.seen) == 25 for group in west.values())
    assert found.label_mapping.cluster == "cluster"
    assert found.slower_scrape_seconds == 60
    assert "cluster west" in found.slowest


def test_only_the_brief_cluster_can_be_chosen(stored: tuple[str, dict[str, Scene]]) -> None:
    url, scenes = stored
    found = surveyed(url, scenes["brief cluster"], Scope(cluster="west"))

    assert found.request_scrape_seconds == found.cpu_scrape_seconds == 60
    assert found.proxy_counts is not None
    assert {group.cluster for group in found.proxy_counts.groups} == {"west"}


def test_requests_that_were_scraped_for_a_time_are_found(
    stored: tuple[str, dict[str, Scene]],
) -> None:
    url, scenes = stored
    found = surveyed(url, scenes["requests for a time"])

    assert found.request_scrape_seconds == 30
    assert found.proxy_counts is not None
    assert found.proxy_counts.seen("proxy").sum() < found.proxy_counts.seen("cadvisor").sum() / 4


def test_a_step_that_is_too_short_for_a_cluster_names_it(
    stored: tuple[str, dict[str, Scene]],
) -> None:
    url, scenes = stored
    scene = scenes["slow kubelets"]
    found = surveyed(url, scene)

    assert found.cpu_scrape_seconds == 150
    assert found.request_scrape_seconds == 30
    with pytest.raises(UsageError) as caught:
        choose_window(found, scene.start, scene.end + timedelta(hours=2), 600)
    assert "cluster west" in str(caught.value)
    assert caught.value.settings == (Setting.STEP,)
    east = surveyed(url, scene, Scope(cluster="east"))
    assert east.cpu_scrape_seconds == 30
    assert replace(east, proxy_counts=None).slowest == ""
