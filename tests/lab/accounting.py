"""The CPU and memory of a process, as the kernel accounts them."""

from __future__ import annotations

from pathlib import Path

__all__ = ["cpu_seconds", "memory_bytes"]

_NANOSECONDS = 1e9


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process, to the nanosecond.

    /proc/PID/schedstat alone is the main thread's; /proc/PID/stat counts in ticks of 10 ms.
    """
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            # It has ended since the folder was listed; Envoy's own threads stay.
            continue
    return total / _NANOSECONDS


def memory_bytes(pid: int) -> int:
    """Return the resident memory of a process that is its own."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/{pid}/status tells no RssAnon")
