"""What an installation calls things is what is asked for, and our names are what is read."""

import pytest

from analyzer.prometheus.label_mapping import (
    CPU_COUNTER,
    CPU_RULES,
    SCRAPE_LABELS,
    Attribution,
    Exporter,
    LabelMapping,
    Names,
)

RENAMED = LabelMapping(
    proxy=Names(namespace="kubernetes_namespace", pod="kubernetes_pod_name"),
    cadvisor=Names(pod="pod_name", container="container_name"),
    state=Names(namespace="exported_namespace", pod="exported_pod", container="exported_container"),
    cluster="region",
)
BY_ADDRESS = LabelMapping(cluster="region", attribution=Attribution.ADDRESS)
BY_WORKLOAD = LabelMapping(cluster="region", attribution=Attribution.WORKLOAD)


def listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


@pytest.mark.parametrize(
    ("label_mapping", "exporter", "labels"),
    [
        (LabelMapping(), Exporter.PROXY, ("cluster", "namespace", "pod")),
        (RENAMED, Exporter.PROXY, ("region", "kubernetes_namespace", "kubernetes_pod_name")),
        (RENAMED, Exporter.CADVISOR, ("region", "namespace", "pod_name")),
        (RENAMED, Exporter.STATE, ("region", "exported_namespace", "exported_pod")),
        (RENAMED, Exporter.PRICES, ("region", "namespace", "pod")),
        (BY_ADDRESS, Exporter.PROXY, ("region", "instance")),
        (BY_ADDRESS, Exporter.CADVISOR, ("region", "namespace", "pod")),
        (BY_WORKLOAD, Exporter.PROXY, ("region",)),
        (BY_WORKLOAD, Exporter.STATE, ("region", "namespace", "pod")),
    ],
)
def test_a_pod_is_told_by_its_labels_and_its_cluster(
    label_mapping: LabelMapping, exporter: Exporter, labels: tuple[str, ...]
) -> None:
    assert label_mapping.labels_of_pod(exporter) == labels


@pytest.mark.parametrize("exporter", Exporter)
@pytest.mark.parametrize("label_mapping", [LabelMapping(), RENAMED], ids=["usual", "renamed"])
def test_what_is_asked_for_is_read_by_our_names(
    label_mapping: LabelMapping, exporter: Exporter
) -> None:
    ours = label_mapping.canonical(exporter)

    assert [ours[label] for label in label_mapping.labels_of_pod(exporter)] == [
        "cluster", "namespace", "pod",
    ]  # fmt: skip
    assert ours[label_mapping.names(exporter).container] == "container"
    assert len(set(ours.values())) == len(ours) == 4


def test_an_address_stands_for_the_pod_and_a_workload_for_nobody() -> None:
    assert BY_ADDRESS.canonical(Exporter.PROXY) == {"region": "cluster", "instance": "pod"}
    by_workload = BY_WORKLOAD.canonical(Exporter.PROXY)
    assert {"namespace", "pod"}.isdisjoint(by_workload.values())
    # Only the proxies' own series lack a pod.
    assert BY_ADDRESS.canonical(Exporter.STATE) == LabelMapping(cluster="region").canonical(
        Exporter.STATE
    )


def test_query_files_find_every_name() -> None:
    found = RENAMED.placeholders

    assert found["proxy"] == "region, kubernetes_namespace, kubernetes_pod_name"
    assert found["cadvisor"] == "region, namespace, pod_name"
    assert found["cadvisor_container"] == "container_name"
    assert found["state"] == "region, exported_namespace, exported_pod"
    assert (found["state_namespace"], found["state_pod"]) == ("exported_namespace", "exported_pod")
    assert (found["cluster"], found["cpu"]) == ("region", CPU_COUNTER)
    assert listed(found["scrape"]) == listed(found["proxy_scrape"]) == list(SCRAPE_LABELS)
    assert {frozenset(one.placeholders) for one in (LabelMapping(), BY_ADDRESS, BY_WORKLOAD)} == {
        frozenset(found)
    }


@pytest.mark.parametrize("attribution", Attribution)
@pytest.mark.parametrize("cluster", ["cluster", "prometheus", "monitor"])
def test_what_tells_pods_apart_does_not_tell_scrapes_apart(
    cluster: str, attribution: Attribution
) -> None:
    """An external label may name the cluster and the Prometheus in it at once."""
    label_mapping = LabelMapping(cluster=cluster, attribution=attribution)
    found = label_mapping.placeholders

    for pods, scrapes in (("proxy", "proxy_scrape"), ("cadvisor", "scrape")):
        own = set(listed(found[pods]))
        assert own.isdisjoint(listed(found[scrapes]))
        assert own | set(listed(found[scrapes])) == own | set(SCRAPE_LABELS)


def test_cpu_by_a_rule_is_recorded() -> None:
    assert not LabelMapping().is_recorded
    for rule in CPU_RULES:
        label_mapping = LabelMapping(cpu=rule)
        assert label_mapping.is_recorded
        assert label_mapping.placeholders["cpu"] == rule
