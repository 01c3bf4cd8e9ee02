"""Asking one Prometheus: prometheus-api-client with retries, and errors in sentences."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Protocol, Self

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from urllib3.exceptions import InvalidHeader, ReadTimeoutError
from urllib3.util import Retry

from analyzer.errors import (
    FailedAnswer,
    PrometheusError,
    QueryRejected,
    QueryTooHeavy,
    sentences,
)
from analyzer.prometheus import failures
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.proxy import proxy_for
from analyzer.prometheus.response import Response, shifted, stray_time
from analyzer.prometheus.session import PrometheusSession
from analyzer.units import moment
from analyzer.window import Chunk, TimeWindow

_WAITS_SECONDS = (0.5, 1.0, 2.0)
"""Before the second, third and fourth attempt."""
_LONGEST_WAIT_SECONDS = 60.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_PASSING = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
"""A server that restarts refuses its clients, or cuts their answers short."""
_LESS_TIME_HELPS = (
    # Prometheus
    "too many samples",
    "maximum resolution",
    # VictoriaMetrics; its words for too many series: "narrow down the search"
    "reduce time range",
    "too many points",
    "not enough memory for processing",
    "timeout exceeded",
    # Mimir, Cortex and Thanos; for too many series: "maximum number of series"
    "maximum number of chunks",
    "number of chunks for the query exceeded",
    "chunks size limit",
    "memory consumed by a single query",
    "query time range exceeds the limit",
    "exceeded chunks limit",
    "exceeded samples limit",
)
"""Servers' words for a query that may be answered in pieces of less time each."""


class Source(Protocol):
    """Anything that answers PromQL."""

    def instant(self, promql: str, at: datetime) -> Response:
        """Evaluate at one time."""

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        """Evaluate at the points of a chunk; the response has the times of `window.time_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    error: PrometheusError
    passes: bool = False
    """Whether the same request may be answered a little later."""
    wait_seconds: float | None = None
    """How long the server asks to wait; None if it does not ask."""


class Connection:
    """A `Source` that is a Prometheus server; safe to use from several threads."""

    def __init__(self, access: Access, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.access = access
        self._proxy = proxy_for(access.url)
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
        self._server_timeout = f"{access.timeout_seconds}s"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def instant(self, promql: str, at: datetime) -> Response:
        """Evaluate at one time.

        Raises:
            QueryTooHeavy: if the server gave up on it.
            PrometheusError: if it could not be asked or understood.
        """
        parameters = {"time": round(at.timestamp()), "timeout": self._server_timeout}
        send = partial(self._client.custom_query, promql, params=parameters)
        return self._ask(promql, send, divisible=False)

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        """Evaluate at the points of a chunk; raises like `instant`."""
        send = partial(
            self._client.custom_query_range,
            promql,
            window.evaluated_at(chunk.first_point),
            window.evaluated_at(chunk.first_point + chunk.point_count - 1),
            step=str(window.step_seconds),
            params={"timeout": self._server_timeout},
        )
        answer = self._ask(promql, send, divisible=chunk.point_count > 1)
        answer = shifted(answer, -window.offset_seconds)
        stray = stray_time(answer, window, chunk)
        if stray is not None:
            problem = f"the answer has a sample of {moment(stray)} UTC, which was not asked for"
            advice = "Check whether a cache or a proxy answers in place of the server."
            raise PrometheusError(problem, url=self.access.url, promql=promql, advice=advice)
        return answer

    def _ask(self, promql: str, send: Callable[[], Response], *, divisible: bool) -> Response:
        """Send until it is answered or fails for good; if `divisible`, less can be asked for."""
        waits_seconds = iter(_WAITS_SECONDS)
        cause: Exception
        while True:
            try:
                return send()
            except PrometheusApiClientException as error:
                failure, cause = self._refusal(promql, divisible=divisible), error
            except requests.RequestException as error:
                failure, cause = self._silence(promql, error), error
            except FailedAnswer as error:
                failure, cause = self._failed(promql, error, divisible=divisible), error
            except PrometheusError as error:
                raise self._strange(promql, error) from error
            wait_seconds = next(waits_seconds, None)
            if not failure.passes or wait_seconds is None:
                raise failure.error from cause
            asked_seconds = failure.wait_seconds
            self._sleep(wait_seconds if asked_seconds is None else asked_seconds)

    def _strange(self, promql: str, error: PrometheusError) -> PrometheusError:
        """Return the failure of an answer that is none of Prometheus's."""
        response = self._session.last_response
        is_json = response is not None and response.content.lstrip().startswith(b"{")
        proxied = self._proxy.advice if self._proxy else ""
        advice = sentences("" if is_json else "It may be a login page", proxied)
        return PrometheusError(str(error), url=self.access.url, promql=promql, advice=advice)

    def _failed(self, promql: str, error: FailedAnswer, *, divisible: bool) -> _Failure:
        """Return the failure of an answer with status 200 and without data."""
        return (
            self._refusal(promql, divisible=divisible)
            if error.words
            else _Failure(error=self._strange(promql, error))
        )

    def _refusal(self, promql: str, *, divisible: bool) -> _Failure:
        response = self._session.last_response
        if response is None:  # pragma: no cover - the client raises only with a response
            return _Failure(error=PrometheusError("no response", url=self.access.url))
        url, status = self.access.url, response.status_code
        kind, words = failures.own_words(response, self.access)
        hint = failures.refused(response, self.access)
        # What Prometheus itself words did not come from a proxy.
        proxied = self._proxy.advice if self._proxy and not kind else ""
        # A hint is about the server, whichever the query.
        asked = "" if hint else promql

        def failed(error: type[PrometheusError], advice: str = "") -> PrometheusError:
            advice = sentences(advice, proxied)
            return error(hint, url=url, promql=asked, status=status, words=words, advice=advice)

        timed_out = status == HTTPStatus.GATEWAY_TIMEOUT
        heavy = kind == "timeout" or any(limit in words for limit in _LESS_TIME_HELPS)
        # A gateway may wait for the end of a smaller request; a single point has no smaller one.
        if heavy or (timed_out and divisible):
            return _Failure(error=failed(QueryTooHeavy))
        if status in _TRY_AGAIN:
            wait_seconds = _retry_after_seconds(response)
            too_long = wait_seconds is not None and wait_seconds > _LONGEST_WAIT_SECONDS
            advice = f"Try again in {wait_seconds:.0f} s, as the server asks." if too_long else ""
            error = failed(QueryTooHeavy if timed_out else PrometheusError, advice)
            return _Failure(error=error, passes=not too_long, wait_seconds=wait_seconds)
        if status == HTTPStatus.OK:
            return _Failure(error=failed(FailedAnswer))
        is_about_query = status in {400, 422} and not hint
        return _Failure(error=failed(QueryRejected if is_about_query else PrometheusError))

    def _silence(self, promql: str, error: requests.RequestException) -> _Failure:
        # In the middle of a body, requests calls a timeout a ConnectionError.
        if any(isinstance(argument, ReadTimeoutError) for argument in error.args):
            problem = f"no answer within {self.access.timeout_seconds} s"
            return _Failure(error=QueryTooHeavy(problem, url=self.access.url, promql=promql))
        untrusted = isinstance(error, requests.exceptions.SSLError)
        return _Failure(
            error=failures.unreachable(error, self.access, self._proxy),
            passes=isinstance(error, _PASSING) and not untrusted,
        )


def _retry_after_seconds(response: requests.Response) -> float | None:
    try:
        return Retry().parse_retry_after(response.headers["Retry-After"])
    except (KeyError, InvalidHeader):
        return None
