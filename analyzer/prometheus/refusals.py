"""What became of a request that got no usable answer: final, passing, too heavy or too fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import requests
from urllib3.exceptions import InvalidHeader, ReadTimeoutError
from urllib3.util import Retry

from analyzer.data.wordings import kinds_of
from analyzer.errors import (
    FailedAnswer,
    Limit,
    PrometheusError,
    QueryRejected,
    QueryTooHeavy,
    sentences,
)
from analyzer.prometheus import failures
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.pace import PATIENCE_SECONDS
from analyzer.prometheus.proxy import Proxy

_LONGEST_WAIT_SECONDS = 60.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_PASSING = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
"""A server that restarts refuses its clients, or cuts their answers short."""

_TOO_LARGE = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
_TOO_LONG = frozenset({HTTPStatus.REQUEST_URI_TOO_LONG, 431})
"""Of a URL, or of all headers."""

_AMAZONS_NAME = "x-amzn-ErrorType"
"""A header with the name of an error, where the body may have none."""

_REFUSES_POST = frozenset({403, 404, 405, 415, 501})
"""Statuses of servers and proxies that let GET pass and not POST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a request has no answer.

    Attributes:
        error: what is raised if it stays.
        passes: whether the same request may be answered a little later.
        once: whether it is worth one more attempt, and no other.
        is_paced: whether the server refuses the rate of the requests, and not this one.
        wait_seconds: how long the server asks to wait; None if it does not ask.
    """

    error: PrometheusError
    passes: bool = False
    once: bool = False
    is_paced: bool = False
    wait_seconds: float | None = None

    @property
    def may_be_method(self) -> bool:
        """Whether the same query may be answered if it is not sent with POST."""
        return self.error.status in _REFUSES_POST and not self.is_paced

    @property
    def shows_method_works(self) -> bool:
        """Whether the server read the query, and refused it for another reason."""
        is_read = isinstance(self.error, QueryRejected | QueryTooHeavy)
        return is_read or self.is_paced or (self.error.status or 0) in _TRY_AGAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Judges failed requests to one server."""

    access: Access
    proxy: Proxy | None

    def refused(self, promql: str, response: requests.Response, *, divisible: bool) -> Failure:
        """Judge an answer with a status other than 200.

        Args:
            promql: the query.
            response: the answer.
            divisible: whether less time can be asked for.
        """
        status = response.status_code
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return self.strange(promql, response, PrometheusError())
        kind, words = failures.own_words(response, self.access)
        hint = failures.refused(response, self.access, words)
        failed = self._failing(promql, status, kind, words, hint)
        timed_out = status == HTTPStatus.GATEWAY_TIMEOUT
        # A gateway may wait for the end of a smaller request; a single point has no smaller one.
        gave_up = kind == "timeout" or (timed_out and divisible)
        named = response.headers.get(_AMAZONS_NAME, "")
        topic = "work" if gave_up else _topic(status, f"{words} {named}")
        if topic in set(Limit):
            return Failure(error=failed(partial(QueryTooHeavy, limit=Limit(topic))))
        if topic == "pace":
            return _paced(failed, response)
        if status in _TRY_AGAIN:
            return _passing(failed, response, is_heavy=timed_out)
        is_about_query = status in {400, 422} and not hint
        return Failure(error=failed(QueryRejected if is_about_query else PrometheusError))

    def strange(
        self, promql: str, response: requests.Response | None, error: PrometheusError
    ) -> Failure:
        """Judge a success that is none of Prometheus's, or that has an error in place of data.

        An answer that got lost once is worth another attempt.
        """
        body = b"" if response is None else response.content.strip()
        if response is not None and isinstance(error, FailedAnswer) and error.words:
            return self._error_within(promql, response)
        login = "" if not body or body.startswith(b"{") else "It may be a login page"
        proxied = self.proxy.advice if self.proxy else ""
        problem = str(error) or "the answer is empty, which is not Prometheus's API"
        failed = PrometheusError(
            problem, url=self.access.url, promql=promql, advice=sentences(login, proxied)
        )
        return Failure(error=failed, once=not body)

    def _error_within(self, promql: str, response: requests.Response) -> Failure:
        """Judge an error with the status of a success."""
        status = response.status_code
        kind, words = failures.own_words(response, self.access)
        failed = self._failing(promql, status, kind, words, "")
        topic = "work" if kind == "timeout" else _topic(status, words)
        if topic in set(Limit):
            return Failure(error=failed(partial(QueryTooHeavy, limit=Limit(topic))))
        return Failure(error=failed(FailedAnswer), once=True, is_paced=topic == "pace")

    def silent(self, promql: str, error: requests.RequestException) -> Failure:
        """Judge a request that got no answer."""
        # In the middle of a body, requests calls a timeout a ConnectionError.
        if any(isinstance(argument, ReadTimeoutError) for argument in error.args):
            problem = f"no answer within {self.access.timeout_seconds} s"
            return Failure(error=QueryTooHeavy(problem, url=self.access.url, promql=promql))
        untrusted = isinstance(error, requests.exceptions.SSLError)
        return Failure(
            error=failures.unreachable(error, self.access, self.proxy),
            passes=isinstance(error, _PASSING) and not untrusted,
        )

    def _failing(self, promql: str, status: int, kind: str, words: str, hint: str) -> _Failing:
        # What Prometheus itself words did not come from a proxy.
        proxied = self.proxy.advice if self.proxy and not kind else ""
        # A hint is about the server, whichever the query.
        asked = "" if hint else promql

        def failed(error: Callable[..., PrometheusError], advice: str = "") -> PrometheusError:
            advice = sentences(advice, proxied)
            url = self.access.url
            return error(hint, url=url, promql=asked, status=status, words=words, advice=advice)

        return failed


_Failing = Callable[..., PrometheusError]


def _topic(status: int, words: str) -> str:
    """Return what a refusal is about, as in `data/wordings.toml`; "" if that is not known."""
    if status in _TOO_LONG:
        return "length"
    # Too many requests may be worded like too many of anything.
    is_rate = status == HTTPStatus.TOO_MANY_REQUESTS
    known = next((kind for kind in kinds_of(words, is_specific=is_rate)), "")
    if not known:
        return "work" if status == _TOO_LARGE else "pace" if is_rate else ""
    return known


def _paced(failed: _Failing, response: requests.Response) -> Failure:
    asked = _retry_after_seconds(response)
    too_long = asked is not None and asked > PATIENCE_SECONDS
    advice = f"Try again in {asked:.0f} s, as the server asks." if too_long else ""
    return Failure(error=failed(PrometheusError, advice), is_paced=not too_long, wait_seconds=asked)


def _passing(failed: _Failing, response: requests.Response, *, is_heavy: bool) -> Failure:
    asked = _retry_after_seconds(response)
    too_long = asked is not None and asked > _LONGEST_WAIT_SECONDS
    advice = f"Try again in {asked:.0f} s, as the server asks." if too_long else ""
    error = failed(QueryTooHeavy if is_heavy else PrometheusError, advice)
    return Failure(error=error, passes=not too_long, wait_seconds=asked)


def _retry_after_seconds(response: requests.Response) -> float | None:
    try:
        return Retry().parse_retry_after(response.headers["Retry-After"])
    except (KeyError, InvalidHeader):
        return None
