"""Whole commands before a spoilt server: how each ends, and what is wrong with that end."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from tests.live.command import Outcome, run
from tests.support import SMALL_MESH
from tests.support.spoilt import KINDS, SpoiltServer
from tests.support.spoilt.server import When, passes_on

DEADLINE_SECONDS = 15
GRACE_SECONDS = 5.0
"""How much later than its deadline a command may end, its start included."""

_BOUNDS = ("--timeout", "1s", "--deadline", f"{DEADLINE_SECONDS}s", "--max-answer", "2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    outcome: Outcome
    seconds: float
    request_count: int
    tables: dict[str, str]
    """Hash of each table of the snapshot; empty if there is none."""
    left: tuple[str, ...]

    @property
    def line(self) -> str:
        """The line of its failure; "" if it was answered."""
        lines = self.outcome.stderr.splitlines()
        return lines[-1] if self.outcome.status and lines else ""


def collect(upstream: str, kind: str | None, when: When, folder: Path) -> Ended:
    """Collect through a server that is spoilt in a way; None: in none."""
    folder.mkdir(parents=True)
    spoil = KINDS[kind].spoil if kind else passes_on
    times = ("--start", SMALL_MESH.start.isoformat(), "--end", SMALL_MESH.end.isoformat())
    with SpoiltServer(upstream, spoil, when) as server:
        began = time.monotonic()
        outcome = run("collect", "-p", server.url, *times, *_BOUNDS, "-o", folder / "mesh")
        seconds = time.monotonic() - began
    tables = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / "mesh").glob("*.parquet")
    }
    return Ended(
        outcome=outcome,
        seconds=seconds,
        request_count=server.request_count,
        tables=tables,
        left=tuple(sorted(path.name for path in folder.iterdir())),
    )


def faults(ended: Ended, words: str, clean: Ended) -> list[str]:
    """Return what is wrong with an end that should be a line with these words, or the answer."""
    found = []
    text = ended.outcome.stderr
    if ended.seconds > DEADLINE_SECONDS + GRACE_SECONDS:
        found.append(f"it took {ended.seconds:.1f} s")
    if "Traceback" in text or "Warning" in text:
        found.append(f"it printed {text[-300:]!r}")
    if any(not line.startswith("istio-usage: ") for line in text.splitlines()):
        found.append(f"a line of stderr is none of its own: {text[:300]!r}")
    if words:
        found += _faults_of_line(ended, words)
    elif ended.outcome.status or ended.tables != clean.tables:
        found.append(f"not the answer: {ended.line or 'other tables'}")
    elif ended.left != clean.left:
        found.append(f"left behind: {ended.left}")
    return found


def _faults_of_line(ended: Ended, words: str) -> list[str]:
    found = []
    if ended.outcome.status != 1 or words not in ended.line:
        found.append(f"status {ended.outcome.status}: {ended.line or 'answered'}")
    if ended.outcome.stdout:
        found.append(f"stdout has {ended.outcome.stdout[:100]!r}")
    # The folder of what is kept is whole in itself; the same command goes on from it.
    if set(ended.left) - {"mesh.partial"}:
        found.append(f"left behind: {ended.left}")
    return found
