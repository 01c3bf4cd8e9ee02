"""Asking one Prometheus: prometheus-api-client with retries, and errors in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, Self

import orjson
import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from urllib3.exceptions import InvalidHeader, ReadTimeoutError
from urllib3.util import Retry

from analyzer.errors import PrometheusError, QueryRejected, QueryTooHeavy
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.response import Response, Series
from analyzer.prometheus.session import PrometheusSession
from analyzer.window import Chunk, TimeWindow

__all__ = ["Connection", "Source"]

_ATTEMPTS = 4
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 60.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_PASSING = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
"""What a server that restarts does to its clients: refuses them, or cuts their answers short."""
_LESS_TIME_HELPS = (
    # Prometheus
    "too many samples",
    "maximum resolution",
    # VictoriaMetrics; of too many series it says "narrow down the search"
    "reduce time range",
    "too many points",
    "not enough memory for processing",
    "timeout exceeded",
    # Mimir, Cortex and Thanos; of too many series they say "maximum number of series"
    "maximum number of chunks",
    "number of chunks for the query exceeded",
    "chunks size limit",
    "memory consumed by a single query",
    "query time range exceeds the limit",
    "exceeded chunks limit",
    "exceeded samples limit",
)
"""What servers say of a query that may be answered in pieces of less time each."""

_HINTS = {
    401: "it wants credentials: set PROMETHEUS_TOKEN, or give --token-file or --username",
    403: "these credentials may not query it",
    404: "there is no Prometheus API at this address: add its path prefix to --prometheus-url "
    "(Mimir: /prometheus; VictoriaMetrics cluster: /select/0/prometheus)",
}


class Source(Protocol):
    """Anything that answers PromQL."""

    def instant(self, promql: str, at: datetime) -> Response:
        """Evaluate at one time."""
        ...

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        """Evaluate at the points of a chunk."""
        ...


class Connection:
    """A `Source` that is a Prometheus server; safe to use from several threads."""

    def __init__(self, access: Access, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.access = access
        self._sleep = sleep
        self._session = PrometheusSession(access)
        self._client = PrometheusConnect(
            url=access.url,
            session=self._session,
            # Retries are made here, where the body can be read: a 503 may be a query that ran out
            # of time, and sending that again would only hurt the server.
            retry=Retry(total=0, redirect=0),
            timeout=access.timeout_seconds,
            method="POST",
        )

    def __enter__(self) -> Self:
        """Return the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the session."""
        self._client.close()

    def instant(self, promql: str, at: datetime) -> Response:
        """Evaluate at one time.

        Raises:
            QueryTooHeavy: if the server gave up on it.
            PrometheusError: if it could not be asked or understood.
        """
        parameters = {"time": round(at.timestamp()), "timeout": self._server_timeout}
        return self._ask(promql, lambda: self._client.custom_query(promql, params=parameters))

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        """Evaluate at the points of a chunk; raises like `instant`."""
        first = window.time_of(chunk.first_point)
        last = window.time_of(chunk.first_point + chunk.point_count - 1)
        return self._ask(
            promql,
            lambda: self._client.custom_query_range(
                promql,
                first,
                last,
                step=str(window.step_seconds),
                params={"timeout": self._server_timeout},
            ),
        )

    @property
    def _server_timeout(self) -> str:
        return f"{self.access.timeout_seconds}s"

    def _ask(self, promql: str, send: Callable[[], object]) -> Response:
        for attempt in range(1, _ATTEMPTS + 1):
            wait_seconds = _FIRST_WAIT_SECONDS * 2 ** (attempt - 1)
            try:
                result = send()
            except PrometheusApiClientException:
                failure, wait_seconds = self._refused(promql, wait_seconds)
            except requests.RequestException as error:
                failure = self._not_answered(promql, error)
            except PrometheusError as error:
                told = self._told(f"{error}; is this a login page?", promql)
                raise PrometheusError(told) from error
            else:
                return Response(series=_series_of(result), warnings=self._session.last_warnings)
            if attempt == _ATTEMPTS:
                break
            self._sleep(wait_seconds)
        raise failure

    def _refused(self, promql: str, wait_seconds: float) -> tuple[PrometheusError, float]:
        """Return the failure behind a status that may pass, and how long to wait; raise others."""
        response = self._session.last_response
        if response is None:  # pragma: no cover - the client raises only with a response
            raise PrometheusError(self._told("no response", promql))
        status, kind, words = response.status_code, *_own_words(response)
        told = self._told(f"HTTP {status}: {words}" if words else f"HTTP {status}", promql)
        if kind == "timeout" or any(said in words for said in _LESS_TIME_HELPS):
            raise QueryTooHeavy(told)
        if status in _TRY_AGAIN:
            heavy = status == 504  # noqa: PLR2004 - gateway timeout: the server was too slow
            failure = QueryTooHeavy(told) if heavy else PrometheusError(told)
            return failure, _retry_after_seconds(response, wait_seconds, told)
        if status in {400, 422}:
            raise QueryRejected(told)
        if 300 <= status < 400:  # noqa: PLR2004 - redirects are not followed
            elsewhere = f"HTTP {status}: it redirects elsewhere, to a login page perhaps"
            raise PrometheusError(self._told(elsewhere, promql))
        hint = _HINTS.get(status)
        raise PrometheusError(f"{self.access.url}: HTTP {status}: {hint}" if hint else told)

    def _not_answered(self, promql: str, error: requests.RequestException) -> PrometheusError:
        """Return a failure of the network, which may pass; raise others."""
        # In the middle of a body, requests calls a timeout a ConnectionError.
        if any(isinstance(argument, ReadTimeoutError) for argument in error.args):
            told = f"no answer within {self.access.timeout_seconds} s"
            raise QueryTooHeavy(self._told(told, promql)) from error
        untrusted = isinstance(error, requests.exceptions.SSLError)
        advice = "--ca-file" if untrusted else "--prometheus-url, or a port-forward that ended"
        failure = PrometheusError(
            f"cannot reach Prometheus at {self.access.url}: {_cause(error)}; check {advice}"
        )
        if isinstance(error, _PASSING) and not untrusted:
            return failure
        raise failure from error

    def _told(self, what: str, promql: str) -> str:
        shown = promql if len(promql) <= 120 else f"{promql[:117]}..."  # noqa: PLR2004 - one line
        return f"{self.access.url}: {what}, while asking: {shown}"


def _series_of(result: object) -> tuple[Series, ...]:
    if not isinstance(result, tuple):  # pragma: no cover - our own session decodes to a tuple
        raise TypeError(f"the session did not decode the answer: {type(result)}")
    return result


def _own_words(response: requests.Response) -> tuple[str, str]:
    """Return Prometheus's errorType and error, or "" and the body if it is short plain text."""
    try:
        document = orjson.loads(response.content)
        return str(document["errorType"]), " ".join(str(document["error"]).split())
    except (orjson.JSONDecodeError, KeyError, TypeError):
        text = " ".join(response.text.split())
        return "", "" if text.startswith("<") else text[:200]


def _retry_after_seconds(response: requests.Response, otherwise: float, told: str) -> float:
    header = response.headers.get("Retry-After")
    if not header:
        return otherwise
    try:
        seconds = Retry().parse_retry_after(header)
    except InvalidHeader:
        return otherwise
    if seconds > _LONGEST_WAIT_SECONDS:
        raise PrometheusError(f"{told}; it asks to wait {seconds:.0f} s: try again then")
    return seconds


def _cause(error: BaseException) -> str:
    """Return the innermost reason: requests and urllib3 wrap it several times over."""
    cause: object = error
    while True:
        deeper = (
            getattr(cause, "reason", None)
            or next((arg for arg in getattr(cause, "args", ()) if isinstance(arg, Exception)), None)
            or getattr(cause, "__cause__", None)
        )
        if not isinstance(deeper, BaseException):
            break
        cause = deeper
    strerror = getattr(cause, "strerror", None)
    # urllib3 puts "<object at 0x...>: " before its words.
    return strerror or str(cause).rpartition(">: ")[2] or type(cause).__name__
