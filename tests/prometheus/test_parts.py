"""Queries in parts: together they are the whole, whichever way they are cut."""

from datetime import datetime

import numpy as np
import pytest

from analyzer.errors import Limit, QueryTooHeavy
from analyzer.prometheus.fetch import instant_in_pieces, points_in_pieces
from analyzer.prometheus.label_mapping import Attribution, LabelMapping
from analyzer.prometheus.parts import Divisible, Part, combined, first_of, terms
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_queries, load_query
from analyzer.prometheus.response import Response, Series, joined
from analyzer.window import Chunk, TimeWindow
from tests.prometheus.test_fetch import START, WINDOW
from tests.support.each import each

NAMES = tuple("abcdefg")


def series(times: list[float], samples: list[float], **labels: str) -> Series:
    return Series(labels=labels, times=np.array(times), samples=np.array(samples))


def rendered(name: str, mapping: LabelMapping | None = None) -> str:
    query = load_query(name)
    seconds = 600 if query.is_ranged else None
    return query.render(Scope(), mapping or LabelMapping(), window_seconds=seconds)


def test_a_part_selects_its_names_and_the_rest_all_others() -> None:
    part = Part(namespaces=("a.b", "c"))

    assert part.matcher("ns") == r'ns=~"a\\.b|c"'
    assert Part(namespaces=("a",), is_rest=True).matcher("ns") == 'ns!~"a"'


def test_parts_are_halved_until_they_are_single_names() -> None:
    promql = rendered("inbound_requests_rps")
    assert isinstance(promql, Divisible)
    single: list[str] = []
    rest = 0

    def divide(one: Divisible) -> None:
        nonlocal rest
        assert one.part is not None
        smaller = one.cut(tuple)
        if smaller:
            for part in smaller:
                divide(part)
        elif one.part.is_rest:
            rest += 1
            assert one.part.namespaces == NAMES
        else:
            single.extend(one.part.namespaces)
            assert f'namespace=~"{one.part.namespaces[0]}"' in one

    for part in promql.cut(lambda: NAMES):
        divide(part)
    assert sorted(single) == list(NAMES)
    assert rest == 1


def test_without_a_name_there_is_nothing_to_cut_by() -> None:
    promql = rendered("inbound_requests_rps")

    assert isinstance(promql, Divisible)
    assert promql.cut(lambda: ("",)) == ()


@each({name: (name,) for name in load_queries()})
def test_each_query_about_pods_can_be_cut_and_no_other(name: str) -> None:
    read = load_query(name).template
    scopes = ("proxy_scope", "cadvisor_scope", "state_scope", "object_scope", "part")
    about_pods = any(f"${scope}" in read for scope in scopes)

    assert isinstance(rendered(name), Divisible) == (
        about_pods and name != "survey_part_namespaces"
    )


def test_series_without_a_namespace_are_in_one_part_only() -> None:
    promql = rendered("survey_series_count")
    assert isinstance(promql, Divisible)
    *named, rest = promql.cut(lambda: NAMES)

    assert all('kube_node_labels{no_such_label="never"}' in one for one in named)
    assert "count(kube_node_labels)" in rest or "count(kube_node_labels{})" in rest


def test_proxies_without_a_namespace_are_not_cut() -> None:
    mapping = LabelMapping(attribution=Attribution.ADDRESS)

    assert not isinstance(rendered("inbound_requests_rps", mapping), Divisible)
    assert isinstance(rendered("proxy_cpu_vcpu", mapping), Divisible)


def test_numbers_of_parts_are_added_up_at_each_time() -> None:
    parts = [
        Response(series=(series([1, 2], [10, 20], job="x"),), warnings=("one",)),
        Response(series=(series([2, 3], [5, 6], job="x"), series([1], [1], job="y"))),
    ]
    whole = combined(parts, takes_latest=False)

    x, y = whole.series
    assert (x.times.tolist(), x.samples.tolist()) == ([1, 2, 3], [10, 25, 6])
    assert y.samples.tolist() == [1]
    assert whole.warnings == ("one",)
    latest = combined(parts, takes_latest=True).series[0]
    assert latest.samples.tolist() == [10, 20, 6]


