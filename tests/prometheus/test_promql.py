"""Values from outside stay values, whatever they hold."""

import re

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import UsageError
from analyzer.prometheus.promql import Scope, any_of, quoted, selector

_ATTACKS = [
    'a"} or vector(1) #',
    "a'} or vector(1) #",
    'a\\"} or vector(1) #',
    "a\\",
    "a\n} or vector(1)",
    "a`b",
    "${scope} $window $$",
    "{{.Value}}",
]
# Prometheus takes UTF-8, which has no lone surrogates.
values = st.text(st.characters(exclude_categories=["Cs"]))


def matchers_of(promql: str) -> list[tuple[str, str, str]]:
    """Return the matchers of the one selector that a query must be."""
    selector = promql_parser.parse(promql)
    assert isinstance(selector, promql_parser.VectorSelector)
    return [(one.name, str(one.op), one.value) for one in selector.matchers.matchers]


@given(values)
def test_a_quoted_value_is_read_back_as_it_was(value: str) -> None:
    assert matchers_of(f"up{{a={quoted(value)}}}") == [("a", "MatchOp.Equal", value)]


@pytest.mark.parametrize("attack", _ATTACKS)
def test_an_injection_stays_a_value(attack: str) -> None:
    literal = any_of([attack, "b"])
    ((_, _, pattern),) = matchers_of(f"up{{a=~{literal}}}")

    assert matchers_of(f"up{{a={quoted(attack)}}}") == [("a", "MatchOp.Equal", attack)]
    assert re.fullmatch(pattern, attack)


@given(st.lists(values, min_size=1), values)
def test_a_regex_of_values_matches_them_and_nothing_else(chosen: list[str], other: str) -> None:
    ((_, _, pattern),) = matchers_of(f"up{{a=~{any_of(chosen)}}}")

    assert all(re.fullmatch(pattern, value) for value in chosen)
    assert bool(re.fullmatch(pattern, other)) == (other in chosen)


def test_a_selector_matches_by_what_all_series_have() -> None:
    promql = selector(
        [
            {"__name__": "up", "job": "a.b", "pod": 'x"1', "id": "/1"},
            {"__name__": "up", "job": "c", "pod": 'x"1'},
            {"__name__": "up", "job": "c", "pod": "y"},
        ]
    )

    assert promql.startswith("up{")
    assert matchers_of(promql) == [
        ("job", "MatchOp.Re", r"a\.b|c"),
        ("pod", "MatchOp.Re", 'x"1|y'),
    ]


def test_no_scope_is_no_matcher() -> None:
    assert Scope().matchers("cluster", "namespace") == ""
    assert Scope().cluster_matchers("cluster") == ""


def test_a_scope_asks_for_its_namespaces_and_its_cluster() -> None:
    scope = Scope(namespaces=("shop", "pay.*"), cluster='eu"1')

    assert matchers_of(f"up{{{scope.matchers('cluster', 'namespace')}}}") == [
        ("cluster", "MatchOp.Equal", 'eu"1'),
        ("namespace", "MatchOp.Re", "(?:shop)|(?:pay.*)"),
    ]
    assert matchers_of(f"up{{{scope.cluster_matchers('cluster')}}}") == [
        ("cluster", "MatchOp.Equal", 'eu"1')
    ]


def test_a_scope_asks_by_the_labels_that_the_installation_has() -> None:
    scope = Scope(namespaces=("shop",), cluster="eu-1")

    assert matchers_of(f"up{{{scope.matchers('cluster_name', 'exported_namespace')}}}") == [
        ("cluster_name", "MatchOp.Equal", "eu-1"),
        ("exported_namespace", "MatchOp.Re", "(?:shop)"),
    ]


def test_alternatives_within_a_namespace_do_not_leak_into_the_next() -> None:
    scope = Scope(namespaces=("a|b", "c"))
    ((_, _, pattern),) = matchers_of(f"up{{{scope.matchers('cluster', 'namespace')}}}")

    assert [name for name in ("a", "b", "c", "ac", "bc") if re.fullmatch(pattern, name)] == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.parametrize("broken", ["shop(", "a)|(b", "[", "*"])
def test_an_expression_that_cannot_be_read_is_refused_before_it_is_sent(broken: str) -> None:
    with pytest.raises(UsageError, match="is not a regular expression"):
        Scope(namespaces=(broken,))


@pytest.mark.parametrize("attack", _ATTACKS[:2])
def test_an_injection_by_namespace_stays_a_value(attack: str) -> None:
    scope = Scope(namespaces=(attack,), cluster=attack)
    matchers = matchers_of(f"up{{{scope.matchers('cluster', 'namespace')}}}")

    assert matchers == [
        ("cluster", "MatchOp.Equal", attack),
        ("namespace", "MatchOp.Re", f"(?:{attack})"),
    ]
