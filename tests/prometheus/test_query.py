"""Every query file says what it measures, and is what it says."""

import itertools
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from analyzer.errors import QueryFileError
from analyzer.prometheus import query as query_module
from analyzer.prometheus.coarse import Interval
from analyzer.prometheus.label_mapping import CPU_RULES, Attribution, Exporter, LabelMapping, Names
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import Query, load_queries, load_query, queries_root
from tests.support.each import each

QUERIES = load_queries()
SCOPES = {
    "no scope": Scope(),
    "a namespace": Scope(namespaces=("shop|pay", 'a"b')),
    "a cluster": Scope(namespaces=("shop",), cluster="eu-1"),
}
EXPORTED = Names(namespace="exported_namespace", pod="exported_pod", container="exported_container")
DIALECTS = {
    "the usual": LabelMapping(),
    "all else": LabelMapping(
        proxy=Names(namespace="kubernetes_namespace", pod="kubernetes_pod_name"),
        cadvisor=Names(pod="pod_name", container="container_name"),
        state=EXPORTED,
        # A scrape label too: what tells clusters apart is up to whoever set Prometheus up.
        cluster="prometheus",
        cpu=CPU_RULES[0],
    ),
    "by address": LabelMapping(cluster="no_cluster_label", attribution=Attribution.ADDRESS),
    "by workload": LabelMapping(attribution=Attribution.WORKLOAD),
}
OF_NODES = ("kube_node_", "node_cpu_hourly", "node_ram_hourly")
LOOKING_BACK = {"survey_duplicate_containers", "survey_duplicate_scrapes"}
"""They compare two moments that are not those of a step."""
OF_ALL_NAMESPACES = ("istio_cni_", "istiod_")
"""What is installed once for all namespaces, in one of its own."""
WITHOUT_SCOPE = ("survey_labels", "survey_cgroups", "survey_namespaces")
"""They find out how to ask for a scope, and what a scope could be."""

# The ending of a name, and the unit it stands for; longer endings first.
UNITS = {
    "_usd_per_gib_hour": "usd per gib and hour",
    "_usd_per_hour": "usd per vcpu and hour",
    "_bytes_per_second": "bytes per second",
    "_messages_per_second": "messages per second",
    "_connections_per_second": "connections per second",
    "_updates_per_second": "updates per second",
    "_bytes": "bytes",
    "_vcpu": "vcpu",
    "_seconds": "seconds",
    "_rps": "requests per second",
    "_share": "share of periods",
}
# What is not measured but asked: who is there, and how many.
WITHOUT_UNIT = {
    "application_containers": "containers",
    "autoscalers": "percent where quantity is target_utilization_percent, 1 where it is "
    "scale_target, else replicas",
    "proxy_pods": "restarts where fact is memory_kill, vcpu where it is native",
    "request_policies": "vcpu, bytes or a ratio of a constraint, by its resource; 1 for a "
    "VerticalPodAutoscaler",
    "workload_owners": "owners (always 1)",
    "istio_cni_containers": "containers",
    "istiod_requests": "vcpu where resource is cpu, bytes where it is memory",
    "node_instance_types": "nodes (always 1)",
    "node_kinds": "nodes (always 1)",
    "node_presence": "samples",
    "node_zones": "nodes (always 1)",
    "pod_labels": "pods (always 1)",
    "pod_placement": "pods (always 1)",
    "proxy_build": "scrapes",
    "proxy_configured_clusters": "Envoy clusters",
    "proxy_nodes": "series",
    "proxy_open_connections": "connections",
    "proxy_pod_labels": "pods (always 1)",
    "survey_last_samples": "seconds since the epoch",
    "survey_namespaces": "any",
    "survey_part_namespaces": "any",
    "proxy_request_counters": "requests",
    "proxy_state_steps": "sum of 2^n, n the number of a step",
    "proxy_resets": "resets",
    "survey_engine": "any",
    "survey_alike_proxies": "series",
    "survey_cgroups": "any",
    "survey_core_counters": "series",
    "survey_copied_proxies": "proxies",
    "survey_duplicate_containers": "proxies",
    "survey_duplicate_scrapes": "proxies",
    "survey_joined_pods": "pods",
    "survey_labels": "any",
    "survey_proxy_counts": "proxies",
    "survey_rescraped_proxies": "proxies",
    "survey_several_series": "proxies",
    "survey_shared_containers": "proxies",
    "survey_shared_proxies": "proxies",
    "survey_scraped_proxies": "proxies",
    "survey_request_counts": "proxies",
    "survey_series_count": "series",
}

