"""Answers are asked for as they are, and compressed once they come slowly."""

import gzip
import time
from collections.abc import Iterator

import pytest

from analyzer.files import MIB
from analyzer.prometheus import link
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.link import Link, SlowLink
from tests.prometheus.asking import AT
from tests.support import Answer, FaultyHttp, prometheus_success
from tests.support.spoilt_http.server import Client, Once, SpoiltServer, head

_SERIES = {"metric": {"pod": "a"}, "value": [AT.timestamp(), "1"]}
_SPACE = b" " * 65_536
"""JSON may have it around its values."""

VALUE = prometheus_success([_SERIES], result_type="vector")
COMPRESSED = Answer(
    body=gzip.compress(VALUE.body), headers=(*VALUE.headers, ("Content-Encoding", "gzip"))
)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_PATIENCE_SECONDS", 0.2)


def slowly(client: Client, answer: Answer) -> None:
    client.send(head(200, *answer.headers))
    client.repeat(_SPACE, most_bytes=32 * MIB, every_seconds=0.05)
    client.send(answer.body)


def asked_twice(connection: Connection) -> list[float]:
    answers = [connection.instant("up", AT) for _ in range(2)]
    return [float(series.samples[0]) for answer in answers for series in answer.series]


def test_nothing_is_compressed_on_a_fast_link() -> None:
    with FaultyHttp([VALUE]) as server, Connection(Access(url=server.url)) as connection:
        assert asked_twice(connection) == [1, 1]

        accepted = [one.headers["accept-encoding"] for one in server.received]
        assert accepted == ["identity", "identity"]


def test_what_comes_slowly_is_asked_for_again_and_all_that_follows_compressed() -> None:
    with (
        FaultyHttp([VALUE, COMPRESSED]) as real,
        SpoiltServer(real.url, slowly, Once(1)) as server,
        Connection(Access(url=server.url)) as connection,
    ):
        assert asked_twice(connection) == [1, 1]

        assert server.accepted_encodings == ["identity", "gzip", "gzip"]


def test_a_slow_server_that_does_not_compress_is_read_to_the_end() -> None:
    def a_little_slowly(client: Client, answer: Answer) -> None:
        client.send(head(200, *answer.headers))
        client.repeat(_SPACE, most_bytes=12 * len(_SPACE), every_seconds=0.05)
        client.send(answer.body)

    with (
        SpoiltServer(VALUE, a_little_slowly) as server,
        Connection(Access(url=server.url)) as connection,
    ):
        assert asked_twice(connection) == [1, 1]
        assert server.request_count == 3


def pieces(*pauses_seconds: float, size: int = MIB // 4) -> Iterator[bytes]:
    for seconds in pauses_seconds:
        time.sleep(seconds)
        yield bytes(size)


@pytest.mark.parametrize(
    "pauses_seconds",
    [[0.0] * 40, [0.25, *[0.0] * 8], [*[0.0] * 8, 0.25], [0.01] * 30],
    ids=["at once", "after a pause", "before a pause", "at 25 MiB/s"],
)
def test_pieces_of_a_fast_link_are_passed_on(pauses_seconds: list[float]) -> None:
    found = list(Link().watched(pieces(*pauses_seconds)))

    assert len(found) == len(pauses_seconds)


def test_time_between_two_pieces_that_the_reader_takes_does_not_count() -> None:
    found = 0
    for _ in Link().watched(pieces(0, 0, 0, 0, size=1000)):
        time.sleep(0.1)
        found += 1

    assert found == 4


@pytest.mark.parametrize("size", [1000, MIB // 8], ids=["less than a mebibyte", "a few"])
def test_pieces_of_a_slow_link_are_not(size: int) -> None:
    slow = Link()
    with pytest.raises(SlowLink):
        list(slow.watched(pieces(*[0.06] * 30, size=size)))

    assert slow.accepted_encoding == "gzip"
    # It is known now, and compressing was asked for.
    assert len(list(slow.watched(pieces(*[0.06] * 5, size=size)))) == 5
