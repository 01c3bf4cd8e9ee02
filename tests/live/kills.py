"""Collections in processes that are ended without warning, before any of their steps on files."""

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path

from analyzer.errors import AnalyzerError
from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from tests.live.processes import PROCESSES

_STEPS = frozenset({"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"})
"""What Python reports before it changes a file; files that are opened to be read do not count."""

_PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a collection ended: its steps on files by name, and the line of its failure, if any."""

    steps: tuple[str, ...]
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collecting:
    """A collection in a process of its own."""

    process: BaseProcess
    pipe: Pipe

    def result(self) -> Ended | None:
        """Wait for its end; None if it was killed."""
        ended: Ended | None = None
        with contextlib.suppress(EOFError):
            if self.pipe.poll(_PATIENCE_SECONDS):
                ended = self.pipe.recv()
        self.process.join(_PATIENCE_SECONDS)
        assert not self.process.is_alive(), "the collection hangs"
        return ended

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self.process.join(_PATIENCE_SECONDS)


def collecting(url: str, ask: Ask, target: Path, now: datetime, *, fatal: int = 0) -> Collecting:
    """Begin to collect in another process.

    Args:
        url: of the server.
        ask: the question.
        target: the folder of the snapshot.
        now: the time.
        fatal: before which step on a file it ends without warning; 0: before none.
    """
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_collect, args=(url, ask, target, now, fatal, theirs))
    process.start()
    theirs.close()
    return Collecting(process=process, pipe=ours)


def collected(url: str, ask: Ask, target: Path, now: datetime, *, force: bool = False) -> list[str]:
    """Collect in this process and return the notes."""
    notes: list[str] = []
    with Connection(Access(url=url)) as source:
        collect_snapshot(source, ask, target, now=now, force=force, note=notes.append)
    return notes


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of each file."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A question, another one, and the snapshots of both when nothing goes wrong."""

    url: str
    now: datetime
    ask: Ask
    other: Ask
    whole: dict[str, bytes]
    whole_of_other: dict[str, bytes]
    steps: tuple[str, ...]

    @classmethod
    def of(cls, url: str, now: datetime, ask: Ask, other: Ask, folder: Path) -> "Reference":
        """Collect both."""
        ended = collecting(url, ask, folder / "whole", now).result()
        assert ended is not None
        assert not ended.failure, ended.failure
        collected(url, other, folder / "other", now)
        return cls(
            url=url,
            now=now,
            ask=ask,
            other=other,
            whole=files(folder / "whole"),
            whole_of_other=files(folder / "other"),
            steps=ended.steps,
        )

    def faults_after(self, folder: Path) -> list[str]:
        """Return what is wrong after a collection into `folder`/snap was killed; nothing if all is.

        The same question must end with the same bytes, and another one must not take old chunks.
        """
        copy = folder.with_name(f"{folder.name}-copy")
        shutil.copytree(folder, copy)
        faults = []
        collected(self.url, self.ask, folder / "snap", self.now)
        if files(folder / "snap") != self.whole:
            faults.append("the same question has other bytes")
        if [path.name for path in folder.iterdir()] != ["snap"]:
            faults.append(f"left behind: {[path.name for path in folder.iterdir()]}")
        refused = _failure(lambda: collected(self.url, self.other, copy / "snap", self.now))
        if not refused and files(copy / "snap") != self.whole_of_other:
            faults.append("another question has taken old chunks")
        if refused and "another question" not in refused:
            faults.append(refused)
        return faults


def _failure(act: Callable[[], object]) -> str:
    try:
        act()
    except AnalyzerError as error:
        return str(error)
    return ""


def _collect(url: str, ask: Ask, target: Path, now: datetime, fatal: int, pipe: Pipe) -> None:
    steps: list[str] = []

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event in _STEPS and _is_change(event, arguments, target.parent):
            steps.append(event)
            if len(steps) == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    failure = _failure(lambda: collected(url, ask, target, now))
    pipe.send(Ended(steps=tuple(steps), failure=failure))


def _is_change(event: str, arguments: tuple[object, ...], folder: Path) -> bool:
    """Return whether a step changes something in `folder`."""
    path, *_, flags = arguments
    if event == "open" and not (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)):
        return False
    # In an open folder files have names without a path.
    name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else "/"
    return not name.startswith("/") or name.startswith(str(folder))
