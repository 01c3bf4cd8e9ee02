"""A real Prometheus on loopback, for as long as a test lasts."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from tests.support.remote_write import BLOCK_HOURS
from tests.support.server_process import ServerProcess


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
    server_seconds: float
    """How long the server worked on it, its wait for a turn included."""
    samples_read: int
    """Samples that it read, each as often as it was read."""


class PrometheusServer(ServerProcess):
    """Debian's Prometheus without scrapes, on a free port of loopback.

    `with PrometheusServer(folder) as server:` starts it on what the folder holds, be it nothing or
    what an earlier server left there, and ends it however the block ends. It takes a mesh by `fill`
    only while it holds nothing later than the mesh's begin.
    """

    program: ClassVar[str] = "prometheus"

    def __init__(
        self, folder: Path, *, flags: Sequence[str] = (), block_hours: int = BLOCK_HOURS
    ) -> None:
        super().__init__(folder, flags=flags)
        self._block_hours = block_hours

    def start(self) -> None:
        """Start the server and wait until it answers; return with `url` set."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._query_log.write_bytes(b"")
        # JSON is YAML too.
        self._settings.write_text(json.dumps(self.settings()))
        super().start()

    def settings(self) -> dict[str, Any]:
        """Return what is written into its configuration file."""
        return {"global": {"query_log_file": str(self._query_log)}}

    def query_log(self) -> list[LoggedQuery]:
        """Return the queries received since the start, in the order they ended."""
        return [_logged(json.loads(line)) for line in self._query_log.read_text().splitlines()]

    def cpu_seconds(self) -> float:
        """Return the CPU that its process has used since it started."""
        found = re.search(
            r"^process_cpu_seconds_total (\S+)$", self._get("/metrics").text, re.MULTILINE
        )
        if found is None:
            raise LookupError("process_cpu_seconds_total")
        return float(found[1])

    @property
    def _query_log(self) -> Path:
        return self.folder / "queries.log"

    @property
    def _settings(self) -> Path:
        return self.folder / "prometheus.yml"

    def _arguments(self, port: int) -> list[str]:
        return [
            f"--config.file={self._settings}",
            f"--storage.tsdb.path={self.data}",
            # Samples of years ago must stay.
            "--storage.tsdb.retention.time=100y",
            f"--storage.tsdb.min-block-duration={self._block_hours}h",
            "--web.enable-remote-write-receiver",
            f"--web.listen-address=127.0.0.1:{port}",
        ]

    def _data_it_serves(self) -> str:
        if not self._get("/-/ready").ok:
            return ""
        flags = self._get("/api/v1/status/flags").json()["data"]
        return str(flags["storage.tsdb.path"])


def _logged(entry: dict[str, Any]) -> LoggedQuery:
    asked = entry["params"]
    return LoggedQuery(
        promql=asked["query"],
        path=entry.get("httpRequest", {}).get("path", ""),
        start=datetime.fromisoformat(asked["start"]),
        end=datetime.fromisoformat(asked["end"]),
        step_seconds=float(asked["step"]),
        server_seconds=float(entry["stats"]["timings"]["execTotalTime"]),
        samples_read=int(entry["stats"]["samples"]["totalQueryableSamples"]),
    )
