"""Words of servers: each has a source, and a refusal is recognised by the first that matches."""

import pytest

from analyzer.data.wordings import ANY, Wording, kinds_of, wordings
from analyzer.errors import Limit

KINDS = {*Limit, "pace", "tenant"}

EXAMPLES = {
    "Query time range of 40 days exceeds the maximum of 32 days": "span",
    "the query time range exceeds the limit (query length: 8h, limit: 1h)": "span",
    "time range must not be longer than 768h, maximum exceeded": "span",
    "Too many time series selected": "series",
    "the query hit the max number of series limit (limit: 100000 series)": "series",
    "query result exceeds the maximum of 500000 time series": "series",
    "expanding series: the query hit the aggregated data size limit (limit: 5 bytes)": "work",
    "rpc error: code = ResourceExhausted desc = received message larger than max (9 vs 4)": "work",
    "Request Entity Too Large": "work",
    "query processing would load too many samples into memory in query execution": "work",
    "413 Payload too large": "work",
    "User has requested 5853MiB of memory for processing queries on one node": "work",
    "414 Request-URI Too Large": "length",
    '{"__type": "ThrottlingException", "message": "Rate exceeded"}': "pace",
    "Quota exceeded for quota metric 'Time series queries' of service 'monitoring'": "pace",
    "couldn't start executing the request in 10.000 seconds, since 2 are executed": "pace",
    "too many outstanding requests": "pace",
    "no org id": "tenant",
    "vector cannot contain metrics twice": "",
    "found duplicate series for the match group": "",
    'parse error: unexpected identifier "throttled"': "",
    "max by (pod) (container_cpu_cfs_throttled_periods_total) is refused": "",
}


@pytest.mark.parametrize("one", wordings(), ids=lambda one: one.name)
def test_each_wording_has_a_kind_and_a_source(one: Wording) -> None:
    assert one.kind in KINDS
    assert one.source.startswith("https://")
    assert one.server


def test_words_that_no_source_has_come_last() -> None:
    servers = [one.server for one in wordings()]

    first = servers.index(ANY)
    assert set(servers[first:]) == {ANY}


@pytest.mark.parametrize(("text", "kind"), EXAMPLES.items(), ids=[*EXAMPLES])
def test_a_refusal_is_recognised(text: str, kind: str) -> None:
    assert next(kinds_of(text), "") == kind


def test_specific_words_are_those_of_a_source() -> None:
    assert list(kinds_of("too many samples or series", is_specific=True)) == ["work"]
    assert list(kinds_of("maximum of 10 series", is_specific=True)) == []
