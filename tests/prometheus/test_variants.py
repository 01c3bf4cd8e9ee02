"""Series with other names are asked for apart, and their answers lie side by side."""

import promql_parser

from analyzer.measurement.frames import frame_of
from analyzer.prometheus.label_mapping import Exporter, LabelMapping, Names
from analyzer.prometheus.promql import Scope, Spelling
from analyzer.prometheus.query import Query, load_queries, load_query
from analyzer.prometheus.variants import variants_of
from tests.support.each import each

OTHER = Names(namespace="kubernetes_namespace", pod="kubernetes_pod_name")
EXPORTED = Names(namespace="exported_namespace", pod="exported_pod", also=(Names(),))
MIXED = LabelMapping(
    proxy=EXPORTED,
    cadvisor=Names(also=(Names(pod="pod_name", container="container_name"),)),
    state=Names(also=(OTHER,)),
)
DOTTED = LabelMapping(
    proxy=Names(namespace="k8s.namespace.name", pod="k8s.pod.name"), spelling=Spelling.ESCAPED
)


def rendered(query: Query, mapping: LabelMapping, scope: Scope | None = None) -> str:
    return query.render(scope or Scope(), mapping, window_seconds=600 if query.is_ranged else None)


@each({name: (query,) for name, query in load_queries().items()})
def test_every_query_can_be_asked_in_parts(query: Query) -> None:
    assert promql_parser.parse(rendered(query, MIXED, Scope(namespaces=("shop",)))) is not None


def test_one_name_is_one_query_as_before() -> None:
    usual = load_query("proxy_memory_bytes").render(Scope(), LabelMapping())

    assert "or" not in usual.replace("istio-proxy|agentgateway", "").split()
    assert len(variants_of(LabelMapping(), tuple(Exporter))) == 1


def test_each_series_is_in_one_part() -> None:
    first, second = variants_of(MIXED, (Exporter.PROXY,))

    assert first.matchers[Exporter.PROXY] == 'exported_pod!=""'
    assert second.matchers[Exporter.PROXY] == 'pod!="", exported_pod=""'
    assert first.matchers[Exporter.CADVISOR] == ""


def test_each_part_has_its_own_namespace_in_the_scope() -> None:
    promql = rendered(load_query("proxy_resets"), MIXED, Scope(namespaces=("shop",)))

    assert 'exported_namespace=~"(?:shop)", exported_pod!=""' in promql
    assert ' namespace=~"(?:shop)", pod!="", exported_pod=""' in promql.replace("{", " ")


def test_an_object_that_is_no_pod_is_chosen_by_its_namespace() -> None:
    """Its label of a pod is that of the kube-state-metrics that was scraped."""
    mapping = LabelMapping(state=EXPORTED)
    promql = rendered(load_query("autoscalers"), mapping, Scope(namespaces=("shop",)))

    assert 'exported_namespace=~"(?:shop)", exported_namespace!=""}' in promql
    assert ' namespace=~"(?:shop)", namespace!="", exported_namespace=""}' in promql.replace(
        "{", " "
    )
    assert "pod" not in promql.replace("horizontalpodautoscaler", "")
    # Names that differ in the pod alone are one for it.
    alike = LabelMapping(state=Names(also=(Names(pod="pod_name"),)))
    assert 'namespace!=""' not in rendered(load_query("autoscalers"), alike)


def test_queries_of_two_exporters_have_a_part_for_each_pair() -> None:
    assert rendered(load_query("pod_placement"), MIXED).count("kube_pod_info{") == 4
    assert rendered(load_query("proxy_cpu_vcpu"), MIXED).count("container_name=~") == 2


def test_a_term_is_repeated_for_the_names_of_its_own_exporter_only() -> None:
    promql = rendered(load_query("survey_series_count"), MIXED)

    for metric in ("istio_tcp_sent_bytes_total", "container_memory_working_set_bytes"):
        assert promql.count(f"{metric}{{") == 2
    assert promql.count("count(kube_node_labels") == 1
    assert rendered(load_query("survey_proxy_counts"), MIXED).count("count_values") == 4


def test_series_that_are_copies_under_other_names_are_left_out() -> None:
    mapping = LabelMapping(proxy=Names(has_copies=True))

    assert '{pod!=""}' in rendered(load_query("mesh_requests_rps"), mapping)


def test_what_is_added_up_is_added_over_the_parts() -> None:
    assert rendered(load_query("mesh_requests_rps"), MIXED).startswith("sum without")
    assert rendered(load_query("proxy_resets"), MIXED).startswith("max without")


def test_answers_of_all_parts_have_our_names() -> None:
    ours = MIXED.canonical(Exporter.PROXY)

    assert ours["exported_pod"] == ours["pod"] == "pod"
    assert ours["exported_namespace"] == ours["namespace"] == "namespace"
    assert frame_of(load_query("proxy_resets"), (), MIXED).empty


def test_names_with_dots_are_spelled_as_the_server_reads_them() -> None:
    promql = rendered(load_query("survey_joined_pods"), DOTTED)

    assert r"group by (cluster, k8s\.namespace\.name, k8s\.pod\.name)" in promql
    # Within quotes a name is a string.
    assert '"pod", "$1", "k8s.pod.name"' in promql