each_query = each({name: (query,) for name, query in QUERIES.items()})
each_query_and_dialect = each(
    {
        f"{name}, {dialect}": (query, label_mapping)
        for name, query in QUERIES.items()
        for dialect, label_mapping in DIALECTS.items()
    }
)


def rendered(query: Query, scope: Scope, label_mapping: LabelMapping) -> str:
    """Return a query with a value for each placeholder it has."""
    return query.render(
        scope,
        label_mapping,
        window_seconds=600 if query.is_ranged else None,
        offset_seconds=150,
    )


def outer_labels(expression: Any) -> set[str] | None:  # noqa: ANN401 - promql-parser has no base
    """Return the labels that the outermost aggregation keeps; None if nothing aggregates."""
    match expression:
        case promql_parser.ParenExpr():
            return outer_labels(expression.expr)
        # `and`, `or` and the arithmetic used here keep the labels of the left side.
        case promql_parser.BinaryExpr():
            return outer_labels(expression.lhs)
        case promql_parser.AggregateExpr() if "topk" in str(expression.op):
            return outer_labels(expression.expr)
        case promql_parser.AggregateExpr():
            return set(expression.modifier.labels) if expression.modifier else set()
        case promql_parser.Call() if expression.func.name == "label_replace":
            inner = outer_labels(expression.args[0])
            return None if inner is None else inner | {expression.args[1].val}
        case _:
            return None


def selectors(promql: str) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def visit(expression: object) -> None:
        if isinstance(expression, promql_parser.MatrixSelector):
            found.append(expression.vector_selector)
        elif isinstance(expression, promql_parser.VectorSelector):
            found.append(expression)

    promql_parser.walk(promql_parser.parse(promql), visit)
    return found


@each_query
def test_a_query_is_promql_whatever_the_scope_and_the_dialect(query: Query) -> None:
    for scope, label_mapping in itertools.product(SCOPES.values(), DIALECTS.values()):
        promql = rendered(query, scope, label_mapping)

        assert promql_parser.parse(promql) is not None, promql
        assert "$" not in promql.replace('"$1"', "")


@each_query_and_dialect
def test_a_query_returns_the_labels_it_declares(query: Query, label_mapping: LabelMapping) -> None:
    labels = outer_labels(promql_parser.parse(rendered(query, Scope(), label_mapping)))

    if labels is None or (query.exporter is None and query.labels == ("any",)):
        assert query.labels == ("any",) or query.reads == "none"
        return
    ours = {} if query.exporter is None else label_mapping.canonical(query.exporter)
    unknown = set()
    if query.exporter == Exporter.PROXY:
        unknown = {
            Attribution.POD: set(),
            Attribution.ADDRESS: {"namespace"},
            Attribution.WORKLOAD: {"namespace", "pod"},
        }[label_mapping.attribution]
    assert {ours.get(label, label) for label in labels} == set(query.labels) - unknown


@each_query_and_dialect
def test_no_label_is_named_twice(query: Query, label_mapping: LabelMapping) -> None:
    clauses = re.findall(r"(?:by|on) \(([^()]*)\)", rendered(query, Scope(), label_mapping))

    for clause in clauses:
        labels = [label.strip() for label in clause.split(",") if label.strip()]
        assert len(labels) == len(set(labels)), clause


@each_query
def test_the_name_ends_with_the_unit(query: Query) -> None:
    ending = next((ending for ending in UNITS if query.name.endswith(ending)), None)

    assert query.unit == (UNITS[ending] if ending else WITHOUT_UNIT[query.name])


