"""What spoilt servers send ends in the right answer or in one line, and always in time."""

import time

import pytest

from analyzer.errors import PrometheusError
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from tests.prometheus.asking import AT, ONE
from tests.support.spoilt_http import ALWAYS, KINDS, Once, SpoiltServer
from tests.support.spoilt_http.kinds import LATE
from tests.support.spoilt_http.server import When

_HANG_SECONDS, _TIMEOUT_SECONDS = 0.3, 4.0
"""The time that a server has which never answers, and that of others on a loaded machine."""

_LATEST_SECONDS = 5.0


def _end(kind: str, when: When) -> str:
    """Ask three times; return the line that it ends in, "" if all were answered."""
    began = time.monotonic()
    seconds = _HANG_SECONDS if KINDS[kind].always == LATE else _TIMEOUT_SECONDS
    try:
        with SpoiltServer(ONE, KINDS[kind].spoil, when) as server:
            access = Access(url=server.url, timeout_seconds=seconds, max_answer_mib=1)
            with Connection(access, sleep=lambda _: None) as connection:
                for _ in range(3):
                    (series,) = connection.instant("up", AT).series
                    assert series.samples.tolist() == [1.0]
    except PrometheusError as error:
        return str(error)
    finally:
        assert time.monotonic() - began < _LATEST_SECONDS
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_always_spoilt(kind: str) -> None:
    end, words = _end(kind, ALWAYS), KINDS[kind].always

    assert words in end
    assert bool(words) == bool(end)
    assert "\n" not in end
    assert len(end) < 1000


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_spoilt_once(kind: str) -> None:
    spoilt, end = KINDS[kind], _end(kind, Once(2))
    words = spoilt.once if spoilt.alone is None else spoilt.alone

    assert words in end
    assert bool(words) == bool(end)
