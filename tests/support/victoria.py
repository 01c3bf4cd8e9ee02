"""A real VictoriaMetrics on loopback, for as long as a test lasts."""

import re
from typing import ClassVar

from tests.support.mesh import Mesh
from tests.support.server_process import ServerProcess


class VictoriaServer(ServerProcess):
    """Debian's VictoriaMetrics, a single node without scrapes, on a free port of loopback.

    `with VictoriaServer(folder) as server:` starts it on what the folder holds, be it nothing or
    what an earlier server left there, and ends it however the block ends. Its API is at
    `url`/api/v1, as Prometheus's is.
    """

    program: ClassVar[str] = "victoria-metrics"

    def fill(self, mesh: Mesh) -> int:
        """Write all samples of a mesh, and wait until queries find them."""
        count = super().fill(mesh)
        # Fresh samples wait in memory, unseen by queries, until they are flushed.
        self._get("/internal/force_flush").raise_for_status()
        return count

    def _arguments(self, port: int) -> list[str]:
        return [
            f"-storageDataPath={self.data}",
            # Samples of years ago must stay; the default is a month.
            "-retentionPeriod=100y",
            f"-httpListenAddr=127.0.0.1:{port}",
            # Otherwise an answer from before fill() may be given again after it.
            "-search.disableCache",
            # It would plan for most of the machine's memory.
            "-memory.allowedBytes=256MiB",
            # Twice the number of cores by default, and a collection asks four at once.
            "-search.maxConcurrentRequests=8",
        ]

    def _data_it_serves(self) -> str:
        if not self._get("/health").ok:
            return ""
        found = re.search(r'^-storageDataPath="(.*)"$', self._get("/flags").text, re.MULTILINE)
        return found[1] if found else ""
