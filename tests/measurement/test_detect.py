"""A label_mapping is read off series; what is not there has its usual name."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from analyzer.errors import InsufficientData, PrometheusError
from analyzer.measurement.detect import (
    CGROUPS,
    NO_CLUSTER,
    Sample,
    Samples,
    detect_label_mapping,
    samples_of,
)
from analyzer.prometheus.label_mapping import (
    CPU_COUNTER,
    CPU_RULES,
    Attribution,
    Exporter,
    LabelMapping,
    Names,
)
from analyzer.prometheus.response import Response, Series
from analyzer.settings import Setting

RATE5M, IRATE = CPU_RULES
USUAL = LabelMapping(cluster=NO_CLUSTER)

PROXY = {"namespace": "shop", "pod": "a", "instance": "10.0.0.7:15020"}
CADVISOR = {"namespace": "shop", "pod": "a", "container": "istio-proxy", "__name__": CPU_COUNTER}
STATE = {"namespace": "shop", "pod": "a", "container": "istio-proxy"}


def samples(
    proxy: Sequence[dict[str, str]] = (PROXY,),
    cadvisor: Sequence[dict[str, str]] = (CADVISOR,),
    state: Sequence[dict[str, str]] = (STATE,),
) -> Samples:
    told = {Exporter.PROXY: proxy, Exporter.CADVISOR: cadvisor, Exporter.STATE: state}
    found: dict[str, list[Sample]] = {exporter: [] for exporter in Exporter}
    for exporter, labels in told.items():
        found[exporter] = [Sample(labels=one, seen_at_seconds=0.0) for one in labels]
    return found


def everywhere(**labels: str) -> Samples:
    """Return usual series that all have more labels."""
    return samples([{**PROXY, **labels}], [{**CADVISOR, **labels}], [{**STATE, **labels}])


# --- reading the answer ---


def test_series_are_taken_apart_by_who_makes_them() -> None:
    times = np.array([600.0, 1200.0])
    answer = Response(
        series=tuple(
            Series(labels={"exporter": exporter, **own}, times=times, samples=times)
            for exporter, own in (
                ("proxy", {"pod": "proxy"}),
                ("cadvisor", {"__name__": CPU_COUNTER}),
                ("state", {"pod": "state"}),
                ("cgroups", {"pod": "cgroups"}),
                ("proxy", {"pod": "proxy"}),
            )
        )
    )

    found = samples_of(answer)
    assert {name: len(found[name]) for name in found} == {
        "proxy": 2, "cadvisor": 1, "state": 1, "prices": 0, "cgroups": 1, "nodes": 0,
    }  # fmt: skip
    assert found[CGROUPS] == [Sample(labels={"pod": "cgroups"}, seen_at_seconds=1200.0)]


@pytest.mark.parametrize(
    "labels",
    [
        {"pod": "a"},
        {"exporter": ""},
        {"exporter": "kubelet", "__name__": CPU_COUNTER},
        {"exporter": "cadvisor"},
        {"exporter": "cadvisor", "__name__": "up"},
    ],
)
def test_a_series_that_was_not_asked_for_is_refused(labels: dict[str, str]) -> None:
    times = np.array([600.0])
    with pytest.raises(PrometheusError, match="asked for"):
        samples_of(Response(series=(Series(labels=labels, times=times, samples=times),)))


def test_where_nothing_is_everything_has_its_usual_name() -> None:
    assert detect_label_mapping(samples((), (), ())) == LabelMapping()
    assert detect_label_mapping(samples()) == USUAL


# --- names ---


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({"pod": "a", "namespace": "shop"}, Names()),
        ({"pod_name": "a", "namespace": "shop"}, Names(pod="pod_name")),
        (
            {"kubernetes_pod_name": "a", "kubernetes_namespace": "shop"},
            Names(namespace="kubernetes_namespace", pod="kubernetes_pod_name"),
        ),
        (
            {"exported_pod": "a", "exported_namespace": "shop"},
            Names(namespace="exported_namespace", pod="exported_pod"),
        ),
        # Istio's monitor wrote pod_name beside the operator's pod.
        ({"pod": "a", "pod_name": "a", "namespace": "shop"}, Names()),
        ({"pod": "", "pod_name": "a", "namespace": "shop"}, Names(pod="pod_name")),
    ],
)
def test_names_on_the_proxies_series(labels: dict[str, str], names: Names) -> None:
    assert detect_label_mapping(samples(proxy=[labels])) == replace(USUAL, proxy=names)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (
            {"namespace": "shop", "pod_name": "a", "container_name": "istio-proxy"},
            Names(pod="pod_name", container="container_name"),
        ),
        # Without honorLabels the target's own come first and the exporter's are put aside.
        (
            {
                "namespace": "kube-system", "exported_namespace": "shop",
                "pod": "cadvisor-x", "exported_pod": "a",
                "container": "cadvisor", "exported_container": "istio-proxy",
            },
            Names(
                namespace="exported_namespace", pod="exported_pod", container="exported_container"
            ),
        ),
        (
            {
                "namespace": "kube-system", "exported_namespace": "shop",
                "pod": "a", "container": "istio-proxy",
            },
            Names(namespace="exported_namespace"),
        ),
    ],
    ids=["old kubelet", "daemon set", "kubelet"],
)  # fmt: skip
def test_names_on_the_kubelets_series(labels: dict[str, str], names: Names) -> None:
    told = {**labels, "__name__": CPU_COUNTER}

    assert detect_label_mapping(samples(cadvisor=[told])) == replace(USUAL, cadvisor=names)


def test_names_on_kube_state_metrics_series() -> None:
    own = {"namespace": "monitoring", "pod": "state-0", "container": "kube-state-metrics"}
    info = {**own, "exported_namespace": "shop", "exported_pod": "a"}
    requests = {**info, "exported_container": "istio-proxy"}
    exported = Names(
        namespace="exported_namespace", pod="exported_pod", container="exported_container"
    )

    for told in ([info, requests], [requests, info]):
        assert detect_label_mapping(samples(state=told)) == replace(USUAL, state=exported)


# --- clusters ---


@pytest.mark.parametrize("label", ["cluster", "cluster_name"])
def test_a_cluster_label_on_all_series_is_found(label: str) -> None:
    assert detect_label_mapping(everywhere(**{label: "north"})).cluster == label


def test_a_cluster_label_on_some_exporters_only_keeps_nothing_apart() -> None:
    """Grouping by it would part a pod's CPU from its requests."""
    half = samples([PROXY], [{**CADVISOR, "cluster": "north"}], [{**STATE, "cluster": "north"}])

    assert detect_label_mapping(half).cluster == NO_CLUSTER


