"""A server in front of a real one that has the limits of others."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import parse_qsl, urlsplit

import promql_parser
import urllib3

from tests.support.answers import Answer, prometheus_error
from tests.support.faulty_http import FaultyHttp, Received

_LOOKBACK_SECONDS = 300.0
_CONNECTIONS = urllib3.PoolManager(maxsize=16)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOf:
    """What a request wants to know."""

    method: str
    path: str
    query: str
    start: float
    end: float
    step: float
    headers: dict[str, str]

    @classmethod
    def by(cls, request: Received) -> "AskedOf":
        parts = urlsplit(request.path)
        values = dict(parse_qsl(parts.query) + parse_qsl(request.body.decode()))
        at = float(values.get("time", 0))
        return cls(
            method=request.method,
            path=parts.path,
            query=values.get("query", ""),
            start=float(values.get("start", at)),
            end=float(values.get("end", at)),
            step=float(values.get("step", 1)),
            headers=dict(request.headers),
        )

    @property
    def is_range(self) -> bool:
        return self.path.endswith("query_range")

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def points(self) -> int:
        return int(self.seconds / self.step) + 1


Rule = Callable[[AskedOf], Answer | None]
"""Returns a refusal, or None for what is passed on."""


class Limiting(FaultyHttp):
    """Refuses by a rule, and counts how often."""

    def __init__(self, upstream: str, rule: Rule) -> None:
        super().__init__(upstream=upstream)
        self._rule = rule
        self.refusals = 0

    def answer(self, request: Received) -> Answer:
        """Return a refusal, or what the real server has."""
        asked = AskedOf.by(request)
        if asked.path.startswith("/api/v1/query") and (refusal := self._rule(asked)):
            self.refusals += 1
            return refusal
        plain = {name: text for name, text in request.headers.items() if name != "accept-encoding"}
        return super().answer(replace(request, headers=plain))


def spans_up_to(seconds: float, refusal: Answer) -> Rule:
    """Refuse queries over a longer time, the ranges in them included."""

    def rule(asked: AskedOf) -> Answer | None:
        ranges = [float(found) for found in re.findall(r"\[(\d+)s", asked.query)]
        longest = asked.seconds + max(ranges, default=0.0)
        return refusal if longest > seconds else None

    return rule


def points_up_to(points: int, refusal: Answer) -> Rule:
    """Refuse range queries with more points."""
    return lambda asked: refusal if asked.is_range and asked.points > points else None


def series_up_to(count: int, upstream: str, refusal: Answer) -> Rule:
    """Refuse queries that read more series, all selectors together."""

    def rule(asked: AskedOf) -> Answer | None:
        return refusal if _series_of(asked, upstream) > count else None

    return rule


def _series_of(asked: AskedOf, upstream: str) -> int:
    found: set[str] = set()

    def visit(expression: object) -> None:
        reach = _LOOKBACK_SECONDS
        if isinstance(expression, promql_parser.MatrixSelector):
            reach, expression = expression.range.total_seconds(), expression.vector_selector
        if not isinstance(expression, promql_parser.VectorSelector):
            return
        plain = re.sub(r" offset \S+", "", expression.prettify())
        start = asked.start - reach - _LOOKBACK_SECONDS
        found.update(_series(upstream, plain, start, asked.end))

    promql_parser.walk(promql_parser.parse(asked.query), visit)
    return len(found)


@cache
def _series(upstream: str, selector: str, start: float, end: float) -> frozenset[str]:
    """Return the series of a selector on a server whose samples stay the same."""
    values = {"match[]": selector, "start": str(start), "end": str(end)}
    answer = _CONNECTIONS.request("GET", f"{upstream}/api/v1/series", fields=values, timeout=30)
    return frozenset(map(str, answer.json()["data"]))


def only_get(status: int, longest_query: int = 100_000) -> Rule:
    """Refuse POST, and URLs with longer queries."""

    def rule(asked: AskedOf) -> Answer | None:
        if asked.method == "POST":
            return Answer(status=status, body=b"no such method here")
        return Answer(status=414) if len(asked.query) > longest_query else None

    return rule


def needs_tenant(refusal: Answer) -> Rule:
    """Refuse requests without a tenant."""
    return lambda asked: None if "x-scope-orgid" in asked.headers else refusal


class Bucket:
    """A rule that lets so many requests a second pass, and so many at once."""

    def __init__(self, per_second: float, at_once: float, refusal: Answer) -> None:
        self._per_second, self._at_once, self._refusal = per_second, at_once, refusal
        self._held, self._since = at_once, time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, _: AskedOf) -> Answer | None:
        """Take one from the bucket, or refuse."""
        with self._lock:
            now = time.monotonic()
            self._held += (now - self._since) * self._per_second
            self._held, self._since = min(self._held, self._at_once), now
            if self._held < 1:
                return self._refusal
            self._held -= 1
            return None


class Spell:
    """A rule that refuses some requests in a row, after others that it lets pass."""

    def __init__(self, refusal: Answer, *, after: int = 0, count: int = 1) -> None:
        self._refusal, self._first, self._last = refusal, after, after + count
        self._seen = 0
        self._lock = threading.Lock()

    def __call__(self, _: AskedOf) -> Answer | None:
        """Refuse, if it is the time for it."""
        with self._lock:
            self._seen += 1
            return self._refusal if self._first < self._seen <= self._last else None


class Every:
    """A rule that refuses each query the first time it is asked."""

    def __init__(self, refusal: Answer) -> None:
        self._refusal = refusal
        self._seen: set[tuple[str, float, float]] = set()
        self._lock = threading.Lock()

    def __call__(self, asked: AskedOf) -> Answer | None:
        """Refuse what is new."""
        key = (asked.query, asked.start, asked.end)
        with self._lock:
            is_new = key not in self._seen
            self._seen.add(key)
            return self._refusal if is_new else None


TOTAL_LENGTH = prometheus_error(
    400,
    "bad_data",
    "the total query time range exceeds the limit (query length: 4h0m0s, limit: 1h0m0s) "
    "(err-mimir-max-total-query-length). To adjust the related limit, configure "
    "-query-frontend.max-total-query-length, or contact your service administrator.",
)
"""Mimir."""
