"""A server program on loopback, for as long as a test lasts."""

import socket
import subprocess
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

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
    """The server did not come up; the message has its last words."""


class _PortTakenError(Exception):
    """Somebody else took the port between our asking for a free one and its use."""


class ServerProcess(ABC):
    """A server without scrapes on a free port of loopback, with a data folder of its own.

    `with` starts it on what the folder holds, be it nothing or what an earlier server left there,
    and ends it however the block ends.
    """

    program: ClassVar[str]
    """Name of the executable."""

    def __init__(self, folder: Path, *, flags: Sequence[str] = ()) -> None:
        self.folder = folder
        self.url = ""
        self._flags = tuple(flags)
        self._process: subprocess.Popen[bytes] | None = None
        self._finalizer: weakref.finalize[..., ServerProcess] | None = None

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
        """Write all samples of a mesh; return how many."""
        return remote_write.write(f"{self.url}/api/v1/write", mesh.series)

    @property
    def data(self) -> Path:
        """Return the folder of the samples."""
        return self.folder / "data"

    @abstractmethod
    def _arguments(self, port: int) -> list[str]:
        """Return the flags that make it listen on a port of loopback and use `data`."""

    @abstractmethod
    def _data_it_serves(self) -> str:
        """Return the data folder that whoever listens at `url` names, "" when it is not ready."""

    def _start_on(self, port: int) -> None:
        command = [str(find_binary(self.program)), *self._arguments(port), *self._flags]
        with self._log.open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._process = process
        # At interpreter exit too, if stop() was not called.
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
                raise ServerStartError(f"{self.program} ended at once: {words}")
            if self._answers():
                return
            time.sleep(_POLL_SECONDS)
        raise ServerStartError(f"not ready in {_START_SECONDS:.0f} s: {self._last_words()}")

    def _answers(self) -> bool:
        """Tell whether this very server is ready; the port may be another one's by now."""
        try:
            return self._data_it_serves() == str(self.data)
        except (requests.RequestException, KeyError):
            return False

    def _get(self, path: str) -> requests.Response:
        with requests.Session() as session:
            # A proxy of the environment has no business between a test and its own server.
            session.trust_env = False
            return session.get(f"{self.url}{path}", timeout=_REQUEST_SECONDS)

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.program}.log"

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
