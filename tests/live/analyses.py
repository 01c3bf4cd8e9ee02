"""Runs of `analyze` at a chosen time, in processes that are ended while they report."""

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final, NoReturn, Self

import pytest
from matplotlib.figure import Figure

from analyzer.cli import main, measuring
from analyzer.report import write
from analyzer.report.charts.style import DPI, figure_bytes
from tests.live.command import Outcome
from tests.live.processes import PROCESSES

_PATIENCE_SECONDS = 120

_PATCH: Final = pytest.MonkeyPatch()
"""Of a process that only runs one command: nothing is ever put back."""

DRAWING = "drawing"
"""Between the second chart and the third."""


def analyzed(
    arguments: Sequence[object], folder: Path, now: datetime, *, fatal: str = ""
) -> Outcome:
    """Run `analyze` in another process.

    Args:
        arguments: of the command.
        folder: for its output.
        now: what its clock shows.
        fatal: where it ends without warning: `DRAWING`, or before a file of this name is at its
            place; "": nowhere.
    """
    streams = [folder / name for name in ("stdout", "stderr")]
    for stream in streams:
        stream.write_text("")
    work = (list(map(str, arguments)), streams, now, fatal)
    process = PROCESSES.Process(target=_analyze, args=work)
    process.start()
    process.join(_PATIENCE_SECONDS)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"no end in {_PATIENCE_SECONDS} s")
    stdout, stderr = (path.read_text() for path in streams)
    return Outcome(status=process.exitcode, stdout=stdout, stderr=stderr)


def _analyze(arguments: list[str], streams: list[Path], now: datetime, fatal: str) -> None:
    for descriptor, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_WRONLY), descriptor)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(now.timestamp(), tz)

    _PATCH.setattr(measuring, "datetime", Clock)
    if fatal == DRAWING:
        _die_drawing()
    elif fatal:
        sys.addaudithook(lambda event, values: _die_before(fatal, event, values))
    sys.argv = ["istio-usage", "analyze", *arguments]
    main()


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody is here")


def _die_before(name: str, event: str, values: tuple[object, ...]) -> None:
    if event == "os.rename" and str(values[1]).endswith(f"/{name}"):
        _die()


def _die_drawing() -> None:
    drawn: list[Figure] = []

    def third(figure: Figure, file_format: str = "png", *, dpi: int = DPI) -> bytes:
        drawn.append(figure)
        if len(drawn) == 3:
            _die()
        return figure_bytes(figure, file_format, dpi=dpi)

    _PATCH.setattr(write, "figure_bytes", third)


def left(folder: Path) -> list[str]:
    """Return the names of files that are not whole, anywhere below a folder."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(path.name for path in folder.rglob("*") if path.suffix == ".tmp")
    return []
