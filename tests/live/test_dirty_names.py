"""Labels and metrics under other names: read by which values join, or named by what is missing."""

from collections.abc import Callable, Collection, Iterator

import pytest

from tests.live.chosen import asked_for
from tests.live.dirty import DAYS_APART, Store, stored
from tests.support import VictoriaServer
from tests.support.bent import Scene, healthy, names
from tests.support.bent.edit import is_kubelets, is_proxys, is_states
from tests.support.dotted import OtherLabels, Prometheus3

pytestmark = [pytest.mark.live, pytest.mark.few(4)]

_HOURS = 2

_SHAPES: dict[str, Callable[[Scene], Scene]] = {
    "otel everywhere": names.naming(names.OTEL, names.OTEL, names.OTEL),
    "otel on the proxies": names.naming(proxies=names.OTEL),
    "otel on the kubelets": names.naming(kubelets=names.OTEL),
    "otel on the state": names.naming(state=names.OTEL),
    "otel and its own pod": names.naming(names.OTEL, names.OTEL, names.OTEL, with_target=True),
    "istio's old addon": names.naming(proxies=names.KUBERNETES),
    "old kubelets": names.naming(kubelets=names.OLD_CADVISOR),
    "a daemon set": names.naming(kubelets=names.OF_CONTAINERS, with_target=True),
    "a daemon set, relabelled": names.naming(kubelets=names.RELABELLED),
    "federated proxies": names.naming(proxies=names.EXPORTED, with_target=True),
    "unknown names": names.naming(proxies=names.OF_OTHERS, with_target=True),
    "unknown names everywhere": names.naming(
        proxies=names.OF_OTHERS, kubelets=names.OF_OTHERS, state=names.OF_OTHERS
    ),
    "half by another job": names.for_half(names.KUBERNETES, of=is_proxys),
    "half federated": names.for_half(names.EXPORTED, of=is_proxys, with_target=True),
    "half of the kubelets": names.for_half(names.OLD_CADVISOR, of=is_kubelets),
    "half of the state": names.for_half(names.EXPORTED, of=is_states, with_target=True),
    "half by otel": names.for_half(names.OTEL, of=names.is_any),
    "two jobs of each proxy": names.scraped_twice,
    "old kube-state-metrics": names.old_state,
}

_NAMED = {
    "federated proxies": "overwritten_labels",
    "half by another job": "mixed_labels",
    "half federated": "mixed_labels",
    "half by otel": "mixed_labels",
}


_BOTH_NAMES = ("otel everywhere", "otel on the proxies")
_OLD = "old kubelets"
_IN_STANDINS = (*_BOTH_NAMES, _OLD)
"""Asked about by way of a stand-in, whichever cases were chosen."""


def _scenes(
    shapes: dict[str, Callable[[Scene], Scene]], seed: int, wanted: Collection[str]
) -> dict[str, Scene]:
    return {
        name: bend(healthy(seed + number, day=number * DAYS_APART, hours=_HOURS))
        for number, (name, bend) in enumerate(shapes.items())
        if name in wanted
    }


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    scenes = _scenes(_SHAPES, 71, {*asked_for(request, "name"), *_IN_STANDINS})
    with stored(tmp_path_factory.mktemp("names"), scenes) as store:
        yield store


@pytest.mark.parametrize("name", _SHAPES)
def test_the_figures_are_right(name: str, store: Store) -> None:
    assert store.wrong(name) == []


@pytest.mark.parametrize("name", _SHAPES)
def test_requests_and_nodes_are_those_of_the_pods(name: str, store: Store) -> None:
    answer = store.answer(name)
    pods = [pod for pod in store.scenes[name].mesh.pods if pod.workload.role == "sidecar"]
    reserved = sum(pod.workload.reserved_vcpu for pod in pods)

    assert answer["measured"]["sidecar_reserved_vcpu"] == pytest.approx(reserved, rel=0.01)
    assert answer["mesh"]["sidecar_count"] == len(pods)


@pytest.mark.parametrize("name", _NAMED)
def test_the_fault_is_named(name: str, store: Store) -> None:
    assert _NAMED[name] in store.names(name)
    # No proxy is counted for the names of another exporter too.
    assert "proxies_not_measured" not in store.names(name)


# --- names with dots, which Debian's Prometheus does not store ---

_DOTS = {
    "dots everywhere": names.naming(names.DOTTED, names.DOTTED, names.DOTTED),
    "dots on the proxies": names.naming(proxies=names.DOTTED),
    "dots and a target": names.naming(kubelets=names.DOTTED, with_target=True),
}


@pytest.fixture(scope="module")
def victoria(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    scenes = _scenes(_DOTS, 91, asked_for(request, "name"))
    with stored(tmp_path_factory.mktemp("dots"), scenes, VictoriaServer) as store:
        yield store


@pytest.mark.parametrize("name", _DOTS)
def test_names_with_dots_are_read_by_victoria_metrics(name: str, victoria: Store) -> None:
    assert victoria.wrong(name) == []


def test_names_with_dots_are_quoted_for_prometheus_3(store: Store) -> None:
    """By a stand-in that shows the stored names with dots."""
    dotted = {names.OTEL[part]: names.DOTTED[part] for part in names.OTEL}
    asked = {name: store.scenes[name] for name in _BOTH_NAMES}

    with Prometheus3(store.url, dotted) as server:
        shown = Store(server.url, asked)
        assert [shown.wrong(name) for name in asked] == [[], []]


def test_a_label_that_no_query_may_name_changes_nothing(store: Store) -> None:
    """By a stand-in, whose series have it as a Prometheus behind a newer one may show it."""
    with OtherLabels(upstream=store.url) as server:
        shown = Store(server.url, {_OLD: store.scenes[_OLD]})
        assert shown.wrong(_OLD) == []
