"""Copies of series are found from their values, on real servers, whichever labels they have."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.errors import InsufficientData
from analyzer.measurement.first_look import look
from analyzer.measurement.survey import Survey, examine
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.promql import Scope
from analyzer.settings import Setting
from tests.support import PrometheusServer, ServerProcess, VictoriaServer
from tests.support.bent import Scene, healthy
from tests.support.bent.edit import is_proxys, kept, labelled_more, pod_of, shifted, sidecars
from tests.support.bent.scene import REQUESTS, Kind
from tests.support.sampling import changed
from tests.support.scraping import labelled
from tests.support.series import Series

pytestmark = pytest.mark.live

Bend = Callable[[Scene], Iterator[Series]]
HOURS = 2


def as_it_is(scene: Scene) -> Iterator[Series]:
    yield from scene.mesh.series


def by_two_labels_of_some_pods(scene: Scene) -> Iterator[Series]:
    """A second collector takes the proxies of six pods, and names itself and its own pod."""
    some = set(sidecars(scene)[:6])
    for one in scene.mesh.series:
        yield labelled_more(one, collector="a", collector_pod="a-7f")
        if is_proxys(one) and pod_of(one) in some:
            yield shifted(labelled_more(one, collector="b", collector_pod="b-0"), 4_100)


def federated_requests(scene: Scene) -> Iterator[Series]:
    """A central server has the request counters only, every other sample, with one label more."""
    for one in scene.mesh.series:
        yield one
        if one.name == REQUESTS:
            other = shifted(labelled_more(one, central="yes"), 11_000)
            yield kept(other, np.arange(len(other.times_ms)) % 2 == 0)


def three_of_each(scene: Scene) -> Iterator[Series]:
    for one in scene.mesh.series:
        for number in range(3):
            yield shifted(labelled_more(one, copy=f"s{number}"), 1_700 * number)


def one_without_the_label(scene: Scene) -> Iterator[Series]:
    for one in scene.mesh.series:
        yield one
        if is_proxys(one):
            yield shifted(labelled_more(one, archive="cold"), 2_000)


def between_two_looks(scene: Scene) -> Iterator[Series]:
    """Looks are 24 minutes apart; the copy lives for 14 minutes between two of them."""
    begin = scene.mesh.spec.start_ms + 53 * 60_000
    for one in scene.mesh.series:
        yield labelled_more(one, ha="one")
        other = shifted(labelled_more(one, ha="two"), 3_300)
        yield kept(other, (other.times_ms > begin) & (other.times_ms < begin + 840_000))


def in_turn(scene: Scene) -> Iterator[Series]:
    """Each of a pair is down for half an hour, and not at the same time."""
    begin = scene.mesh.spec.start_ms
    for one in scene.mesh.series:
        for number, name in enumerate(("x", "y")):
            other = shifted(labelled_more(one, ha=name), 5_000 * number)
            minutes = (other.times_ms - begin) / 60_000
            yield kept(other, (minutes < 20 + 50 * number) | (minutes > 50 + 50 * number))


def by_a_second_job_for_a_time(scene: Scene) -> Iterator[Series]:
    """Another job takes the proxies too, for 14 minutes between two looks."""
    begin = scene.mesh.spec.start_ms + 53 * 60_000
    for one in scene.mesh.series:
        yield one
        if is_proxys(one):
            other = shifted(labelled(one, {**dict(one.labels), "job": "second"}), 3_300)
            yield kept(other, (other.times_ms > begin) & (other.times_ms < begin + 840_000))


def without_builds(scene: Scene) -> Iterator[Series]:
    yield from (one for one in scene.mesh.series if one.name != "istio_build")


def _part(share: float) -> Callable[[Floats], Floats]:
    """Return what takes this share of a counter, whole."""
    return lambda values: np.floor(values * share)


def tagged(scene: Scene) -> Iterator[Series]:
    """A Telemetry resource adds the host, which parts each counter in two."""
    for one in scene.mesh.series:
        if one.name != REQUESTS:
            yield one
            continue
        for host, share in (("a.example", 0.7), ("b.example", 0.3)):
            part = labelled_more(one, request_host=host)
            yield changed(part, _part(share))


def tagged_and_copied(scene: Scene) -> Iterator[Series]:
    for one in tagged(scene):
        for number in range(2):
            yield shifted(labelled_more(one, agent=f"agent-{number}"), 6_000 * number)


def equal_hosts(scene: Scene) -> Iterator[Series]:
    """Hosts that differ threefold, but for one pair that has the same count by chance."""
    first = next(one for one in scene.mesh.series if one.name == REQUESTS)
    for one in scene.mesh.series:
        if one.name != REQUESTS:
            yield one
            continue
        share = 0.5 if one is first else 0.25
        yield changed(labelled_more(one, host="a"), _part(share))
        yield changed(labelled_more(one, host="b"), _part(1 - share))


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How data are bent, and what a survey is to find."""

    bend: Bend
    labels: tuple[str, ...] = ()
    proxies: int = 25
    is_scraped_once: bool = False


