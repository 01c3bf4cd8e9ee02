"""Collections in processes that are ended without warning, before any of their steps on files."""

import multiprocessing
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

_STEPS = frozenset({"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "fcntl.flock"})
"""What Python reports before it changes or opens a file."""

_PATIENCE_SECONDS = 120

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.live.kills"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a collection ended: its steps on files, and the line of its failure, if any."""

    steps: int
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collecting:
    """A collection in a process of its own."""

    process: BaseProcess
    pipe: Pipe

    def result(self) -> Ended | None:
        """Wait for its end; None if it was killed."""
        try:
            ended: Ended = self.pipe.recv() if self.pipe.poll(_PATIENCE_SECONDS) else None
        except EOFError:
            ended = None
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
    ours, theirs = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_collect, args=(url, ask, target, now, fatal, theirs))
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
    steps: int

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
    taken = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal taken
        # Python may open modules and the random device meanwhile: those steps are no collection's.
        if event not in _STEPS or not _is_below(arguments, target.parent):
            return
        taken += 1
        if taken == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    failure = _failure(lambda: collected(url, ask, target, now))
    pipe.send(Ended(steps=taken, failure=failure))


def _is_below(arguments: tuple[object, ...], folder: Path) -> bool:
    """Return whether a step is on a file in `folder`; files within an open folder have no path."""
    path = arguments[0]
    if not isinstance(path, str | bytes | os.PathLike):
        return True
    text = os.fsdecode(path)
    return not text.startswith("/") or text.startswith(str(folder))
