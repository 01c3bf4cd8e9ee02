"""What became of a request that got no usable answer: final, passing, too heavy or too fast."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from functools import partial
from http import HTTPStatus

import orjson
import requests

from analyzer.data.wordings import kinds_of
from analyzer.errors import (
    FailedAnswer,
    Limit,
    PrometheusError,
    QueryRejected,
    QueryTooHeavy,
    Unreachable,
    abridged,
    sentences,
)
from analyzer.prometheus import failures
from analyzer.prometheus.body import UnreadableAnswer
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.pace import PATIENCE_SECONDS
from analyzer.prometheus.proxy import Proxy
from analyzer.prometheus.session import NoAnswerInTime
from analyzer.settings import Setting

_LONGEST_WAIT_SECONDS = 60.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_PASSING = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
"""A server that restarts refuses its clients, or cuts their answers short."""

_ONCE = frozenset({304, 408, 425})
"""Statuses below 500 of what may pass: those of a cache, and of a request that came too late."""

_SECONDS = re.compile(r"\s*([0-9]{1,9})\s*")

_LONGEST_CAUSE = 100

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
        may_pass = status < HTTPStatus.OK or status in _ONCE or (status >= 500 and not hint)  # noqa: PLR2004
        error = failed(QueryRejected if is_about_query else PrometheusError)
        return Failure(error=error, once=may_pass)

    def strange(
        self, promql: str, response: requests.Response | None, error: PrometheusError
    ) -> Failure:
        """Judge a success that is none of Prometheus's, or that has an error in place of data.

        An answer that got lost once, or was cut, is worth another attempt.
        """
        if response is not None and isinstance(error, FailedAnswer) and error.words:
            return self._error_within(promql, response)
        is_page = response is not None and failures.is_page(response)
        login = "It may be a login page" if is_page else ""
        failed = self._unusable(promql, str(error) or _unusual(response), login)
        is_empty = response is None or not response.content.strip()
        is_cut = isinstance(error.__cause__, orjson.JSONDecodeError)
        is_odd = response is not None and response.status_code != HTTPStatus.OK
        return Failure(error=failed, once=(is_empty or is_cut or is_odd) and not is_page)

    def _unusable(self, promql: str, problem: str, advice: str = "") -> PrometheusError:
        proxied = self.proxy.advice if self.proxy else ""
        return PrometheusError(
            problem, url=self.access.url, promql=promql, advice=sentences(advice, proxied)
        )

    def _error_within(self, promql: str, response: requests.Response) -> Failure:
        """Judge an error with the status of a success."""
        status = response.status_code
        kind, words = failures.own_words(response, self.access)
        failed = self._failing(promql, status, kind, words, "")
        topic = "work" if kind == "timeout" else _topic(status, words)
        if topic in set(Limit):
            return Failure(error=failed(partial(QueryTooHeavy, limit=Limit(topic))))
        return Failure(error=failed(FailedAnswer), once=True, is_paced=topic == "pace")

    def silent(self, promql: str, error: requests.RequestException, *, divisible: bool) -> Failure:
        """Judge a request that got no answer, or none that can be read."""
        if isinstance(error, NoAnswerInTime):
            return self._late(promql, error, divisible=divisible)
        if isinstance(error, UnreadableAnswer):
            return Failure(error=self._unusable(promql, str(error)), once=True)
        if failures.is_not_http(error):
            cause = abridged(failures.innermost_cause(error), _LONGEST_CAUSE)
            problem = f"the answer is not valid HTTP ({cause})"
            return Failure(error=self._unusable(promql, problem), once=True)
        untrusted = isinstance(error, requests.exceptions.SSLError)
        return Failure(
            error=failures.unreachable(error, self.access, self.proxy),
            passes=isinstance(error, _PASSING) and not untrusted,
        )

    def _late(self, promql: str, error: NoAnswerInTime, *, divisible: bool) -> Failure:
        """Judge silence: a hang may pass, but where less can be asked for, that comes first."""
        url, seconds = self.access.url, self.access.timeout_seconds
        if not error.is_connected:
            proxied = self.proxy.advice if self.proxy else ""
            cause = f"no connection within {seconds:g} s"
            advice = proxied or f"Check {Setting.URL}"
            return Failure(error=Unreachable(url=url, cause=cause, advice=advice), once=True)
        late = QueryTooHeavy(f"no answer within {seconds:g} s", url=url, promql=promql)
        return Failure(error=late, once=not divisible)

    def never_answers(self) -> Unreachable:
        """Return the failure of a server that has been silent from the first request on."""
        cause = f"no answer within {self.access.timeout_seconds:g} s"
        proxied = self.proxy.advice if self.proxy else ""
        advice = proxied or f"Check {Setting.URL}. For a slow server, raise {Setting.TIMEOUT}"
        return Unreachable(url=self.access.url, cause=cause, advice=advice)

    def too_large(self, promql: str, clause: str) -> Failure:
        """Judge an answer that is larger than may be: it is never sent again."""
        problem = f"the answer {clause or f'is larger than {self.access.max_answer_mib} MiB'}"
        advice = f"Raise the limit ({Setting.MAX_ANSWER}) if there is memory for it"
        url = self.access.url
        return Failure(error=QueryTooHeavy(problem, url=url, promql=promql, advice=advice))

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
    """Return how long a server asks to wait; None if it does not, or not in a way that is one."""
    text = response.headers.get("Retry-After", "")[:100]
    if seconds := _SECONDS.fullmatch(text):
        return float(seconds[1])
    try:
        moment = parsedate_tz(text)
        return None if moment is None else max(0.0, mktime_tz(moment) - time.time())
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def _unusual(response: requests.Response | None) -> str:
    """Return what is wrong with a success that was not read."""
    status = HTTPStatus.OK if response is None else response.status_code
    if response is not None and response.content.strip():
        return f"the answer has HTTP status {status}, which is not Prometheus's API"
    return "the answer is empty, which is not Prometheus's API"
