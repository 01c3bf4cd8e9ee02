"""A neighbour: a process that burns CPU beside the Envoys, bounded in time, ended by its handle."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Final, Self

__all__ = ["Neighbour"]

_END_SECONDS: Final = 10.0

_WORK: Final = """
import sys, time

share, end = float(sys.argv[1]), time.monotonic() + float(sys.argv[2])
size, part, at = 48 << 20, 1 << 18, 0
memory = memoryview(bytearray(size))
while (begin := time.monotonic()) < end:
    while time.monotonic() < min(begin + 0.05 * share, end):
        other = (at * 7 + size // 3) % (size - part)
        memory[at : at + part] = memory[other : other + part]
        at = (at + 5 * part) % (size - part)
    time.sleep(min(0.05 * (1 - share), max(end - time.monotonic(), 0)))
"""
"""Copies through more memory than the caches hold, so that others find them empty."""


class Neighbour:
    """What burns CPU in one load step after the other, for as long as a `with` lasts."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
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

    @property
    def pids(self) -> list[int]:
        """Its processes of this step."""
        return [process.pid for process in self._running]

    def start(self, cores: float, seconds: float) -> None:
        """Burn this many cores for this long, in processes that each burn one core or a part."""
        self.finish()
        while cores > 0:
            command = [sys.executable, "-S", "-E", "-c", _WORK, f"{min(cores, 1.0)}", f"{seconds}"]
            self._running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
            cores -= 1.0

    def finish(self) -> None:
        """Wait until it has ended by itself."""
        for process in self._running:
            process.wait(_END_SECONDS)
        self._running = []