SHAPES = {
    "healthy": Shape(bend=as_it_is, proxies=0, is_scraped_once=True),
    "second job": Shape(bend=by_a_second_job_for_a_time, proxies=0),
    "no builds": Shape(bend=without_builds, proxies=0),
    "two labels": Shape(
        bend=by_two_labels_of_some_pods, labels=("collector", "collector_pod"), proxies=6
    ),
    "federated": Shape(bend=federated_requests, labels=("central",)),
    "three": Shape(bend=three_of_each, labels=("copy",)),
    "one without": Shape(bend=one_without_the_label, labels=("archive",)),
    "between looks": Shape(bend=between_two_looks, labels=("ha",)),
    "in turn": Shape(bend=in_turn, labels=("ha",)),
    "tagged": Shape(bend=tagged, proxies=0, is_scraped_once=True),
    "tagged and copied": Shape(bend=tagged_and_copied, labels=("agent",)),
    "equal by chance": Shape(bend=equal_hosts, proxies=0, is_scraped_once=True),
}


def scenes() -> dict[str, Scene]:
    """Return each shape on a day of its own."""
    plain = {
        name: healthy(300 + number, day=number, hours=HOURS) for number, name in enumerate(SHAPES)
    }
    # VictoriaMetrics drops labels beyond the thirtieth: two less leave room for those of copies.
    fewer = {
        name: scene.storing(map(without_principals, scene.mesh.series), Kind.COPIES)
        for name, scene in plain.items()
    }
    return {
        name: scene.storing(SHAPES[name].bend(scene), Kind.COPIES) for name, scene in fewer.items()
    }


def without_principals(one: Series) -> Series:
    return labelled(one, {name: value for name, value in one.labels if "principal" not in name})


@pytest.fixture(scope="module", params=[PrometheusServer, VictoriaServer])
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, Scene]]]:
    found = scenes()
    engine: type[ServerProcess] = request.param
    with engine(tmp_path_factory.mktemp("copies") / "server") as server:
        for scene in found.values():
            server.fill(scene.mesh)
        yield server.url, found


def surveyed(url: str, scene: Scene, labels: tuple[str, ...] = ()) -> Survey:
    with Connection(Access(url=url)) as source:
        # The time asked for is longer, as it usually is.
        start, end = scene.start, scene.end + timedelta(seconds=5)
        return examine(source, look(source, Scope(), start, end, replica_labels=labels))


@pytest.mark.parametrize("name", SHAPES)
def test_labels_of_copies_are_found(name: str, stored: tuple[str, dict[str, Scene]]) -> None:
    url, found = stored
    survey = surveyed(url, found[name])

    assert survey.label_mapping.replica_labels == SHAPES[name].labels
    assert survey.copied_proxies == SHAPES[name].proxies
    assert survey.alike_proxies == 0
    assert survey.is_scraped_once == SHAPES[name].is_scraped_once


def test_a_label_that_is_given_is_used(stored: tuple[str, dict[str, Scene]]) -> None:
    url, found = stored
    given = surveyed(url, found["two labels"], ("collector_pod",))

    assert given.label_mapping.replica_labels == ("collector_pod",)
    assert given.copied_proxies == 0


def test_a_label_that_no_series_has_is_an_error(stored: tuple[str, dict[str, Scene]]) -> None:
    url, found = stored
    with pytest.raises(InsufficientData) as caught:
        surveyed(url, found["healthy"], ("collektor",))

    assert "'collektor'" in str(caught.value)
    assert caught.value.settings == (Setting.REPLICA_LABELS,)


def test_copies_are_counted_once(tmp_path: Path) -> None:
    scene = healthy(300, hours=1)
    bent = scene.storing(three_of_each(scene), Kind.COPIES)
    with PrometheusServer(tmp_path / "server") as server:
        server.fill(bent.mesh)
        survey = surveyed(server.url, bent)
    counts = survey.proxy_counts

    assert counts is not None
    assert max(counts.seen("proxy")) == max(counts.seen("cadvisor")) == 25
    assert replace(survey.label_mapping, replica_labels=()) != survey.label_mapping
