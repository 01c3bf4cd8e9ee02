"""A Prometheus of one answer behind TLS."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.prometheus.asking import AT
from tests.support import prometheus_success
from tests.support.certificates import Identity
from tests.support.in_thread import InThread

_ONE = [{"metric": {}, "value": [AT.timestamp(), "1"]}]


class HttpsServer(InThread):
    """Answers 1 to every query, over TLS, on a free port of loopback."""

    scheme = "https"

    def __init__(self, identity: Identity, *, clients: Path | None = None) -> None:
        """Serve with a certificate; with `clients`, only who shows one of those is served."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate, identity.key)
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients)
        self.client_names: list[str] = []
        server = _Server(self.client_names)
        # Shaking hands belongs in the thread of the client, not in that which waits for others.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        super().__init__(server, threading.Event())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, client_names: list[str]) -> None:
        self.client_names = client_names
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that are refused are what tests are about."""


class _Handler(BaseHTTPRequestHandler):
    # Else the body waits for the headers to be acknowledged.
    disable_nagle_algorithm = True
    server: _Server
    connection: ssl.SSLSocket

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        shown: dict[str, Any] = self.connection.getpeercert() or {}
        for ((_, name),) in shown.get("subject", ()):
            self.server.client_names.append(name)
        answer = prometheus_success(_ONE, result_type="vector")
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
