"""What asking may take: the time and the bytes of a request, and the time of all requests."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import Final

import numpy as np

from analyzer.errors import DeadlinePassed
from analyzer.files import MIB
from analyzer.prometheus.credentials import Access
from analyzer.settings import Setting

_SMALL_SHARE: Final = 16
"""Answers up to this part of the largest one are read side by side, larger ones one at a time."""

_DECODED_SHARE: Final = 12
"""Memory that an answer may take while it is decoded, in times the size of the largest answer."""

_COSTS: Final = {ord("["): 104, ord("{"): 250, ord('"'): 36, ord(","): 48}
"""Bytes of memory for each of these characters: what orjson makes of a list, an object, half a text
and a number, with its own document. A matrix takes 9 to 13 times its bytes, `[],[]` 50 times."""

_WEIGHED_BYTES: Final = 256 * 1024
"""What is weighed at once: a processor's cache holds it."""

_HEADER_BYTES: Final = MIB
"""Status line, headers and the marks between chunks."""

_LONGEST_SECONDS: Final = 1e6
"""What a socket takes as a timeout."""


class AnswerTooLarge(Exception):
    """An answer is larger than may be; the text is a clause about it, "" for its size.

    It is no OSError, which urllib3 would take for a lost connection.
    """


class Allowance:
    """What one request may still take; its own thread uses it.

    Attributes:
        is_connected: whether the server has accepted the connection.
        opened: the answer of http.client, which urllib3 leaves open where it dislikes a header.
    """

    def __init__(self, *, seconds: float, budget: Budget) -> None:
        self._budget = budget
        self._ends_at = time.monotonic() + seconds
        self._received_bytes = 0
        self._is_large = False
        self.is_connected = False
        self.opened: HTTPResponse | None = None

    @property
    def is_over(self) -> bool:
        """Whether its time has passed."""
        return time.monotonic() >= self._ends_at

    def seconds_left(self) -> float:
        """Return how long the next step may take; raises TimeoutError if there is no time."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return min(left, _LONGEST_SECONDS)

    def received(self, count: int) -> None:
        """Count bytes as they come from the server; raises AnswerTooLarge."""
        self._received_bytes += count
        if self._received_bytes > self._budget.answer_bytes + _HEADER_BYTES:
            raise AnswerTooLarge

    def grown_to(self, size: int) -> None:
        """Take note of the decompressed size so far.

        A large answer waits here until no other is held; the request's time does not pass then.

        Raises:
            AnswerTooLarge: if it is larger than an answer may be.
            TimeoutError: if the deadline of all requests passes.
        """
        if size > self._budget.answer_bytes:
            raise AnswerTooLarge
        if self._is_large or size <= self._budget.answer_bytes // _SMALL_SHARE:
            return
        began = time.monotonic()
        if not self._budget.large.acquire(timeout=min(self._budget.seconds_left, _LONGEST_SECONDS)):
            raise TimeoutError("timed out")
        self._is_large = True
        self._ends_at += time.monotonic() - began
        self._ends_at = min(self._ends_at, self._budget.ends_at)

    def weigh(self, content: bytes) -> None:
        """Refuse a body that would take too much memory decoded; raises AnswerTooLarge."""
        if self._is_large and _weight_of(content) > _DECODED_SHARE * self._budget.answer_bytes:
            raise AnswerTooLarge("would take too much memory")

    def end(self) -> None:
        """Let the next large answer be read."""
        if self._is_large:
            self._is_large = False
            self._budget.large.release()


def _weight_of(content: bytes) -> int:
    """Return about how much memory a body takes decoded, itself included."""
    whole, weight = np.frombuffer(content, np.uint8), len(content)
    for begin in range(0, len(whole), _WEIGHED_BYTES):
        part = whole[begin : begin + _WEIGHED_BYTES]
        # A quarter of the time of bytes.count, in which no other thread could work.
        weight += sum(cost * int(np.count_nonzero(part == c)) for c, cost in _COSTS.items())
    return weight


class Budget:
    """What all requests of one connection may take.

    Attributes:
        answer_bytes: the largest answer, decompressed.
        ends_at: the deadline on the monotonic clock; infinite without one.
        large: held by the thread that reads or decodes a large answer.
    """

    def __init__(self, access: Access) -> None:
        self.answer_bytes = access.max_answer_mib * MIB
        self.large = threading.Lock()
        self._timeout_seconds = access.timeout_seconds
        self._deadline_seconds = access.deadline_seconds
        self.ends_at = time.monotonic() + (access.deadline_seconds or math.inf)

    @property
    def seconds_left(self) -> float:
        """The time until the deadline."""
        return max(0.0, self.ends_at - time.monotonic())

    @property
    def request_seconds(self) -> int:
        """The time that the server is given for the next request, in whole seconds."""
        return max(1, math.floor(min(self._timeout_seconds, self.seconds_left)))

    def require_time(self) -> None:
        """Raise DeadlinePassed if the time of all requests has passed."""
        if not self.seconds_left:
            raise DeadlinePassed(
                f"Not finished within {self._deadline_seconds:g} s. "
                f"Raise the deadline ({Setting.DEADLINE})."
            )

    @contextmanager
    def allowed(self) -> Iterator[Allowance]:
        """Bound the request that this thread sends meanwhile, and the decoding of its answer."""
        if (outer := _CURRENT.get()) is not None:
            yield outer
            return
        seconds = min(float(self._timeout_seconds), self.seconds_left)
        allowance = Allowance(seconds=seconds, budget=self)
        token = _CURRENT.set(allowance)
        try:
            yield allowance
        finally:
            _CURRENT.reset(token)
            allowance.end()


_CURRENT: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


def current_allowance() -> Allowance | None:
    """Return that of the request that this thread sends; None outside of requests."""
    return _CURRENT.get()
