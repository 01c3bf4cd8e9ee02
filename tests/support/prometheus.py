"""A real Prometheus on loopback, for as long as a test lasts."""

import json
import socket
import subprocess
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from tests.support import remote_write
from tests.support.binaries import find_binary
from tests.support.mesh import Mesh

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05
_PORT_ATTEMPTS = 5
_REQUEST_SECONDS = 5.0


class ServerStartError(Exception):
    """Prometheus did not come up; the message has its last words."""


class _PortTakenError(Exception):
    """Somebody else took the port between our asking for a free one and its use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedQuery:
    """A query as the server received it."""

    promql: str
    path: str
    """Of the request, such as /api/v1/query_range."""
    start: datetime
    end: datetime
    step_seconds: float
    """0 for an instant query."""


class PrometheusServer:
    """Debian's Prometheus without scrapes, on a free port of loopback.

    `with PrometheusServer(folder) as server:` starts it on what the folder holds, be it nothing or
    what an earlier server left there, and ends it however the block ends.
    """

    def __init__(self, folder: Path, *, flags: Sequence[str] = ()) -> None:
        self.folder = folder
        self.url = ""
        self._flags = tuple(flags)
        self._process: subprocess.Popen[bytes] | None = None
        self._finalizer: weakref.finalize[..., PrometheusServer] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it answers; return with `url` set."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._query_log.write_bytes(b"")
        settings = {"global": {"query_log_file": str(self._query_log)}}
        # JSON is YAML too.
        (self.folder / "prometheus.yml").write_text(json.dumps(settings))
        for _ in range(_PORT_ATTEMPTS):
            try:
                self._start_on(_free_port())
            except _PortTakenError:
                continue
            return
        raise ServerStartError(f"no free port in {_PORT_ATTEMPTS} attempts")

    def stop(self) -> None:
        """End the server, gently at first."""
        if self._finalizer is not None:
            self._finalizer()
        self._process = None

    def fill(self, mesh: Mesh) -> int:
        """Write all samples of a mesh; the server must hold nothing later than its begin."""
        return remote_write.write(f"{self.url}/api/v1/write", mesh.series)

    def query_log(self) -> list[LoggedQuery]:
        """Return the queries received since the start, in the order they ended."""
        return [_logged(json.loads(line)) for line in self._query_log.read_text().splitlines()]

    @property
    def _query_log(self) -> Path:
        return self.folder / "queries.log"

    @property
    def _log(self) -> Path:
        return self.folder / "prometheus.log"

    def _start_on(self, port: int) -> None:
        command = [
            str(find_binary("prometheus")),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            # Samples of years ago must stay.
            "--storage.tsdb.retention.time=100y",
            "--web.enable-remote-write-receiver",
            f"--web.listen-address=127.0.0.1:{port}",
            *self._flags,
        ]
        with self._log.open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._process = process
        # At interpreter exit too, should nobody have called stop().
        self._finalizer = weakref.finalize(self, _end, process)
        self.url = f"http://127.0.0.1:{port}"
        try:
            self._wait_until_ready(process)
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                words = self._last_words()
                if "address already in use" in words:
                    raise _PortTakenError
                raise ServerStartError(f"prometheus ended at once: {words}")
            if self._answers():
                return
            time.sleep(_POLL_SECONDS)
        raise ServerStartError(f"not ready in {_START_SECONDS:.0f} s: {self._last_words()}")

    def _answers(self) -> bool:
        """Tell whether this very server is ready; the port may be another one's by now."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                ready = session.get(f"{self.url}/-/ready", timeout=_REQUEST_SECONDS)
                if not ready.ok:
                    return False
                flags = session.get(f"{self.url}/api/v1/status/flags", timeout=_REQUEST_SECONDS)
                held: str = flags.json()["data"]["storage.tsdb.path"]
        except (requests.RequestException, KeyError):
            return False
        return held == str(self.folder / "data")

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _logged(entry: dict[str, Any]) -> LoggedQuery:
    asked = entry["params"]
    return LoggedQuery(
        promql=asked["query"],
        path=entry.get("httpRequest", {}).get("path", ""),
        start=datetime.fromisoformat(asked["start"]),
        end=datetime.fromisoformat(asked["end"]),
        step_seconds=float(asked["step"]),
    )
