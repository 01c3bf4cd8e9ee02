"""Commands of this project at another commit, each in a process that answers many times."""

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.live.command import Outcome

BEFORE = "71989e3"
"""The last commit that believed every sample."""

ROOT = Path(__file__).parents[2]

_DRIVER = """
import json, sys
from click.testing import CliRunner
from analyzer.cli import cli
for line in sys.stdin:
    done = CliRunner().invoke(cli, json.loads(line))
    print(json.dumps([done.exit_code, done.stdout, done.stderr]), flush=True)
"""


class Commands:
    """The command line of the sources in a folder, imported once."""

    def __init__(self, sources: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _DRIVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=sources,
            env={**os.environ, "PYTHONPATH": str(sources), "NO_PROXY": "127.0.0.1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def run(self, arguments: Sequence[str]) -> Outcome:
        """Return the outcome of one command."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(list(arguments)) + "\n")
        self._process.stdin.flush()
        status, stdout, stderr = json.loads(self._process.stdout.readline())
        return Outcome(status=status, stdout=stdout, stderr=stderr)


@contextmanager
def sources_of(commit: str) -> Iterator[Path | None]:
    """Unpack the sources of a commit; None where this is no clone that has it."""
    packed = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "--format=zip", commit, "analyzer", "queries"],
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        yield None
        return
    with tempfile.TemporaryDirectory() as name:
        with zipfile.ZipFile(io.BytesIO(packed.stdout)) as archive:
            archive.extractall(name)
        yield Path(name)