@each_query
def test_a_query_reads_what_its_header_says(query: Query) -> None:
    read = {one.name for one in selectors(rendered(query, Scope(), LabelMapping()))}

    assert query.reads in read or (query.reads, read) == ("none", set())


@each_query_and_dialect
def test_no_selector_of_a_query_looks_outside_the_scope(
    query: Query, label_mapping: LabelMapping
) -> None:
    found = selectors(rendered(query, Scope(namespaces=("shop",), cluster="eu-1"), label_mapping))

    assert bool(found) == (query.reads != "none")
    for one in found:
        values = {matcher.name: matcher.value for matcher in one.matchers.matchers}
        if query.name in WITHOUT_SCOPE:
            assert "eu-1" not in values.values()
            continue
        assert values[label_mapping.cluster] == "eu-1"
        scoped = {name for name, value in values.items() if value == "(?:shop)"}
        is_one_of_them = not query.name.startswith(OF_ALL_NAMESPACES)
        label = namespace_label(str(one.name), label_mapping) if is_one_of_them else ""
        assert scoped == {label} - {""}


def namespace_label(metric: str, label_mapping: LabelMapping) -> str:
    """Return what the namespace of a pod is called on the series of a metric; "" if it is not."""
    if metric.startswith(OF_NODES):
        return ""
    if metric.startswith(("istio_", "envoy_")):
        return label_mapping.proxy.namespace if label_mapping.attribution == Attribution.POD else ""
    return (
        label_mapping.state.namespace
        if metric.startswith("kube_")
        else label_mapping.cadvisor.namespace
    )


@each_query
def test_a_range_is_never_written_into_a_query(query: Query) -> None:
    ranges = re.findall(r"\[(.*?)\]", query.template)

    assert set(ranges) <= (
        {"300s:30s"} if query.reads == "none" else {"$window", "$interval:$step"}
    )


@each_query
def test_every_selector_of_what_is_measured_reads_the_step(query: Query) -> None:
    """A survey looks at a moment; a step ends `$offset` before its evaluation."""
    promql = rendered(query, Scope(cluster="eu-1"), LabelMapping())
    read = re.findall(r"\}(?:\[600s\])? offset 150s", promql)

    assert len(read) == (0 if query.exporter is None else promql.count("}"))


@each_query
def test_a_step_that_ends_where_it_is_evaluated_needs_no_offset(query: Query) -> None:
    seconds = 600 if query.is_ranged else None

    rendered_here = query.render(Scope(), LabelMapping(), window_seconds=seconds)
    assert rendered_here.count("offset") == (query.name in LOOKING_BACK)


SLOW = {name: (query,) for name, query in QUERIES.items() if query.changes_slowly}


@each(SLOW)
def test_what_changes_slowly_is_asked_about_each_step_of_an_interval(query: Query) -> None:
    hour = Interval(stride=12, step_seconds=300)
    promql = query.render(
        Scope(namespaces=("a{2}",)), LabelMapping(), offset_seconds=150, interval=hour
    )
    subqueries: list[promql_parser.SubqueryExpr] = []

    def visit(expression: object) -> None:
        if isinstance(expression, promql_parser.SubqueryExpr):
            subqueries.append(expression)

    promql_parser.walk(promql_parser.parse(promql), visit)
    # Prometheus 2 has both ends in a range: an hour and 5 minutes would be 13 steps.
    lengths = {(one.range, one.step) for one in subqueries}
    assert lengths == {(timedelta(seconds=3599), timedelta(seconds=300))}
    # Each metric is read within an interval, and with the offset of its steps.
    inside = re.sub(r"\[3599s:300s\]", "", promql)
    assert promql.count(" offset 150s") == len(selectors(promql))
    if query.name != "proxy_state_steps":
        assert inside.count("last_over_time((") == inside.count(" offset 150s")


