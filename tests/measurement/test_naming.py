"""Labels are chosen by which values name the same pods, and by what is usual where none do."""

import re

import pytest

from analyzer.data.labels import label_families
from analyzer.measurement.naming import is_ambiguous, joined_names, naming_labels, usual_names
from analyzer.prometheus.label_mapping import Exporter, Names
from analyzer.prometheus.query import load_query

PODS = [(f"ns-{n % 3}", f"pod-{n}") for n in range(12)]

Row = dict[str, str]


def rows(
    of_namespace: str = "namespace",
    of_pod: str = "pod",
    /,
    *,
    part: slice = slice(None),
    **more: str,
) -> list[Row]:
    """Return a row for each pod, under some names of the labels."""
    return [{**more, of_namespace: space, of_pod: name} for space, name in PODS[part]]


def found(
    proxies: list[Row], cadvisor: list[Row] | None = None, state: list[Row] | None = None
) -> dict[str, Names]:
    told = {
        Exporter.PROXY: proxies,
        Exporter.CADVISOR: rows(container="istio-proxy") if cadvisor is None else cadvisor,
        Exporter.STATE: rows() if state is None else state,
    }
    given = {str(exporter): side for exporter, side in told.items()}
    return joined_names(given, given)


# --- the list ---


def test_each_family_has_a_source_and_names_of_its_own() -> None:
    families = label_families()

    assert len({one.pod for one in families}) == len(families)
    assert all(one.source for one in families)
    usual = families[0]
    assert (usual.namespace, usual.pod, usual.container, usual.node) == (
        "namespace", "pod", "container", "node",
    )  # fmt: skip


def test_the_survey_looks_for_each_name_of_the_container() -> None:
    asked = set(re.findall(r'\{(\w+)=~"istio-proxy', load_query("survey_labels").template))

    # A name with dots is an error for servers that do not know them: it is asked for where seen.
    assert asked == {one.container for one in label_families() if "." not in one.container}


# --- by what is usual ---


@pytest.mark.parametrize("family", label_families(), ids=lambda family: str(family.pod))
def test_a_family_is_read_whole(family: object) -> None:
    parts = ("namespace", "pod", "container", "node")
    labels = {part: getattr(family, part) for part in parts}
    row = {label: "istio-proxy" if part == "container" else "a" for part, label in labels.items()}

    assert usual_names(Exporter.CADVISOR, [row]) == Names(**labels)


def test_the_container_is_the_label_that_names_a_proxy() -> None:
    row = {"pod": "a", "container": "cadvisor", "k8s_container_name": "istio-proxy"}

    assert usual_names(Exporter.CADVISOR, [row]).container == "k8s_container_name"


def test_a_label_of_a_node_is_not_its_name() -> None:
    row = {"pod": "a", "container": "istio-proxy", "node_kubernetes_io_instance_type": "general-16"}

    assert usual_names(Exporter.CADVISOR, [row]) == Names()


@pytest.mark.parametrize(
    ("series", "left_open"),
    [
        ([{"pod": "a", "namespace": "n"}, {"pod": "b", "namespace": "n"}], False),
        ([{"pod": "a", "pod_name": "a", "namespace": "n"}], False),
        ([{"pod": "a", "exported_pod": "b", "namespace": "n"}], True),
        ([{"pod": "a", "namespace": "n"}, {"pod_name": "b", "namespace": "n"}], True),
        ([{"pod": "a", "namespace": "n", "exported_namespace": "m"}], True),
        ([{"instance": "10.0.0.7:15020"}], True),
    ],
    ids=["usual", "equal", "two pods", "two jobs", "two namespaces", "none"],
)
def test_evidence_is_asked_for_only_where_names_leave_it_open(
    series: list[Row],
    left_open: bool,  # noqa: FBT001 - a case
) -> None:
    assert is_ambiguous(Exporter.PROXY, series) == left_open


def test_no_label_of_istio_or_of_the_scrape_can_name_a_pod() -> None:
    row = dict.fromkeys(
        ("source_workload_namespace", "instance", "job", "app", "pod", "my_namespace"), "x"
    )

    assert naming_labels([row]) == ("my_namespace", "pod")


