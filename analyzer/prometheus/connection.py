"""Asking one Prometheus: prometheus-api-client with retries, and errors in sentences."""

import copy
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Protocol, Self, TypeVar

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect

from analyzer.errors import Limit, PrometheusError, QueryTooHeavy
from analyzer.prometheus.bounds import AnswerTooLarge, Budget
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.expected import NOT_THE_SERVER
from analyzer.prometheus.pace import PATIENCE_SECONDS, Pace, Turn
from analyzer.prometheus.proxy import proxy_for
from analyzer.prometheus.refusals import Failure, Judge
from analyzer.prometheus.response import (
    Response,
    decode_values,
    shifted,
    stray_instant,
    stray_time,
)
from analyzer.prometheus.session import NoAnswerInTime, PrometheusSession
from analyzer.prometheus.transport import BoundedAdapter
from analyzer.units import moment
from analyzer.window import Chunk, TimeWindow

_Answer = TypeVar("_Answer", Response, tuple[str, ...])
_Send = Callable[[], _Answer]

_WAITS_SECONDS = (0.5, 1.0, 2.0)
"""Before the second, third and fourth attempt."""


class Source(Protocol):
    """Anything that answers PromQL."""

    def instant(self, promql: str, at: datetime) -> Response:
        """Evaluate at one time."""

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        """Evaluate at the points of a chunk; the response has the times of `window.time_of`."""


