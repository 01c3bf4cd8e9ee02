"""Every query file says what it measures, and is what it says."""

import re
from pathlib import Path
from string import Template
from typing import Any

import promql_parser
import pytest

from analyzer.errors import QueryFileError
from analyzer.prometheus import query as query_module
from analyzer.prometheus.promql import Scope, any_of
from analyzer.prometheus.query import Query, load_queries, load_query, queries_root

QUERIES = load_queries()
SCOPES = {
    "no scope": Scope(),
    "a namespace": Scope(namespaces=("shop|pay", 'a"b')),
    "a cluster": Scope(namespaces=("shop",), cluster="eu-1"),
}
OF_NODES = ("kube_node_", "node_")

# The ending of a name, and the unit it stands for; longer endings first.
UNITS = {
    "_usd_per_gib_hour": "usd per gib and hour",
    "_usd_per_hour": "usd per vcpu and hour",
    "_bytes_per_second": "bytes per second",
    "_bytes": "bytes",
    "_vcpu": "vcpu",
    "_rps": "requests per second",
}
# What is not measured but asked: who is there, and how many.
WITHOUT_UNIT = {
    "application_containers": "containers",
    "pod_placement": "pods (always 1)",
    "proxy_build": "scrapes",
    "survey_cpu_scrapes": "seconds of cpu",
    "survey_request_scrapes": "requests",
    "survey_sample_pods": "series",
    "survey_series_count": "series",
}

each_query = pytest.mark.parametrize("query", QUERIES.values(), ids=lambda query: str(query.name))


def rendered(query: Query, scope: Scope) -> str:
    """Return a query with a value for each placeholder it has."""
    wanted = Template(query.template).get_identifiers()
    return query.render(
        scope,
        window_seconds=600 if "window" in wanted else None,
        pods=any_of(["a-1"]) if "pods" in wanted else None,
    )


def outer_labels(expression: Any) -> set[str] | None:  # noqa: ANN401 - promql-parser has no base
    """Return the labels that the outermost aggregation keeps; None if nothing aggregates."""
    match expression:
        case promql_parser.ParenExpr():
            return outer_labels(expression.expr)
        # `and`, `or` and the arithmetic used here keep the labels of the left side.
        case promql_parser.BinaryExpr():
            return outer_labels(expression.lhs)
        case promql_parser.AggregateExpr() if "bottomk" in str(expression.op):
            return outer_labels(expression.expr)
        case promql_parser.AggregateExpr():
            return set(expression.modifier.labels) if expression.modifier else set()
        case promql_parser.Call() if expression.func.name == "label_replace":
            return (outer_labels(expression.args[0]) or set()) | {expression.args[1].val}
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


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
@each_query
def test_a_query_is_promql_whatever_the_scope(query: Query, scope: Scope) -> None:
    promql = rendered(query, scope)

    assert promql_parser.parse(promql) is not None
    assert "$" not in promql


@each_query
def test_a_query_returns_the_labels_it_declares(query: Query) -> None:
    labels = outer_labels(promql_parser.parse(rendered(query, Scope())))

    if labels is None:
        assert query.labels == ("any",)
    else:
        assert labels == set(query.labels)


@each_query
def test_the_name_ends_with_the_unit(query: Query) -> None:
    ending = next((ending for ending in UNITS if query.name.endswith(ending)), None)

    assert query.unit == (UNITS[ending] if ending else WITHOUT_UNIT[query.name])


@each_query
def test_a_query_reads_what_its_header_says(query: Query) -> None:
    assert query.reads in {one.name for one in selectors(rendered(query, Scope()))}


@each_query
def test_no_selector_of_a_query_looks_outside_the_scope(query: Query) -> None:
    found = selectors(rendered(query, Scope(namespaces=("shop",), cluster="eu-1")))

    assert found
    for one in found:
        names = {matcher.name for matcher in one.matchers.matchers}
        assert "cluster" in names
        assert ("namespace" in names) == (not str(one.name).startswith(OF_NODES))


@each_query
def test_a_rate_covers_exactly_one_step(query: Query) -> None:
    ranges = re.findall(r"\[(.*?)\]", query.template)

    assert set(ranges) <= {"$window"}


def test_a_query_is_found_by_its_name() -> None:
    assert load_query("proxy_cpu_vcpu").what.startswith("CPU used by each proxy")
    assert list(QUERIES) == sorted(path.stem for path in queries_root().glob("*.promql"))
    with pytest.raises(QueryFileError, match=r"no query 'cpu'; there are: application_cont"):
        load_query("cpu")


def test_a_placeholder_without_a_value_is_refused() -> None:
    with pytest.raises(QueryFileError, match=r"proxy_cpu_vcpu needs a value for \$window"):
        load_query("proxy_cpu_vcpu").render(Scope())


def test_a_value_without_a_placeholder_is_refused() -> None:
    with pytest.raises(QueryFileError, match=r"proxy_memory_bytes has no place for \$window"):
        load_query("proxy_memory_bytes").render(Scope(), window_seconds=600)
    with pytest.raises(QueryFileError, match=r"proxy_cpu_vcpu has no place for \$pods"):
        load_query("proxy_cpu_vcpu").render(Scope(), window_seconds=600, pods='"a"')


HEADER = "# what: a thing\n# unit: vcpu\n# labels: pod\n# reads: up\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEADER.replace("# unit: vcpu\n", "") + "up", "lacks # unit"),
        (HEADER.replace("# reads: up\n", "") + "up", "lacks # reads"),
        ("up", "lacks # what"),
        (HEADER, "holds no valid template"),
        (HEADER + "up[$]", "holds no valid template"),
        (HEADER + "rate(up[$windov])", r"unknown placeholder \$windov"),
        (HEADER + "sum(  # all of them\nup)", "a comment must have a line of its own"),
    ],
    ids=["no unit", "no reads", "no header", "no body", "bare $", "misspelt", "comment behind"],
)
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
    path.write_text(HEADER.replace("pod", "none") + "# Why.\nsum(\n  up{$scope}\n)\n")

    assert query_module._parse(path) == Query(
        name="fine_vcpu",
        what="a thing",
        unit="vcpu",
        labels=(),
        reads="up",
        template="sum( up{$scope} )",
    )


def test_a_package_without_query_files_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_module, "queries_root", lambda: tmp_path)

    with pytest.raises(QueryFileError, match="no query files in"):
        load_queries.__wrapped__()