def test_of_terms_the_first_with_a_sample_counts() -> None:
    answers = [
        Response(series=(series([2], [20], job="x"),)),
        Response(series=(series([1, 2], [1, 2], job="x"), series([1], [9], job="y"))),
    ]
    x, y = first_of(answers).series

    assert (x.times.tolist(), x.samples.tolist()) == ([1, 2], [1, 20])
    assert y.samples.tolist() == [9]


@pytest.mark.parametrize(
    ("promql", "wanted"),
    [
        ("a", ("a",)),
        ("a or b or c", ("a", "b", "c")),
        ("sum(a or b)", ("sum(a or b)",)),
        (r'a{x="\" or "} or b', (r'a{x="\" or "}', "b")),
        ("a{x=' or '} or b{y=~\"(c or d\"}", ("a{x=' or '}", 'b{y=~"(c or d"}')),
    ],
)
def test_terms_are_those_of_the_outermost_or(promql: str, wanted: tuple[str, ...]) -> None:
    assert terms(promql) == wanted


class Bounded:
    """A source of one series for each namespace, which refuses to read more than some at once."""

    def __init__(self, most: int, limit: Limit = Limit.SERIES, longest: int = 10**6) -> None:
        self._most, self._limit, self._longest = most, limit, longest
        self.asked: list[str] = []

    def label_values(self, label: str) -> tuple[str, ...]:
        return NAMES if label == "namespace" else ()

    def instant(self, promql: str, at: datetime) -> Response:  # noqa: ARG002 - of the protocol
        return self._answer(promql, [0.0])

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        points = range(chunk.first_point, chunk.first_point + chunk.point_count)
        return self._answer(promql, [window.time_of(point).timestamp() for point in points])

    def _answer(self, promql: str, times: list[float]) -> Response:
        self.asked.append(promql)
        if len(promql) > self._longest:
            raise QueryTooHeavy("too long", limit=Limit.LENGTH)
        part = promql.part if isinstance(promql, Divisible) else None
        names = NAMES if part is None else () if part.is_rest else part.namespaces
        if len(names) > self._most:
            raise QueryTooHeavy("too many", limit=self._limit)
        number = [float(len(names))] * len(times)
        return Response(series=(series(times, number, what="sum"),) if names else ())


@pytest.mark.parametrize("limit", [Limit.SERIES, Limit.WORK])
@pytest.mark.parametrize("most", [1, 2, 3, 6])
def test_parts_of_points_come_out_whole(limit: Limit, most: int) -> None:
    whole = Chunk(first_point=0, point_count=5)
    source = Bounded(most, limit)
    answer = joined(points_in_pieces(source, rendered("survey_series_count"), WINDOW, whole))

    (found,) = answer.series
    assert found.samples.tolist() == [7.0] * 5
    assert found.times.tolist() == [WINDOW.time_of(point).timestamp() for point in range(5)]
    (at_once,) = instant_in_pieces(source, rendered("survey_joined_pods"), START).series
    assert at_once.samples.tolist() == [7.0]


def test_a_single_namespace_over_the_limit_is_a_failure() -> None:
    with pytest.raises(QueryTooHeavy, match="too many"):
        instant_in_pieces(Bounded(0), rendered("survey_joined_pods"), START)


def test_a_query_that_is_too_long_is_asked_by_its_terms() -> None:
    promql = rendered("survey_series_count")
    source = Bounded(7, longest=max(len(term) for term in terms(promql)))
    list(points_in_pieces(source, promql, WINDOW, Chunk(first_point=0, point_count=5)))

    assert source.asked == [promql, *terms(promql)]


def test_a_query_of_one_term_that_is_too_long_is_a_failure() -> None:
    chunk = Chunk(first_point=0, point_count=5)
    source = Bounded(7, longest=10)
    with pytest.raises(QueryTooHeavy, match="too long"):
        list(points_in_pieces(source, rendered("proxy_memory_bytes"), WINDOW, chunk))

    assert len(source.asked) == 1
