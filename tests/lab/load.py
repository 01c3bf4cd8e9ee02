"""Load on the chains: hey, bounded in time and rate, and ended by its handle."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.mesh import LabMesh
from tests.lab.topology import CHAINS, Chain
from tests.support.binaries import find_binary

__all__ = ["Load"]

_END_SECONDS = 20.0


class Load:
    """The load of one step after the other, for as long as a `with` lasts."""

    def __init__(self, mesh: LabMesh, folder: Path) -> None:
        self._mesh = mesh
        self._body = folder / "body"
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._body.write_bytes(b"x" * max(chain.body_bytes for chain in CHAINS))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._running:
            process.kill()
            process.wait()

    def start(self, rates: Mapping[str, float], seconds: float) -> None:
        """Load every chain at its rate for this long."""
        self.finish()
        for chain in CHAINS:
            rps = rates[chain.name]
            if rps > 0:
                command = self._command(chain, rps, seconds)
                self._running.append(
                    subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                )

    def finish(self) -> None:
        """Wait until the load has ended by itself."""
        for process in self._running:
            process.wait(_END_SECONDS)
        self._running = []

    def _command(self, chain: Chain, rps: float, seconds: float) -> list[str]:
        url = f"http://127.0.0.1:{self._mesh.entry_port(chain)}/{chain.answer_bytes}"
        limit = ["-q", f"{rps / chain.connections:.3f}"]
        body = ["-m", "POST", "-D", str(self._body)] if chain.body_bytes else []
        duration = f"{round(seconds * 1000)}ms"
        program = str(find_binary("hey"))
        return [program, "-z", duration, "-c", str(chain.connections), *limit, *body, url]
