"""A connection to a server that follows a script, for the tests of failures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from analyzer.errors import PrometheusError
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.response import Response
from tests.support import (
    Answer,
    FaultyHttp,
    prometheus_success,
)

AT = datetime(2024, 5, 14, 12, tzinfo=UTC)
ONE = prometheus_success([{"metric": {}, "value": [AT.timestamp(), "1"]}], result_type="vector")
OVERLOADED = Answer(status=503, body=b"overloaded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A connection to a server that goes wrong as told, and how long it waited between tries."""

    connection: Connection
    server: FaultyHttp
    waits: list[float] = field(default_factory=list)

    def instant(self, promql: str = "up") -> Response:
        return self.connection.instant(promql, AT)

    @property
    def attempts(self) -> int:
        return len(self.server.received)


@contextmanager
def asking(*script: Answer, timeout_seconds: float = 60) -> Iterator[Asked]:
    waits: list[float] = []
    with FaultyHttp(script) as server:
        access = Access(url=server.url, timeout_seconds=timeout_seconds)
        with Connection(access, sleep=waits.append) as connection:
            yield Asked(connection=connection, server=server, waits=waits)


def refusal_of(
    script: Sequence[Answer], kind: type[PrometheusError] = PrometheusError, *, attempts: int = 1
) -> PrometheusError:
    """Return the error of a first answer that does not pass, after so many attempts."""
    with asking(*script) as asked, pytest.raises(kind) as caught:
        asked.instant()
    assert type(caught.value) is kind
    assert asked.attempts == attempts
    assert "\n" not in str(caught.value)
    return caught.value


def failure_of(
    script: Sequence[Answer], kind: type[PrometheusError] = PrometheusError, *, attempts: int = 1
) -> str:
    """Return the text of the same."""
    return str(refusal_of(script, kind, attempts=attempts))
