"""Running one command in a process of its own, and judging its end: a value, or one line."""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.forked import forked

_KNOWN: Final = frozenset({0, 1, 2, 3})
_TRACEBACK: Final = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a command ended; the figures are those of `Forked`."""

    status: int
    stdout: str
    stderr: str
    seconds: float
    cpu_seconds: float
    peak_mib: float

    def fault(self, *, most_seconds: float = 60, most_mib: float = 600) -> str:
        """Return what is wrong with this end; "" if nothing is."""
        last = self.stderr.splitlines()[-1:] or [""]
        if self.status not in _KNOWN or "Traceback" in self.stderr:
            return f"status {self.status}: {last[0]}"
        if "Warning" in self.stderr:
            return f"a warning: {self.stderr[:300]}"
        if self.status and self.stderr.count("\n") != 1:
            return f"{self.stderr.count(chr(10))} lines: {self.stderr[:300]}"
        if len(self.stderr) > 5000:
            return f"a line of {len(self.stderr)} characters"
        # On a loaded machine the clock shows how long others took.
        if self.cpu_seconds > most_seconds or self.peak_mib > most_mib:
            return f"{self.cpu_seconds:.0f} s of CPU and {self.peak_mib:.0f} MiB"
        return no_number(self.stdout) if not self.status else ""


def no_number(text: str) -> str:
    """Return the first NaN or infinity in JSON; "" if there is none."""
    found: list[str] = []
    json.loads(text, parse_constant=found.append)
    return f"{found[0]} in the answer" if found else ""


def run(arguments: Sequence[str], invoke: Callable[[list[str]], object]) -> End:
    """Run a command in a fork of this process, which has everything imported."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder, name) for name in ("stdout", "stderr")]
        ended = forked(lambda: _status(list(arguments), streams, invoke))
        stdout, stderr = (path.read_text("utf-8", "replace") for path in streams)
    return End(
        status=ended.status if ended.result is None else ended.result,
        stdout=stdout,
        stderr=stderr,
        seconds=ended.seconds,
        cpu_seconds=ended.cpu_seconds,
        peak_mib=ended.peak_mib,
    )


def _status(
    arguments: list[str], streams: list[Path], invoke: Callable[[list[str]], object]
) -> int:
    for number, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    status = 0
    try:
        invoke(arguments)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
    except BaseException:  # noqa: BLE001 - a traceback is what is looked for
        traceback.print_exc()
        status = _TRACEBACK
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return status
