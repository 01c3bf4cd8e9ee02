"""A server that goes wrong on demand, alone or in front of a real one."""

import http.client
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.support.answers import Answer
from tests.support.in_thread import InThread

_UPSTREAM_SECONDS = 120.0
_HOP_HEADERS = frozenset({"connection", "content-length", "host", "transfer-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request the server got."""

    method: str
    path: str
    """With the query string."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class FaultyHttp(InThread):
    """A server on a free port of loopback that follows a script, one entry a request.

    An entry of None passes the request on to `upstream`, the URL of a real server. When the script
    has ended, requests are passed on too; without an upstream the last answer is given for ever.
    Only requests for which `counts` is true use up an entry; the others are passed on (without an
    upstream they count too). `with FaultyHttp([...]) as server:` starts and ends it.
    """

    def __init__(
        self,
        script: Sequence[Answer | None] = (),
        *,
        upstream: str | None = None,
        counts: Callable[[Received], bool] = lambda _: True,
    ) -> None:
        if upstream is None and (not script or None in script):
            raise ValueError("script: without an upstream, every entry must be an answer")
        self._script = tuple(script)
        self._upstream = upstream
        self._counts = counts
        self._counted = 0
        self._received: list[Received] = []
        self._lock = threading.Lock()
        ending = threading.Event()
        super().__init__(_Server(self.answer, ending), ending)

    @property
    def received(self) -> tuple[Received, ...]:
        """Return the requests so far, in the order they came."""
        with self._lock:
            return tuple(self._received)

    def end_script(self) -> None:
        """From now on pass every request on."""
        with self._lock:
            self._counted = max(self._counted, len(self._script))

    def answer(self, request: Received) -> Answer:
        """Return what the script has for a request."""
        with self._lock:
            self._received.append(request)
            place = self._counted
            counts = self._upstream is None or self._counts(request)
            self._counted += counts
        if counts and place < len(self._script):
            scripted = self._script[place]
        else:
            scripted = None if self._upstream else self._script[-1]
        if scripted is not None:
            return scripted
        return passed_on(request, str(self._upstream))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A client that keeps its connection open must not hold up the end of a test.
    block_on_close = False

    def __init__(self, answer: Callable[[Received], Answer], ending: threading.Event) -> None:
        self.answer = answer
        self.ending = ending
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: clients that give up are what tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are sent one after the other: the second would wait 40 ms for the first to be
    # acknowledged.
    disable_nagle_algorithm = True
    server: _Server

    def _handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = Received(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        answer = self.server.answer(request)
        # Wakes up at once when the test ends.
        self.server.ending.wait(answer.delay_seconds)
        self._send(answer)

    def do_GET(self) -> None:
        self._handle_any()

    def do_POST(self) -> None:
        self._handle_any()

    def log_message(self, *_: object) -> None:
        """Print nothing. The requests are kept instead."""

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) - answer.missing_bytes])
        if answer.missing_bytes:
            self.close_connection = True


def passed_on(request: Received, upstream: str) -> Answer:
    """Return what a real server answers to a request."""
    target = urlsplit(upstream)
    connection = http.client.HTTPConnection(target.netloc, timeout=_UPSTREAM_SECONDS)
    try:
        headers = {n: v for n, v in request.headers.items() if n not in _HOP_HEADERS}
        connection.request(request.method, target.path + request.path, request.body, headers)
        answer = connection.getresponse()
        kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in _HOP_HEADERS]
        return Answer(status=answer.status, body=answer.read(), headers=tuple(kept))
    except OSError as error:
        return Answer(status=502, body=f"{upstream}: {error}".encode())
    finally:
        connection.close()
