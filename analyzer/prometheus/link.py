"""Whether answers are worth compressing: a server takes longer for it than a fast link gains."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Final

from analyzer.files import MIB

_PLAIN: Final = "identity"
_COMPRESSED: Final = "gzip"
"""What may be decompressed is what `body` can bound."""

_PATIENCE_SECONDS: Final = 2.0
_SLOW_BYTES_PER_SECOND: Final = 3 * MIB
"""Of one answer, where four are read side by side. Prometheus compresses 30 MB a second on one core
(2.42, go 1.19, an EPYC), to about a sixth: on a link of less than some 10 MB/s that is faster."""

_RUN_BYTES: Final = MIB


class SlowLink(Exception):
    """An answer comes so slowly that the request is sent once more, for a compressed one."""


class Link:
    """How fast the answers of one server come; safe to use from several threads.

    The first ones are asked for as they are. Where one comes slowly, it and all later ones are
    asked for compressed.
    """

    def __init__(self) -> None:
        self._is_slow = threading.Event()

    @property
    def accepted_encoding(self) -> str:
        """The header `Accept-Encoding` of the next request."""
        return _COMPRESSED if self._is_slow.is_set() else _PLAIN

    def watched(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Pass on the pieces of an answer that is not compressed.

        Raises:
            SlowLink: if they come slowly, and none was known to before this answer was asked for.
        """
        if self._is_slow.is_set():
            # The server compresses nothing: asking once more would not help.
            yield from pieces
            return
        rate = _Rate()
        for piece in rate.timed(pieces):
            if rate.is_slow:
                self._is_slow.set()
                raise SlowLink
            yield piece


class _Rate:
    """How fast the pieces of one answer came.

    Other threads may hold the interpreter for a moment, in which no piece is taken. So the fastest
    mebibyte counts.
    """

    def __init__(self) -> None:
        self._seconds = self._run_seconds = 0.0
        self._run_bytes = 0
        self._is_fast = False

    def timed(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Pass on pieces; what is done between two of them takes none of their time."""
        began: float | None = None
        for piece in pieces:
            # The first one may have waited for the server.
            if began is not None:
                self._took(time.monotonic() - began, len(piece))
            yield piece
            began = time.monotonic()

    @property
    def is_slow(self) -> bool:
        """Whether no mebibyte came fast enough, for long enough."""
        return self._seconds > _PATIENCE_SECONDS and not self._is_fast

    def _took(self, seconds: float, size: int) -> None:
        self._seconds += seconds
        self._run_seconds += seconds
        self._run_bytes += size
        if self._run_bytes >= _RUN_BYTES:
            self._is_fast |= self._run_bytes >= _SLOW_BYTES_PER_SECOND * self._run_seconds
            self._run_seconds, self._run_bytes = 0.0, 0
