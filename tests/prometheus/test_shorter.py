"""A shorter form of a query has the same labels in its answer, and one level less to group by."""

from dataclasses import replace

import promql_parser

from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import Query, load_queries, load_query
from tests.prometheus.test_query import outer_labels
from tests.support.each import each

USUAL = LabelMapping()
SCOPE = Scope(namespaces=("shop", "pay.*"), cluster="eu-1")
OF_REQUESTS = {
    "inbound_requests_rps",
    "outbound_requests_rps",
    "waypoint_requests_rps",
    "mesh_requests_rps",
    "proxy_request_counters",
    "proxy_new_connections_per_second",
    "proxy_accepted_connections_per_second",
    "proxy_failed_requests_rps",
}


def sent(query: Query, *, once: bool, label_mapping: LabelMapping = USUAL) -> str:
    window = 600 if query.is_ranged else None
    return query.render(
        SCOPE, label_mapping, window_seconds=window, offset_seconds=150, is_scraped_once=once
    )


@each({name: (query,) for name, query in load_queries().items()})
def test_only_queries_that_choose_among_scrapes_are_shorter(query: Query) -> None:
    whole, short = sent(query, once=False), sent(query, once=True)

    assert (whole != short) == (query.name in OF_REQUESTS)
    if whole != short:
        assert short.count(" by (") == 1
        assert outer_labels(promql_parser.parse(short)) == outer_labels(promql_parser.parse(whole))


@each({name: (query,) for name, query in load_queries().items()})
def test_only_the_proxies_cpu_is_asked_without_cores(query: Query) -> None:
    window = 600 if query.is_ranged else None
    whole, short = (
        query.render(SCOPE, USUAL, window_seconds=window, has_core_counters=cores)
        for cores in (True, False)
    )

    is_of_proxies = query.name in {"proxy_cpu_vcpu", "proxy_cpu_counter_seconds"}
    assert (whole != short) == is_of_proxies
    assert promql_parser.parse(short) is not None
    if is_of_proxies:
        assert "without (cpu)" not in short
        assert outer_labels(promql_parser.parse(short)) == outer_labels(promql_parser.parse(whole))


def test_labels_are_renamed_only_where_they_differ() -> None:
    query = load_query("pod_placement")
    other = replace(USUAL, state=replace(USUAL.state, pod="exported_pod"))

    assert "label_replace" not in sent(query, once=False)
    renamed = sent(query, once=False, label_mapping=other)
    assert renamed.count("label_replace") == 2
    assert "group by" in renamed


def ungrouped(query: Query, by: str) -> str:
    window = 600 if query.is_ranged else None
    return query.render(
        SCOPE,
        USUAL,
        window_seconds=window,
        offset_seconds=150,
        is_scraped_once=True,
        ungrouped=(by,),
    )


@each({name: (query,) for name, query in load_queries().items()})
def test_a_grouping_is_left_out_where_nothing_else_is_changed(query: Query) -> None:
    by = query.grouping(USUAL, is_scraped_once=True)
    whole, short = sent(query, once=True), ungrouped(query, by)

    assert (whole != short) == bool(by)
    assert promql_parser.parse(short) is not None
    assert not by or whole.startswith(f"{by} by (")
    assert not by or not short.startswith(f"{by} by (")


def test_requests_of_all_versions_of_kube_state_metrics_are_one_selector() -> None:
    short = ungrouped(load_query("proxy_reserved_vcpu"), "max")

    assert short.count("{") == 1
    assert 'resource=~"|cpu"' in short
    assert "kube_pod_container_resource_requests_cpu_cores" in short
