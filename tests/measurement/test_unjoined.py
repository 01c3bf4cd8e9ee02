"""Why nothing joins, by the label that is missing."""

import pytest

from analyzer.measurement.metrics import CPU, REQUESTS
from analyzer.measurement.surveyed import mixed_labels, overwritten_labels
from analyzer.measurement.unjoined import unjoined
from analyzer.prometheus.label_mapping import Attribution, LabelMapping, Names

CADVISOR = [{"namespace": "shop", "pod": f"a-{n}", "container": "istio-proxy"} for n in range(3)]


@pytest.mark.parametrize(
    ("proxies", "fragments"),
    [
        ([{"pod": "a-1"}, {"pod": "a-2"}], (REQUESTS, "no label `namespace`")),
        ([{"namespace": "shop"}] * 2, (REQUESTS, "no label `pod`")),
        (
            [{"namespace": f"n-{n}", "pod": "prometheus-0"} for n in range(3)],
            (REQUESTS, "'prometheus-0' on all series", "honor_labels: true"),
        ),
    ],
    ids=["namespace", "pod", "the scraped server"],
)
def test_the_label_that_is_missing_is_named(
    proxies: list[dict[str, str]], fragments: tuple[str, ...]
) -> None:
    text = unjoined(LabelMapping(), {"proxy": proxies, "cadvisor": CADVISOR})

    assert [part for part in fragments if part not in text] == []


def test_the_kubelets_side_is_named_too() -> None:
    rows = {"proxy": [{"namespace": "shop", "pod": "b"}], "cadvisor": [{"pod": "a", "id": "/x"}]}

    text = unjoined(LabelMapping(), rows)
    assert f"{CPU} has no label `namespace`" in text
    assert "job of the kubelets" in text


def test_without_rows_the_labels_of_both_sides_are_named() -> None:
    mapping = LabelMapping(proxy=Names(namespace="src_namespace", pod="src_pod"))

    text = unjoined(mapping, {})
    assert "src_namespace/src_pod" in text
    assert "namespace/pod" in text


# --- the findings about names that were read ---


def test_jobs_that_differ_in_their_names_are_found() -> None:
    mixed = LabelMapping(proxy=Names(also=(Names(pod="kubernetes_pod_name"),)))

    finding = mixed_labels(mixed)
    assert finding is not None
    assert "`pod` and `kubernetes_pod_name`" in finding.text
    assert mixed_labels(LabelMapping()) is None


def test_labels_of_a_server_in_place_of_the_proxys_are_found() -> None:
    federated = LabelMapping(proxy=Names(namespace="exported_namespace", pod="exported_pod"))

    finding = overwritten_labels(federated)
    assert finding is not None
    assert finding.affected == ("exported_pod",)
    assert overwritten_labels(LabelMapping()) is None
    by_address = LabelMapping(proxy=federated.proxy, attribution=Attribution.ADDRESS)
    assert overwritten_labels(by_address) is None
