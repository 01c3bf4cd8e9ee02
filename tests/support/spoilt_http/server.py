"""A server of raw sockets before a real one, which spoils some of its answers."""

import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.client import responses
from typing import BinaryIO

from tests.support.answers import Answer
from tests.support.faulty_http import Received, passed_on
from tests.support.in_thread import InThread

When = Callable[[int], bool]
"""Tells by the number of a request, from 1, whether its answer is spoilt."""


def ALWAYS(_: int) -> bool:  # noqa: N802 - it reads as a value beside Once
    """Spoil every answer."""
    return True


@dataclass(frozen=True, slots=True)
class Once:
    """Spoil one answer."""

    number: int

    def __call__(self, number: int) -> bool:
        return number == self.number


class Client:
    """The connection of a request whose answer is spoilt."""

    def __init__(self, connected: socket.socket, ending: threading.Event) -> None:
        self._connected, self._ending = connected, ending

    def send(self, data: bytes) -> None:
        """Send bytes as they are; OSError if the client has left."""
        self._connected.sendall(data)

    def drip(self, data: bytes, *, every_seconds: float) -> None:
        """Send byte after byte, without end after the last one."""
        for place in range(len(data)):
            self.send(data[place : place + 1])
            if self._ending.wait(every_seconds):
                return
        self.wait()

    def repeat(self, data: bytes, *, most_bytes: int, every_seconds: float = 0) -> None:
        """Send the same again and again, until the client leaves."""
        for _ in range(most_bytes // len(data)):
            self.send(data)
            if every_seconds and self._ending.wait(every_seconds):
                return

    def wait(self) -> None:
        """Send nothing until the client leaves, or the server ends."""
        self._connected.settimeout(0.05)
        while not self._ending.is_set():
            try:
                if not self._connected.recv(1):
                    return
            except TimeoutError:
                continue

    def reset(self) -> None:
        """Break the connection off."""
        linger = struct.pack("ii", 1, 0)
        self._connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


Spoil = Callable[[Client, Answer], None]
"""Sends something in place of an answer; the connection is closed after it."""


def passes_on(client: Client, answer: Answer) -> None:
    """Send the answer as it is."""
    client.send(whole(answer))


class SpoiltServer(InThread):
    """Passes requests on to a server, and spoils the answers to some of them."""

    def __init__(self, upstream: str | Answer, spoil: Spoil, when: When = ALWAYS) -> None:
        self._upstream, self._spoil, self._when = upstream, spoil, when
        self._lock = threading.Lock()
        self.request_count = 0
        self.accepted_encodings: list[str] = []
        """What the requests so far accept."""
        super().__init__(_Server(self._serve), threading.Event())

    def _serve(self, connected: socket.socket) -> None:
        with connected.makefile("rb") as reader:
            while (request := _read(reader)) is not None:
                if not self._answer(connected, request):
                    return

    def _answer(self, connected: socket.socket, request: Received) -> bool:
        """Answer a request; return whether the connection stays open."""
        with self._lock:
            self.request_count += 1
            number = self.request_count
            self.accepted_encodings.append(request.headers.get("accept-encoding", ""))
        answer = self._upstream
        if isinstance(answer, str):
            # What is spoilt is the plain body.
            headers = {**request.headers, "accept-encoding": "identity"}
            answer = passed_on(replace(request, headers=headers), answer)
        if self._when(number):
            self._spoil(Client(connected, self._ending), answer)
            return False
        connected.sendall(whole(answer, closes=False))
        return True


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self._serve_one = serve

    def finish_request(self, request: object, _: object) -> None:
        """Serve all requests of a connection."""
        assert isinstance(request, socket.socket)
        self._serve_one(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: clients that give up are what tests are about."""


def _read(reader: BinaryIO) -> Received | None:
    line = reader.readline().decode("latin-1")
    if not line:
        return None
    method, path, _ = line.split(" ", 2)
    headers: dict[str, str] = {}
    while line := reader.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", 0))) or b""
    return Received(method=method, path=path, headers=headers, body=body)


def head(status: int, *headers: tuple[str, str], closes: bool = True) -> bytes:
    """Return a status line and headers."""
    lines = [f"HTTP/1.1 {status} {responses.get(status, 'Odd')}"]
    lines += ["Connection: close"] if closes else []
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def whole(answer: Answer, *, closes: bool = True) -> bytes:
    """Return an answer as it is sent."""
    length = ("Content-Length", str(len(answer.body)))
    return head(answer.status, *answer.headers, length, closes=closes) + answer.body
