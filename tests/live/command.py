"""Running the real command line as a user does: a process, its streams and its exit status."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

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
    """Run istio-usage and return its outcome, success or failure."""
    done = subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=_LONGEST_SECONDS,
        check=False,
        env={**os.environ, **environment},
    )
    return Outcome(status=done.returncode, stdout=done.stdout, stderr=done.stderr)
