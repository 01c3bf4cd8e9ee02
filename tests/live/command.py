"""Running the real command line as a user does: a process, its streams and its exit status."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from analyzer.cli import main
from tests.live.processes import PROCESSES

_LONGEST_SECONDS = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run of the command line left behind."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The answer on stdout, read as JSON."""
        value: dict[str, Any] = json.loads(self.stdout)
        return value


def command(*arguments: object) -> list[str]:
    """Return the command line of istio-usage with these arguments."""
    return [sys.executable, "-m", "analyzer", *map(str, arguments)]


def run(*arguments: object, **environment: str) -> Outcome:
    """Run istio-usage in a process of its own and return its outcome, success or failure.

    The process has everything imported from its beginning; `run_cold` imports as a user's does.
    """
    with tempfile.TemporaryDirectory() as folder:
        streams = Path(folder, "stdout"), Path(folder, "stderr")
        process = started(arguments, {**os.environ, **environment}, streams)
        process.join(_LONGEST_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{arguments} did not end in {_LONGEST_SECONDS} s")
        stdout, stderr = (path.read_text(encoding="utf-8") for path in streams)
        return Outcome(status=process.exitcode, stdout=stdout, stderr=stderr)


def started(
    arguments: Sequence[object], environment: Mapping[str, str], streams: Sequence[Path]
) -> ForkServerProcess:
    """Start istio-usage in a process that has everything imported from its beginning.

    Args:
        arguments: of the command line.
        environment: all of it.
        streams: files or terminals for stdout and stderr.
    """
    work = (list(map(str, arguments)), environment, Path.cwd(), streams)
    process = PROCESSES.Process(target=_work, args=work)
    process.start()
    return process


def run_cold(*arguments: object, **environment: str) -> Outcome:
    """Run istio-usage in a new interpreter and return its outcome, success or failure."""
    done = subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=_LONGEST_SECONDS,
        check=False,
        env={**os.environ, **environment},
    )
    return Outcome(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


def _work(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, streams: Sequence[Path]
) -> None:
    for descriptor, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOCTTY), descriptor)
    # Those that were inherited know the places of other files.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(
        2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )
    # In the background Ctrl-C is ignored, which the process inherits.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = ["istio-usage", *arguments]
    main()