# --- by which values join ---


def test_the_label_that_joins_is_taken_over_the_usual_one() -> None:
    federated = rows("exported_namespace", "exported_pod", namespace="mon", pod="prometheus-0")

    assert found(federated)[Exporter.PROXY] == Names(
        namespace="exported_namespace", pod="exported_pod"
    )


def test_the_servers_own_pod_does_not_win_though_it_joins_too() -> None:
    federated = rows("exported_namespace", "exported_pod", namespace="ns-0", pod="pod-0")

    assert found(federated)[Exporter.PROXY].pod == "exported_pod"


def test_the_scrapers_own_namespace_on_both_sides_is_not_the_pods() -> None:
    several = rows("k8s_namespace_name", "k8s_pod_name", namespace="mon", pod="agent-1")
    for named in (several, [{**row, "k8s_namespace_name": "shop"} for row in several]):
        cadvisor = [{**row, "k8s_container_name": "istio-proxy"} for row in named]

        own = found(named, cadvisor, named)
        assert {one.namespace for one in own.values()} == {"k8s_namespace_name"}
        assert len(own) == 3
    unknown = rows("src_namespace", "meta_pod", namespace="mon", pod="agent-1")
    own = found(unknown, [{**row, "container": "istio-proxy"} for row in unknown], unknown)
    assert {one.namespace for one in own.values()} == {"src_namespace"}


def test_names_that_no_list_holds_are_found() -> None:
    own = found(rows("src_namespace", "meta_pod", namespace="mon", pod="agent-1"))

    assert own[Exporter.PROXY] == Names(namespace="src_namespace", pod="meta_pod")


def test_the_kubelets_names_are_found_with_the_proxies() -> None:
    cadvisor = rows(
        "container_label_io_kubernetes_pod_namespace",
        "container_label_io_kubernetes_pod_name",
        namespace="kube-system",
        pod="cadvisor-x",
        container="cadvisor",
        container_label_io_kubernetes_container_name="istio-proxy",
    )

    own = found(rows(), cadvisor)[Exporter.CADVISOR]
    assert (own.namespace, own.pod, own.container) == (
        "container_label_io_kubernetes_pod_namespace",
        "container_label_io_kubernetes_pod_name",
        "container_label_io_kubernetes_container_name",
    )


def test_kube_state_metrics_is_named_by_the_pods_that_have_cpu() -> None:
    state = rows("exported_namespace", "exported_pod", namespace="mon", pod="state-0")

    assert found(rows(), None, state)[Exporter.STATE].pod == "exported_pod"


def test_two_jobs_have_a_name_each() -> None:
    half = slice(0, 7)
    mixed = [
        *rows(part=half),
        *rows("kubernetes_namespace", "kubernetes_pod_name", part=slice(7, 12)),
    ]

    own = found(mixed)[Exporter.PROXY]
    assert [one.pod for one in own.each] == ["pod", "kubernetes_pod_name"]
    assert not own.has_copies


def test_the_label_that_is_right_wherever_it_is_there_goes_first() -> None:
    federated = rows(
        "exported_namespace", "exported_pod", part=slice(7, 12), namespace="mon", pod="prometheus-0"
    )

    own = found([*rows(part=slice(0, 7)), *federated])[Exporter.PROXY]
    assert [one.pod for one in own.each] == ["exported_pod", "pod"]


def test_a_job_that_stores_the_same_pods_again_adds_no_name() -> None:
    twice = [*rows(), *rows("kubernetes_namespace", "kubernetes_pod_name")]

    own = found(twice)[Exporter.PROXY]
    assert (own.pod, own.also, own.has_copies) == ("pod", (), True)


def test_series_of_no_pod_are_no_copies() -> None:
    own = found([*rows(), {"namespace": "ns-0", "pod_template": "x"}])[Exporter.PROXY]

    assert not own.has_copies


def test_where_nothing_joins_nothing_is_named() -> None:
    strangers = [{"namespace": "other", "pod": f"other-{n}"} for n in range(3)]

    assert Exporter.PROXY not in found(strangers)
    assert found([{"pod": name} for _, name in PODS]).get(Exporter.PROXY) is None