@each_query
def test_a_step_is_an_interval_of_its_own(query: Query) -> None:
    if query.name == "proxy_state_steps":
        return
    step = Interval(stride=1, step_seconds=300)
    seconds = 600 if query.is_ranged else None

    assert query.render(
        Scope(), LabelMapping(), window_seconds=seconds, offset_seconds=150, interval=step
    ) == rendered(query, Scope(), LabelMapping())


def test_a_query_is_found_by_its_name() -> None:
    assert load_query("proxy_cpu_vcpu").what.startswith("CPU used by each proxy")
    assert list(QUERIES) == sorted(path.stem for path in queries_root().glob("*.promql"))
    with pytest.raises(QueryFileError, match=r"'cpu'. .*application_containers, "):
        load_query("cpu")


def test_a_placeholder_without_a_value_is_refused() -> None:
    with pytest.raises(QueryFileError, match=r"proxy_cpu_vcpu needs .*\$window"):
        load_query("proxy_cpu_vcpu").render(Scope(), LabelMapping())


def test_a_value_without_a_placeholder_is_refused() -> None:
    with pytest.raises(QueryFileError, match=r"proxy_memory_bytes .*no place.*\$window"):
        load_query("proxy_memory_bytes").render(Scope(), LabelMapping(), window_seconds=600)


def test_a_scope_that_is_none_leaves_no_comma_behind() -> None:
    promql = load_query("proxy_memory_bytes").render(Scope(), LabelMapping())

    assert promql.endswith('{container=~"istio-proxy|agentgateway"} )')


HEADER = "# what: a thing\n# unit: vcpu\n# from: state\n# labels: pod\n# reads: up\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEADER.replace("# unit: vcpu\n", "") + "up", "lacks # unit"),
        (HEADER.replace("# reads: up\n", "") + "up", "lacks # reads"),
        (HEADER.replace("# from: state\n", "") + "up", "lacks # from"),
        (HEADER.replace("state", "hearsay") + "up", "# from: hearsay is none of proxy, cadvisor"),
        ("up", "lacks # what"),
        (HEADER, "holds no valid template"),
        (HEADER + "up[$]", "holds no valid template"),
        (HEADER + "rate(up[$windov])", r"unknown placeholder \$windov"),
        (HEADER + "# changes: rarely\nup", "# changes: rarely is not slowly"),
        (HEADER + "# changes: slowly\nrate(up[$window])", r"# changes: a rate over \$window"),
        (HEADER + "# load: much\nup", "# load: much is not a number"),
        (HEADER + "# load: 0\nup", "# load: 0 is not a number above 0"),
        (HEADER + "sum(  # all of them\nup)", "a comment must have a line of its own"),
    ],
    ids=[
        "no unit", "no reads", "no from", "unknown from", "no header", "no body", "bare $",
        "misspelt", "unknown change", "slow rate", "load of text", "no load", "comment behind",
    ],
)  # fmt: skip
def test_a_malformed_file_is_refused_by_name_and_reason(
    text: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken_vcpu.promql"
    path.write_text(text)

    with pytest.raises(QueryFileError, match=rf"broken_vcpu\.promql: {reason}"):
        query_module._parse(path)


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "broken_vcpu.promql"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(QueryFileError, match=r"broken_vcpu\.promql: cannot be read"):
        query_module._parse(path)


def test_a_well_formed_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "fine_vcpu.promql"
    path.write_text(HEADER.replace("pod", "none") + "# Why.\nsum(\n  up{$state_scope}\n)\n")

    assert query_module._parse(path) == Query(
        name="fine_vcpu",
        what="a thing",
        unit="vcpu",
        exporter=Exporter.STATE,
        labels=(),
        reads="up",
        template="sum( up{$state_scope} )",
    )


def test_a_query_of_the_survey_is_of_no_exporter(tmp_path: Path) -> None:
    path = tmp_path / "survey_pods.promql"
    path.write_text(HEADER.replace("state", "survey") + "up")

    assert query_module._parse(path).exporter is None


def test_a_package_without_query_files_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_module, "queries_root", lambda: tmp_path)

    with pytest.raises(QueryFileError, match="There are no query files"):
        load_queries.__wrapped__()