def test_exporters_that_are_not_there_have_no_say() -> None:
    north = {"cluster": "north"}

    found = detect_label_mapping(samples([{**PROXY, **north}], [{**CADVISOR, **north}], ()))
    assert found.cluster == "cluster"


def test_the_users_cluster_label_is_taken() -> None:
    both = everywhere(cluster="all", region="north")

    assert detect_label_mapping(both).cluster == "cluster"
    assert detect_label_mapping(both, "region").cluster == "region"
    # Where there is nothing, it cannot be wrong: the survey says what is missing.
    assert detect_label_mapping(samples((), (), ()), "region").cluster == "region"


def test_a_cluster_label_that_some_series_lack_is_refused() -> None:
    north = {"region": "north"}
    some = samples([{**PROXY, **north}, PROXY], [{**CADVISOR, **north}, CADVISOR], [STATE])
    only_state = samples([PROXY], [CADVISOR], [{**STATE, **north}])

    for told in (samples(), some, only_state):
        with pytest.raises(InsufficientData, match="'region'") as caught:
            detect_label_mapping(told, "region")
        assert caught.value.settings == (Setting.CLUSTER_LABEL,)


def test_a_cluster_label_on_some_series_of_an_exporter_keeps_nothing_apart() -> None:
    north = {"cluster": "north", "cluster_name": "north"}
    mixed = [{**STATE, **north}, {**STATE, "cluster_name": "north"}]
    found = detect_label_mapping(samples([{**PROXY, **north}], [{**CADVISOR, **north}], mixed))

    assert found.cluster == "cluster_name"


