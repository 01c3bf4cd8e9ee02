"""How fast a server lets itself be asked: one pace for all threads of a connection."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PATIENCE_SECONDS = 300.0
"""Time that one request waits in all, while the server refuses it for its rate."""

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0
_NONE_SECONDS = 0.05
"""An interval between requests that is shorter is none."""

_EASED = 0.95
"""Factor of the interval after each answer: it finds out slowly what the server takes."""

_WIDEST = 64
_WIDER_AFTER = 10
"""Answers in a row after which one more request may be under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One request's turn: how long it waited, and at which of the paces it was sent."""

    waited_seconds: float
    pace: int


class Pace:
    """Lets requests wait for each other; without a refusal none waits.

    A refusal doubles the time between two requests and halves how many are under way. Answers make
    both easier again. Requests that were under way together count as one refusal.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._changed = threading.Condition()
        self._interval_seconds = 0.0
        self._next_at = 0.0
        self._width = _WIDEST
        self._running = 0
        self._answers = 0
        self._paces = 0

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait until the next request may be sent."""
        with self._changed:
            self._changed.wait_for(lambda: self._running < self._width)
            self._running += 1
            now = time.monotonic()
            at = max(now, self._next_at)
            self._next_at = at + self._interval_seconds
            pace = self._paces
        try:
            if at > now:
                self._sleep(at - now)
            yield Turn(waited_seconds=at - now, pace=pace)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def refused(self, turn: Turn, asked_seconds: float | None) -> None:
        """Slow down after a refusal.

        Args:
            turn: that of the refused request.
            asked_seconds: how long the server asks to wait; None if it does not ask.
        """
        with self._changed:
            if turn.pace == self._paces:
                doubled = max(_FIRST_SECONDS, 2 * self._interval_seconds)
                self._interval_seconds = min(doubled, _LONGEST_SECONDS)
                self._width = max(1, min(self._width, self._running + 1) // 2)
                self._paces += 1
                self._answers = 0
            wait = self._interval_seconds if asked_seconds is None else asked_seconds
            self._next_at = max(self._next_at, time.monotonic() + wait)

    def answered(self) -> None:
        """Ask a little faster after an answer."""
        with self._changed:
            eased = self._interval_seconds * _EASED
            self._interval_seconds = eased if eased > _NONE_SECONDS else 0.0
            self._answers += 1
            if self._answers >= _WIDER_AFTER and self._width < _WIDEST:
                self._width, self._answers = self._width + 1, 0
                self._changed.notify_all()