class Connection:
    """A `Source` that is a Prometheus server; safe to use from several threads."""

    def __init__(
        self,
        access: Access,
        *,
        sleep: Callable[[float], None] = time.sleep,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare to ask the server.

        Args:
            access: its address and credentials.
            sleep: waits some seconds.
            note: called with a sentence about each way in which the server has to be asked
                differently, once.
        """
        self.access = access
        self._judge = Judge(access=access, proxy=proxy_for(access.sent_url))
        self._sleep, self._note = sleep, note
        self._budget = Budget(access)
        self._pace = Pace(self._wait)
        self._too_long: tuple[float, QueryTooHeavy] | None = None
        self._has_answered = False
        self._noted: set[str] = set()
        self._lock = threading.Lock()
        self._session = PrometheusSession(access, self._budget)
        self._client = PrometheusConnect(url=access.sent_url, session=self._session, method="POST")
        # In place of the one that it has mounted.
        self._session.mount(access.sent_url, BoundedAdapter())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def instant(self, promql: str, at: datetime) -> Response:
        """Evaluate at one time.

        Raises:
            QueryTooHeavy: if the server gave up on it, or the answer is too large.
            DeadlinePassed: if the time of all requests has passed.
            PrometheusError: if it could not be asked or understood.
        """
        parameters = {"time": round(at.timestamp()), "timeout": self._server_timeout()}
        send: _Send[Response] = partial(self._client.custom_query, promql, params=parameters)
        answer = self._ask(promql, send, divisible=False)
        self._require_asked(promql, stray_instant(answer, promql, at))
        return answer

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        """Evaluate at the points of a chunk; raises like `instant`.

        What is longer than the server refused before is not sent.
        """
        seconds = (chunk.last_point - chunk.first_point) * window.step_seconds
        if self._too_long and seconds >= self._too_long[0]:
            raise copy.copy(self._too_long[1])
        send: _Send[Response] = partial(
            self._client.custom_query_range,
            promql,
            window.evaluated_at(chunk.first_point),
            window.evaluated_at(chunk.last_point),
            # A frontend moves a single point, too, to a multiple of its step.
            step=str(window.step_seconds * (chunk.stride if chunk.point_count > 1 else 1)),
            params={"timeout": self._server_timeout()},
        )
        try:
            answer = self._ask(promql, send, divisible=chunk.point_count > 1)
        except QueryTooHeavy as error:
            if error.limit == Limit.SPAN and seconds:
                with self._lock:
                    known = self._too_long
                    self._too_long = known if known and known[0] < seconds else (seconds, error)
            raise
        answer = shifted(answer, -window.offset_seconds)
        self._require_asked(promql, stray_time(answer, window, chunk))
        return answer

    def label_values(self, label: str) -> tuple[str, ...]:
        """Return all values of a label; none where the server does not list them."""
        url = f"{self.access.sent_url}/api/v1/label/{label}/values"

        def send() -> tuple[str, ...]:
            response = self._session.request("GET", url)
            if response.status_code != HTTPStatus.OK:
                raise PrometheusApiClientException
            return decode_values(response.content)

        try:
            return self._ask("", send, divisible=False, is_post=False)
        except PrometheusError:
            return ()

    def _server_timeout(self) -> str:
        """Return the time after which the server itself may give up."""
        return f"{self._budget.request_seconds}s"

    def _wait(self, seconds: float) -> None:
        """Sleep, but not beyond the deadline; raises DeadlinePassed there."""
        self._sleep(min(seconds, self._budget.seconds_left))
        self._budget.require_time()

    def _require_asked(self, promql: str, stray: datetime | None) -> None:
        """Raise PrometheusError if an answer has a time that was not asked for."""
        if stray is not None:
            problem = f"the answer has a sample of {moment(stray)} UTC, which was not asked for"
            raise PrometheusError(
                problem, url=self.access.url, promql=promql, advice=NOT_THE_SERVER
            )

    def _ask(
        self, promql: str, send: _Send[_Answer], *, divisible: bool, is_post: bool = True
    ) -> _Answer:
        """Send until it is answered or fails for good; if `divisible`, less can be asked for."""
        waits_seconds = iter(_WAITS_SECONDS)
        paced_seconds = 0.0
        is_repeated = is_paced = False
        while True:
            self._budget.require_time()
            with self._pace.turn() as turn:
                attempt = self._sent if is_post else self._outcome
                outcome, cause = attempt(promql, send, divisible=divisible)
            self._has_answered |= not isinstance(cause, NoAnswerInTime)
            if not isinstance(outcome, Failure):
                self._pace.answered()
                return outcome
            if is_paced:
                paced_seconds += turn.waited_seconds
            if outcome.is_paced and paced_seconds < PATIENCE_SECONDS:
                is_paced = True
                self._slow_down(turn, outcome)
                continue
            self._budget.require_time()
            passes = outcome.passes or (outcome.once and not is_repeated)
            is_repeated = True
            wait_seconds = next(waits_seconds, None)
            if not passes or wait_seconds is None:
                is_late = isinstance(outcome.error, QueryTooHeavy) and outcome.once
                if is_late and not self._has_answered:
                    # It would be asked for less and less, a timeout each.
                    raise self._judge.never_answers() from cause
                raise outcome.error from cause
            asked_seconds = outcome.wait_seconds
            self._wait(wait_seconds if asked_seconds is None else asked_seconds)

    def _slow_down(self, turn: Turn, failure: Failure) -> None:
        self._pace.refused(turn, failure.wait_seconds)
        self._note_once(
            f"{self.access.url} refuses requests that follow each other too fast "
            f"(HTTP {failure.error.status}). They are sent more slowly."
        )

    def _sent(
        self, promql: str, send: _Send[_Answer], *, divisible: bool
    ) -> tuple[_Answer | Failure, Exception | None]:
        """Send once, and once more with GET where POST may be refused."""
        outcome, cause = self._outcome(promql, send, divisible=divisible)
        if not isinstance(outcome, Failure) or not outcome.may_be_method:
            return outcome, cause
        if not self._session.may_use_get:
            return outcome, cause
        with self._session.by_get():
            other, other_cause = self._outcome(promql, send, divisible=divisible)
        if isinstance(other, Failure) and not other.shows_method_works:
            self._session.decide_get(works=False)
            return outcome, cause
        self._session.decide_get(works=True)
        self._note_once(
            f"{self.access.url} refuses POST (HTTP {outcome.error.status}). "
            "Queries are sent with GET."
        )
        return other, other_cause

    def _outcome(
        self, promql: str, send: _Send[_Answer], *, divisible: bool
    ) -> tuple[_Answer | Failure, Exception | None]:
        """Send once; return the answer, or why there is none and what was raised."""
        with self._budget.allowed():
            try:
                return self._judged(promql, send, divisible=divisible)
            finally:
                self._session.forget()

    def _judged(
        self, promql: str, send: _Send[_Answer], *, divisible: bool
    ) -> tuple[_Answer | Failure, Exception | None]:
        try:
            return send(), None
        except AnswerTooLarge as error:
            return self._judge.too_large(promql, str(error)), error
        except PrometheusApiClientException as error:
            response = self._session.last_response
            if response is None:  # pragma: no cover - the client raises only with a response
                return Failure(error=PrometheusError("no response", url=self.access.url)), error
            return self._judge.refused(promql, response, divisible=divisible), error
        except requests.RequestException as error:
            return self._judge.silent(promql, error, divisible=divisible), error
        except PrometheusError as error:
            return self._judge.strange(promql, self._session.last_response, error), error

    def _note_once(self, text: str) -> None:
        with self._lock:
            if text in self._noted:
                return
            self._noted.add(text)
        self._note(text)