def test_the_label_of_the_kubelets_or_of_the_proxies_is_enough() -> None:
    north = {"region": "north"}
    kubelets = samples([PROXY], [{**CADVISOR, **north}], [{**STATE, **north}])
    proxies = samples([{**PROXY, **north}], [CADVISOR], [STATE])

    for told, of_state in ((kubelets, None), (proxies, "")):
        found = detect_label_mapping(told, "region")
        assert (found.cluster, found.state_cluster) == ("region", of_state)


def test_several_clusters_are_found_by_the_label_of_some_exporters() -> None:
    both = [{**CADVISOR, "cluster": name} for name in ("north", "south")]

    assert detect_label_mapping(samples([PROXY], both, [STATE])).cluster == "cluster"


@pytest.mark.parametrize(
    ("of_state", "called"),
    [
        ({}, ""),
        ({"cluster": "north"}, None),
        ({"k8s_cluster": "north"}, "k8s_cluster"),
        ({"cluster": "n-1"}, "cluster"),
    ],
)
def test_what_kube_state_metrics_calls_the_cluster_is_found(
    of_state: dict[str, str], called: str | None
) -> None:
    clusters = ({"cluster": "north"}, {"cluster": "south"})
    proxies, kubelets = ([{**one, **at} for at in clusters] for one in (PROXY, CADVISOR))

    found = detect_label_mapping(samples(proxies, kubelets, [{**STATE, **of_state}]))
    assert (found.cluster, found.state_cluster) == ("cluster", called)


def test_a_rule_that_is_not_read_has_no_say_on_clusters() -> None:
    north = {"region": "north"}
    rule = {**CADVISOR, "__name__": RATE5M}
    told = samples([{**PROXY, **north}], [{**CADVISOR, **north}, rule], [{**STATE, **north}])

    assert detect_label_mapping(told, "region").cluster == "region"


# --- CPU and attribution ---


@pytest.mark.parametrize(
    ("names", "cpu"),
    [
        ([CPU_COUNTER], CPU_COUNTER),
        ([RATE5M, CPU_COUNTER, IRATE], CPU_COUNTER),
        ([IRATE, RATE5M], RATE5M),
        ([IRATE], IRATE),
        ([], CPU_COUNTER),
    ],
)
def test_the_counter_goes_before_the_better_rule(names: list[str], cpu: str) -> None:
    told = [{**CADVISOR, "__name__": name} for name in names]

    assert detect_label_mapping(samples(cadvisor=told)).cpu == cpu


@pytest.mark.parametrize(
    ("proxies", "attribution"),
    [
        ([PROXY], Attribution.POD),
        ([{"instance": "10.0.0.7:15090"}], Attribution.ADDRESS),
        ([{"instance": "[fd00::7]:15090"}], Attribution.ADDRESS),
        ([{"job": "federate"}], Attribution.WORKLOAD),
        ([{"instance": "10.0.0.7:15090"}, {"job": "federate"}], Attribution.WORKLOAD),
        ([{"instance": "10.0.0.7:15090"}, PROXY], Attribution.POD),
        ([], Attribution.POD),
    ],
    ids=["pod", "address", "IPv6", "workload", "some without", "some with a pod", "nobody"],
)
def test_a_pod_is_known_by_the_best_that_its_series_carry(
    proxies: list[dict[str, str]], attribution: Attribution
) -> None:
    assert detect_label_mapping(samples(proxy=proxies)).attribution == attribution
