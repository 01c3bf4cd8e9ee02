"""Ending a collection in the middle, without warning."""

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.live.command import command


def killed(arguments: list[str], chunks: Path, count: int) -> None:
    """Run istio-usage until `count` chunks are finished, and kill it."""
    process = subprocess.Popen(
        command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while len(list(chunks.glob("[a-z]*.parquet"))) < count:
            assert process.poll() is None, "it ended too early"
            assert time.monotonic() < deadline, "too few chunks were finished"
            time.sleep(0.02)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
