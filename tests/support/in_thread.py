"""A server of the tests' own that runs in a thread, on a free port of loopback."""

import socketserver
import threading
from types import TracebackType
from typing import Self

_JOIN_SECONDS = 5.0


class InThread:
    """Serves from the beginning of a `with` to its end."""

    scheme = "http"

    def __init__(self, server: socketserver.TCPServer, ending: threading.Event) -> None:
        """Prepare to serve; `ending` is set for those who wait, when the server ends."""
        self._server, self._ending = server, ending
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_JOIN_SECONDS)

    @property
    def url(self) -> str:
        """Return where the server listens, without a slash at the end."""
        return f"{self.scheme}://127.0.0.1:{self._server.server_address[1]}"
